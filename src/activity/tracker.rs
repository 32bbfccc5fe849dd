//! Recording an action without ever getting in the way of what it records.
//!
//! The insert stands behind a savepoint, so a failure leaves the caller's transaction as it was. What could
//! not be recorded is kept by [`super::spool`] in that same transaction, so that it stands when the act stands
//! and goes when the act is rolled back, whatever happens to this process in between.

use diesel::prelude::*;

use super::tally::count_failed;
use super::{NewAction, spool};

/// Records `action` in the caller's transaction. Never fails the caller.
pub fn track(conn: &mut PgConnection, action: NewAction) {
    // Inside a transaction this is a savepoint.
    let recorded = conn.transaction(|conn| action.insert(conn));
    if let Err(error) = recorded {
        let reason = error.to_string();
        count_failed();
        tracing::error!(action = action.action_id, reason, "an action could not be recorded");
        // A retry has more rights than the caller: what they may not record must not be recorded for them.
        if !is_refused(&reason) {
            spool::keep_with_act(conn, action, reason);
        }
    }
}

fn is_refused(reason: &str) -> bool {
    reason.contains("row-level security") || reason.contains("permission denied")
}
