//! Finding words in a container's messages, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};

use super::SENT_AT;
use super::conversations::bound;
use crate::db::cursor::TimePosition;
use crate::db::ids::{ContainerId, MessageId};
use crate::db::spelling::containing;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// One look goes through so many messages; the next goes on from there.
pub const LOOKED_THROUGH: i64 = 2_000;
/// Only the beginning of a message is looked through, this many characters.
pub const LOOKED_INTO: usize = 10_000;

/// A message that holds the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub id: MessageId,
    /// Its conversation.
    pub session: String,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// `chat_messages.role`.
    pub role: String,
    /// How it begins, [`LOOKED_INTO`] characters.
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The messages, newest first.
    pub hits: Vec<Hit>,
    /// Where to look on; none when all messages were looked through.
    pub next: Option<TimePosition>,
}

type Row = (
    BigInt,
    Nullable<Timestamptz>,
    Nullable<Uuid>,
    Nullable<Uuid>,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Text>,
    Nullable<Text>,
);
type Stored = (
    i64,
    Option<DateTime<Utc>>,
    Option<uuid::Uuid>,
    Option<uuid::Uuid>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<String>,
);

/// The statement of [`messages`].
#[must_use]
pub fn statement(
    container: ContainerId,
    text: &str,
    older_than: Option<&TimePosition>,
    limit: usize,
) -> Statement<Row> {
    let mut s = Statement::new();
    s.sql("WITH seen AS MATERIALIZED (SELECT id, session_id::text AS session, ").sql(SENT_AT);
    s.sql(" AS at, role::text AS role, left(content, 10000) AS content FROM chat_messages WHERE container_id = ");
    s.text(container.to_string()).sql("::uuid");
    if let Some(position) = older_than {
        s.sql(" AND (").sql(SENT_AT);
        bound(&mut s, ", id) < (", position);
    }
    s.sql(" ORDER BY ").sql(SENT_AT).sql(" DESC, id DESC LIMIT 2000) SELECT n.seen, l.at, l.id, h.* FROM \
           (SELECT count(*) AS seen FROM seen) n LEFT JOIN (SELECT at, id FROM seen ORDER BY at, id LIMIT 1) l ON true \
           LEFT JOIN (SELECT id, session, at, role, content FROM seen WHERE content ILIKE ANY (");
    s.texts(containing(text)).sql(") ORDER BY at DESC, id DESC LIMIT ");
    s.big(i64::try_from(limit + 1).unwrap_or(i64::MAX)).sql(") h ON true ORDER BY h.at DESC, h.id DESC");
    s
}

/// The container's messages that hold `text`, older than a position.
pub fn messages(
    conn: &mut PgConnection,
    container: ContainerId,
    text: &str,
    older_than: Option<&TimePosition>,
    limit: usize,
) -> QueryResult<Found> {
    let rows: Vec<Stored> = statement(container, text, older_than, limit).load(conn)?;
    let mut next = rows.first().and_then(|(seen, at, id, ..)| {
        (*seen >= LOOKED_THROUGH).then_some(())?;
        Some(TimePosition { at: (*at)?, id: (*id)? })
    });
    let mut hits: Vec<Hit> = rows
        .into_iter()
        .filter_map(|(.., id, session, at, role, content)| {
            Some(Hit { id: MessageId(id?), session: session?, at: at?, role: role?, content: content? })
        })
        .collect();
    if hits.len() > limit {
        hits.truncate(limit);
        next = hits.last().map(|hit| TimePosition { at: hit.at, id: hit.id.0 });
    }
    Ok(Found { hits, next })
}
