//! An owner's message in a project's chat, and the answer that a job writes below it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::assistant::explaining::{Explanation, Fact};
use crate::assistant::provider::Usage;
use crate::db::ids::{ContainerId, MessageId, ProjectId, UserId};
use crate::db::schema::{chat_messages, message_cost_tracker};
use crate::identity::Principal;
use crate::queue::{self, Kind, NewJob};
use crate::runtime::Entropy;

/// Characters of a message, links of it, and characters of a link.
pub const LONGEST_MESSAGE: usize = 4_000;
pub const MOST_LINKS: usize = 10;
const LONGEST_LINK: usize = 2_000;

/// A message that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub text: String,
    pub links: Vec<String>,
    /// The conversation that it goes on; a new one without.
    pub session: Option<String>,
}

/// What is wrong with the text and with the links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    pub text: Option<String>,
    pub links: Option<String>,
}

impl NewMessage {
    /// # Errors
    /// What is wrong, field by field.
    pub fn read(text: &str, links: &str, session: &str) -> Result<Self, Refused> {
        let mut refused = Refused::default();
        let text = text.replace("\r\n", "\n").replace('\0', "").trim().to_owned();
        if text.is_empty() {
            refused.text = Some("Write a message.".to_owned());
        } else if text.chars().count() > LONGEST_MESSAGE {
            refused.text = Some(format!("Use at most {LONGEST_MESSAGE} characters."));
        }
        let links: Vec<String> = links.split_whitespace().map(str::to_owned).collect();
        let is_link = |text: &String| {
            text.len() <= LONGEST_LINK
                && Url::parse(text)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if links.len() > MOST_LINKS {
            refused.links = Some(format!("Use at most {MOST_LINKS} links."));
        } else if !links.iter().all(is_link) {
            refused.links =
                Some("Write addresses that begin with http:// or https://, a line each.".to_owned());
        }
        if refused != Refused::default() {
            return Err(refused);
        }
        let session = Some(session).filter(|session| !session.is_empty() && session.len() <= 255);
        Ok(Self { text, links, session: session.map(str::to_owned) })
    }
}

/// Writes an event of a chat, which has ended when it is told; answers its id.
fn tell(
    conn: &mut PgConnection,
    (kind, title): (&str, &str),
    (project, user): (ProjectId, Option<UserId>),
    message: Uuid,
    metadata: &Value,
) -> QueryResult<String> {
    let id = format!("evt_{}", Entropy.uuid().simple());
    diesel::sql_query(
        "INSERT INTO public.\"ActivityEvent\" (id, \"projectId\", \"userId\", \"eventType\", \"entityType\", \"entityId\", title, \
             metadata, status, \"createdAt\", \"updatedAt\") \
         VALUES ($1, $2, $3, $4::public.\"ActivityEventType\", 'chat_message', $5, $6, $7, 'COMPLETED', \
             timezone('UTC', now()), timezone('UTC', now()))",
    )
    .bind::<Text, _>(&id)
    .bind::<Text, _>(project.to_string())
    .bind::<Nullable<Text>, _>(user.map(|user| user.to_string()))
    .bind::<Text, _>(kind)
    .bind::<Text, _>(message.to_string())
    .bind::<Text, _>(title)
    .bind::<Jsonb, _>(metadata)
    .execute(conn)?;
    Ok(id)
}

/// Sends a message, and asks for its answer. Answers its conversation.
pub fn say(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    container: ContainerId,
    message: &NewMessage,
) -> QueryResult<(String, MessageId)> {
    let new = || format!("chat_{}", Entropy.uuid().simple());
    let session = message.session.clone().unwrap_or_else(new);
    let attachments: Vec<Value> =
        message.links.iter().map(|link| json!({ "name": link, "url": link })).collect();
    let request = principal.origin.request_id.clone();
    let id: Uuid = diesel::insert_into(chat_messages::table)
        .values((
            chat_messages::container_id.eq(container.0),
            chat_messages::session_id.eq(&session),
            chat_messages::role.eq("user"),
            chat_messages::content.eq(&message.text),
            chat_messages::attachments.eq(Some(json!(attachments))),
            chat_messages::metadata.eq(Some(json!({ "request_id": request }))),
        ))
        .returning(chat_messages::id)
        .get_result(conn)?;
    let told = json!({ "session_id": session, "request_id": request });
    let sent = tell(conn, ("CHAT_MESSAGE_SENT", "A message was sent"), (project, principal.user), id, &told)?;
    let job = NewJob::of(Kind::AnswerMessage)
        .keyed(format!("answer {id}"))
        .with(json!({ "project": project.to_string(), "message": id, "sent": sent }));
    queue::enqueue(conn, &job)?;
    Ok((session, MessageId(id)))
}

/// A message that waits for its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    pub container: ContainerId,
    pub session: String,
    pub text: String,
}

/// The message, unless it was answered already or is gone.
pub fn unanswered(conn: &mut PgConnection, message: Uuid) -> QueryResult<Option<Asked>> {
    let found: Option<(Option<Uuid>, String, String)> = chat_messages::table
        .find(message)
        .select((chat_messages::container_id, chat_messages::session_id, chat_messages::content))
        .first(conn)
        .optional()?;
    let Some((Some(container), session, text)) = found else { return Ok(None) };
    let answers = chat_messages::table
        .filter(chat_messages::container_id.eq(container))
        .filter(chat_messages::session_id.eq(&session))
        .filter(
            diesel::dsl::sql::<diesel::sql_types::Bool>("metadata->>'answers' = ")
                .bind::<Text, _>(message.to_string()),
        )
        .select(chat_messages::id);
    let is_answered: bool = diesel::select(diesel::dsl::exists(answers)).get_result(conn)?;
    Ok((!is_answered).then_some(Asked { container: ContainerId(container), session, text }))
}

/// What stands under an answer: who gave it, and for how much.
#[derive(Debug, Clone)]
pub struct AnsweredBy {
    /// As cost records name it.
    pub model: String,
    /// For people.
    pub words: String,
    /// US dollars for a million tokens in, and out.
    pub prices: Option<(f64, f64)>,
}

/// Writes an answer with what it cost.
pub fn answer(
    conn: &mut PgConnection,
    (project, owner): (ProjectId, Option<UserId>),
    (message, sent): (Uuid, &str),
    asked: &Asked,
    (explanation, facts): (&Explanation, &[Fact]),
    by: &AnsweredBy,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let about: Vec<Value> = explanation
        .about
        .iter()
        .filter_map(|index| facts.get(*index))
        .filter_map(|fact| Some(json!({ "entry": fact.entry.as_ref()?, "text": fact.text })))
        .collect();
    let metadata = json!({ "answers": message, "answered_by": by.words, "about": about });
    let id: Uuid = diesel::insert_into(chat_messages::table)
        .values((
            chat_messages::container_id.eq(asked.container.0),
            chat_messages::session_id.eq(&asked.session),
            chat_messages::role.eq("assistant"),
            chat_messages::content.eq(&explanation.text),
            chat_messages::metadata.eq(Some(&metadata)),
        ))
        .returning(chat_messages::id)
        .get_result(conn)?;
    let usage = explanation.usage;
    #[expect(clippy::cast_precision_loss, reason = "tokens of one answer")]
    let dollars = by.prices.map(|(input, output)| {
        (usage.input_tokens as f64 * input + usage.output_tokens as f64 * output) / 1_000_000.0
    });
    // What the console answers by itself costs nothing; what a model without prices costs nobody knows.
    let dollars = if usage == Usage::default() { Some(0.0) } else { dollars };
    diesel::insert_into(message_cost_tracker::table)
        .values((
            message_cost_tracker::cost_id.eq(format!("cost_{}", Entropy.uuid().simple())),
            message_cost_tracker::project_id.eq(project.to_string()),
            message_cost_tracker::user_id.eq(owner.map(|owner| owner.to_string())),
            message_cost_tracker::message_id.eq(id.to_string()),
            message_cost_tracker::model.eq(&by.model),
            message_cost_tracker::input_tokens.eq(usage.input_tokens),
            message_cost_tracker::output_tokens.eq(usage.output_tokens),
            message_cost_tracker::cost_usd.eq(diesel::dsl::sql("nullif(")
                .bind::<Text, _>(dollars.map(|dollars| format!("{dollars:.6}")).unwrap_or_default())
                .sql(", '')::numeric")),
            message_cost_tracker::created_at.eq(at.timestamp_millis()),
        ))
        .execute(conn)?;
    let told = json!({ "session_id": asked.session, "caused_by": format!("event:{sent}") });
    tell(conn, ("CHAT_MESSAGE_RECEIVED", "The assistant answered"), (project, owner), id, &told)?;
    Ok(())
}
