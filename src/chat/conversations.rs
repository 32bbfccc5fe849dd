//! The conversations of a container, the one that was last spoken in first.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid};

use super::SENT_AT;
use crate::db::cursor::{Page, PageStart, TimePosition};
use crate::db::ids::ContainerId;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// A container's list knows of no more conversations.
pub const MOST_LISTED: usize = 10_000;
/// Messages of a conversation are counted up to here.
pub const COUNTED: i64 = 1_000;

/// One conversation as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// `chat_messages.session_id`; empty for messages that name none.
    pub session: String,
    /// Its newest message.
    pub last: TimePosition,
    /// When its first message was sent.
    pub began_at: DateTime<Utc>,
    /// How its first message of a user begins, or its first message.
    pub first_words: String,
    /// The roles that speak in its first messages.
    pub roles: Vec<String>,
    /// How many messages it has; more than [`COUNTED`] are not counted.
    pub messages: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversations {
    /// The rows.
    pub page: Page<Conversation>,
    /// Whether there are more than [`MOST_LISTED`], so that some are not listed.
    pub is_cut: bool,
}

type Row = (Text, Timestamptz, Uuid, Text, Timestamptz, Array<Text>, BigInt, Bool);
type Stored = (String, DateTime<Utc>, uuid::Uuid, String, DateTime<Utc>, Vec<String>, i64, bool);

/// The statement of [`page`]. The newest message of each conversation is found by stepping from one
/// `session_id` to the next, so that long conversations cost no more than short ones.
#[must_use]
pub fn statement(container: ContainerId, from: &PageStart<TimePosition>, limit: usize) -> Statement<Row> {
    let id = container.to_string();
    let mut s = Statement::new();
    s.sql("WITH RECURSIVE newest AS ((SELECT session_id, ")
        .sql(SENT_AT)
        .sql(" AS at, id FROM chat_messages WHERE container_id = ");
    s.text(&id).sql("::uuid ORDER BY session_id DESC, ").sql(SENT_AT).sql(" DESC, id DESC LIMIT 1) ");
    s.sql("UNION ALL SELECT n.session_id, n.at, n.id FROM newest o CROSS JOIN LATERAL (SELECT session_id, ");
    s.sql(SENT_AT).sql(" AS at, id FROM chat_messages m WHERE m.container_id = ").text(&id);
    s.sql("::uuid AND m.session_id < o.session_id ORDER BY session_id DESC, ").sql(SENT_AT);
    s.sql(
        " DESC, id DESC LIMIT 1) n), known AS (SELECT * FROM newest LIMIT 10001), \
           page AS (SELECT * FROM (SELECT * FROM known LIMIT 10000) k",
    );
    match from {
        PageStart::Start => s.sql(" ORDER BY at DESC, id DESC LIMIT "),
        PageStart::Beyond(at) => {
            bound(&mut s, " WHERE (at, id) < (", at).sql(" ORDER BY at DESC, id DESC LIMIT ")
        }
        PageStart::Back(at) => bound(&mut s, " WHERE (at, id) > (", at).sql(" ORDER BY at, id LIMIT "),
    };
    s.big(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    s.sql(")");
    summaries(&mut s, &id, "(SELECT count(*) > 10000 FROM known)");
    s
}

/// Adds what is shown of each conversation in `page`.
fn summaries(s: &mut Statement<Row>, container: &str, is_cut: &'static str) {
    s.sql(" SELECT p.session_id::text, p.at, p.id, f.words, f.began_at, f.roles, c.messages, ").sql(is_cut);
    s.sql(" FROM page p CROSS JOIN LATERAL (\
           SELECT min(b.at) AS began_at, (array_agg(b.words ORDER BY b.role <> 'user', b.at, b.id))[1] AS words, \
           array_agg(DISTINCT b.role) AS roles FROM (SELECT ").sql(SENT_AT);
    s.sql(" AS at, id, role::text AS role, left(content, 400) AS words FROM chat_messages m WHERE m.container_id = ");
    s.text(container).sql("::uuid AND m.session_id = p.session_id ORDER BY ").sql(SENT_AT).sql(", id LIMIT 12) b) f \
           CROSS JOIN LATERAL (SELECT count(*) AS messages FROM (SELECT 1 FROM chat_messages m WHERE m.container_id = ");
    s.text(container)
        .sql("::uuid AND m.session_id = p.session_id LIMIT 1001) b) c ORDER BY p.at DESC, p.id DESC");
}

pub(super) fn bound<'a, R>(
    s: &'a mut Statement<R>,
    is: &'static str,
    at: &TimePosition,
) -> &'a mut Statement<R> {
    s.sql(is).timestamp(at.at.naive_utc()).sql(" AT TIME ZONE 'UTC', ").text(at.id.to_string()).sql("::uuid)")
}

/// A page of the container's conversations.
pub fn page(
    conn: &mut PgConnection,
    container: ContainerId,
    from: &PageStart<TimePosition>,
    limit: usize,
) -> QueryResult<Conversations> {
    let mut rows: Vec<Stored> = statement(container, from, limit).load(conn)?;
    let is_cut = rows.first().is_some_and(|row| row.7);
    if matches!(from, PageStart::Back(_)) {
        // A page cuts what is farthest from its position.
        rows.reverse();
    }
    let rows = rows.into_iter().map(conversation).collect();
    Ok(Conversations { page: Page::of(rows, limit, from), is_cut })
}

fn conversation(row: Stored) -> Conversation {
    let (session, at, id, first_words, began_at, roles, messages, _) = row;
    Conversation { session, last: TimePosition { at, id }, began_at, first_words, roles, messages }
}

/// The container's conversation `session`, if it has a message.
pub fn find(
    conn: &mut PgConnection,
    container: ContainerId,
    session: &str,
) -> QueryResult<Option<Conversation>> {
    let id = container.to_string();
    let mut s = Statement::<Row>::new();
    s.sql("WITH page AS (SELECT session_id, ")
        .sql(SENT_AT)
        .sql(" AS at, id FROM chat_messages WHERE container_id = ");
    s.text(&id).sql("::uuid AND session_id = ").text(session).sql(" ORDER BY ").sql(SENT_AT);
    s.sql(" DESC, id DESC LIMIT 1)");
    summaries(&mut s, &id, "false");
    Ok(s.get_result::<Stored>(conn).optional()?.map(conversation))
}

/// How each of the container's conversations `sessions` begins, by its name.
pub fn first_words(
    conn: &mut PgConnection,
    container: ContainerId,
    sessions: Vec<String>,
) -> QueryResult<HashMap<String, String>> {
    let mut s = Statement::<(Text, Nullable<Text>)>::new();
    s.sql("SELECT w.session, (SELECT (array_agg(b.words ORDER BY b.role <> 'user', b.at, b.id))[1] FROM (SELECT ");
    s.sql(SENT_AT).sql(" AS at, id, role::text AS role, left(content, 400) AS words FROM chat_messages m WHERE m.container_id = ");
    s.text(container.to_string()).sql("::uuid AND m.session_id = w.session ORDER BY ").sql(SENT_AT);
    s.sql(", id LIMIT 12) b) FROM unnest(").texts(sessions).sql(") w (session)");
    let rows: Vec<(String, Option<String>)> = s.load(conn)?;
    Ok(rows.into_iter().map(|(session, words)| (session, words.unwrap_or_default())).collect())
}
