//! What a job has to do with while it works, and what it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::App;
use crate::db::{Db, DbError};
use crate::queue::claims::{self, ClaimedJob, LeaseLost};

/// How a turn ended that did not fail.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There is nothing left to do.
    Done,
    /// There is more to do, from here. Other jobs of the kind have their turn first.
    Continue(Value),
    /// The same after a pause.
    ContinueLater(Value, Duration),
}

/// Why a turn failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may work the next time.
    #[error("{0}")]
    Retry(String),
    /// It never will.
    #[error("{0}")]
    GiveUp(String),
    /// Another instance has the job by now.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<diesel::result::Error> for JobError {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

/// One turn of one job.
#[derive(Debug, Clone)]
pub struct Context {
    app: App,
    job: Arc<ClaimedJob>,
    told: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

impl Context {
    pub(super) fn new(
        app: &App,
        job: &Arc<ClaimedJob>,
        told: &Arc<AtomicBool>,
        stopping: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            app: app.clone(),
            job: Arc::clone(job),
            told: Arc::clone(told),
            stopping: Arc::clone(stopping),
        }
    }

    /// The console that it works for.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.app.db
    }

    /// What the job was told, or what its last turn kept.
    ///
    /// # Errors
    /// When it reads otherwise than a `T`: no later turn would read it either.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.job.payload.clone())
            .map_err(|error| JobError::GiveUp(format!("its payload can't be read: {error}")))
    }

    /// How often it was begun since it last got on, this time included.
    #[must_use]
    pub fn attempts(&self) -> i32 {
        self.job.attempts
    }

    /// Whether to end the turn soon: the instance stops, the lease is lost or the deadline has passed.
    #[must_use]
    pub fn is_to_stop(&self) -> bool {
        self.told.load(Ordering::Relaxed)
            || self.stopping.load(Ordering::Relaxed)
            || self.app.draining.has_begun()
    }

    /// Keeps how far the job has come, in the transaction of the step that brought it there.
    ///
    /// # Errors
    /// [`JobError::LeaseLost`], or the database's: the step must be rolled back.
    pub fn keep(&self, conn: &mut PgConnection, payload: &Value) -> Result<(), JobError> {
        claims::keep_progress(conn, &self.job, payload)
    }
}
