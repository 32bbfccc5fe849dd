//! What the sales system is to be told: posted drafts whose owners agreed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, AuditAction, Target};
use crate::db::ids::UserId;
use crate::db::schema::{crm_outbox, job_drafts};
use crate::db::time::now;
use crate::identity::Principal;

/// Rows of a page.
const MOST: i64 = 200;

#[derive(Debug, Clone, Queryable)]
pub struct OutboxLine {
    pub id: Uuid,
    pub draft: i64,
    pub title: Option<String>,
    pub state: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub opportunity: Option<String>,
    /// When it is taken next.
    pub retry_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    /// Since when the CRM knows it otherwise than it is.
    pub corrected_at: Option<DateTime<Utc>>,
}

/// Why nothing is sent again.
#[derive(Debug, thiserror::Error)]
pub enum RedoError {
    #[error("there is no such opportunity")]
    NotFound,
    #[error("it waits already, or was sent")]
    NotStuck,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Puts a draft into the queue, in the transaction that posts it.
pub(super) fn put(conn: &mut PgConnection, owner: UserId, draft: i64) -> QueryResult<()> {
    diesel::insert_into(crm_outbox::table)
        .values((crm_outbox::draft_id.eq(draft), crm_outbox::user_id.eq(owner.0)))
        .on_conflict_do_nothing()
        .execute(conn)
        .map(|_| ())
}

diesel::define_sql_function! {
    #[sql_name = "pilothouse.correct_opportunity"]
    fn correct_opportunity(of_draft: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Tells the sales system again what a draft of the user's says, if it was told at all.
pub(super) fn correct(conn: &mut PgConnection, draft: i64) -> QueryResult<()> {
    diesel::select(correct_opportunity(draft)).get_result::<bool>(conn).map(|_| ())
}

/// What waits, failed or was sent, the newest first.
pub fn list(conn: &mut PgConnection) -> QueryResult<Vec<OutboxLine>> {
    crm_outbox::table
        .inner_join(job_drafts::table.on(job_drafts::id.eq(crm_outbox::draft_id)))
        .order((crm_outbox::changed_at.desc(), crm_outbox::id))
        .select((
            crm_outbox::id,
            crm_outbox::draft_id,
            job_drafts::title,
            crm_outbox::state,
            crm_outbox::attempts,
            crm_outbox::last_error,
            crm_outbox::opportunity_id,
            crm_outbox::retry_at,
            crm_outbox::changed_at,
            crm_outbox::corrected_at,
        ))
        .limit(MOST)
        .load(conn)
}

/// Lets what is stuck be tried again from its beginning.
pub fn redo(conn: &mut PgConnection, principal: &Principal, id: Uuid) -> Result<(), RedoError> {
    type Stuck = (String, i32, Option<String>, Option<String>, Option<String>);
    let (state, attempts, error, contact, opportunity): Stuck = crm_outbox::table
        .find(id)
        .select((
            crm_outbox::state,
            crm_outbox::attempts,
            crm_outbox::last_error,
            crm_outbox::contact_id,
            crm_outbox::opportunity_id,
        ))
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(RedoError::NotFound)?;
    if !matches!(state.as_str(), "unknown" | "parked" | "dead") {
        return Err(RedoError::NotStuck);
    }
    // What is there is corrected. Once it was asked for, it is looked up first: it may be there.
    let again = match (opportunity, contact) {
        (Some(_), _) => "sent",
        (None, Some(_)) => "unknown",
        (None, None) => "pending",
    };
    diesel::update(crm_outbox::table.find(id))
        .set((
            crm_outbox::state.eq(again),
            crm_outbox::attempts.eq(0),
            crm_outbox::retry_at.eq(now),
            crm_outbox::changed_at.eq(now),
        ))
        .execute(conn)?;
    let target = Target {
        kind: "opportunity",
        id: id.to_string(),
        name: "an opportunity for the sales system".to_owned(),
        project: None,
    };
    let before = json!({ "state": state, "attempts": attempts, "last_error": error });
    let after = json!({ "state": again, "attempts": 0 });
    audit::record_change(conn, principal, &AuditAction::OpportunityRedone, &target, before, after)?;
    Ok(())
}
