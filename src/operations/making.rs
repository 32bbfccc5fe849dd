//! Making a container for a project: asking for it, trying it again, and what a job puts on record of it.
//!
//! The container's row is there from the beginning, with `pending:` and its own id in place of the engine's, so that
//! the label on the container can name it. When the making fails, the row counts as deleted and its project has no
//! container; trying again brings the same row back.

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::commands::{Row, act, enqueue_as, insert};
use super::model::{Operation, OperationId, PULLING, Status};
use super::queries;
use super::settling::{self, End};
use crate::audit::{self, Target};
use crate::containers::{Making, NewContainer, Verb, made, ports};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{containers, make_container, make_container_again, operations, projects};
use crate::db::time::ago;
use crate::engine::EngineId;
use crate::identity::Principal;
use crate::projects::commands::{self as project_commands, Draft};
use crate::queue::Kind;
use crate::runtime::Entropy;

/// What environment variables are sealed for.
pub const SEALED_FOR: &str = "environment of a container";

/// A project with a container that is to be made; its owner's environment variables come sealed.
pub fn begin_project(
    conn: &mut PgConnection,
    principal: &Principal,
    draft: &Draft,
    container: &NewContainer,
    sealed: Option<&[u8]>,
) -> QueryResult<(ProjectId, OperationId)> {
    let row = new_row(conn, draft.name.as_str(), container, principal.user)?;
    let project = project_commands::insert(conn, principal, draft, Some(row))?;
    let making = Making { begins_project: true, ..Making::of(container) };
    let operation = ask(conn, principal, (row, project, principal.user), &making, (sealed, None))?;
    Ok((project, operation))
}

/// A container for a project that is there and has none, to be made as `making` says, because of `cause`.
pub fn begin_for(
    conn: &mut PgConnection,
    principal: &Principal,
    (project, name, owner): (ProjectId, &str, Option<UserId>),
    container: &NewContainer,
    making: &Making,
    cause: Option<&str>,
) -> QueryResult<OperationId> {
    let row = new_row(conn, name, container, owner)?;
    diesel::update(projects::table.find(project).filter(projects::container_id.is_null()))
        .set(projects::container_id.eq(row))
        .execute(conn)?;
    ask(conn, principal, (row, project, owner), making, (None, cause))
}

fn new_row(
    conn: &mut PgConnection,
    project: &str,
    container: &NewContainer,
    owner: Option<UserId>,
) -> QueryResult<ContainerId> {
    let owner = owner.map(|owner| owner.0);
    let row: uuid::Uuid =
        diesel::select(make_container(made::name_after(project), container.image.as_str(), owner))
            .get_result(conn)?;
    Ok(ContainerId(row))
}

fn ask(
    conn: &mut PgConnection,
    principal: &Principal,
    (row, project, owner): (ContainerId, ProjectId, Option<UserId>),
    making: &Making,
    (sealed, cause): (Option<&[u8]>, Option<&str>),
) -> QueryResult<OperationId> {
    let operation = OperationId::new(Entropy);
    let name: String = containers::table.find(row).select(containers::name).first(conn)?;
    let asked = Row {
        container: Some(row),
        name: &name,
        project: Some(project),
        owner,
        settings: json!(making),
        sealed,
        cause,
        ..Row::of(&operation, Verb::Create)
    };
    insert(conn, principal, &asked)?;
    let target = Target::container(row, &name, Some(project));
    let after =
        json!({ "operation": operation.as_str(), "image": making.image, "environment": making.environment });
    audit::record_change(conn, principal, &act(Verb::Create), &target, Value::Null, after)?;
    enqueue_as(conn, Kind::MakeContainer, &operation)?;
    Ok(operation)
}

/// Why a making is not tried again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    #[error("there is no such operation")]
    NotFound,
    #[error("{0}")]
    Obstacle(&'static str),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Asks once more for a container whose making failed or was taken back.
///
/// # Errors
/// Why not: see [`AgainError`].
pub fn again(
    conn: &mut PgConnection,
    principal: &Principal,
    id: &OperationId,
) -> Result<OperationId, AgainError> {
    let operation = queries::find(conn, id)?.ok_or(AgainError::NotFound)?;
    let making: Option<Making> = serde_json::from_value(operation.settings.clone()).ok();
    let (Some(row), Some(project), Some(making), true) =
        (operation.container, operation.project, making, operation.verb == Verb::Create.as_str())
    else {
        return Err(AgainError::NotFound);
    };
    if !matches!(operation.status(), Status::Failed | Status::Cancelled) {
        return Err(AgainError::Obstacle("It has not failed."));
    }
    let held: Option<Option<ContainerId>> = projects::table
        .find(project)
        .filter(projects::status.is_distinct_from("deleted"))
        .select(projects::container_id)
        .for_no_key_update()
        .first(conn)
        .optional()?;
    match held {
        None => return Err(AgainError::Obstacle("Its project is deleted. Restore that first.")),
        Some(Some(_)) => return Err(AgainError::Obstacle("Its project has a container by now.")),
        Some(None) => {}
    }
    let (sealed, cause): (Option<Vec<u8>>, Option<String>) =
        operations::table.find(id.as_str()).select((operations::sealed, operations::cause)).first(conn)?;
    if sealed.is_none() && !making.environment.is_empty() {
        return Err(AgainError::Obstacle(
            "Its environment variables are kept for a day only. Make another project with them.",
        ));
    }
    if !diesel::select(make_container_again(row.0)).get_result::<bool>(conn)? {
        return Err(AgainError::Obstacle("The container was made meanwhile, or is being made."));
    }
    diesel::update(projects::table.find(project)).set(projects::container_id.eq(row)).execute(conn)?;
    Ok(ask(conn, principal, (row, project, operation.owner), &making, (sealed.as_deref(), cause.as_deref()))?)
}

/// Marks a making as one that pulls its image, and may be taken back, or as past that. False when it was taken back.
pub fn pulls(conn: &mut PgConnection, id: &OperationId, is_pulling: bool) -> QueryResult<bool> {
    let written = diesel::update(operations::table.find(id.as_str()))
        .filter(operations::status.eq(Status::InProgress.as_str()))
        .set(operations::stage.eq(is_pulling.then_some(PULLING)))
        .execute(conn)?;
    Ok(written > 0)
}

/// The sealed environment variables of a making.
pub fn sealed(conn: &mut PgConnection, id: &OperationId) -> QueryResult<Option<Vec<u8>>> {
    operations::table.find(id.as_str()).select(operations::sealed).first(conn)
}

/// The engine has made the container: whoever goes on from here finds it by its id.
pub fn keep_made(
    conn: &mut PgConnection,
    (id, row): (&OperationId, ContainerId),
    made: &EngineId,
    (image, port, url): (&str, u16, &str),
) -> QueryResult<()> {
    diesel::update(containers::table.find(row))
        .set((
            containers::container_id.eq(made.as_str()),
            containers::image_name.eq(image),
            containers::assigned_port.eq(i32::from(port)),
            containers::url.eq(url),
        ))
        .execute(conn)?;
    diesel::update(operations::table.find(id.as_str()))
        .set(operations::engine_container_id.eq(made.as_str()))
        .execute(conn)
        .map(|_| ())
}

/// The container is there: nothing of its making has to be kept.
pub fn forget_environment(conn: &mut PgConnection, row: ContainerId) -> QueryResult<()> {
    let kept =
        operations::table.filter(operations::container_id.eq(row)).filter(operations::sealed.is_not_null());
    diesel::update(kept).set(operations::sealed.eq(None::<Vec<u8>>)).execute(conn).map(|_| ())
}

/// Environment variables of makings that failed are kept for a day, to try again.
pub fn forget_old_environments(conn: &mut PgConnection) -> QueryResult<usize> {
    let old = operations::table
        .filter(operations::sealed.is_not_null())
        .filter(operations::asked_at.lt(ago(1.days())))
        .filter(operations::ended_at.is_not_null());
    diesel::update(old).set(operations::sealed.eq(None::<Vec<u8>>)).execute(conn)
}

/// The engine's container is about to be removed: what is heard of that is nothing that happened to the row's.
pub fn keep_unmade(conn: &mut PgConnection, row: ContainerId) -> QueryResult<()> {
    diesel::update(containers::table.find(row))
        .set((
            containers::container_id.eq(format!("pending:{row}")),
            containers::assigned_port.eq(None::<i32>),
            containers::url.eq(None::<String>),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Nothing of it is left at the engine, and nothing half-made is left here.
pub fn unmake(
    conn: &mut PgConnection,
    operation: &Operation,
    id: &OperationId,
    end: &End,
) -> QueryResult<()> {
    settling::finish(conn, id, end)?;
    let Some(row) = operation.container else { return Ok(()) };
    diesel::update(projects::table.filter(projects::container_id.eq(row)))
        .set(projects::container_id.eq(None::<ContainerId>))
        .execute(conn)?;
    leave(conn, row)
}

/// The row of a container that the engine does not have, or is about to lose.
pub fn leave(conn: &mut PgConnection, row: ContainerId) -> QueryResult<()> {
    keep_unmade(conn, row)?;
    diesel::update(containers::table.find(row)).set(containers::status.eq("deleted")).execute(conn)?;
    ports::release(conn, row)
}
