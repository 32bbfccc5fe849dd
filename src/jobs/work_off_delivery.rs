//! Makes records of what was delivered to a webhook.

use serde::Deserialize;

use super::{Context, JobError, Outcome};
use crate::db::ids::DeliveryId;
use crate::db::{Actor, DbError};
use crate::webhooks;

#[derive(Deserialize)]
struct Payload {
    delivery: String,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let Payload { delivery } = context.payload()?;
    let id: DeliveryId = delivery.parse().map_err(|_| JobError::GiveUp("no id of a delivery".to_owned()))?;
    let waiting = context
        .db()
        .read_blocking(&Actor::System, |conn| webhooks::waiting(conn, id).map_err(DbError::from))?;
    // It may be older than deliveries are kept.
    let Some(waiting) = waiting else { return Ok(Outcome::Done) };
    let worked = context
        .db()
        .write_blocking(&Actor::System, |conn| webhooks::work_off(conn, &waiting).map_err(DbError::from));
    if let Err(error) = worked {
        context.db().write_blocking(&Actor::System, |conn| {
            let reason = "It could not be worked off; it is tried again.";
            webhooks::note_failure(conn, id, reason).map_err(DbError::from)
        })?;
        return Err(error.into());
    }
    Ok(Outcome::Done)
}
