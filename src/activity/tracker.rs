//! Recording an action without ever getting in the way of what it records.
//!
//! The insert stands behind a savepoint, so a failure leaves the caller's transaction as it was. What could
//! not be recorded is kept by [`super::spool`] in that same transaction, so that it stands when the act stands
//! and goes when the act is rolled back, whatever happens to this process in between.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::timeline::CAUSED_BY;
use super::{ActionType, Environment, Status, spool};
use crate::db::ids::ProjectId;
use crate::db::schema::project_actions;
use crate::identity::Principal;
use crate::runtime::Entropy;

/// An action that is about to be recorded. Its id is made beforehand, so that recording it twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Serialize, Deserialize)]
#[diesel(table_name = project_actions)]
pub struct NewAction {
    pub(super) action_id: String,
    pub(super) project_id: Option<String>,
    user_id: Option<String>,
    request_id: Option<String>,
    action_type: String,
    action_details: String,
    status: String,
    environment: String,
    reference_ids: Option<Value>,
    pub(super) created_at: i64,
}

impl NewAction {
    /// `principal` did this to `project` just now, and it went well; `details` is a line for people.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers name a variant")]
    pub fn by(principal: &Principal, project: ProjectId, kind: ActionType, details: String) -> Self {
        Self {
            action_id: format!("act_{}", Entropy.uuid().simple()),
            project_id: Some(project.to_string()),
            user_id: principal.user.map(|user| user.to_string()),
            request_id: principal.origin.request_id.clone(),
            action_type: kind.as_str().to_owned(),
            // PostgreSQL holds no NUL in a text.
            action_details: details.replace('\0', ""),
            status: Status::success().as_str().to_owned(),
            environment: Environment::Development.as_str().to_owned(),
            reference_ids: None,
            created_at: principal.at.timestamp_millis(),
        }
    }

    /// Adds a reference, for example `container_id`.
    #[must_use]
    pub fn refers_to(mut self, key: &str, value: String) -> Self {
        let value = Value::String(if value.contains('\0') { value.replace('\0', "") } else { value });
        match &mut self.reference_ids {
            Some(Value::Object(references)) => {
                references.insert(key.to_owned(), value);
            }
            slot => *slot = Some(Value::Object(Map::from_iter([(key.to_owned(), value)]))),
        }
        self
    }

    /// Names the record that led to this one: an action's id, `event:ID` or `audit:ID`.
    #[must_use]
    pub fn caused_by(self, id: String) -> Self {
        self.refers_to(CAUSED_BY, id)
    }

    /// It went otherwise than well.
    #[must_use]
    pub fn with_status(mut self, status: &Status) -> Self {
        status.as_str().clone_into(&mut self.status);
        self
    }

    /// It happened elsewhere than in development.
    #[must_use]
    pub fn in_environment(mut self, environment: &Environment) -> Self {
        environment.as_str().clone_into(&mut self.environment);
        self
    }

    /// The id that the record has, or will have.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.action_id
    }

    /// Inserts it, once: a second time changes nothing.
    pub(super) fn insert(&self, conn: &mut PgConnection) -> QueryResult<()> {
        diesel::insert_into(project_actions::table)
            .values(self)
            .on_conflict_do_nothing()
            .execute(conn)
            .map(|_| ())
    }
}

/// Records `action` in the caller's transaction. Never fails the caller.
pub fn track(conn: &mut PgConnection, action: NewAction) {
    // Inside a transaction this is a savepoint.
    let recorded = conn.transaction(|conn| action.insert(conn));
    if let Err(error) = recorded {
        let reason = error.to_string();
        FAILED.fetch_add(1, Ordering::Relaxed);
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

static FAILED: AtomicU64 = AtomicU64::new(0);
static SPOOLED: AtomicU64 = AtomicU64::new(0);
static FILED: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// What this process could not record, since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Inserts that failed, rolled-back ones too.
    pub failed: u64,
    /// Kept in the spool table for a retry.
    pub spooled: u64,
    /// Kept in a file, because the database was gone.
    pub filed: u64,
    /// Given up: each is a gap of the record.
    pub lost: u64,
}

/// The process's [`Tally`].
#[must_use]
pub fn tally() -> Tally {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Tally { failed: read(&FAILED), spooled: read(&SPOOLED), filed: read(&FILED), lost: read(&LOST) }
}

pub(super) fn count_spooled() {
    SPOOLED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn count_filed() {
    FILED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn count_lost(how_many: u64) {
    LOST.fetch_add(how_many, Ordering::Relaxed);
}
