//! The messages of a conversation, oldest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid};
use serde_json::Value;

use super::conversations::{COUNTED, bound};
use super::{Attachment, SENT_AT};
use crate::db::batch::{self, MOST_CHARACTERS};
use crate::db::cursor::{Page, PageStart, TimePosition};
use crate::db::ids::{ContainerId, MessageId};
use crate::db::json::StoredJson;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// A page holds no more characters of a message.
pub const LONGEST: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it stands in its conversation.
    pub position: TimePosition,
    /// Whether it was stored with a time.
    pub has_time: bool,
    /// `chat_messages.role`.
    pub role: String,
    /// What was said, at most [`LONGEST`] characters of it.
    pub content: String,
    /// How long all of it is, in bytes, when that is more than `content` holds.
    pub whole: Option<i64>,
    /// What was sent with it.
    pub attachments: Vec<Attachment>,
    /// What workers keep with it, unless that is a lot.
    pub metadata: Option<Value>,
    /// What it cost, if that is on record.
    pub cost: Option<Cost>,
}

impl Message {
    #[must_use]
    pub fn id(&self) -> MessageId {
        MessageId(self.position.id)
    }

    /// The request that it belongs to, if anybody noted that.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        let noted = self.cost.as_ref().and_then(|cost| cost.request.as_deref());
        noted.or_else(|| self.metadata.as_ref()?.get("request_id")?.as_str())
    }

    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let noted = self.cost.as_ref().and_then(|cost| cost.model.as_deref());
        noted.or_else(|| self.metadata.as_ref()?.get("model")?.as_str())
    }
}

/// A row of `message_cost_tracker`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub model: Option<String>,
    /// Tokens that went in.
    pub input: Option<i64>,
    /// Tokens that came out.
    pub output: Option<i64>,
    /// Dollars, as a decimal number.
    pub dollars: Option<String>,
    pub request: Option<String>,
}

type CostRow = (Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>, Nullable<Text>);
type Row = (Timestamptz, Uuid, Bool, Text, Text, BigInt, Nullable<Jsonb>, Nullable<Jsonb>, Bool, CostRow);
type StoredCost = (Option<String>, Option<i64>, Option<i64>, Option<String>, Option<String>);
type Stored = (
    DateTime<Utc>,
    uuid::Uuid,
    bool,
    String,
    String,
    i64,
    Option<StoredJson>,
    Option<StoredJson>,
    bool,
    StoredCost,
);

/// The statement of [`page`]. The id is made a text before it is compared: an index answers an owner only what
/// row-level security knows to tell nothing, and a cast is not among that. A message is read as far as a page shows it, and its extras only when they are
/// small: somebody may have put a whole file there.
#[must_use]
pub fn statement(
    container: ContainerId,
    session: &str,
    from: &PageStart<TimePosition>,
    limit: usize,
) -> Statement<Row> {
    let mut s = Statement::new();
    s.sql("SELECT m.at, m.id, m.has_time, m.role::text, left(m.content, 20000), octet_length(m.content)::bigint, \
           CASE WHEN octet_length(m.attachments::text) < 30000 THEN m.attachments END, \
           CASE WHEN octet_length(m.metadata::text) < 30000 THEN m.metadata END, \
           c.cost_id IS NOT NULL, c.model::text, c.input_tokens, c.output_tokens, c.cost_usd::text, c.request_id::text \
           FROM (SELECT id, id::text AS key, role, content, attachments, metadata, created_at IS NOT NULL AS has_time, ");
    s.sql(SENT_AT).sql(" AS at FROM chat_messages WHERE container_id = ").text(container.to_string());
    s.sql("::uuid AND session_id = ").text(session);
    match from {
        PageStart::Start => s.sql(" ORDER BY "),
        PageStart::Beyond(at) => {
            s.sql(" AND (").sql(SENT_AT);
            bound(&mut s, ", id) > (", at).sql(" ORDER BY ")
        }
        PageStart::Back(at) => {
            s.sql(" AND (").sql(SENT_AT);
            bound(&mut s, ", id) < (", at).sql(" ORDER BY ")
        }
    };
    s.sql(SENT_AT).sql(if matches!(from, PageStart::Back(_)) {
        " DESC, id DESC LIMIT "
    } else {
        ", id LIMIT "
    });
    s.big(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    s.sql(
        ") m LEFT JOIN LATERAL (SELECT * FROM turbobackend.message_cost_tracker c WHERE c.message_id = m.key \
           ORDER BY c.cost_id LIMIT 1) c ON true ORDER BY m.at, m.id",
    );
    s
}

/// A page of the conversation `session`.
pub fn page(
    conn: &mut PgConnection,
    container: ContainerId,
    session: &str,
    from: &PageStart<TimePosition>,
    limit: usize,
) -> QueryResult<Page<Message>> {
    let mut rows: Vec<Stored> = statement(container, session, from, limit).load(conn)?;
    if matches!(from, PageStart::Back(_)) {
        rows.reverse();
    }
    Ok(Page::of(rows.into_iter().map(message).collect(), limit, from))
}

/// How many messages of the conversation come before `position`; more than [`COUNTED`] are not counted.
pub fn before(
    conn: &mut PgConnection,
    container: ContainerId,
    session: &str,
    position: &TimePosition,
) -> QueryResult<i64> {
    let mut s = Statement::<BigInt>::new();
    s.sql("SELECT count(*) FROM (SELECT FROM chat_messages WHERE container_id = ")
        .text(container.to_string());
    s.sql("::uuid AND session_id = ").text(session).sql(" AND (").sql(SENT_AT);
    bound(&mut s, ", id) < (", position).sql(" LIMIT ").big(COUNTED + 1).sql(") earlier");
    s.get_result(conn)
}

fn message(row: Stored) -> Message {
    let (at, id, has_time, role, content, bytes, attachments, metadata, has_cost, cost) = row;
    let (model, input, output, dollars, request) = cost;
    Message {
        position: TimePosition { at, id },
        has_time,
        role,
        whole: i64::try_from(content.len()).is_ok_and(|shown| shown < bytes).then_some(bytes),
        content,
        attachments: attachments.map(|json| Attachment::from_stored(&json.into())).unwrap_or_default(),
        metadata: metadata.map(Value::from),
        cost: has_cost.then_some(Cost { model, input, output, dollars, request }),
    }
}

/// Where a message of the container stands: its conversation, and its place there.
pub fn place(
    conn: &mut PgConnection,
    container: ContainerId,
    id: MessageId,
) -> QueryResult<Option<(String, TimePosition)>> {
    let mut s = Statement::<(Text, Timestamptz, Uuid)>::new();
    s.sql("SELECT session_id::text, ")
        .sql(SENT_AT)
        .sql(", id FROM chat_messages WHERE id = ")
        .text(id.to_string());
    s.sql("::uuid AND container_id = ").text(container.to_string()).sql("::uuid");
    let found: Option<(String, DateTime<Utc>, uuid::Uuid)> = s.get_result(conn).optional()?;
    Ok(found.map(|(session, at, id)| (session, TimePosition { at, id })))
}

/// A piece of a message's text as it was written, from the character `from` on (the first is 1), and where it goes on.
pub fn raw(
    conn: &mut PgConnection,
    container: ContainerId,
    id: MessageId,
    from: i64,
) -> QueryResult<Option<(String, Option<i64>)>> {
    let mut s = Statement::<Text>::new();
    s.sql("SELECT substr(content, ").big(from).sql("::integer, ").big(MOST_CHARACTERS);
    s.sql("::integer) FROM chat_messages WHERE id = ").text(id.to_string());
    s.sql("::uuid AND container_id = ").text(container.to_string()).sql("::uuid");
    let found: Option<String> = s.get_result(conn).optional()?;
    Ok(found.map(|text| {
        let next = batch::is_cut(&text).then_some(from + MOST_CHARACTERS);
        (text, next)
    }))
}
