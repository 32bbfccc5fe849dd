//! The runner: one thread that looks for what is due, and a lane for each kind of job, or a few.
//!
//! A lane is a thread that works off the jobs of its kind one by one and ends when none is due. So a slow job delays
//! its own kind only. A lane whose job hangs is left to itself, and another one takes its place.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::context::{Context, JobError, Outcome};
use crate::app::App;
use crate::db::{Actor, DbError};
use crate::queue::claims::{self, ClaimedJob, End};
use crate::queue::instance::Errand;
use crate::queue::{Kind, schedules};

/// How often the runner looks for what is due.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// How often leases are renewed: two times may fail.
const RENEWAL: Duration = Duration::from_secs(15);
/// How often the schedules' rows are held against what this version wants.
const KEEP_SCHEDULES: Duration = Duration::from_mins(1);
/// How long jobs may take to end once the runner stops.
const FINISH: Duration = Duration::from_secs(3);
/// Threads of one kind that may hang at a time; each holds memory, and maybe a connection.
const MOST_HANGING: usize = 3;

type Work = Arc<dyn Fn(&Context) -> Result<Outcome, JobError> + Send + Sync>;

/// A kind of job and how it is done.
#[derive(Clone)]
pub struct Job {
    pub(super) kind: Kind,
    /// Which of its kind's lanes it is done in.
    lane: usize,
    lanes: usize,
    deadline: Duration,
    pub(super) run: Work,
}

impl Job {
    /// Jobs of `kind` are done by `run`, of which one turn takes no longer than `deadline`.
    pub fn new(
        kind: Kind,
        deadline: Duration,
        run: impl Fn(&Context) -> Result<Outcome, JobError> + Send + Sync + 'static,
    ) -> Self {
        Self { kind, lane: 0, lanes: 1, deadline, run: Arc::new(run) }
    }

    /// So many jobs of the kind are done at a time.
    #[must_use]
    pub fn with_lanes(self, lanes: usize) -> Self {
        Self { lanes, ..self }
    }

    fn in_lanes(self) -> impl Iterator<Item = Self> {
        (0..self.lanes).map(move |lane| Self { lane, ..self.clone() })
    }

    pub(super) fn lane(&self) -> LaneId {
        (self.kind.clone(), self.lane)
    }
}

/// A lane of a kind, by its number.
pub(super) type LaneId = (Kind, usize);

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("kind", &self.kind)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The runner of this instance. Dropping it ends it: what still works after a few seconds is left to its lease.
#[derive(Debug)]
pub struct Runner(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) app: App,
    jobs: Vec<Job>,
    pub(super) stopping: Arc<AtomicBool>,
    lanes: Mutex<Lanes>,
    /// The runner is to stop, or a thread has ended.
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub(super) by_id: HashMap<LaneId, Lane>,
    threads: usize,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Whose lane it is: a thread with an earlier number has been left to itself.
    pub(super) generation: u64,
    is_open: bool,
    pub(super) turn: Option<Turn>,
    hanging: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) job: Arc<ClaimedJob>,
    pub(super) begun: Instant,
    pub(super) told: Arc<AtomicBool>,
    /// It has ended and is being put on record, which no deadline cuts short.
    pub(super) is_settling: bool,
}

impl Runner {
    /// Starts working off `jobs`.
    #[must_use]
    pub fn start(app: App, jobs: Vec<Job>) -> Self {
        let shared = Arc::new(Shared {
            app,
            jobs: jobs.into_iter().flat_map(Job::in_lanes).collect(),
            stopping: Arc::default(),
            lanes: Mutex::default(),
            changed: Condvar::new(),
        });
        shared.spawn(Errand::LookForJobs.as_str(), |shared| {
            let mut looked = Looked::default();
            shared.repeat(Errand::LookForJobs, TICK, |shared| shared.tick(&mut looked));
        });
        Self(shared)
    }

    /// Does `work` again and again, on a thread of its own: what each instance does for itself.
    #[must_use]
    pub fn with_errand<E: fmt::Display>(
        self,
        errand: Errand,
        every: Duration,
        work: impl Fn(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.0.spawn(errand.as_str(), move |shared| {
            shared.repeat(errand, every, |shared| work(&shared.app).map_err(|error| error.to_string()));
        });
        self
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        let lanes = self.0.lanes();
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(lanes, FINISH, |lanes| lanes.threads > 0);
        if waited.is_ok_and(|(_, timeout)| timeout.timed_out()) {
            tracing::warn!("a job does not end: it is left to its lease");
        }
    }
}

/// When the runner last did what it does not do each time.
#[derive(Debug, Default)]
struct Looked {
    renewed: Option<Instant>,
    kept_schedules: Option<Instant>,
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= every)
}

impl Shared {
    pub(super) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more is begun here.
    fn is_ending(&self) -> bool {
        self.stopping.load(Ordering::SeqCst) || self.app.draining.has_begun()
    }

    /// Waits so long, or until the runner is to stop.
    pub(super) fn pause(&self, length: Duration) {
        let _ =
            self.changed.wait_timeout_while(self.lanes(), length, |_| !self.stopping.load(Ordering::SeqCst));
    }

    /// Starts a thread that the runner's end waits for. Answers whether there is one.
    fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce(&Arc<Self>) + Send + 'static) -> bool {
        struct Ends(Arc<Shared>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.lanes().threads -= 1;
                self.0.changed.notify_all();
            }
        }
        self.lanes().threads += 1;
        let ends = Ends(Arc::clone(self));
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || work(&ends.0));
        if let Err(error) = &started {
            tracing::error!(%error, name, "a thread can't be started");
        }
        started.is_ok()
    }

    /// Does `work` again and again, whatever becomes of it.
    fn repeat(
        self: &Arc<Self>,
        errand: Errand,
        every: Duration,
        mut work: impl FnMut(&Arc<Self>) -> Result<(), String>,
    ) {
        while !self.stopping.load(Ordering::SeqCst) {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|panic| {
                let error = panicked(&*panic);
                tracing::error!(errand = errand.as_str(), error, "the runner goes on after a panic");
                Err(error)
            });
            if let Err(error) = &outcome {
                // While the database is down requests tell of it, and everything waits.
                tracing::debug!(errand = errand.as_str(), error, "to be tried again");
            }
            self.app.errands.note(errand, self.app.clock.now(), outcome);
            self.pause(every);
        }
    }

    fn tick(self: &Arc<Self>, looked: &mut Looked) -> Result<(), String> {
        self.leave_hanging();
        if is_due(looked.renewed, RENEWAL) {
            self.renew().map_err(|error| error.to_string())?;
            looked.renewed = Some(Instant::now());
        }
        if self.is_ending() {
            return Ok(());
        }
        let kinds: Vec<Kind> = self.jobs.iter().map(|job| job.kind.clone()).collect();
        let keeps_schedules = is_due(looked.kept_schedules, KEEP_SCHEDULES);
        let look = |conn: &mut diesel::PgConnection| {
            if keeps_schedules {
                schedules::keep(conn, &kinds)?;
            }
            schedules::enqueue_due(conn)?;
            claims::due_kinds(conn, &kinds).map_err(DbError::from)
        };
        let due = self.app.db.write_blocking(&Actor::System, look).map_err(|error| error.to_string())?;
        if keeps_schedules {
            looked.kept_schedules = Some(Instant::now());
        }
        for job in self.jobs.iter().filter(|job| due.contains(&job.kind)) {
            self.open_lane(job);
        }
        Ok(())
    }

    /// Takes the lease of each turn that is past its deadline.
    fn leave_hanging(&self) {
        let mut overdue = Vec::new();
        for job in &self.jobs {
            let mut lanes = self.lanes();
            let Some(lane) = lanes.by_id.get_mut(&job.lane()) else { continue };
            let hangs = |turn: &mut Turn| !turn.is_settling && turn.begun.elapsed() > job.deadline;
            if let Some(turn) = lane.turn.take_if(hangs) {
                lane.generation += 1;
                lane.is_open = false;
                lane.hanging += 1;
                overdue.push((turn, job.deadline, lane.hanging));
            }
        }
        for (turn, deadline, hanging) in overdue {
            turn.told.store(true, Ordering::SeqCst);
            let error = format!("it was still at it after {} seconds", deadline.as_secs());
            tracing::error!(job = %turn.job.id, kind = turn.job.kind.as_str(), hanging, error, "a job hangs");
            let end = End::Retry { error, jitter: self.app.entropy.fraction() };
            let settled = self.app.db.write_blocking(&Actor::System, |conn| {
                claims::settle_without_waiting(conn, &turn.job, &end).map_err(DbError::from)
            });
            if let Err(error) = settled {
                tracing::warn!(job = %turn.job.id, %error, "its lease runs out by itself");
            }
        }
    }

    fn renew(&self) -> Result<(), DbError> {
        let turns: Vec<Turn> = self.lanes().by_id.values().filter_map(|lane| lane.turn.clone()).collect();
        if turns.is_empty() {
            return Ok(());
        }
        let jobs: Vec<&ClaimedJob> = turns.iter().map(|turn| &*turn.job).collect();
        let held = self
            .app
            .db
            .write_blocking(&Actor::System, |conn| claims::renew(conn, &jobs).map_err(DbError::from))?;
        for turn in turns.iter().filter(|turn| !held.contains(&turn.job.id)) {
            turn.told.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    fn open_lane(self: &Arc<Self>, job: &Job) {
        let generation = {
            let mut lanes = self.lanes();
            let lane = lanes.by_id.entry(job.lane()).or_default();
            if lane.is_open || lane.hanging >= MOST_HANGING {
                return;
            }
            lane.is_open = true;
            lane.generation
        };
        let work = job.clone();
        let started = self.spawn(job.kind.as_str(), move |shared| {
            // Also after a panic of the runner's own.
            let _closes = ClosesLane { shared, lane: work.lane(), generation };
            while !shared.is_ending() && shared.take_turn(&work, generation) {}
        });
        if !started {
            self.close_lane(&job.lane(), generation);
        }
    }

    fn close_lane(&self, lane: &LaneId, generation: u64) {
        if let Some(lane) = self.lanes().by_id.get_mut(lane) {
            if lane.generation == generation {
                (lane.is_open, lane.turn) = (false, None);
            } else {
                lane.hanging = lane.hanging.saturating_sub(1);
            }
        }
    }
}

struct ClosesLane<'a> {
    shared: &'a Shared,
    lane: LaneId,
    generation: u64,
}

impl Drop for ClosesLane<'_> {
    fn drop(&mut self) {
        self.shared.close_lane(&self.lane, self.generation);
    }
}

pub(super) fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("nobody knows why"))
}
