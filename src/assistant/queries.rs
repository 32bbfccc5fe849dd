//! Reads of conversations. Row-level security decides whose.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::conversation::Conversation;
use crate::db::ids::UserId;
use crate::db::schema::{ai_assistant_sessions as sessions, claim_links};
use crate::referrals::Attribution;

/// Who talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A visitor, whose transaction sees their own session only.
    Guest,
    User(UserId),
}

impl Whose {
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Guest => None,
            Self::User(user) => Some(user),
        }
    }
}

/// A conversation with its row.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: Uuid,
    pub session_id: String,
    pub user: Option<UserId>,
    pub conversation: Conversation,
    pub attribution: Attribution,
    /// UTC.
    pub last_activity: Option<NaiveDateTime>,
    pub is_active: bool,
    /// Whether a message is being answered.
    pub is_answering: bool,
}

#[derive(Queryable)]
pub(super) struct Row {
    id: Uuid,
    session_id: String,
    user_id: Option<Uuid>,
    session_data: Option<Value>,
    developer_ref: Option<String>,
    source: Option<String>,
    attribution_chain: Option<String>,
    last_activity_at: Option<NaiveDateTime>,
    is_active: Option<bool>,
    is_answering: Option<bool>,
}

macro_rules! session_columns {
    () => {
        (
            sessions::id,
            sessions::session_id,
            sessions::user_id,
            sessions::session_data,
            sessions::developer_ref,
            sessions::source,
            sessions::attribution_chain,
            sessions::last_activity_at,
            sessions::is_active,
            sessions::answering_until.gt($crate::db::time::now.nullable()),
        )
    };
}
pub(super) use session_columns;

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            session_id: row.session_id,
            user: row.user_id.map(UserId),
            // What another program wrote there in a form of its own is an empty conversation.
            conversation: row
                .session_data
                .and_then(|data| serde_json::from_value(data).ok())
                .unwrap_or_default(),
            attribution: Attribution::of_row(row.developer_ref, row.source, row.attribution_chain),
            last_activity: row.last_activity_at,
            is_active: row.is_active.unwrap_or(false),
            is_answering: row.is_answering.unwrap_or(false),
        }
    }
}

/// The conversation that goes on, the newest of a user's.
pub fn current(conn: &mut PgConnection, whose: Whose) -> QueryResult<Option<Session>> {
    let mut query = sessions::table
        .filter(sessions::is_active.eq(true))
        .order((sessions::last_activity_at.desc(), sessions::id))
        .select(session_columns!())
        .into_boxed();
    query = match whose {
        Whose::Guest => query.filter(sessions::user_id.is_null()),
        Whose::User(user) => query.filter(sessions::user_id.eq(user.0)),
    };
    Ok(query.first::<Row>(conn).optional()?.map(Session::from))
}

pub fn by_id(conn: &mut PgConnection, id: Uuid) -> QueryResult<Option<Session>> {
    let row = sessions::table.find(id).select(session_columns!()).first::<Row>(conn).optional()?;
    Ok(row.map(Session::from))
}

/// [`by_id`], held until the transaction ends.
pub fn hold(conn: &mut PgConnection, id: Uuid) -> QueryResult<Option<Session>> {
    let row = sessions::table.find(id).select(session_columns!()).for_update().first::<Row>(conn);
    Ok(row.optional()?.map(Session::from))
}

/// One by its `session_id`.
pub fn by_session_id(conn: &mut PgConnection, session_id: &str) -> QueryResult<Option<Session>> {
    let row = sessions::table.filter(sessions::session_id.eq(session_id)).select(session_columns!());
    Ok(row.first::<Row>(conn).optional()?.map(Session::from))
}

/// Whether a link for another device waits for a session.
pub fn has_claim_link(conn: &mut PgConnection, session_id: &str) -> QueryResult<bool> {
    let links = claim_links::table
        .filter(claim_links::session_id.eq(session_id))
        .filter(claim_links::expires_at.gt(crate::db::time::now))
        .select(claim_links::session_id);
    diesel::select(diesel::dsl::exists(links)).get_result(conn)
}

diesel::define_sql_function! {
    /// What whoever holds this secret may claim: the draft's title, or nothing.
    #[sql_name = "pilothouse.claim_offer"]
    fn claim_offer(hash: diesel::sql_types::Text) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

/// The title of what the holder of a secret may claim, empty without one; nothing when there is nothing to claim.
pub fn offered(conn: &mut PgConnection, hash: &crate::db::SecretHash) -> QueryResult<Option<String>> {
    diesel::select(claim_offer(hash.as_str())).get_result(conn)
}
