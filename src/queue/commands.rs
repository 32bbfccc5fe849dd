//! Asking for work, and asking once more.

use std::time::Duration;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::Kind;
use crate::audit::{self, AuditAction, Target};
use crate::db::ids::JobId;
use crate::db::schema::{self, jobs};
use crate::db::time::now;
use crate::identity::Principal;

#[derive(Debug, Clone)]
pub struct NewJob {
    kind: Kind,
    key: Option<String>,
    payload: Value,
    delay: Duration,
}

impl NewJob {
    /// A job that is due at once, of which there may be many.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { kind, key: None, payload: json!({}), delay: Duration::ZERO }
    }

    /// Of jobs of a kind with the same key, the first is the only one, also once it has ended, until it is deleted a
    /// week later.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What the job is told.
    #[must_use]
    pub fn with(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }

    /// Due only after so long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// Asks for `job` in the open transaction: there is none until that is committed. Answers whether it is new.
pub fn enqueue(conn: &mut PgConnection, job: &NewJob) -> QueryResult<bool> {
    let delay = i64::try_from(job.delay.as_millis()).unwrap_or(i64::MAX).milliseconds();
    diesel::select(schema::enqueue(job.kind.as_str(), job.key.as_deref(), &job.payload, delay))
        .get_result(conn)
}

/// Asks for `job` unless one with its key waits or runs: one that has ended makes room for it.
pub fn enqueue_anew(conn: &mut PgConnection, job: &NewJob) -> QueryResult<bool> {
    diesel::delete(jobs::table)
        .filter(jobs::kind.eq(job.kind.as_str()).and(jobs::key.eq(&job.key)).and(jobs::state.ne("waiting")))
        .execute(conn)?;
    enqueue(conn, job)
}

/// Why a job is not begun once more.
#[derive(Debug, thiserror::Error)]
pub enum RunAgainError {
    /// There is no such job.
    #[error("there is no such job")]
    Unknown,
    /// It waits, runs or is done.
    #[error("the job has not failed")]
    NotFailed,
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// Lets a job that was given up begin anew, as if it had never been tried. Answers what it does.
pub fn run_again(conn: &mut PgConnection, principal: &Principal, id: JobId) -> Result<Kind, RunAgainError> {
    let (kind, state, attempts, error): (String, String, i32, Option<String>) = jobs::table
        .find(id)
        .select((jobs::kind, jobs::state, jobs::attempts, jobs::last_error))
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(RunAgainError::Unknown)?;
    if state != "failed" {
        return Err(RunAgainError::NotFailed);
    }
    diesel::update(jobs::table.find(id))
        .set((
            jobs::state.eq("waiting"),
            jobs::run_at.eq(now),
            jobs::attempts.eq(0),
            jobs::ended_at.eq(diesel::dsl::sql("NULL")),
        ))
        .execute(conn)?;
    let kind = Kind::from_stored(&kind);
    let target = Target { kind: "job", id: id.to_string(), name: kind.label().to_owned(), project: None };
    let before = json!({ "state": "failed", "attempts": attempts, "last_error": error });
    let after = json!({ "state": "waiting", "attempts": 0 });
    audit::record_change(conn, principal, &AuditAction::JobRunAgain, &target, before, after)?;
    Ok(kind)
}
