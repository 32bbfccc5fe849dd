//! Ends events that were reported and never heard of again.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::reports::silence;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    while !context.is_to_stop() {
        let ended = context
            .db()
            .write_blocking(&Actor::System, |conn| silence::end_batch(conn).map_err(JobError::from))?;
        if ended == 0 {
            break;
        }
    }
    Ok(Outcome::Done)
}
