//! Deletes what is older than its rule.

use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::retention::run;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let at = context.app().clock.now();
    match run::run(context.db(), at, || context.is_to_stop())? {
        run::Outcome::Complete(_) => Ok(Outcome::Done),
        run::Outcome::Stopped => Ok(Outcome::Continue(json!({}))),
    }
}
