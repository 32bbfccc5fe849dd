//! Changes of users: each writes the row and the audit entry together.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use diesel::sql_types::{Bool, Text};
use serde_json::{Value, json};

use super::model::UserName;
use super::queries::{self, UserView};
use crate::audit::{self, AuditAction, Target};
use crate::auth::password_links::{self, LinkError};
use crate::auth::sessions;
use crate::auth::sign_in::{self, Verified};
use crate::db::SecretHash;
use crate::db::ids::{SessionId, UserId};
use crate::db::schema::users;
use crate::db::time::now;
use crate::identity::{Email, Origin, Principal, Role, Theme};
use crate::runtime::Entropy;

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// They do not exist, or not for this principal.
    #[error("no such user")]
    NotFound,
    /// Somebody else has this address.
    #[error("the address is taken")]
    EmailTaken,
    /// Somebody else has this address in another spelling, as it is here.
    #[error("the address is taken in another spelling")]
    EmailSimilar(String),
    /// Somebody changed them since they were read.
    #[error("changed meanwhile")]
    Stale(Box<UserView>),
    /// Nobody could manage the instance any more.
    #[error("the last admin")]
    LastAdmin,
    /// A statement failed.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

impl From<LinkError> for ChangeError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Query(error) => Self::Query(error),
            // Of a user who was made in this transaction neither can be.
            LinkError::NotFound | LinkError::Deactivated => Self::NotFound,
        }
    }
}

/// What those who take an address take turns at.
pub const TAKING_AN_ADDRESS: &str = "pilothouse takes an address";

fn taken(error: diesel::result::Error) -> ChangeError {
    match &error {
        diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some("users_email_key") =>
        {
            ChangeError::EmailTaken
        }
        _ => ChangeError::Query(error),
    }
}

/// Creates a user. Without a hash they can't sign in until a one-time link sets a password.
pub fn create(
    conn: &mut PgConnection,
    principal: &Principal,
    email: &Email,
    name: &UserName,
    role: Role,
    password_hash: Option<&str>,
) -> Result<UserId, ChangeError> {
    refuse_taken(conn, email, None)?;
    let id = UserId(Entropy.uuid());
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(email.as_str()),
            users::name.eq(name.as_deref()),
            users::role.eq(role.as_str()),
            users::password_hash.eq(password_hash),
        ))
        .execute(conn)
        .map_err(taken)?;
    let after = json!({ "email": email.as_str(), "name": name.as_deref(), "role": role.as_str() });
    let target = Target::user(id, email.as_str());
    audit::record_change(conn, principal, &AuditAction::UserCreated, &target, Value::Null, after)?;
    Ok(id)
}

/// What went with a change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consequences {
    /// Their sessions: they have to sign in again.
    pub sessions_ended: bool,
    /// The one-time link that waited for them.
    pub link_cancelled: bool,
}

/// Changes name, address and role, unless somebody else did since `seen`. Another address or role is somebody whom
/// neither the sessions nor a link that waits were made for.
pub fn update(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    (email, name, role): (&Email, &UserName, Role),
    seen: Option<DateTime<Utc>>,
) -> Result<Consequences, ChangeError> {
    let current = locked(conn, id, role != Role::Admin)?;
    let same_role = Role::from_stored(&current.role) == role;
    // A role that the console does not know stays as it is stored until somebody chooses another.
    let stored_role = if same_role { current.role.as_str() } else { role.as_str() };
    let before = json!({ "email": current.email, "name": current.name, "role": current.role });
    let after = json!({ "email": email.as_str(), "name": name.as_deref(), "role": stored_role });
    if before == after {
        return Ok(Consequences::default());
    }
    if current.updated_at != seen {
        return Err(ChangeError::Stale(Box::new(current)));
    }
    if !same_role && role != Role::Admin {
        refuse_last_admin(conn, id)?;
    }
    let same_email = current.email == email.as_str();
    if !same_email {
        refuse_taken(conn, email, Some(id))?;
    }
    let somebody_else = !(same_role && same_email);
    let link_cancelled = somebody_else && password_links::waiting(conn, id)?.is_some();
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::email.eq(email.as_str()),
            users::name.eq(name.as_deref()),
            users::role.eq(stored_role),
            users::updated_at.eq(now.nullable()),
        ))
        .execute(conn)
        .map_err(taken)?;
    if somebody_else {
        sessions::end_all(conn, id, None)?;
    }
    let target = Target::user(id, email.as_str());
    audit::record_change(conn, principal, &AuditAction::UserChanged, &target, before, after)?;
    Ok(Consequences { sessions_ended: somebody_else, link_cancelled })
}

/// Lets a user sign in, or not; either ends every session at once and cancels the link that waits.
pub fn set_active(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    active: bool,
) -> Result<String, ChangeError> {
    let current = locked(conn, id, !active)?;
    let name = current.display_name().to_owned();
    if current.is_active() == active {
        return Ok(name);
    }
    if !active && Role::from_stored(&current.role) == Role::Admin {
        refuse_last_admin(conn, id)?;
    }
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((users::is_active.eq(active), users::updated_at.eq(now.nullable())))
        .execute(conn)?;
    let act = if active { AuditAction::UserActivated } else { AuditAction::UserDeactivated };
    // Also of whoever becomes active: what began before they were not may not go on.
    sessions::end_all(conn, id, None)?;
    let target = Target::user(id, &current.email);
    audit::record_change(
        conn,
        principal,
        &act,
        &target,
        json!({ "is_active": !active }),
        json!({ "is_active": active }),
    )?;
    Ok(name)
}

/// Sets the password of a user whose row is held, and ends all sessions. A one-time link that waits for them is
/// cancelled with it.
pub fn set_password(
    conn: &mut PgConnection,
    principal: &Principal,
    (id, email): (UserId, &str),
    act: &AuditAction,
    hash: &str,
) -> QueryResult<()> {
    diesel::update(users::table.filter(users::id.eq(id))).set(users::password_hash.eq(hash)).execute(conn)?;
    sessions::end_all(conn, id, None)?;
    audit::record(conn, principal, act, &Target::user(id, email))
}

/// Sets the password of whoever has exactly the address `email` by now.
///
/// # Errors
/// [`ChangeError::NotFound`] when nobody has it, or when a statement fails.
pub fn set_password_of(
    conn: &mut PgConnection,
    principal: &Principal,
    email: &str,
    hash: &str,
) -> Result<(), ChangeError> {
    let (id, _) = queries::known_as(conn, email)?.ok_or(ChangeError::NotFound)?;
    if locked(conn, id, false)?.email != email {
        return Err(ChangeError::NotFound);
    }
    Ok(set_password(conn, principal, (id, email), &AuditAction::PasswordSet, hash)?)
}

/// [`set_password`] for somebody who has proved to know their password and asks in `session`: every session ends,
/// and a new one begins for whoever holds the token with the hash `renewed`. Answers whether it still is their
/// password, and that session still theirs.
pub fn change_password(
    conn: &mut PgConnection,
    verified: &Verified,
    (origin, at): (Origin, DateTime<Utc>),
    session: SessionId,
    hash: &str,
    renewed: &SecretHash,
) -> QueryResult<bool> {
    let Some(account) = sign_in::lock_verified(conn, verified)? else { return Ok(false) };
    if !sessions::is_alive(conn, account.id, session)? {
        return Ok(false);
    }
    let principal = account.principal(origin, at);
    set_password(conn, &principal, (account.id, &account.email), &AuditAction::PasswordChanged, hash)?;
    sessions::start(conn, account.id, renewed, &principal.origin)?;
    Ok(true)
}

/// Changes one's own name, unless somebody else did since `seen`; a `seen` of `None` means the present one.
///
/// # Errors
/// [`ChangeError::Stale`], or when a statement fails.
pub fn rename(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    name: &UserName,
    seen: Option<Option<DateTime<Utc>>>,
) -> Result<(), ChangeError> {
    let current = locked(conn, id, false)?;
    if current.name.as_deref() == name.as_deref() {
        return Ok(());
    }
    if seen.is_some_and(|seen| seen != current.updated_at) {
        return Err(ChangeError::Stale(Box::new(current)));
    }
    let (email, before) = (current.email, current.name);
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((users::name.eq(name.as_deref()), users::updated_at.eq(now.nullable())))
        .execute(conn)?;
    audit::record_change(
        conn,
        principal,
        &AuditAction::ProfileChanged,
        &Target::user(id, &email),
        json!({ "name": before }),
        json!({ "name": name.as_deref() }),
    )?;
    Ok(())
}

/// What somebody prefers; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preferences {
    /// Where times are shown for.
    pub zone: Option<Tz>,
    /// Light, dark or as the system says.
    pub theme: Option<Theme>,
    /// Whether single keys act on pages.
    pub shortcuts: Option<bool>,
}

/// Changes one's own preferences.
pub fn prefer(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    wanted: Preferences,
) -> QueryResult<()> {
    let (email, old_zone, old_theme, old_shortcuts): (String, String, String, bool) = users::table
        .filter(users::id.eq(id))
        .select((users::email, users::time_zone, users::theme, users::keyboard_shortcuts))
        .for_update()
        .first(conn)?;
    let new_zone = wanted.zone.map_or(old_zone.as_str(), |zone| zone.name());
    let new_theme = wanted.theme.map_or(old_theme.as_str(), |theme| theme.as_str());
    let new_shortcuts = wanted.shortcuts.unwrap_or(old_shortcuts);
    let before = json!({ "time_zone": old_zone, "theme": old_theme, "keyboard_shortcuts": old_shortcuts });
    let after = json!({ "time_zone": new_zone, "theme": new_theme, "keyboard_shortcuts": new_shortcuts });
    if before == after {
        return Ok(());
    }
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::time_zone.eq(new_zone),
            users::theme.eq(new_theme),
            users::keyboard_shortcuts.eq(new_shortcuts),
        ))
        .execute(conn)?;
    let target = Target::user(id, &email);
    audit::record_change(conn, principal, &AuditAction::PreferencesChanged, &target, before, after)
}

/// Refuses an address that somebody other than `except` has, in whatever spelling. Only the same text is kept out by
/// an index, so whoever takes an address waits for whoever is taking one; with their row locked before, if they have one.
fn refuse_taken(conn: &mut PgConnection, email: &Email, except: Option<UserId>) -> Result<(), ChangeError> {
    diesel::sql_query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))")
        .bind::<Text, _>(TAKING_AN_ADDRESS)
        .execute(conn)?;
    match queries::similar_email(conn, email.as_str(), except)? {
        None => Ok(()),
        Some(stored) if stored == email.as_str() => Err(ChangeError::EmailTaken),
        Some(stored) => Err(ChangeError::EmailSimilar(stored)),
    }
}

/// Only after [`locked`] has locked every admin: two who deactivate each other must not both succeed.
fn refuse_last_admin(conn: &mut PgConnection, id: UserId) -> Result<(), ChangeError> {
    if queries::another_admin_can_sign_in(conn, id)? { Ok(()) } else { Err(ChangeError::LastAdmin) }
}

/// The user, locked until the transaction ends; with all admins when `may_end_an_admin`. One statement in
/// the order of ids, so that two such acts wait for each other instead of blocking each other.
fn locked(conn: &mut PgConnection, id: UserId, may_end_an_admin: bool) -> Result<UserView, ChangeError> {
    let admins = users::role.eq("admin").and(may_end_an_admin.into_sql::<Bool>());
    let held: Vec<UserId> = users::table
        .filter(users::id.eq(id).or(admins))
        .order(users::id)
        .select(users::id)
        .for_update()
        .load(conn)?;
    if !held.contains(&id) {
        return Err(ChangeError::NotFound);
    }
    queries::find(conn, id)?.ok_or(ChangeError::NotFound)
}
