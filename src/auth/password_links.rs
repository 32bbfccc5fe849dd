//! One-time links that set a password: made by an admin, shown once, good for one use within 24 hours.

use chrono::{DateTime, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;

use crate::activity::{Act, Principal, Target, audit};
use crate::db::SecretHash;
use crate::db::ids::UserId;
use crate::db::schema::{password_links, users};
use crate::db::time::{from_now, now};

/// Makes a link for `user` that replaces any older one. The caller has locked the user's row or made it, and
/// shows the secret behind `hash`.
///
/// # Errors
/// When a statement fails.
pub fn make(
    conn: &mut PgConnection,
    principal: &Principal,
    (user, email): (UserId, &str),
    hash: &SecretHash,
) -> QueryResult<DateTime<Utc>> {
    cancel(conn, user)?;
    let expires = diesel::insert_into(password_links::table)
        .values((
            password_links::hash.eq(hash.as_str()),
            password_links::user_id.eq(user),
            password_links::created_by.eq(principal.user),
            password_links::expires_at.eq(from_now(24.hours())),
        ))
        .returning(password_links::expires_at)
        .get_result(conn)?;
    audit::record(conn, principal, &Act::PasswordLinkMade, &Target::user(user, email))?;
    Ok(expires)
}

/// Whose password the link sets, while it works.
///
/// # Errors
/// When the statement fails.
pub fn holder(conn: &mut PgConnection, hash: &SecretHash) -> QueryResult<Option<(UserId, String)>> {
    password_links::table
        .inner_join(users::table)
        .filter(password_links::hash.eq(hash.as_str()))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .filter(users::is_active.eq(true))
        .select((users::id, users::email))
        .first(conn)
        .optional()
}

/// When the link that waits for `user` ends, if one waits.
///
/// # Errors
/// When the statement fails.
pub fn waiting(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<DateTime<Utc>>> {
    password_links::table
        .filter(password_links::user_id.eq(user))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .select(password_links::expires_at)
        .first(conn)
        .optional()
}

/// Makes every link that waits for `user` useless.
///
/// # Errors
/// When the statement fails.
pub fn cancel(conn: &mut PgConnection, user: UserId) -> QueryResult<()> {
    diesel::update(password_links::table)
        .filter(password_links::user_id.eq(user))
        .filter(password_links::used_at.is_null())
        .set(password_links::used_at.eq(now.nullable()))
        .execute(conn)
        .map(|_| ())
}

/// Uses the link up. Answers whose it was; nothing when it no longer works, also when two requests race.
///
/// # Errors
/// When a statement fails.
pub fn redeem(conn: &mut PgConnection, hash: &SecretHash) -> QueryResult<Option<(UserId, String)>> {
    let Some((user, email)) = holder(conn, hash)? else { return Ok(None) };
    // The user's row first, as everyone who makes or cancels links takes them: nobody blocks another.
    let _held: UserId = users::table.filter(users::id.eq(user)).select(users::id).for_update().first(conn)?;
    let redeemed = diesel::update(password_links::table)
        .filter(password_links::hash.eq(hash.as_str()))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .set(password_links::used_at.eq(now.nullable()))
        .execute(conn)?;
    Ok((redeemed == 1).then_some((user, email)))
}
