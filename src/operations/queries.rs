//! Reads of operations. Row-level security decides whose.

use diesel::prelude::*;

use super::model::{Operation, OperationId};
use crate::containers::{Making, Verb};
use crate::db::ids::ContainerId;
use crate::db::schema::{operations, projects};

pub fn find(conn: &mut PgConnection, id: &OperationId) -> QueryResult<Option<Operation>> {
    operations::table.find(id.as_str()).select(Operation::as_select()).first(conn).optional()
}

/// What a parent had done, one by one, in the order of the containers' names.
pub fn parts(conn: &mut PgConnection, parent: &OperationId) -> QueryResult<Vec<Operation>> {
    operations::table
        .filter(operations::parent_id.eq(parent.as_str()))
        .order((operations::container_name, operations::id))
        .select(Operation::as_select())
        .load(conn)
}

/// What is being done to a container, or waits to be.
pub fn under_way(conn: &mut PgConnection, container: ContainerId) -> QueryResult<Option<Operation>> {
    operations::table
        .filter(operations::container_id.eq(container))
        // As the index has it.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status IN ('PENDING', 'IN_PROGRESS')"))
        .select(Operation::as_select())
        .first(conn)
        .optional()
}

/// What is being done to a container, and whether the console made it: in one round trip.
pub fn under_way_and_made(
    conn: &mut PgConnection,
    container: ContainerId,
) -> QueryResult<(Option<Operation>, bool)> {
    let found: Vec<Operation> = operations::table
        .filter(operations::container_id.eq(container))
        .filter(
            operations::status.eq_any(["PENDING", "IN_PROGRESS"]).or(operations::status
                .eq("COMPLETED")
                .and(operations::verb.eq_any([Verb::Create.as_str(), Verb::Recreate.as_str()]))),
        )
        // One at most is under way, and it comes first.
        .order((operations::status.eq("COMPLETED"), operations::asked_at.desc()))
        .limit(2)
        .select(Operation::as_select())
        .load(conn)?;
    let (over, under_way): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.status().is_over());
    Ok((under_way.into_iter().next(), !over.is_empty()))
}

/// Whether a live project of the container is locked, and the container with it.
pub fn is_locked_by_project(conn: &mut PgConnection, container: ContainerId) -> QueryResult<bool> {
    let locked = projects::table
        .filter(projects::container_id.eq(container))
        .filter(projects::status.is_distinct_from("deleted"))
        .filter(projects::locked_at.is_not_null())
        .select(projects::id);
    diesel::select(diesel::dsl::exists(locked)).get_result(conn)
}

/// What the container was made of, if the console made it.
pub fn last_making(conn: &mut PgConnection, container: ContainerId) -> QueryResult<Option<Making>> {
    let settings: Option<serde_json::Value> = operations::table
        .filter(operations::container_id.eq(container))
        .filter(operations::verb.eq_any([Verb::Create.as_str(), Verb::Recreate.as_str()]))
        .filter(operations::status.eq("COMPLETED"))
        .order(operations::asked_at.desc())
        .select(operations::settings)
        .first(conn)
        .optional()?;
    Ok(settings.and_then(|settings| serde_json::from_value(settings).ok()))
}
