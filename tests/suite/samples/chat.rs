//! Samples of conversations and messages.

use pilothouse::http::forms::Field;
use pilothouse::http::query::Query;
use pilothouse::web::chat::excerpt::Excerpt;
use pilothouse::web::chat::index::{ChatPage, ConversationRow, HitRow};
use pilothouse::web::chat::message::{AttachmentRow, MessageCard};
use pilothouse::web::chat::say::{Composer, RefusedMessagePage};
use pilothouse::web::chat::show::ConversationPage;
use pilothouse::web::display::{Badge, ByteSize, Link, Meta, Pager, Tone};
use pilothouse::web::prose::Prose;
use pilothouse::web::urls;

use super::frame::shell;
use super::projects::project_head;
use super::{HOSTILE, Sample, endless, timestamp};

impl Sample for ChatPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: &Query| {
            let (shell, head) = (shell("Chat"), project_head(HOSTILE));
            Self::new(shell, head, "/projects/x/chat".to_owned(), query)
        };
        let time = || timestamp();
        let row = |text: &str| ConversationRow {
            session: text.to_owned(),
            url: "/projects/x/chat?session=y".to_owned(),
            title: text.to_owned(),
            is_nameless: true,
            messages: text.to_owned(),
            roles: text.to_owned(),
            began: time(),
            last: time(),
        };
        let hit = HitRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/projects/x/chat?message=y#m-y".to_owned(),
            title: HOSTILE.to_owned(),
            role: HOSTILE.to_owned(),
            at: time(),
            excerpt: Excerpt { before: HOSTILE.to_owned(), hit: HOSTILE.to_owned(), after: endless(300) },
        };
        let search = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", Self { composer: Some(composer("")), ..page(&Query::default()) }),
            ("without a container", Self { has_container: false, ..page(&Query::default()) }),
            ("nothing matches", page(&search)),
            ("hits", Self { hits: vec![hit], ..page(&search) }),
            (
                "hostile",
                Self {
                    conversations: vec![row("Add a search field"), row(HOSTILE), row(&endless(200))],
                    notes: vec![HOSTILE.to_owned()],
                    ..page(&Query::default())
                },
            ),
        ]
    }
}

fn composer(text: &str) -> Composer {
    let field = |errors: Vec<String>| Field { value: text.to_owned(), errors };
    let errors: Vec<String> =
        Some("Write a message.".to_owned()).filter(|_| !text.is_empty()).into_iter().collect();
    Composer {
        action: "/projects/x/chat".to_owned(),
        session: text.to_owned(),
        text: field(errors.clone()),
        links: field(errors),
        hint: "The console answers.".to_owned(),
    }
}

impl Sample for RefusedMessagePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |text: &str| Self {
            shell: shell("Chat"),
            project: project_head(HOSTILE),
            errors: vec!["The message was not sent.".to_owned()],
            composer: composer(text),
        };
        vec![("hostile", page(HOSTILE)), ("endless", page(&endless(500)))]
    }
}

pub fn message_card(text: &str, speaker: &'static str, id: u128) -> MessageCard {
    let id = uuid::Uuid::from_u128(id).to_string();
    MessageCard {
        url: format!("/projects/x/chat?message={id}#m-{id}"),
        speaker,
        role: Badge::new("chat", text, Tone::Neutral),
        at: (speaker != "other").then(timestamp),
        body: Prose::new(text),
        cut: Some(text.to_owned()),
        raw_url: format!("/projects/x/chat/{id}/raw"),
        attachments: vec![
            AttachmentRow {
                name: text.to_owned(),
                url: None,
                size: Some(ByteSize::new(12_400)),
                media_type: text.to_owned(),
            },
            AttachmentRow {
                name: HOSTILE.to_owned(),
                url: urls::external("https://files.example/\"><script>"),
                size: None,
                media_type: String::new(),
            },
        ],
        more_attachments: Some(text.to_owned()),
        facts: vec![text.to_owned(), "12 tokens in".to_owned()],
        led_to: Some(Link::new(text, "/activity/x")),
        about: vec![Link::new(text, "/entries?id=x")],
        metadata: Some(text.to_owned()),
        id,
    }
}

impl Sample for ConversationPage {
    fn samples() -> Vec<(&'static str, Self)> {
        const MARKDOWN: &str = "# One\n\n### Three\n\n- a\n  1. b\n\n> quoted\n\n```sh\nls\n```\n\n| a | |\n|-|-|\n| 1 | 2 |\n\n---\n\n\
            ~~struck~~ **strong** *so* `code` [link](https://shop.example) https://shop.example/x";
        let page = |text: &str| Self {
            shell: shell("Conversation"),
            project: project_head(HOSTILE),
            chat_url: "/projects/x/chat".to_owned(),
            title: text.to_owned(),
            meta: vec![Meta::text(text)],
            messages: ["user", "assistant", "system", "other"]
                .into_iter()
                .zip(1..)
                .map(|(speaker, id)| message_card(text, speaker, id))
                .collect(),
            pager: Pager::default(),
            is_waiting: true,
            composer: (text != "x").then(|| composer(text)),
        };
        vec![
            ("beyond its end", Self { messages: Vec::new(), ..page("x") }),
            ("markdown", page(MARKDOWN)),
            ("hostile", page(HOSTILE)),
            ("endless", page(&endless(500))),
        ]
    }
}
