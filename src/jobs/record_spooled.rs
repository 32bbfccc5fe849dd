//! Records the actions that could not be recorded when they happened.

use crate::activity::spool;
use crate::app::App;

pub(super) fn run(app: &App) {
    // While the database is down everything stays kept, and the requests tell of it.
    if let Err(error) = spool::retry(&app.db) {
        tracing::debug!(%error, "spooled actions could not be recorded yet");
    }
}
