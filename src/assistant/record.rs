//! What admins do with a conversation, on record.

use diesel::prelude::*;
use serde_json::json;

use super::queries::Session;
use crate::audit::{self, AuditAction, Target};
use crate::db::ids::UserId;
use crate::identity::Principal;

/// What a record of a conversation is about.
#[must_use]
pub fn target(session: &Session) -> Target {
    Target {
        kind: "assistant session",
        id: session.session_id.clone(),
        name: "a conversation with the assistant".to_owned(),
        project: None,
    }
}

/// Puts on record that somebody reads what was said, and why.
pub fn put_reading_on_record(
    conn: &mut PgConnection,
    principal: &Principal,
    session: &Session,
    reason: &str,
) -> QueryResult<()> {
    let after = json!({ "reason": reason });
    audit::record_change(
        conn,
        principal,
        &AuditAction::ConversationRead,
        &target(session),
        json!(null),
        after,
    )
}

/// Puts on record that an account was made for whoever talked.
pub fn put_invitation_on_record(
    conn: &mut PgConnection,
    principal: &Principal,
    session: &Session,
    user: UserId,
) -> QueryResult<()> {
    let after = json!({ "user": user });
    let act = AuditAction::GuestInvited;
    audit::record_change(conn, principal, &act, &target(session), json!(null), after)
}
