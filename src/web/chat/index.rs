//! The conversations of a project, or the messages that hold a text.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::excerpt::Excerpt;
use super::speakers;
use crate::chat::Role;
use crate::chat::conversations::{self, COUNTED, Conversation};
use crate::chat::search::{self, Found, Hit};
use crate::containers::queries::projects_in;
use crate::db::cursor::{PageStart, TimePosition};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::queries;
use crate::web::display::{Chips, Pager, beginning, counted, grouped, visible};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::prose::Prose;
use crate::web::sample::{HOSTILE, Sample, endless};
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::{lists, urls};

/// A project's chat.
#[derive(Debug, Template)]
#[template(path = "chat/index.html")]
pub struct ChatPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// This page without filters.
    pub action: String,
    /// What was searched for.
    pub q: String,
    /// The search, if one is on.
    pub chips: Chips,
    /// Whether there is a container to talk to.
    pub has_container: bool,
    /// Who else is heard here, or what is not listed.
    pub notes: Vec<String>,
    pub conversations: Vec<ConversationRow>,
    /// The messages that hold what was searched for.
    pub hits: Vec<HitRow>,
    /// The neighbouring pages.
    pub pager: Pager,
}

#[derive(Debug, Clone)]
pub struct ConversationRow {
    pub session: String,
    /// Its page.
    pub url: String,
    /// How it begins.
    pub title: String,
    /// Whether its messages name no conversation.
    pub is_nameless: bool,
    pub messages: String,
    /// Who speaks.
    pub roles: String,
    pub began: Timestamp,
    /// When something was last said.
    pub last: Timestamp,
}

impl ConversationRow {
    fn new(path: &str, conversation: &Conversation, now: DateTime<Utc>, zone: Tz) -> Self {
        let count = conversation.messages;
        Self {
            url: urls::with_query(path, &[("session", conversation.session.as_str())]),
            session: conversation.session.clone(),
            title: title(&conversation.first_words),
            is_nameless: conversation.session.trim().is_empty(),
            messages: if count > COUNTED {
                format!("more than {} messages", grouped(COUNTED))
            } else {
                counted(usize::try_from(count).unwrap_or_default(), "message", "messages")
            },
            roles: speakers(&conversation.roles),
            began: Timestamp::new(conversation.began_at, now, zone),
            last: Timestamp::new(conversation.last.at, now, zone),
        }
    }
}

/// What a conversation is called: its first words.
pub(super) fn title(first_words: &str) -> String {
    let words = visible(&Prose::new(first_words).words());
    match beginning(&words, 120) {
        ("", _) => "Without words".to_owned(),
        (start, true) => format!("{start}…"),
        (start, false) => start.to_owned(),
    }
}

/// One message that holds what was searched for.
#[derive(Debug, Clone)]
pub struct HitRow {
    pub id: String,
    /// Where it stands in its conversation.
    pub url: String,
    /// Who says it.
    pub role: String,
    /// When.
    pub at: Timestamp,
    /// The words around it.
    pub excerpt: Excerpt,
}

impl HitRow {
    fn new(path: &str, hit: &Hit, wanted: &str, now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            id: hit.id.to_string(),
            url: urls::message(path, hit.id),
            role: Role::from_stored(&hit.role).label().to_owned(),
            at: Timestamp::new(hit.at, now, zone),
            excerpt: Excerpt::new(&hit.content, wanted),
        }
    }
}

/// Which rows the page shows.
enum Rows {
    Conversations(conversations::Conversations),
    Hits(Found, usize),
    None,
}

/// Shows the list.
///
/// # Errors
/// 404 for a project that the viewer can't see; 400 for a position that makes no sense.
pub async fn index(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let (asked, now) = (query.clone(), authed.app.clock.now());
    let (viewer, (project, rows, others)) = authed
        .read(move |conn, _| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let (limit, from) = (lists::limit(&asked)?, lists::from_time(&asked)?);
            let Some(container) = project.container.as_ref().map(|container| container.id) else {
                return Ok((project, Rows::None, Vec::new()));
            };
            let rows = match asked.first("q").map(str::trim) {
                None => Rows::Conversations(conversations::page(conn, container, &from, limit)?),
                Some(text) => {
                    let older_than = match &from {
                        PageStart::Beyond(position) => Some(position),
                        PageStart::Start | PageStart::Back(_) => None,
                    };
                    let found = search::messages(conn, container, text, older_than, limit)?;
                    Rows::Hits(found, limit)
                }
            };
            let mut others = projects_in(conn, container)?;
            others.retain(|(other, _)| *other != id);
            Ok((project, rows, others))
        })
        .await?;
    let (zone, path) = (viewer.zone, urls::project_part(id, "chat"));
    let head = ProjectHead::new(&project, "chat", now, zone);
    let shell = authed
        .shell(&viewer, format!("Chat of {}", project.name))
        .watching_project(project.id)
        .with_breadcrumbs(head.crumbs(Some("Chat")));
    let mut page = ChatPage::new(shell, head, path, &query);
    page.has_container = project.container.is_some();
    if !others.is_empty() {
        let names: Vec<_> = others.into_iter().map(|(_, name)| name).collect();
        page.notes
            .push(format!("The same container serves {}, so this chat is theirs too.", names.join(", ")));
    }
    page.fill(rows, &query, now, zone);
    authed.page(StatusCode::OK, &page)
}

impl ChatPage {
    fn new(shell: Shell, project: ProjectHead, action: String, query: &Query) -> Self {
        Self {
            shell,
            project,
            q: query.first("q").unwrap_or_default().to_owned(),
            chips: lists::chips(&action, query, &[("q", &|value| format!("“{value}”"))]),
            action,
            has_container: true,
            notes: Vec::new(),
            conversations: Vec::new(),
            hits: Vec::new(),
            pager: Pager::default(),
        }
    }

    fn fill(&mut self, rows: Rows, query: &Query, now: DateTime<Utc>, zone: Tz) {
        let path = self.action.as_str();
        match rows {
            Rows::Conversations(found) => {
                self.pager =
                    lists::pager(path, query, &found.page, ("conversation", "conversations"), |row| {
                        row.last.listed()
                    });
                self.conversations =
                    found.page.rows.iter().map(|row| ConversationRow::new(path, row, now, zone)).collect();
                if found.is_cut {
                    self.notes.push(format!(
                        "There are more than {} conversations. The others are found by searching.",
                        grouped(i64::try_from(conversations::MOST_LISTED).unwrap_or(i64::MAX))
                    ));
                }
            }
            Rows::Hits(found, limit) => {
                let next = found.next.as_ref().map(TimePosition::listed).map(|position| {
                    let mut pairs = query.without(&["before", "after"]);
                    pairs.push(("before".to_owned(), position.to_string()));
                    urls::with_query(path, &pairs)
                });
                let shown = counted(found.hits.len(), "message", "messages");
                let looked_on = found.hits.len() < limit;
                self.pager = Pager {
                    shown: match (&found.next, looked_on) {
                        (Some(until), true) => {
                            format!("{shown} back to {}", Timestamp::new(until.at, now, zone).precise)
                        }
                        (Some(_), false) => format!("{shown} on this page"),
                        (None, _) => shown,
                    },
                    newer: None,
                    older: next,
                };
                self.hits =
                    found.hits.iter().map(|hit| HitRow::new(path, hit, self.q.trim(), now, zone)).collect();
            }
            Rows::None => {}
        }
    }
}

impl Sample for ChatPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: &Query| {
            let (shell, head) = (Shell::sample("Chat"), ProjectHead::sample(HOSTILE));
            Self::new(shell, head, "/projects/x/chat".to_owned(), query)
        };
        let time = || Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC);
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
            role: HOSTILE.to_owned(),
            at: time(),
            excerpt: Excerpt { before: HOSTILE.to_owned(), hit: HOSTILE.to_owned(), after: endless(300) },
        };
        let search = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", page(&Query::default())),
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
