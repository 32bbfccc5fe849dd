//! Changing rules, and holding.

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::Class;
use crate::audit::{self, AuditAction, Target};
use crate::db::schema::{holds, projects, retention_rules, users};
use crate::db::time::now;
use crate::identity::Principal;
use crate::queue::{Kind, NewJob, enqueue};

/// The longest time that a rule may name: a hundred years.
const LONGEST: i32 = 36_500;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The time is not one that the class may have.
    #[error("must be a whole number of days from {0} to {LONGEST}, or nothing, for ever")]
    Days(i32),
    #[error("says why, on record")]
    NoReason,
    /// Neither a project nor a user.
    #[error("is neither a project nor a user here")]
    NotFound,
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// Keeps `class` for so many days, or for ever.
pub fn change_rule(
    conn: &mut PgConnection,
    principal: &Principal,
    class: Class,
    days: Option<i32>,
    reason: &str,
) -> Result<(), RetentionError> {
    let facts = class.facts();
    if days.is_some_and(|days| !(facts.at_least..=LONGEST).contains(&days)) {
        return Err(RetentionError::Days(facts.at_least));
    }
    let reason = given(reason)?;
    let row = retention_rules::table.find(class.as_str());
    diesel::insert_into(retention_rules::table)
        .values((retention_rules::class.eq(class.as_str()), retention_rules::keep_days.eq(facts.usual)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let before: Option<i32> = row.select(retention_rules::keep_days).for_update().first(conn)?;
    diesel::update(row)
        .set((
            retention_rules::keep_days.eq(days),
            retention_rules::changed_at.eq(now.nullable()),
            retention_rules::changed_by.eq(&principal.name),
            retention_rules::reason.eq(reason),
        ))
        .execute(conn)?;
    let target = Target {
        kind: "retention_rule",
        id: class.as_str().to_owned(),
        name: facts.label.to_owned(),
        project: None,
    };
    let (before, after) = (json!({ "keep_days": before }), json!({ "keep_days": days, "reason": reason }));
    audit::record_change(conn, principal, &AuditAction::RetentionRuleChanged, &target, before, after)?;
    Ok(())
}

fn given(reason: &str) -> Result<&str, RetentionError> {
    Some(reason.trim())
        .filter(|reason| !reason.is_empty() && reason.chars().count() <= 1_000)
        .ok_or(RetentionError::NoReason)
}

/// Lets nothing of a project or a user be deleted. `held` is an id, or a user's address.
pub fn hold(
    conn: &mut PgConnection,
    principal: &Principal,
    held: &str,
    reason: &str,
) -> Result<(), RetentionError> {
    let reason = given(reason)?;
    let (kind, id, name) = find(conn, held.trim())?.ok_or(RetentionError::NotFound)?;
    let placed = (
        holds::kind.eq(kind),
        holds::id.eq(id),
        holds::name.eq(&name),
        holds::reason.eq(reason),
        holds::placed_by.eq(&principal.name),
    );
    diesel::insert_into(holds::table)
        .values(placed)
        .on_conflict((holds::kind, holds::id))
        .do_update()
        .set((holds::reason.eq(reason), holds::placed_by.eq(&principal.name)))
        .execute(conn)?;
    let after = json!({ "reason": reason });
    audit::record_change(
        conn,
        principal,
        &AuditAction::HoldPlaced,
        &target(kind, id, name),
        json!(null),
        after,
    )?;
    Ok(())
}

fn find(conn: &mut PgConnection, held: &str) -> QueryResult<Option<(&'static str, Uuid, String)>> {
    let id = held.parse::<Uuid>().ok();
    if let Some(id) = id {
        let project: Option<String> =
            projects::table.filter(projects::id.eq(id)).select(projects::name).first(conn).optional()?;
        if let Some(name) = project {
            return Ok(Some(("project", id, name)));
        }
    }
    let user: Option<(Uuid, String)> = match id {
        Some(id) => {
            users::table.filter(users::id.eq(id)).select((users::id, users::email)).first(conn).optional()?
        }
        None => users::table
            .filter(users::email.eq(held))
            .select((users::id, users::email))
            .first(conn)
            .optional()?,
    };
    Ok(user.map(|(id, email)| ("user", id, email)))
}

/// Takes a hold off again.
pub fn release(
    conn: &mut PgConnection,
    principal: &Principal,
    kind: &str,
    id: Uuid,
) -> Result<(), RetentionError> {
    let kind =
        ["project", "user"].into_iter().find(|known| *known == kind).ok_or(RetentionError::NotFound)?;
    let (name, reason): (String, String) = diesel::delete(holds::table.find((kind, id)))
        .returning((holds::name, holds::reason))
        .get_result(conn)
        .optional()?
        .ok_or(RetentionError::NotFound)?;
    let before = json!({ "reason": reason });
    audit::record_change(
        conn,
        principal,
        &AuditAction::HoldReleased,
        &target(kind, id, name),
        before,
        json!(null),
    )?;
    Ok(())
}

fn target(kind: &'static str, id: Uuid, name: String) -> Target {
    Target { kind, id: id.to_string(), name, project: None }
}

/// Asks for a run before its time.
pub fn run_now(conn: &mut PgConnection, principal: &Principal) -> QueryResult<()> {
    enqueue(conn, &NewJob::of(Kind::Retain))?;
    let target = Target {
        kind: "job",
        id: Kind::Retain.as_str().to_owned(),
        name: Kind::Retain.label().to_owned(),
        project: None,
    };
    audit::record_change(
        conn,
        principal,
        &AuditAction::RetentionAsked,
        &target,
        json!(null),
        json!({ "asked": true }),
    )
}
