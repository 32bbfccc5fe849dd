//! A message as a page shows it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
use crate::chat::messages::{LONGEST, Message};
use crate::chat::{Attachment, Role};
use crate::db::ids::ProjectId;
use crate::web::display::{Badge, ByteSize, Link, beginning, grouped, visible};
use crate::web::prose::Prose;
use crate::web::time::Timestamp;
use crate::web::urls;

/// See `templates/chat/_message.html`.
#[derive(Debug, Clone)]
pub struct MessageCard {
    pub id: String,
    /// `user`, `assistant`, `system` or `other`.
    pub speaker: &'static str,
    /// Who says it.
    pub role: Badge,
    /// Where it always is.
    pub url: String,
    /// When it was sent; none when that was not stored.
    pub at: Option<Timestamp>,
    /// What it says.
    pub body: Prose,
    /// What is missing.
    pub cut: Option<String>,
    /// All of it, as it was written.
    pub raw_url: String,
    /// What was sent with it.
    pub attachments: Vec<AttachmentRow>,
    /// What is not shown of that.
    pub more_attachments: Option<String>,
    /// Model, tokens, cost.
    pub facts: Vec<String>,
    /// What came of it.
    pub led_to: Option<Link>,
    /// Entries that it rests on.
    pub about: Vec<Link>,
    /// What workers keep with it, indented.
    pub metadata: Option<String>,
}

#[derive(Debug, Clone)]
pub struct AttachmentRow {
    pub name: String,
    /// Where it is, when that is safe to follow.
    pub url: Option<String>,
    pub size: Option<ByteSize>,
    pub media_type: String,
}

impl AttachmentRow {
    fn new(attachment: &Attachment) -> Self {
        Self {
            name: shortened(&attachment.name, 300),
            url: attachment.address.as_deref().and_then(urls::external),
            size: attachment.size.map(ByteSize::new),
            media_type: shortened(attachment.media_type.as_deref().unwrap_or_default(), 100),
        }
    }
}

fn shortened(text: &str, length: usize) -> String {
    let (start, more) = beginning(text, length);
    if more { format!("{}…", visible(start)) } else { visible(start) }
}

/// A message shows so many attachments.
const MOST_ATTACHMENTS: usize = 20;

impl MessageCard {
    #[must_use]
    pub fn new(
        message: &Message,
        (project, person): (ProjectId, &str),
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let role = Role::from_stored(&message.role);
        let body = Prose::new(&message.content);
        let cut = match message.whole {
            Some(bytes) => Some(format!(
                "Only the first {} characters are shown, of {}.",
                grouped(i64::try_from(LONGEST).unwrap_or(i64::MAX)),
                ByteSize::new(bytes).exact
            )),
            None if body.is_cut => Some("Only a part is shown, because it has too many elements.".to_owned()),
            None => None,
        };
        let hidden = message.attachments.len().saturating_sub(MOST_ATTACHMENTS);
        Self {
            id: message.id().to_string(),
            speaker: match role {
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::System => "system",
                Role::Other(_) => "other",
            },
            role: badge(&role, person),
            url: urls::message(&urls::project_part(project, "chat"), message.id()),
            at: message.has_time.then(|| Timestamp::new(message.position.at, now, zone)),
            body,
            cut,
            raw_url: urls::raw_message(project, message.id()),
            attachments: message.attachments.iter().take(MOST_ATTACHMENTS).map(AttachmentRow::new).collect(),
            more_attachments: (hidden > 0)
                .then(|| format!("and {hidden} more in the metadata of the record")),
            facts: facts(message),
            led_to: None,
            about: about(message),
            metadata: message
                .metadata
                .as_ref()
                .filter(|value| value.as_object().is_none_or(|map| !map.is_empty()) && !value.is_null())
                .and_then(|value| serde_json::to_string_pretty(value).ok()),
        }
    }
}

/// Entries that an answer of the console's names.
fn about(message: &Message) -> Vec<Link> {
    let named = message.metadata.as_ref().filter(|told| told["answers"].is_string());
    let named = named.and_then(|told| told["about"].as_array()).into_iter().flatten().take(MOST_ATTACHMENTS);
    named
        .filter_map(|one| {
            let (entry, text) = (one["entry"].as_str()?, one["text"].as_str()?);
            Some(Link::new(shortened(text, 120), urls::with_query("/entries", &[("id", entry)])))
        })
        .collect()
}

fn facts(message: &Message) -> Vec<String> {
    let by = message.metadata.as_ref().and_then(|told| told["answered_by"].as_str());
    let named = by.map(|words| shortened(words, 200));
    let named = named.or_else(|| message.model().map(|model| shortened(model, 60)));
    let mut facts: Vec<String> = named.into_iter().collect();
    // What the console answers by itself has no tokens.
    let told = message.cost.as_ref().filter(|cost| by.is_none() || cost.input != Some(0));
    if let Some(cost) = told {
        facts.extend(cost.input.map(|tokens| format!("{} tokens in", grouped(tokens))));
        facts.extend(cost.output.map(|tokens| format!("{} out", grouped(tokens))));
        facts.extend(cost.dollars.as_ref().map(|dollars| match dollars.split_once('.') {
            Some(_) => format!("${}", dollars.trim_end_matches('0').trim_end_matches('.')),
            None => format!("${dollars}"),
        }));
    }
    facts
}
