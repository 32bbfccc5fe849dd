//! What a job puts on record of the operation that it carries out.

use diesel::prelude::*;

use super::model::{Operation, OperationId, Status};
use crate::containers::{self, Observation};
use crate::db::ids::ContainerId;
use crate::db::schema::{containers as containers_table, engine_containers, operations};
use crate::db::time::now;

/// Marks an operation as begun. None when it is over, or was taken back.
pub fn begin(conn: &mut PgConnection, id: &OperationId) -> QueryResult<Option<Operation>> {
    let operation: Option<Operation> = operations::table
        .find(id.as_str())
        .select(Operation::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()?;
    let Some(operation) = operation.filter(|operation| !operation.status().is_over()) else {
        return Ok(None);
    };
    if operation.status() == Status::Pending {
        diesel::update(operations::table.find(id.as_str()))
            .set((
                operations::status.eq(Status::InProgress.as_str()),
                operations::begun_at.eq(now.nullable()),
            ))
            .execute(conn)?;
    }
    Ok(Some(operation))
}

/// Says how it goes on, while it does.
pub fn tell(conn: &mut PgConnection, id: &OperationId, answer: &str) -> QueryResult<()> {
    diesel::update(operations::table.find(id.as_str()))
        .filter(operations::status.eq(Status::InProgress.as_str()))
        .set(operations::answer.eq(kept(answer)))
        .execute(conn)
        .map(|_| ())
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub status: Status,
    pub answer: String,
    /// What the container is like by now, as far as the engine said so.
    pub seen: Option<Observation>,
}

/// Ends an operation: what came of it, what its container is by now, and with its last part the one that it belongs to.
pub fn finish(conn: &mut PgConnection, id: &OperationId, end: &End) -> QueryResult<()> {
    let ended: Option<(Option<ContainerId>, Option<String>)> =
        diesel::update(operations::table.find(id.as_str()))
            .filter(operations::status.eq_any([Status::Pending.as_str(), Status::InProgress.as_str()]))
            .set((
                operations::status.eq(end.status.as_str()),
                operations::answer.eq(kept(&end.answer)),
                operations::ended_at.eq(now.nullable()),
            ))
            .returning((operations::container_id, operations::parent_id))
            .get_result(conn)
            .optional()?;
    let Some((container, parent)) = ended else { return Ok(()) };
    if let (Some(container), Some(seen)) = (container, &end.seen) {
        containers::commands::observe(conn, container, seen)?;
    }
    match parent.and_then(|parent| parent.parse().ok()) {
        Some(parent) => settle_parent(conn, &parent),
        None => Ok(()),
    }
}

/// The engine calls the container of an operation otherwise by now.
pub fn renamed(conn: &mut PgConnection, id: &OperationId, name: &str) -> QueryResult<()> {
    let of: Option<Option<ContainerId>> =
        operations::table.find(id.as_str()).select(operations::container_id).first(conn).optional()?;
    let Some(container) = of.flatten() else { return Ok(()) };
    diesel::update(containers_table::table.find(container))
        .filter(containers_table::name.ne(name))
        .set(containers_table::name.eq(name))
        .execute(conn)
        .map(|_| ())
}

/// Ends an operation on several once each of its parts is over.
pub fn settle_parent(conn: &mut PgConnection, parent: &OperationId) -> QueryResult<()> {
    let held: Option<String> = operations::table
        .find(parent.as_str())
        .filter(operations::status.eq(Status::InProgress.as_str()))
        .select(operations::id)
        .for_no_key_update()
        .first(conn)
        .optional()?;
    if held.is_none() {
        return Ok(());
    }
    let parts: Vec<String> = operations::table
        .filter(operations::parent_id.eq(parent.as_str()))
        .select(operations::status)
        .load(conn)?;
    let parts: Vec<Status> = parts.iter().map(|status| Status::from_stored(status)).collect();
    if parts.iter().any(|status| !status.is_over()) {
        return Ok(());
    }
    let done = parts.iter().filter(|status| **status == Status::Completed).count();
    let status = if done == parts.len() { Status::Completed } else { Status::Failed };
    diesel::update(operations::table.find(parent.as_str()))
        .set((
            operations::status.eq(status.as_str()),
            operations::answer.eq(format!("{done} of {} done.", parts.len())),
            operations::ended_at.eq(now.nullable()),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Whether an admin took this container in as the row's: what stands for the console's label.
pub fn is_adopted(conn: &mut PgConnection, row: ContainerId, engine_container: &str) -> QueryResult<bool> {
    let adopted = engine_containers::table
        .filter(engine_containers::container_id.eq(engine_container))
        .filter(engine_containers::row_id.eq(row))
        .filter(engine_containers::adopted_at.is_not_null())
        // Of the others an owner may read some only.
        .select(engine_containers::container_id);
    diesel::select(diesel::dsl::exists(adopted)).get_result(conn)
}

/// Whether an engine that is followed here has ever had this container.
pub fn was_shown(conn: &mut PgConnection, engine_container: &str) -> QueryResult<bool> {
    let shown = engine_containers::table
        .filter(engine_containers::container_id.eq(engine_container))
        .select(engine_containers::container_id);
    diesel::select(diesel::dsl::exists(shown)).get_result(conn)
}

/// What the column takes of an answer.
fn kept(answer: &str) -> String {
    answer.chars().filter(|c| *c != '\0').take(2_000).collect()
}
