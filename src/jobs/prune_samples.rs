//! Thins out what containers used, and forgets it after a year.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::figures;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    while !context.is_to_stop() {
        let more = context
            .db()
            .write_blocking(&Actor::System, |conn| figures::prune(conn).map_err(JobError::from))?;
        if !more {
            break;
        }
    }
    Ok(Outcome::Done)
}
