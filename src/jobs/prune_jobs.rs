//! Deletes jobs that ended long ago.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::queue::claims;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    while !context.is_to_stop() {
        let more = context
            .db()
            .write_blocking(&Actor::System, |conn| claims::prune(conn).map_err(JobError::from))?;
        if !more {
            break;
        }
    }
    Ok(Outcome::Done)
}
