//! Changes of projects: each writes the row, the timeline's action and the audit entry together.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::json_text::JsonText;
use super::model::{Kind, Move, ProjectDescription, ProjectName, Status};
use super::queries::{self, ProjectView};
use crate::activity::{ActionType, NewAction, track};
use crate::audit::{self, AuditAction, Target};
use crate::db::ids::{ContainerId, ProjectId};
use crate::db::schema::{containers, projects};
use crate::db::spelling::composed;
use crate::db::time::Instant;
use crate::identity::Principal;

/// A project as a form describes it.
#[derive(Debug, Clone)]
pub struct Draft {
    pub name: ProjectName,
    /// What it is about.
    pub description: ProjectDescription,
    /// What runs in it.
    pub kind: Kind,
}

/// Why a project was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It does not exist, or not for this principal.
    #[error("no such project")]
    NotFound,
    /// Somebody changed it since it was read.
    #[error("changed meanwhile")]
    Stale(Box<ProjectView>),
    /// It is archived or deleted, and must be brought back first.
    #[error("not active")]
    NotActive(Status),
    /// The container does not exist, or not for this principal.
    #[error("no such container")]
    NoSuchContainer,
    /// Another project is attached to the container.
    #[error("the container has a project")]
    ContainerTaken,
    /// The move makes no sense from where the project is: [`Move::obstacle`] says why.
    #[error("not from here")]
    Obstacle(Box<ProjectView>),
    /// What was typed to confirm is not the project's name.
    #[error("another name")]
    OtherName(Box<ProjectView>),
    /// A statement failed.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Creates a project that belongs to the principal.
pub fn create(
    conn: &mut PgConnection,
    principal: &Principal,
    draft: &Draft,
    container: Option<ContainerId>,
) -> Result<ProjectId, ChangeError> {
    let container_name = container.map(|id| hold_free_container(conn, id)).transpose()?;
    let id = insert(conn, principal, draft, container)?;
    let in_container = container.zip(container_name.as_deref());
    let action = created(principal, id, draft.name.as_str(), in_container.map(|(_, name)| name));
    track(
        conn,
        match in_container {
            Some((container, _)) => action.refers_to("container_id", container.to_string()),
            None => action,
        },
    );
    Ok(id)
}

/// The entry that a project begins with.
#[must_use]
pub fn created(principal: &Principal, id: ProjectId, name: &str, container: Option<&str>) -> NewAction {
    let details = match container {
        Some(container) => format!("Project {name} created with container {container}"),
        None => format!("Project {name} created"),
    };
    NewAction::by(principal, id, ActionType::ProjectCreated, details)
}

/// Writes a project that belongs to the principal. That it was created is told by whoever knows what runs in it.
pub fn insert(
    conn: &mut PgConnection,
    principal: &Principal,
    draft: &Draft,
    container: Option<ContainerId>,
) -> QueryResult<ProjectId> {
    // The database chooses the id: a chosen one could claim the record of a deleted project.
    let id: ProjectId = diesel::insert_into(projects::table)
        .values((
            projects::name.eq(draft.name.as_str()),
            projects::description.eq(draft.description.as_deref()),
            projects::kind.eq(draft.kind.as_str()),
            projects::user_id.eq(principal.user),
            projects::container_id.eq(container),
        ))
        .returning(projects::id)
        .get_result(conn)?;
    let target = Target::project(id, draft.name.as_str());
    audit::record_change(
        conn,
        principal,
        &AuditAction::ProjectCreated,
        &target,
        Value::Null,
        described(draft),
    )?;
    Ok(id)
}

/// The name of a container that a project may be attached to, kept from changing until the transaction ends: whoever
/// gives it to somebody else, or attaches another project, waits until this one stands, or is seen here.
fn hold_free_container(conn: &mut PgConnection, id: ContainerId) -> Result<String, ChangeError> {
    let name = containers::table
        .filter(containers::id.eq(id))
        .filter(containers::status.ne("deleted"))
        .select(containers::name)
        .for_no_key_update()
        .first(conn)
        .optional()?
        .ok_or(ChangeError::NoSuchContainer)?;
    let attached = projects::table.filter(projects::container_id.eq(id)).select(projects::id);
    if diesel::select(exists(attached)).get_result(conn)? {
        return Err(ChangeError::ContainerTaken);
    }
    Ok(name)
}

fn described(draft: &Draft) -> Value {
    json!({ "name": draft.name.as_str(), "description": draft.description.as_deref(), "type": draft.kind.as_str() })
}

/// Changes name, description, type, settings and metadata, unless somebody else did since `seen`. JSON that is not
/// given stays as it is stored.
pub fn update(
    conn: &mut PgConnection,
    principal: &Principal,
    id: ProjectId,
    draft: &Draft,
    (settings, metadata): (Option<&JsonText>, Option<&JsonText>),
    seen: Option<DateTime<Utc>>,
) -> Result<(), ChangeError> {
    let current = lock_project(conn, id)?.ok_or(ChangeError::NotFound)?;
    if current.updated_at != seen {
        return Err(ChangeError::Stale(Box::new(current)));
    }
    let status = Status::from_stored(current.status.as_deref());
    if matches!(status, Status::Archived | Status::Deleted) {
        return Err(ChangeError::NotActive(status));
    }
    let before = json!({
        "name": current.name, "description": current.description, "type": current.kind,
        "settings": current.settings, "metadata": current.metadata,
    });
    let mut after = described(draft);
    for (field, typed) in [("settings", settings), ("metadata", metadata)] {
        after[field] = typed.map_or_else(|| before[field].clone(), |typed| typed.value().clone());
    }
    let changed: Vec<&str> = ["name", "description", "type", "settings", "metadata"]
        .into_iter()
        .filter(|field| {
            let empty =
                |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            before[*field] != after[*field] && !(empty(&before[*field]) && empty(&after[*field]))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    diesel::update(projects::table.filter(projects::id.eq(id)))
        .set((
            projects::name.eq(draft.name.as_str()),
            projects::description.eq(draft.description.as_deref()),
            projects::kind.eq(draft.kind.as_str()),
            settings.map(|typed| projects::settings.eq(typed.value())),
            metadata.map(|typed| projects::metadata.eq(typed.value())),
        ))
        .execute(conn)?;
    let target = Target::project(id, draft.name.as_str());
    audit::record_change(conn, principal, &AuditAction::ProjectUpdated, &target, before, after)?;
    let details = format!("Changed {}", changed.join(", "));
    track(conn, NewAction::by(principal, id, ActionType::ProjectUpdated, details));
    Ok(())
}

/// Makes `step` of a project. To delete one takes its name, `typed` as it is by then.
pub fn make_move(
    conn: &mut PgConnection,
    principal: &Principal,
    id: ProjectId,
    step: Move,
    typed: &str,
) -> Result<(), ChangeError> {
    let current = lock_project(conn, id)?.ok_or(ChangeError::NotFound)?;
    let from = Status::from_stored(current.status.as_deref());
    if step.obstacle(&from, current.is_locked).is_some() {
        return Err(ChangeError::Obstacle(Box::new(current)));
    }
    if step == Move::Delete && composed(typed.trim()) != composed(current.name.trim()) {
        return Err(ChangeError::OtherName(Box::new(current)));
    }
    let (act, kind, done) = match step {
        Move::Archive => (AuditAction::ProjectArchived, ActionType::ProjectArchived, "archived"),
        Move::Unarchive => (AuditAction::ProjectUnarchived, ActionType::ProjectUnarchived, "unarchived"),
        Move::Delete => (AuditAction::ProjectDeleted, ActionType::ProjectDeleted, "deleted"),
        Move::Restore => (AuditAction::ProjectRestored, ActionType::ProjectRestored, "restored"),
        Move::Lock => (AuditAction::ProjectLocked, ActionType::ProjectUpdated, "locked"),
        Move::Unlock => (AuditAction::ProjectUnlocked, ActionType::ProjectUpdated, "unlocked"),
    };
    let (before, after) = if let Some(to) = step.target() {
        diesel::update(projects::table.find(id)).set(projects::status.eq(to.as_str())).execute(conn)?;
        (json!({ "status": from.as_str() }), json!({ "status": to.as_str() }))
    } else {
        let locks = step == Move::Lock;
        let since = locks.then_some(Instant(principal.at));
        diesel::update(projects::table.find(id)).set(projects::locked_at.eq(since)).execute(conn)?;
        (json!({ "locked": !locks }), json!({ "locked": locks }))
    };
    let target = Target::project(id, &current.name);
    audit::record_change(conn, principal, &act, &target, before, after)?;
    track(conn, NewAction::by(principal, id, kind, format!("Project {} {done}", current.name)));
    Ok(())
}

/// The project, kept from changing until the transaction ends.
pub fn lock_project(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Option<ProjectView>> {
    let held: Option<ProjectId> = projects::table
        .filter(projects::id.eq(id))
        .select(projects::id)
        .for_no_key_update()
        .first(conn)
        .optional()?;
    if held.is_some() { queries::find(conn, id) } else { Ok(None) }
}
