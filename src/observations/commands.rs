//! What admins decide about containers that are unknown here.

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::audit::{self, AuditAction, Target};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{containers, engine_containers, engines, projects, users};
use crate::db::time::now;
use crate::engine::EngineId;
use crate::identity::Principal;

/// Whose an adopted container becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    Project(ProjectId),
    Owner(UserId),
}

#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error("The engine has no such container, or it is known here already.")]
    NotFound,
    #[error("Name who takes it: the id of a project without a container, or a user by address or id.")]
    NoTaker,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

struct Held {
    engine: String,
    address: String,
    name: String,
    image: String,
    state: String,
}

/// The container that nobody has taken in, kept from changing until the transaction ends.
fn hold(conn: &mut PgConnection, container: &EngineId) -> Result<Held, DecideError> {
    let found: Option<(String, String, String, String)> = engine_containers::table
        .filter(engine_containers::container_id.eq(container.as_str()))
        .filter(engine_containers::row_id.is_null())
        .filter(engine_containers::gone_at.is_null())
        .select((
            engine_containers::engine_id,
            engine_containers::name,
            engine_containers::image,
            engine_containers::state,
        ))
        .for_update()
        .first(conn)
        .optional()?;
    let (engine, name, image, state) = found.ok_or(DecideError::NotFound)?;
    let address = engines::table.find(&engine).select(engines::address).first(conn)?;
    Ok(Held { engine, address, name, image, state })
}

/// Takes a container in: it gets a row of its own, and may be acted on although it lacks the console's label.
///
/// # Errors
/// Why not: see [`DecideError`].
pub fn adopt(
    conn: &mut PgConnection,
    principal: &Principal,
    container: &EngineId,
    taker: Taker,
) -> Result<ContainerId, DecideError> {
    let held = hold(conn, container)?;
    let (owner, project) = match taker {
        Taker::Owner(user) => {
            let owner: Option<UserId> = users::table.find(user).select(users::id).first(conn).optional()?;
            (owner.ok_or(DecideError::NoTaker)?, None)
        }
        Taker::Project(project) => {
            let owner: Option<Option<UserId>> = projects::table
                .find(project)
                .filter(projects::container_id.is_null())
                .filter(projects::status.is_distinct_from("deleted"))
                .select(projects::user_id)
                .for_no_key_update()
                .first(conn)
                .optional()?;
            (owner.flatten().ok_or(DecideError::NoTaker)?, Some(project))
        }
    };
    let row: Option<ContainerId> = diesel::insert_into(containers::table)
        .values((
            containers::container_id.eq(container.as_str()),
            containers::name.eq(&held.name),
            containers::image_name.eq(held.image.get(..255).unwrap_or(&held.image)),
            containers::status.eq("created"),
            containers::user_id.eq(owner),
            containers::observed_from.eq(&held.address),
        ))
        .on_conflict_do_nothing()
        .returning(containers::id)
        .get_result(conn)
        .optional()?;
    let row = row.ok_or(DecideError::NotFound)?;
    if let Some(project) = project {
        diesel::update(projects::table.find(project)).set(projects::container_id.eq(row)).execute(conn)?;
    }
    diesel::update(engine_containers::table.find((&held.engine, container.as_str())))
        .set((
            engine_containers::row_id.eq(row),
            engine_containers::adopted_at.eq(now.nullable()),
            engine_containers::adopted_by.eq(principal.user),
            engine_containers::adopted_by_name.eq(&principal.name),
            // So that the next sweep looks at it and brings the row up to date.
            engine_containers::state.eq("adopted"),
        ))
        .execute(conn)?;
    let target = Target::container(row, &held.name, project);
    let after = json!({
        "container_id": container.as_str(), "engine": held.engine, "owner": owner.to_string(), "state": held.state,
    });
    audit::record_change(conn, principal, &AuditAction::ContainerAdopted, &target, Value::Null, after)?;
    Ok(row)
}

/// Leaves a container alone for good: it is not told of any more.
///
/// # Errors
/// Why not: see [`DecideError`].
pub fn ignore(
    conn: &mut PgConnection,
    principal: &Principal,
    container: &EngineId,
) -> Result<(), DecideError> {
    let held = hold(conn, container)?;
    diesel::update(engine_containers::table.find((&held.engine, container.as_str())))
        .set((
            engine_containers::ignored_at.eq(now.nullable()),
            engine_containers::ignored_by_name.eq(&principal.name),
        ))
        .execute(conn)?;
    let target =
        Target { kind: "container", id: container.to_string(), name: held.name.clone(), project: None };
    let after = json!({ "ignored": true, "engine": held.engine });
    audit::record_change(conn, principal, &AuditAction::ContainerIgnored, &target, Value::Null, after)?;
    Ok(())
}
