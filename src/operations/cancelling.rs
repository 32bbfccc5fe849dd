//! Taking back what was asked for.

use diesel::prelude::*;
use serde_json::json;

use super::model::{Operation, OperationId, PULLING, Status};
use crate::audit::{self, AuditAction, Target};
use crate::db::schema::operations;
use crate::db::time::now;
use crate::identity::Principal;

/// Why an operation can't be taken back.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such operation")]
    NotFound,
    /// It goes on, or is over.
    #[error("It has begun, and can't be taken back.")]
    HasBegun,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Takes back what has not begun.
///
/// # Errors
/// Why not: see [`CancelError`].
pub fn cancel(conn: &mut PgConnection, principal: &Principal, id: &OperationId) -> Result<(), CancelError> {
    let operation: Operation = operations::table
        .find(id.as_str())
        .select(Operation::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()?
        .ok_or(CancelError::NotFound)?;
    let is_pulling = operation.status() == Status::InProgress && operation.stage.as_deref() == Some(PULLING);
    if operation.status() != Status::Pending && !is_pulling {
        return Err(CancelError::HasBegun);
    }
    diesel::update(operations::table.find(id.as_str()))
        .set((
            operations::status.eq(Status::Cancelled.as_str()),
            operations::ended_at.eq(now.nullable()),
            operations::answer.eq(if is_pulling {
                "Taken back while its image was being pulled."
            } else {
                "Taken back before it began. Nothing was done."
            }),
        ))
        .execute(conn)?;
    let target = Target {
        kind: "operation",
        id: id.to_string(),
        name: format!("{} {}", operation.verb, operation.container_name),
        project: operation.project,
    };
    let (before, after) = (json!({ "status": operation.status }), json!({ "status": "CANCELLED" }));
    audit::record_change(conn, principal, &AuditAction::OperationCancelled, &target, before, after)?;
    // The job that finds nothing to do settles what it is a part of.
    Ok(())
}
