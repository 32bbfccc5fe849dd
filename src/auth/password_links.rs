//! One-time links that set a password: made by an admin, shown once, good for one use within 24 hours, by the person
//! for whom they were made. A trigger cancels those that wait when address, role, state or password of their user
//! change, whoever changes them.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use ipnetwork::IpNetwork;

use super::sign_in::{self, Account};
use crate::audit::{self, AuditAction, Target};
use crate::db::SecretHash;
use crate::db::ids::UserId;
use crate::db::schema::{password_links, users};
use crate::db::time::{from_now, now};
use crate::identity::Principal;

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The user does not exist, or not for this principal.
    #[error("no such user")]
    NotFound,
    /// The user may not sign in, whatever password they have.
    #[error("deactivated")]
    Deactivated,
    /// A statement failed.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Makes a link for `user` that replaces any older one. The caller shows the secret behind `hash`.
pub fn make(
    conn: &mut PgConnection,
    principal: &Principal,
    user: UserId,
    hash: &SecretHash,
) -> Result<(), LinkError> {
    let (email, active): (String, Option<bool>) = users::table
        .filter(users::id.eq(user))
        .select((users::email, users::is_active))
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(LinkError::NotFound)?;
    if active != Some(true) {
        return Err(LinkError::Deactivated);
    }
    diesel::update(password_links::table)
        .filter(password_links::user_id.eq(user))
        .filter(password_links::used_at.is_null())
        .set(password_links::used_at.eq(now.nullable()))
        .execute(conn)?;
    diesel::insert_into(password_links::table)
        .values((
            password_links::hash.eq(hash.as_str()),
            password_links::user_id.eq(user),
            password_links::created_by.eq(principal.user),
            password_links::expires_at.eq(from_now(24.hours())),
        ))
        .execute(conn)?;
    Ok(audit::record(conn, principal, &AuditAction::PasswordLinkMade, &Target::user(user, &email))?)
}

/// Notes that the secret behind `hash` is shown now. Answers until when it works; nothing when it was shown before,
/// also at another instance, or no longer works.
pub fn show(conn: &mut PgConnection, hash: &SecretHash) -> QueryResult<Option<DateTime<Utc>>> {
    diesel::update(password_links::table)
        .filter(password_links::hash.eq(hash.as_str()))
        .filter(password_links::shown_at.is_null())
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .set(password_links::shown_at.eq(now.nullable()))
        .returning(password_links::expires_at)
        .get_result(conn)
        .optional()
}

/// Whose password the link sets, while it works.
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
pub fn waiting(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<DateTime<Utc>>> {
    password_links::table
        .filter(password_links::user_id.eq(user))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .select(password_links::expires_at)
        .first(conn)
        .optional()
}

/// What became of the newest link for a user, within its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// It works until then.
    Waits(DateTime<Utc>),
    /// It was cancelled then, because its user is no longer who it was made for.
    Cancelled(DateTime<Utc>),
}

/// Uses the link up, `from` there. Answers whose it was, locked until the transaction ends; nothing when it no longer
/// works, also when two requests race, or one and a change of its user.
pub fn redeem(
    conn: &mut PgConnection,
    hash: &SecretHash,
    from: Option<IpAddr>,
) -> QueryResult<Option<Account>> {
    let Some((user, _)) = holder(conn, hash)? else { return Ok(None) };
    // The user's row first, as everyone who makes or cancels links takes them: nobody blocks another.
    let Some(account) = sign_in::lock_user(conn, user)? else { return Ok(None) };
    let redeemed = diesel::update(password_links::table)
        .filter(password_links::hash.eq(hash.as_str()))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .set((
            password_links::used_at.eq(now.nullable()),
            password_links::used_from.eq(from.map(IpNetwork::from)),
        ))
        .execute(conn)?;
    Ok((redeemed == 1).then_some(account))
}
