//! Takes records that are older than the timeline into it. How far it has come stands in the database, with the rows.

use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::activity::fill;
use crate::db::{Actor, DbError};

/// Records of one transaction: it holds no writer up for longer than a blink.
const BATCH: i32 = 1_000;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    while !context.is_to_stop() {
        let has_more = context
            .db()
            .write_blocking(&Actor::System, |conn| fill::take_in(conn, BATCH).map_err(DbError::from))?;
        if !has_more {
            return Ok(Outcome::Done);
        }
    }
    Ok(Outcome::Continue(json!({})))
}
