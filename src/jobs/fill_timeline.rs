//! Takes records that are older than the timeline into it, and entries that are older than threads into these. How far
//! the first has come stands in the database, with the rows; how far the second, with the job.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::activity::fill::{self, Tied};
use crate::db::{Actor, DbError};

/// Records of one transaction: it holds no writer up for longer than a blink.
const BATCH: i32 = 1_000;
/// What follows the push of its commit where nobody told a cause.
const KINDS: [&str; 2] = ["deployment", "workflow_run"];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    kind: usize,
    before: Option<Tied>,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let mut place: Place = context.payload()?;
    let mut is_filled = false;
    while !context.is_to_stop() {
        if !is_filled {
            is_filled = !context
                .db()
                .write_blocking(&Actor::System, |conn| fill::take_in(conn, BATCH).map_err(DbError::from))?;
            continue;
        }
        let Some(kind) = KINDS.get(place.kind) else { return Ok(Outcome::Done) };
        place.before = context.db().write_blocking(&Actor::System, |conn| {
            fill::tie_older(conn, kind, place.before.as_ref(), BATCH).map_err(DbError::from)
        })?;
        place.kind += usize::from(place.before.is_none());
    }
    Ok(Outcome::Continue(json!(place)))
}
