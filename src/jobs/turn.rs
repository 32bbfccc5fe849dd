//! One turn of a lane: a job is claimed, done, and what came of it is put on record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::context::{Context, JobError, Outcome};
use super::runner::{Job, Shared, TICK, Turn, panicked};
use crate::db::{Actor, DbError};
use crate::queue::claims::{self, ClaimedJob, End, LEASE, Settled};

/// The longest error that is kept.
const LONGEST_ERROR: usize = 2_000;

impl Shared {
    /// Claims a job, does it and puts on record what came of it. Answers whether to go on with the next one.
    pub(super) fn take_turn(&self, job: &Job, generation: u64) -> bool {
        let claim = self.app.entropy.uuid();
        let claimed = self.app.db.write_blocking(&Actor::System, |conn| {
            claims::claim(conn, &job.kind, claim).map_err(DbError::from)
        });
        let claimed = match claimed {
            Ok(Some(claimed)) => Arc::new(claimed),
            Ok(None) => return false,
            Err(error) => {
                tracing::debug!(%error, "no job could be claimed");
                return false;
            }
        };
        if claimed.was_abandoned {
            tracing::warn!(job = %claimed.id, kind = job.kind.as_str(), "taken over: its lease had run out");
        }
        let told = Arc::new(AtomicBool::new(false));
        let turn = Turn {
            job: Arc::clone(&claimed),
            begun: Instant::now(),
            told: Arc::clone(&told),
            is_settling: false,
        };
        self.lanes().by_id.entry(job.lane()).or_default().turn = Some(turn);
        let context = Context::new(&self.app, &claimed, &told, &self.stopping);
        let result = catch_unwind(AssertUnwindSafe(|| (job.run)(&context)))
            .unwrap_or_else(|panic| Err(JobError::Retry(panicked(&*panic))));
        match self.lanes().by_id.get_mut(&job.lane()) {
            Some(lane) if lane.generation == generation => {
                if let Some(turn) = &mut lane.turn {
                    turn.is_settling = true;
                }
            }
            _ => {
                tracing::warn!(job = %claimed.id, kind = job.kind.as_str(), "a job that hung has ended");
                return false;
            }
        }
        if let Some(end) = self.end(&claimed, result) {
            self.settle(&claimed, end);
        }
        if let Some(lane) = self.lanes().by_id.get_mut(&job.lane()) {
            lane.turn = None;
        }
        true
    }

    fn end(&self, job: &ClaimedJob, result: Result<Outcome, JobError>) -> Option<End> {
        let kind = job.kind.as_str();
        Some(match result {
            Ok(Outcome::Done) => End::Done,
            Ok(Outcome::Continue(payload)) => End::Continue { payload, pause: Duration::ZERO },
            Ok(Outcome::ContinueLater(payload, pause)) => End::Continue { payload, pause },
            Err(JobError::Retry(error)) => {
                let error = kept(&error);
                tracing::warn!(job = %job.id, kind, attempts = job.attempts, error, "a job did not work");
                End::Retry { error, jitter: self.app.entropy.fraction() }
            }
            Err(JobError::GiveUp(error)) => End::GiveUp { error: kept(&error) },
            Err(JobError::LeaseLost(lost)) => {
                tracing::warn!(job = %job.id, kind, %lost, "another instance goes on with a job");
                return None;
            }
        })
    }

    /// Puts `end` on record, also when the database is away for a moment.
    fn settle(&self, job: &ClaimedJob, mut end: End) {
        let give_up = Instant::now() + LEASE;
        loop {
            let settled = self.app.db.write_blocking(&Actor::System, |conn| {
                claims::settle(conn, job, &end).map_err(DbError::from)
            });
            match settled {
                Ok(Settled::AsTold | Settled::GivenUp) => return,
                Ok(Settled::Lost) => {
                    tracing::warn!(job = %job.id, "what came of a job is not kept: its lease was lost");
                    return;
                }
                // Something about what is to be kept: a text that no column takes.
                Err(DbError::Query(error)) if !matches!(end, End::GiveUp { .. }) => {
                    end = End::GiveUp { error: kept(&format!("what came of it can't be kept: {error}")) };
                }
                Err(error) if Instant::now() > give_up || self.stopping.load(Ordering::SeqCst) => {
                    tracing::warn!(job = %job.id, %error, "what came of a job is not kept");
                    return;
                }
                Err(_) => self.pause(TICK / 2),
            }
        }
    }
}

/// What a column takes of an error.
fn kept(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(LONGEST_ERROR).collect()
}
