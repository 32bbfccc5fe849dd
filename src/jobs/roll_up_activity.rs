//! Keeps the counts of heat maps and charts.

use crate::activity::rollup;
use crate::app::App;

pub(super) fn run(app: &App) {
    // While the database is down the marks wait, and pages say from when their numbers are.
    if let Err(error) = rollup::keep(&app.db) {
        tracing::debug!(%error, "activity could not be counted yet");
    }
}
