//! Records the actions that could not be recorded when they happened.

use crate::activity::spool;
use crate::app::App;

/// Batches at most, so that the other jobs have their turn and a process that is to end does.
const BATCHES: usize = 50;

pub(super) fn run(app: &App) {
    for _ in 0..BATCHES {
        match spool::retry(&app.db) {
            // After an outage thousands may wait.
            Ok(retried) if retried.may_go_on() => {}
            Ok(_) => return,
            // While the database is down everything stays kept, and the requests tell of it.
            Err(error) => {
                tracing::debug!(%error, "spooled actions could not be recorded yet");
                return;
            }
        }
    }
}
