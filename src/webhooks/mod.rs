//! What other services deliver: signed, kept as it came, worked off by a job.

pub mod commands;
mod deployments;
mod gaps;
mod github;
mod pushes;
pub mod queries;
mod sealing;
pub mod signature;
mod work;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;

pub use commands::{WebhookError, WebhookName};
pub use sealing::Sealer;
pub use work::{Waiting, note_failure, waiting, work_off};

use crate::db::schema::deliveries;
use crate::db::time::ago;

/// Forgets bodies of deliveries that are older than 30 days.
pub fn prune(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::update(
        deliveries::table
            .filter(deliveries::received_at.lt(ago(30.days())))
            .filter(deliveries::body.is_not_null()),
    )
    .set(deliveries::body.eq(diesel::dsl::sql("NULL")))
    .execute(conn)
    .map(|_| ())
}
