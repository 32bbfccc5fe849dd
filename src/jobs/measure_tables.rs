//! Keeps how large the tables are each day.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::instance::database;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    context.db().write_blocking(&Actor::System, |conn| database::measure(conn).map_err(JobError::from))?;
    Ok(Outcome::Done)
}
