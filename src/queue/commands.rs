//! Asking for work.

use std::time::Duration;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::Kind;
use crate::db::schema;

/// A job that is to be enqueued.
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
///
/// # Errors
/// The database's.
pub fn enqueue(conn: &mut PgConnection, job: &NewJob) -> QueryResult<bool> {
    let delay = i64::try_from(job.delay.as_millis()).unwrap_or(i64::MAX).milliseconds();
    diesel::select(schema::enqueue(job.kind.as_str(), job.key.as_deref(), &job.payload, delay))
        .get_result(conn)
}
