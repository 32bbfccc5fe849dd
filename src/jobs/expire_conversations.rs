//! Ends conversations of visitors after thirty days without a word, and deletes what nobody claimed within ninety.

use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::assistant::commands;
use crate::audit::{self, AuditAction, Target};
use crate::db::Actor;
use crate::identity::Principal;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let ended = context
        .db()
        .write_blocking(&Actor::System, |conn| commands::end_silent(conn).map_err(JobError::from))?;
    let mut deleted = 0;
    while !context.is_to_stop() {
        let gone = context.db().write_blocking(&Actor::Retention, |conn| {
            commands::delete_unclaimed(conn).map_err(JobError::from)
        })?;
        deleted += gone;
        if gone == 0 {
            break;
        }
    }
    if ended + deleted > 0 {
        let principal = Principal::system(context.app().clock.now());
        let target = Target {
            kind: "assistant session",
            id: "unclaimed".to_owned(),
            name: "conversations of visitors".to_owned(),
            project: None,
        };
        let after = json!({ "ended": ended, "deleted": deleted });
        context.db().write_blocking(&Actor::System, |conn| {
            let act = &AuditAction::ConversationsExpired;
            audit::record_change(conn, &principal, act, &target, json!(null), after).map_err(JobError::from)
        })?;
    }
    Ok(Outcome::Done)
}
