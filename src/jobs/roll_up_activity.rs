//! Keeps the counts of heat maps and charts.

use super::{Context, JobError, Outcome};
use crate::activity::rollup;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    rollup::keep(context.db())?;
    Ok(Outcome::Done)
}
