//! Keeps the counts of insights.

use super::{Context, JobError, Outcome};
use crate::insights::rollup;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    rollup::keep(context.db(), || context.is_to_stop())?;
    Ok(Outcome::Done)
}
