//! Ends conversations of visitors after thirty days without a word. Retention deletes them.

use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::assistant::commands;
use crate::audit::{self, AuditAction, Target};
use crate::db::Actor;
use crate::identity::Principal;

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let principal = Principal::system(context.app().clock.now());
    context.db().write_blocking(&Actor::System, |conn| {
        let ended = commands::end_silent(conn)?;
        if ended > 0 {
            let target = Target {
                kind: "assistant session",
                id: "unclaimed".to_owned(),
                name: "conversations of visitors".to_owned(),
                project: None,
            };
            let act = &AuditAction::ConversationsExpired;
            audit::record_change(conn, &principal, act, &target, json!(null), json!({ "ended": ended }))?;
        }
        Ok::<_, JobError>(())
    })?;
    Ok(Outcome::Done)
}
