//! Rows of the `sessions` table: started by a sign-in, ended by a sign-out, a revocation, a new password, role or
//! address, or a deactivation. `token` holds the SHA-256 of what the cookie carries.
//!
//! Whoever starts or ends a user's sessions holds the user's row first, so that none begins beside an end of all.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{IntervalDsl, exists};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use ipnetwork::IpNetwork;
use serde_json::json;

use crate::audit::{self, AuditAction, Target};
use crate::db::SecretHash;
use crate::db::ids::{SessionId, UserId};
use crate::db::schema::{sessions, users};
use crate::db::time::{ago, from_now, now};
use crate::identity::{Origin, Principal};

/// The most sessions that one user has at a time; the oldest makes room.
pub const MOST_PER_USER: i64 = 20;

/// One living session as lists show it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionLine {
    pub id: SessionId,
    /// When it was started.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_activity: Option<DateTime<Utc>>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Where it was started from.
    pub ip_address: Option<IpNetwork>,
    /// The browser's own words.
    pub user_agent: Option<String>,
}

/// Starts a session of `user`, whose row is held, for whoever holds the token with this hash.
pub fn start(
    conn: &mut PgConnection,
    user: UserId,
    token: &SecretHash,
    origin: &Origin,
) -> QueryResult<SessionId> {
    let keep: Vec<SessionId> = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::is_active.eq(true))
        .order((sessions::last_activity.desc().nulls_last(), sessions::id))
        .limit(MOST_PER_USER - 1)
        .select(sessions::id)
        .load(conn)?;
    diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user))
        .filter(sessions::is_active.eq(true))
        .filter(diesel::dsl::not(sessions::id.eq_any(keep)))
        .set(sessions::is_active.eq(false))
        .execute(conn)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user),
            sessions::token.eq(token.as_str()),
            sessions::expires_at.eq(from_now(14.days())),
            sessions::ip_address.eq(origin.ip.map(IpNetwork::from)),
            sessions::user_agent.eq(&origin.user_agent),
        ))
        .returning(sessions::id)
        .get_result(conn)
}

/// When `user` was last here before `session` began: the last activity of the sessions that are older. One that
/// is still used beside this one has seen everything up to its beginning, and counts as that; younger ones don't
/// count. So the moment never moves while the session lives. What is dated ahead is nobody's last activity.
pub fn previous_visit(
    conn: &mut PgConnection,
    user: UserId,
    session: SessionId,
) -> QueryResult<Option<DateTime<Utc>>> {
    let own = diesel::alias!(sessions as own);
    let began = own.field(sessions::created_at);
    sessions::table
        .inner_join(own.on(own.field(sessions::id).eq(session)))
        .filter(sessions::user_id.eq(user))
        .filter(sessions::created_at.lt(began))
        .filter(sessions::last_activity.le(from_now(5.minutes()).nullable()))
        .order((sessions::last_activity.desc(), sessions::id.desc()))
        .select((sessions::last_activity, began))
        .first::<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)>(conn)
        .optional()
        .map(|row| row.and_then(|(active, began)| Some(active?.min(began?))))
}

/// Writes that the session was used just now.
pub fn touch(conn: &mut PgConnection, session: SessionId) -> QueryResult<()> {
    diesel::update(sessions::table.filter(sessions::id.eq(session)).filter(sessions::is_active.eq(true)))
        .set(sessions::last_activity.eq(now.nullable()))
        .execute(conn)
        .map(|_| ())
}

/// Ends the session whose token has this hash, for the gate; nothing when there is none.
pub fn end_by_token(conn: &mut PgConnection, token: &SecretHash) -> QueryResult<()> {
    diesel::update(sessions::table.filter(sessions::token.eq(token.as_str())))
        .set(sessions::is_active.eq(false))
        .execute(conn)
        .map(|_| ())
}

/// Ends the principal's own session at their wish.
pub fn sign_out(
    conn: &mut PgConnection,
    principal: &Principal,
    user: UserId,
    session: SessionId,
) -> QueryResult<()> {
    let Some(email) = lock_user(conn, user)? else { return Ok(()) };
    end(conn, user, session)?;
    record_end(conn, principal, &AuditAction::SignedOut, &Target::session(session, &email))
}

/// Ends one session of a user, wherever it is. Answers whether it is or was theirs; one that has ended
/// already leaves no second record.
pub fn revoke(
    conn: &mut PgConnection,
    principal: &Principal,
    user: UserId,
    session: SessionId,
) -> QueryResult<bool> {
    let Some(email) = lock_user(conn, user)? else { return Ok(false) };
    if !end(conn, user, session)? {
        return belongs(conn, user, session);
    }
    record_end(conn, principal, &AuditAction::SessionRevoked, &Target::session(session, &email))?;
    Ok(true)
}

/// Ends all sessions of a user but `kept`. Answers how many were alive.
pub fn revoke_others(
    conn: &mut PgConnection,
    principal: &Principal,
    user: UserId,
    kept: SessionId,
) -> QueryResult<usize> {
    let Some(email) = lock_user(conn, user)? else { return Ok(0) };
    let ended = end_all(conn, user, Some(kept))?;
    if ended > 0 {
        // The one that asked stays.
        let (before, after) = (json!({ "sessions": ended + 1 }), json!({ "sessions": 1 }));
        let target = Target::user(user, &email);
        audit::record_change(conn, principal, &AuditAction::OtherSessionsRevoked, &target, before, after)?;
    }
    Ok(ended)
}

/// Ends every session of a user, for an admin. Answers how many were alive; nothing when there is no such user.
pub fn revoke_all(
    conn: &mut PgConnection,
    principal: &Principal,
    user: UserId,
) -> QueryResult<Option<usize>> {
    let Some(email) = lock_user(conn, user)? else { return Ok(None) };
    let ended = end_all(conn, user, None)?;
    if ended > 0 {
        record_end(conn, principal, &AuditAction::AllSessionsRevoked, &Target::user(user, &email))?;
    }
    Ok(Some(ended))
}

fn record_end(
    conn: &mut PgConnection,
    principal: &Principal,
    act: &AuditAction,
    target: &Target,
) -> QueryResult<()> {
    let (before, after) = (json!({ "is_active": true }), json!({ "is_active": false }));
    audit::record_change(conn, principal, act, target, before, after)
}

/// The address of a user, whose row is locked until the transaction ends.
fn lock_user(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<String>> {
    users::table.filter(users::id.eq(user)).select(users::email).for_update().first(conn).optional()
}

fn end(conn: &mut PgConnection, user: UserId, session: SessionId) -> QueryResult<bool> {
    let ended = diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user))
        .filter(sessions::id.eq(session))
        .filter(sessions::is_active.eq(true))
        .set(sessions::is_active.eq(false))
        .returning(sessions::id)
        .load(conn)?;
    Ok(note_own_end(conn, ended)? > 0)
}

/// A transaction whose session was ended is refused at its commit ([`crate::db`]), unless it did that itself. Answers
/// how many ended.
fn note_own_end(conn: &mut PgConnection, ended: Vec<SessionId>) -> QueryResult<usize> {
    let count = ended.len();
    if count > 0 {
        diesel::sql_query(
            "SELECT pg_catalog.set_config('app.session_ended', 'here', true) \
             WHERE pilothouse.app_session_id() = ANY ($1)",
        )
        .bind::<Array<SqlUuid>, _>(ended)
        .execute(conn)?;
    }
    Ok(count)
}

/// Ends all sessions of `user`, whose row is held, but `keep`. Answers how many were alive.
pub fn end_all(conn: &mut PgConnection, user: UserId, keep: Option<SessionId>) -> QueryResult<usize> {
    let ended = diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user))
        .filter(sessions::is_active.eq(true))
        .filter(sessions::id.nullable().is_distinct_from(keep))
        .set(sessions::is_active.eq(false))
        .returning(sessions::id)
        .load(conn)?;
    note_own_end(conn, ended)
}

/// Whether nobody has ended `session` of `user`.
pub fn is_alive(conn: &mut PgConnection, user: UserId, session: SessionId) -> QueryResult<bool> {
    let rows = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::id.eq(session))
        .filter(sessions::is_active.eq(true))
        .select(sessions::id);
    diesel::select(exists(rows)).get_result(conn)
}

fn belongs(conn: &mut PgConnection, user: UserId, session: SessionId) -> QueryResult<bool> {
    let rows = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.eq(session));
    // Nobody may read every column.
    let rows = rows.select(sessions::id);
    diesel::select(exists(rows)).get_result(conn)
}

diesel::define_sql_function! {
    /// How long a session of this role lives without a request.
    #[sql_name = "pilothouse.session_idle"]
    fn session_idle(role: Text) -> Interval;
}
diesel::define_sql_function! {
    /// How long a session of this role lives at most.
    #[sql_name = "pilothouse.session_absolute"]
    fn session_absolute(role: Text) -> Interval;
}
diesel::define_sql_function! {
    /// When a session was used last, as far as anybody wrote that.
    #[sql_name = "coalesce"]
    fn last_use(at: Nullable<crate::db::time::Timestamptz>, otherwise: Nullable<crate::db::time::Timestamptz>) -> Nullable<crate::db::time::Timestamptz>;
}

macro_rules! is_living {
    () => {
        sessions::is_active
            .eq(true)
            .and(sessions::expires_at.gt(now))
            .and(
                last_use(sessions::last_activity, sessions::created_at)
                    .gt(ago(session_idle(users::role)).nullable()),
            )
            .and(sessions::created_at.gt(ago(session_absolute(users::role)).nullable()))
    };
}

/// Those of `tokens` (hashes) whose session `pilothouse.session_actor` would let in.
pub fn living_among(conn: &mut PgConnection, tokens: &[SecretHash]) -> QueryResult<HashSet<String>> {
    let tokens: Vec<&str> = tokens.iter().map(SecretHash::as_str).collect();
    let living: Vec<String> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token.eq_any(tokens))
        .filter(users::is_active.eq(true))
        .filter(is_living!())
        .select(sessions::token)
        .load(conn)?;
    Ok(living.into_iter().collect())
}

/// The living sessions of `user`, the most recently used first. A session lives as long as
/// `pilothouse.session_actor` lets it in.
pub fn living(conn: &mut PgConnection, user: UserId) -> QueryResult<Vec<SessionLine>> {
    let rows: Vec<(SessionLine, TimeDelta)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::user_id.eq(user))
        .filter(is_living!())
        .order((sessions::last_activity.desc().nulls_last(), sessions::id))
        .limit(100)
        .select((SessionLine::as_select(), session_absolute(users::role)))
        .load(conn)?;
    let ends = |(line, lives): (SessionLine, TimeDelta)| {
        let absolute = line.created_at.and_then(|created| created.checked_add_signed(lives));
        SessionLine { expires_at: absolute.map_or(line.expires_at, |end| end.min(line.expires_at)), ..line }
    };
    Ok(rows.into_iter().map(ends).collect())
}
