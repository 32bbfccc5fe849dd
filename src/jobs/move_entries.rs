//! Gives the entries of a project that changed hands to whoever owns it now.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Context, JobError, Outcome};
use crate::activity::fill;
use crate::db::ids::ProjectId;
use crate::db::{Actor, DbError};

const BATCH: i32 = 1_000;

#[derive(Deserialize)]
struct Payload {
    project: Uuid,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let Payload { project } = context.payload()?;
    while !context.is_to_stop() {
        let moved = context.db().write_blocking(&Actor::System, |conn| {
            fill::move_entries(conn, ProjectId(project), BATCH).map_err(DbError::from)
        })?;
        if moved < BATCH {
            return Ok(Outcome::Done);
        }
    }
    Ok(Outcome::Continue(json!({ "project": project.to_string() })))
}
