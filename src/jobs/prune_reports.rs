//! Forgets what is kept only for retries, and the bodies of old deliveries.

use super::{Context, JobError, Outcome};
use crate::db::Actor;
use crate::reports::idempotency;
use crate::webhooks;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    context.db().write_blocking(&Actor::System, |conn| {
        idempotency::prune(conn)?;
        webhooks::prune(conn)?;
        Ok::<_, JobError>(())
    })?;
    Ok(Outcome::Done)
}
