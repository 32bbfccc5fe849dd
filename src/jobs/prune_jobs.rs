//! Deletes jobs that ended long ago, and what was kept to try failed makings again.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::operations::making;
use crate::queue::claims;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    context.db().write_blocking(&Actor::System, |conn| {
        making::forget_old_environments(conn).map_err(JobError::from)
    })?;
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
