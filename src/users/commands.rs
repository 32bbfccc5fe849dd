//! Changes of users: each writes the row and the audit entry together.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use serde_json::{Value, json};

use super::model::{Email, Role, Theme, UserName};
use super::queries::{self, UserView};
use crate::activity::{Act, Principal, Target, audit};
use crate::auth::sessions;
use crate::db::ids::{SessionId, UserId};
use crate::db::schema::users;

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// They do not exist, or not for this principal.
    #[error("no such user")]
    NotFound,
    /// Somebody else has this address.
    #[error("the address is taken")]
    EmailTaken,
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
///
/// # Errors
/// See [`ChangeError`].
pub fn create(
    conn: &mut PgConnection,
    principal: &Principal,
    email: &Email,
    name: &UserName,
    role: Role,
    password_hash: Option<&str>,
) -> Result<UserId, ChangeError> {
    if queries::id_of(conn, email.as_str())?.is_some() {
        return Err(ChangeError::EmailTaken);
    }
    let id = UserId(principal.entropy.uuid());
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
    audit::record_change(conn, principal, &Act::UserCreated, &target, Value::Null, after)?;
    Ok(id)
}

/// Changes name, address and role, unless somebody else did since `seen`.
///
/// # Errors
/// See [`ChangeError`].
pub fn update(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    (email, name, role): (&Email, &UserName, Role),
    seen: Option<DateTime<Utc>>,
) -> Result<(), ChangeError> {
    let current = locked(conn, id)?;
    if current.updated_at != seen {
        return Err(ChangeError::Stale(Box::new(current)));
    }
    if role != Role::Admin && Role::from_stored(&current.role) == Role::Admin {
        refuse_last_admin(conn, id)?;
    }
    let before = json!({ "email": current.email, "name": current.name, "role": current.role });
    let after = json!({ "email": email.as_str(), "name": name.as_deref(), "role": role.as_str() });
    if before == after {
        return Ok(());
    }
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::email.eq(email.as_str()),
            users::name.eq(name.as_deref()),
            users::role.eq(role.as_str()),
            users::updated_at.eq(now),
        ))
        .execute(conn)
        .map_err(taken)?;
    if Role::from_stored(&current.role) != role {
        // What a session may do is fixed when it starts; a new role starts with a new one.
        sessions::end_all(conn, id, None)?;
    }
    let target = Target::user(id, email.as_str());
    audit::record_change(conn, principal, &Act::UserChanged, &target, before, after)?;
    Ok(())
}

/// Lets a user sign in, or not; deactivating ends every session at once.
///
/// # Errors
/// See [`ChangeError`].
pub fn set_active(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    active: bool,
) -> Result<String, ChangeError> {
    let current = locked(conn, id)?;
    let name = current.display_name().to_owned();
    if current.is_active() == active {
        return Ok(name);
    }
    if !active && Role::from_stored(&current.role) == Role::Admin {
        refuse_last_admin(conn, id)?;
    }
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((users::is_active.eq(active), users::updated_at.eq(now)))
        .execute(conn)?;
    let act = if active { Act::UserActivated } else { Act::UserDeactivated };
    if !active {
        sessions::end_all(conn, id, None)?;
    }
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

/// Sets a password and ends all sessions but `keep`.
///
/// # Errors
/// When a statement fails.
pub fn set_password(
    conn: &mut PgConnection,
    principal: &Principal,
    (id, email): (UserId, &str),
    act: &Act,
    hash: &str,
    keep: Option<SessionId>,
) -> QueryResult<()> {
    diesel::update(users::table.filter(users::id.eq(id))).set(users::password_hash.eq(hash)).execute(conn)?;
    sessions::end_all(conn, id, keep)?;
    audit::record(conn, principal, act, &Target::user(id, email))
}

/// Changes one's own name.
///
/// # Errors
/// When a statement fails.
pub fn rename(
    conn: &mut PgConnection,
    principal: &Principal,
    id: UserId,
    name: &UserName,
) -> QueryResult<()> {
    let (email, before): (String, Option<String>) =
        users::table.filter(users::id.eq(id)).select((users::email, users::name)).first(conn)?;
    if before.as_deref() == name.as_deref() {
        return Ok(());
    }
    diesel::update(users::table.filter(users::id.eq(id)))
        .set(users::name.eq(name.as_deref()))
        .execute(conn)?;
    audit::record_change(
        conn,
        principal,
        &Act::ProfileChanged,
        &Target::user(id, &email),
        json!({ "name": before }),
        json!({ "name": name.as_deref() }),
    )
}

/// Changes one's own time zone and theme; what is `None` stays.
///
/// # Errors
/// When a statement fails.
pub fn prefer(
    conn: &mut PgConnection,
    id: UserId,
    zone: Option<chrono_tz::Tz>,
    theme: Option<Theme>,
) -> QueryResult<()> {
    if let Some(zone) = zone {
        diesel::update(users::table.filter(users::id.eq(id)))
            .set(users::time_zone.eq(zone.name()))
            .execute(conn)?;
    }
    if let Some(theme) = theme {
        diesel::update(users::table.filter(users::id.eq(id)))
            .set(users::theme.eq(theme.as_str()))
            .execute(conn)?;
    }
    Ok(())
}

fn refuse_last_admin(conn: &mut PgConnection, id: UserId) -> Result<(), ChangeError> {
    // Two admins who deactivate each other at once must not both succeed.
    let _admins: Vec<UserId> = users::table
        .filter(users::role.eq("admin"))
        .order(users::id)
        .select(users::id)
        .for_update()
        .load(conn)?;
    if queries::another_admin_can_sign_in(conn, id)? { Ok(()) } else { Err(ChangeError::LastAdmin) }
}

fn locked(conn: &mut PgConnection, id: UserId) -> Result<UserView, ChangeError> {
    let held: Option<UserId> =
        users::table.filter(users::id.eq(id)).select(users::id).for_update().first(conn).optional()?;
    held.ok_or(ChangeError::NotFound)?;
    queries::find(conn, id)?.ok_or(ChangeError::NotFound)
}
