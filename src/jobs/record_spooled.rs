//! Records the actions that could not be recorded when they happened.

use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::activity::spool;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    // After an outage thousands may wait.
    while spool::retry(context.db())?.may_go_on() {
        if context.is_to_stop() {
            return Ok(Outcome::Continue(json!({})));
        }
    }
    Ok(Outcome::Done)
}
