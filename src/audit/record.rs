//! The audit log: who did what in the console, append-only.
//!
//! An entry is written in the transaction of the act itself and fails with it: what is not on record did not
//! happen. Names are snapshots, because an entry outlives what it names.

use diesel::prelude::*;
use ipnetwork::IpNetwork;
use serde_json::Value;

use super::{AuditAction, redaction};
use crate::db::ids::{ContainerId, ProjectId, SessionId, UserId};
use crate::db::schema::{activity_logs, users};
use crate::identity::Principal;
use crate::runtime::Entropy;

/// What an act was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `user`, `project` or `session`; other programs write other words.
    pub kind: &'static str,
    pub id: String,
    /// What it was called at the time.
    pub name: String,
    /// The project whose owner may read the entry.
    pub project: Option<ProjectId>,
}

impl Target {
    /// A user, known by `name` or address.
    #[must_use]
    pub fn user(id: UserId, name: &str) -> Self {
        Self { kind: "user", id: id.to_string(), name: name.to_owned(), project: None }
    }

    #[must_use]
    pub fn project(id: ProjectId, name: &str) -> Self {
        Self { kind: "project", id: id.to_string(), name: name.to_owned(), project: Some(id) }
    }

    #[must_use]
    pub fn container(id: ContainerId, name: &str, project: Option<ProjectId>) -> Self {
        Self { kind: "container", id: id.to_string(), name: name.to_owned(), project }
    }

    /// A session of the user whom `holder` names.
    #[must_use]
    pub fn session(id: SessionId, holder: &str) -> Self {
        Self { kind: "session", id: id.to_string(), name: holder.to_owned(), project: None }
    }
}

/// Records that `principal` did `act` to `target`.
///
/// # Errors
/// When the insert fails; the act must fail with it.
pub fn record(
    conn: &mut PgConnection,
    principal: &Principal,
    act: &AuditAction,
    target: &Target,
) -> QueryResult<()> {
    insert(conn, principal, act, target, None, None)
}

/// [`record`], with the changed fields before and after. Null stands for nothing: a thing that came to be has
/// no `before`.
///
/// # Errors
/// When the insert fails; the act must fail with it.
pub fn record_change(
    conn: &mut PgConnection,
    principal: &Principal,
    act: &AuditAction,
    target: &Target,
    before: Value,
    after: Value,
) -> QueryResult<()> {
    let some = |value: Value| Some(value).filter(|value| !value.is_null());
    insert(conn, principal, act, target, some(before), some(after))
}

fn insert(
    conn: &mut PgConnection,
    principal: &Principal,
    act: &AuditAction,
    target: &Target,
    mut before: Option<Value>,
    mut after: Option<Value>,
) -> QueryResult<()> {
    redaction::hide(before.as_mut(), after.as_mut());
    let user = principal.user;
    // Visitors may not look at users, not even for nobody.
    let email: Option<String> = match user {
        Some(user) => users::table.find(user).select(users::email).first(conn).optional()?,
        None => None,
    };
    let role = match (user, principal.is_admin) {
        (None, true) => "system",
        (None, false) => "guest",
        (Some(_), true) => "admin",
        (Some(_), false) => "owner",
    };
    diesel::insert_into(activity_logs::table)
        .values((
            activity_logs::id.eq(Entropy.ordered_uuid(principal.at.timestamp_millis()).to_string()),
            activity_logs::project_id.eq(target.project.map(|project| project.to_string())),
            activity_logs::user_id.eq(user.map(|user| user.to_string())),
            activity_logs::activity_type.eq(act.as_str()),
            activity_logs::description.eq(Some(act.label())),
            activity_logs::created_at.eq(Some(principal.at.naive_utc())),
            activity_logs::actor_name.eq(Some(principal.name.as_str())),
            activity_logs::actor_email.eq(email),
            activity_logs::actor_role.eq(Some(role)),
            (
                activity_logs::target_type.eq(Some(target.kind)),
                activity_logs::target_id.eq(Some(target.id.as_str())),
                activity_logs::target_name.eq(Some(target.name.as_str())),
                activity_logs::ip.eq(principal.origin.ip.map(IpNetwork::from)),
                activity_logs::user_agent.eq(principal.origin.user_agent.as_deref()),
                activity_logs::request_id.eq(principal.origin.request_id.as_deref()),
                activity_logs::before.eq(before),
                activity_logs::after.eq(after),
            ),
        ))
        .execute(conn)
        .map(|_| ())
}
