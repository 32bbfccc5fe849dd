//! Tells the CRM of posted drafts, where one is connected.

use super::{Context, JobError, Outcome};
use crate::drafts::selling::{self, Turn};

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let Some(crm) = context.app().crm.clone() else { return Ok(Outcome::Done) };
    while !context.is_to_stop() {
        match selling::send_next(context.db(), &*crm)? {
            Turn::Idle => return Ok(Outcome::Done),
            Turn::Worked => {}
            Turn::Paused(pause) => {
                return Ok(Outcome::ContinueLater(serde_json::json!({}), pause));
            }
        }
    }
    Ok(Outcome::Continue(serde_json::json!({})))
}
