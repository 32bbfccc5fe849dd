//! Reads of tokens. Row-level security decides whose.

use chrono::{DateTime, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use ipnetwork::IpNetwork;

use crate::auth::viewer::{self, ViewerRow, app_session_id, app_user_id, touch_due};
use crate::db::DbError;
use crate::db::ids::{ProjectId, TokenId, UserId};
use crate::db::schema::{api_token_projects, api_tokens, projects, sessions, users};
use crate::db::time::{ago, now};
use crate::identity::{Viewer, display_name};

/// Tokens of a list at most.
pub const MOST: i64 = 500;

#[derive(Debug, Clone)]
pub struct TokenLine {
    pub id: TokenId,
    pub name: String,
    pub scopes: Vec<String>,
    /// The names of its projects; none when it has all.
    pub projects: Vec<String>,
    pub all_projects: bool,
    /// What its maker is called; none for the console's own.
    pub maker: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_ip: Option<String>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Queryable)]
struct Row {
    id: TokenId,
    name: String,
    scopes: Vec<Option<String>>,
    all_projects: bool,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    last_used_ip: Option<IpNetwork>,
    revoked_at: Option<DateTime<Utc>>,
    maker: Option<(Option<String>, String)>,
}

/// Tokens of `maker`, or of everybody, those that work first and the newest first.
pub fn list(conn: &mut PgConnection, maker: Option<UserId>) -> QueryResult<Vec<TokenLine>> {
    let mut query = api_tokens::table
        .left_join(users::table.on(users::id.nullable().eq(api_tokens::created_by)))
        .select((
            api_tokens::id,
            api_tokens::name,
            api_tokens::scopes,
            api_tokens::all_projects,
            api_tokens::created_at,
            api_tokens::expires_at,
            api_tokens::last_used_at,
            api_tokens::last_used_ip,
            api_tokens::revoked_at,
            (users::name, users::email).nullable(),
        ))
        .order((api_tokens::revoked_at.is_not_null(), api_tokens::created_at.desc(), api_tokens::id.desc()))
        .limit(MOST)
        .into_boxed();
    if let Some(maker) = maker {
        query = query.filter(api_tokens::created_by.eq(maker));
    }
    let rows: Vec<Row> = query.load(conn)?;
    let ids: Vec<TokenId> = rows.iter().map(|row| row.id).collect();
    let reaches: Vec<(TokenId, String)> = api_token_projects::table
        .inner_join(projects::table)
        .filter(api_token_projects::token_id.eq_any(ids))
        .select((api_token_projects::token_id, projects::name))
        .order(projects::name)
        .load(conn)?;
    let line = |row: Row| TokenLine {
        projects: reaches.iter().filter(|(id, _)| *id == row.id).map(|(_, name)| name.clone()).collect(),
        maker: row.maker.as_ref().map(|(name, email)| display_name(name.as_deref(), email).to_owned()),
        id: row.id,
        name: row.name,
        scopes: row.scopes.into_iter().flatten().collect(),
        all_projects: row.all_projects,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        last_used_ip: row.last_used_ip.map(|network| network.ip().to_string()),
        revoked_at: row.revoked_at,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// A token that its maker should look at.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Neglected {
    pub name: String,
    /// Otherwise nobody has used it for a long time.
    pub ends_soon: Option<bool>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Days before its end from which a token is told to expire, and without use after which it is told to be idle.
const SOON: i32 = 14;
const IDLE: i32 = 90;
const MOST_NEGLECTED: i64 = 5;

/// The viewer of a transaction that a session opened, and whether they have tokens at all: in one round trip.
///
/// # Errors
/// [`DbError::NoSession`] when the transaction was not opened by a session.
pub fn find_with_viewer(conn: &mut PgConnection) -> Result<(Viewer, bool), DbError> {
    let own = api_tokens::table
        .filter(api_tokens::created_by.eq(users::id.nullable()))
        .filter(api_tokens::revoked_at.is_null())
        .select(api_tokens::id);
    let found: Option<(ViewerRow, bool, bool)> = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::id.nullable())))
        .filter(users::id.nullable().eq(app_user_id()))
        .filter(sessions::id.nullable().eq(app_session_id()))
        .select((ViewerRow::as_select(), touch_due!(), diesel::dsl::exists(own)))
        .first(conn)
        .optional()?;
    let (row, touch_due, has_tokens) = found.ok_or(DbError::NoSession)?;
    Ok((viewer::of_row(conn, row, touch_due), has_tokens))
}

/// Tokens of `maker` that work, and end soon or are not used, those that end first first.
pub fn neglected(conn: &mut PgConnection, maker: UserId) -> QueryResult<Vec<Neglected>> {
    let ends_soon = || api_tokens::expires_at.lt(ago((-SOON).days()).nullable());
    let is_idle = api_tokens::last_used_at.lt(ago(IDLE.days()).nullable()).assume_not_null();
    let never_used = api_tokens::last_used_at.is_null().and(api_tokens::created_at.lt(ago(IDLE.days())));
    api_tokens::table
        .filter(api_tokens::created_by.eq(maker).and(api_tokens::revoked_at.is_null()))
        .filter(
            api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(now.nullable()).assume_not_null()),
        )
        .filter(
            api_tokens::expires_at
                .is_not_null()
                .and(ends_soon().assume_not_null())
                .or(never_used)
                .or(api_tokens::last_used_at.is_not_null().and(is_idle)),
        )
        .order((api_tokens::expires_at, api_tokens::name, api_tokens::id))
        .limit(MOST_NEGLECTED)
        .select((api_tokens::name, ends_soon(), api_tokens::expires_at, api_tokens::last_used_at))
        .load(conn)
}

/// The projects that a token of the viewer's may be made for, by name.
pub fn choices(conn: &mut PgConnection) -> QueryResult<Vec<(ProjectId, String)>> {
    projects::table
        .filter(projects::status.is_distinct_from("deleted"))
        .select((projects::id, projects::name))
        .order((projects::name, projects::id))
        .limit(MOST)
        .load(conn)
}
