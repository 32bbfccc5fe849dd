//! Reads of operations. Row-level security decides whose.

use diesel::prelude::*;

use super::model::{Operation, OperationId};
use crate::db::ids::ContainerId;
use crate::db::schema::operations;

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
