//! Asking for an operation, and for several. What it takes to make a container is in `making.rs`.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::model::{Operation, OperationId, Status};
use super::queries;
use crate::audit::{self, AuditAction, Target};
use crate::containers::Status as ContainerStatus;
use crate::containers::{Verb, made};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{containers, operations, projects};
use crate::db::spelling::composed;
use crate::db::time::Instant;
use crate::engine::EngineId;
use crate::identity::Principal;
use crate::queue::{Kind, NewJob, enqueue};
use crate::runtime::Entropy;

/// Why an operation is not begun.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("There is no such container, or it is not yours.")]
    NotFound,
    /// Something else is being done to it.
    #[error("{} is {} at the moment. Wait until that is over.", .0.container_name, being_done(.0))]
    Busy(Box<Operation>),
    #[error("{0}")]
    Obstacle(&'static str),
    #[error("Type the container's name to delete it.")]
    OtherName,
    /// What was typed can't be its new name.
    #[error("{0}")]
    NoName(String),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

fn being_done(operation: &Operation) -> &'static str {
    Verb::from_stored(&operation.verb).map_or("being changed", Verb::being_done)
}

/// The container at hand has an id that only workers know.
pub const NO_ENGINE_ID: &str = "The container was reported by a worker under an id that is none of an engine's, so \
     nothing can be done to it from here.";
/// The container at hand is none yet.
pub const NOT_MADE: &str = "The engine has not made the container yet: its operation says how far it is.";

/// Why nothing can be asked of an engine about a container with this id.
#[must_use]
pub fn missing_engine_id(container_id: &str) -> &'static str {
    if container_id.starts_with("pending:") { NOT_MADE } else { NO_ENGINE_ID }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub operation: OperationId,
    /// The same is under way already: nothing was added.
    pub was_under_way: bool,
}

struct Held {
    name: String,
    status: String,
    engine_id: String,
    owner: Option<UserId>,
    is_locked: bool,
}

/// Asks for `verb` to be done to a container. `typed` is its name where it is to be deleted, and its new name where it
/// is to be renamed.
///
/// # Errors
/// Why not: see [`AskError`].
pub fn ask(
    conn: &mut PgConnection,
    principal: &Principal,
    container: ContainerId,
    verb: Verb,
    typed: &str,
) -> Result<Asked, AskError> {
    let held = hold(conn, container)?;
    if verb == Verb::Delete && composed(typed.trim()) != composed(held.name.trim()) {
        return Err(AskError::OtherName);
    }
    let settings = match verb {
        Verb::Rename => {
            let name = made::parse_name(typed).map_err(AskError::NoName)?;
            if name.as_str() == held.name {
                return Err(AskError::NoName("That is its name already.".to_owned()));
            }
            json!({ "name": name.as_str() })
        }
        _ => json!({}),
    };
    ask_held(conn, principal, container, &held, (verb, settings), None)
}

/// Asks for `verb` to be done to several, as one operation with a part for each; why a part can't be is its answer.
///
/// # Errors
/// The database's.
pub fn ask_several(
    conn: &mut PgConnection,
    principal: &Principal,
    containers: &[ContainerId],
    verb: Verb,
) -> QueryResult<OperationId> {
    let parent = OperationId::new(Entropy);
    let owner = principal.user.filter(|_| !principal.is_admin);
    let row = Row { owner, status: Status::InProgress, ..Row::of(&parent, verb) };
    insert(conn, principal, &row)?;
    // Locked in one order by everybody.
    let mut containers = containers.to_vec();
    containers.sort_unstable();
    containers.dedup();
    for container in containers {
        let asked = hold(conn, container)
            .and_then(|held| ask_held(conn, principal, container, &held, (verb, json!({})), Some(&parent)));
        let (name, told) = match asked {
            Ok(Asked { was_under_way: false, .. }) => continue,
            Ok(Asked { was_under_way: true, operation }) => {
                (name_of(conn, container)?, format!("That is under way already, as {operation}."))
            }
            Err(AskError::Query(error)) => return Err(error),
            Err(AskError::NotFound) => (container.to_string(), AskError::NotFound.to_string()),
            Err(refused) => (name_of(conn, container)?, refused.to_string()),
        };
        let part = OperationId::new(Entropy);
        let row = Row {
            parent: Some(&parent),
            owner,
            name: &name,
            status: Status::Failed,
            answer: Some(&told),
            ..Row::of(&part, verb)
        };
        insert(conn, principal, &row)?;
    }
    // Also when no part of it begins.
    enqueue_one(conn, &parent)?;
    Ok(parent)
}

fn name_of(conn: &mut PgConnection, container: ContainerId) -> QueryResult<String> {
    containers::table.find(container).select(containers::name).first(conn)
}

/// The container, kept from changing until the transaction ends: two who ask for something take turns here.
fn hold(conn: &mut PgConnection, id: ContainerId) -> Result<Held, AskError> {
    let found: Option<(String, String, String, Option<UserId>, bool)> = containers::table
        .find(id)
        .select((
            containers::name,
            containers::status,
            containers::container_id,
            containers::user_id,
            containers::locked_at.is_not_null(),
        ))
        .for_no_key_update()
        .first(conn)
        .optional()?;
    let (name, status, engine_id, owner, is_locked) = found.ok_or(AskError::NotFound)?;
    let is_locked = is_locked || queries::is_locked_by_project(conn, id)?;
    Ok(Held { name, status, engine_id, owner, is_locked })
}

fn ask_held(
    conn: &mut PgConnection,
    principal: &Principal,
    container: ContainerId,
    held: &Held,
    (verb, settings): (Verb, Value),
    parent: Option<&OperationId>,
) -> Result<Asked, AskError> {
    if verb.is_ours_alone() {
        return lock(conn, principal, container, held, verb, parent);
    }
    let engine_id: EngineId =
        held.engine_id.parse().map_err(|_| AskError::Obstacle(missing_engine_id(&held.engine_id)))?;
    if let Some(other) = queries::under_way(conn, container)? {
        let same = (other.verb == verb.as_str()).then(|| other.id.parse().ok()).flatten();
        return match same {
            Some(operation) => Ok(Asked { operation, was_under_way: true }),
            None => Err(AskError::Busy(Box::new(other))),
        };
    }
    if let Some(obstacle) = verb.obstacle(&ContainerStatus::from_stored(&held.status), held.is_locked) {
        return Err(AskError::Obstacle(obstacle));
    }
    let settings = match verb {
        Verb::Recreate => {
            let making = queries::last_making(conn, container)?;
            json!(making.ok_or(AskError::Obstacle(NOT_MADE_HERE))?)
        }
        _ => settings,
    };
    let operation = OperationId::new(Entropy);
    let project = project_of(conn, principal, container)?;
    insert(
        conn,
        principal,
        &Row {
            parent,
            container: Some(container),
            engine_id: Some(&engine_id),
            name: &held.name,
            project,
            owner: held.owner,
            settings: settings.clone(),
            ..Row::of(&operation, verb)
        },
    )?;
    let target = Target::container(container, &held.name, project);
    let mut after = json!({ "operation": operation.as_str() });
    if let (Verb::Rename, Some(name)) = (verb, settings.get("name")) {
        after["name"] = name.clone();
    }
    audit::record_change(conn, principal, &act(verb), &target, json!({ "status": held.status }), after)?;
    let kind = if verb == Verb::Recreate { Kind::MakeContainer } else { Kind::CarryOutOperation };
    enqueue_as(conn, kind, &operation)?;
    Ok(Asked { operation, was_under_way: false })
}

/// Only what the console made is made anew: of others it does not know what they are made of.
pub const NOT_MADE_HERE: &str = "This console did not make the container, so it can't make it anew.";

/// What asking for `verb` is called on record.
pub(super) fn act(verb: Verb) -> AuditAction {
    match verb {
        Verb::Create => AuditAction::ContainerMade,
        Verb::Start => AuditAction::ContainerStarted,
        Verb::Stop => AuditAction::ContainerStopped,
        Verb::Restart => AuditAction::ContainerRestarted,
        Verb::Recreate => AuditAction::ContainerRecreated,
        Verb::Rename => AuditAction::ContainerRenamed,
        Verb::Lock => AuditAction::ContainerLocked,
        Verb::Unlock => AuditAction::ContainerUnlocked,
        Verb::Delete => AuditAction::ContainerDeleted,
    }
}

/// A lock is the console's own: it is done when it is asked for, and an operation all the same.
fn lock(
    conn: &mut PgConnection,
    principal: &Principal,
    container: ContainerId,
    held: &Held,
    verb: Verb,
    parent: Option<&OperationId>,
) -> Result<Asked, AskError> {
    if let Some(obstacle) = verb.obstacle(&ContainerStatus::from_stored(&held.status), false) {
        return Err(AskError::Obstacle(obstacle));
    }
    let since = (verb == Verb::Lock).then_some(Instant(principal.at));
    let changed = diesel::update(containers::table.find(container))
        .filter(containers::locked_at.is_null().eq(verb == Verb::Lock))
        .set(containers::locked_at.eq(since))
        .execute(conn)?;
    let told = match (verb, changed) {
        (Verb::Lock, 0) => "It was locked already.",
        (Verb::Lock, _) => "Locked: nobody can stop or delete it until it is unlocked.",
        (_, 0) => "It was not locked.",
        _ => "Unlocked.",
    };
    let operation = OperationId::new(Entropy);
    let project = project_of(conn, principal, container)?;
    let row = Row {
        parent,
        container: Some(container),
        name: &held.name,
        project,
        owner: held.owner,
        status: Status::Completed,
        answer: Some(told),
        ..Row::of(&operation, verb)
    };
    insert(conn, principal, &row)?;
    let target = Target::container(container, &held.name, project);
    let after = json!({ "operation": operation.as_str() });
    audit::record_change(conn, principal, &act(verb), &target, json!({}), after)?;
    Ok(Asked { operation, was_under_way: false })
}

fn enqueue_one(conn: &mut PgConnection, operation: &OperationId) -> QueryResult<bool> {
    enqueue_as(conn, Kind::CarryOutOperation, operation)
}

pub(super) fn enqueue_as(conn: &mut PgConnection, kind: Kind, operation: &OperationId) -> QueryResult<bool> {
    let job = NewJob::of(kind).keyed(operation.as_str());
    enqueue(conn, &job.with(json!({ "operation": operation.as_str() })))
}

/// The asker's project in the container, else its only live one.
fn project_of(
    conn: &mut PgConnection,
    principal: &Principal,
    container: ContainerId,
) -> QueryResult<Option<ProjectId>> {
    let live: Vec<(ProjectId, Option<UserId>)> = projects::table
        .filter(projects::container_id.eq(container))
        .filter(projects::status.is_distinct_from("deleted"))
        .order(projects::id)
        .limit(100)
        .select((projects::id, projects::user_id))
        .load(conn)?;
    let own = live.iter().find(|(_, owner)| owner.is_some() && *owner == principal.user);
    let only = if live.len() == 1 { live.first() } else { None };
    Ok(own.or(only).map(|(id, _)| *id))
}

pub(super) struct Row<'a> {
    pub id: &'a OperationId,
    pub verb: Verb,
    pub status: Status,
    pub parent: Option<&'a OperationId>,
    pub container: Option<ContainerId>,
    pub engine_id: Option<&'a EngineId>,
    pub name: &'a str,
    pub project: Option<ProjectId>,
    pub owner: Option<UserId>,
    pub answer: Option<&'a str>,
    pub settings: Value,
    pub sealed: Option<&'a [u8]>,
    /// The entry that led to it, as `action:ID`.
    pub cause: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub fn of(id: &'a OperationId, verb: Verb) -> Self {
        Self {
            id,
            verb,
            status: Status::Pending,
            parent: None,
            container: None,
            engine_id: None,
            name: "",
            project: None,
            owner: None,
            answer: None,
            settings: json!({}),
            sealed: None,
            cause: None,
        }
    }
}

pub(super) fn insert(conn: &mut PgConnection, principal: &Principal, row: &Row<'_>) -> QueryResult<()> {
    let at = principal.at;
    diesel::insert_into(operations::table)
        .values((
            operations::id.eq(row.id.as_str()),
            operations::parent_id.eq(row.parent.map(OperationId::as_str)),
            operations::verb.eq(row.verb.as_str()),
            operations::status.eq(row.status.as_str()),
            operations::container_id.eq(row.container),
            operations::container_name.eq(row.name),
            operations::engine_container_id.eq(row.engine_id.map(EngineId::as_str)),
            operations::project_id.eq(row.project),
            operations::owner_id.eq(row.owner),
            operations::asked_by.eq(principal.user),
            operations::asked_by_name.eq(principal.name.as_str()),
            operations::request_id.eq(principal.origin.request_id.as_deref()),
            operations::asked_at.eq(Instant(at)),
            operations::begun_at.eq((row.status != Status::Pending).then_some(at)),
            operations::ended_at.eq(row.status.is_over().then_some(at)),
            (
                operations::answer.eq(row.answer),
                operations::settings.eq(&row.settings),
                operations::sealed.eq(row.sealed),
                operations::cause.eq(row.cause),
            ),
        ))
        .execute(conn)
        .map(|_| ())
}
