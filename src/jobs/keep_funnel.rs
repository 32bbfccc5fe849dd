//! Counts how far sessions of the assistant came.

use super::{Context, JobError, Outcome};
use crate::analytics::funnel;
use crate::db::Actor;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    context.db().write_blocking(&Actor::System, |conn| funnel::keep(conn).map_err(JobError::from))?;
    Ok(Outcome::Done)
}
