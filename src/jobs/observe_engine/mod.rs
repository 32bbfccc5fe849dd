//! Watches the container engine, and puts on record what happens to its containers.
//!
//! One instance does, for as long as it holds a lease; another takes over when it does not renew it. The observer first
//! subscribes to events, from a little before the last one that was taken in, and then looks at all containers: what was
//! missed in between is told by their state. A look at everything every half minute is the truth, events only make it
//! quick, and they are read into memory beside everything else, because an engine drops what is not taken at once.

mod crash;
mod events;
mod sampling;
mod sweep;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use uuid::Uuid;

use super::JobError;
use crate::activity::EngineEventType;
use crate::app::App;
use crate::db::ids::ContainerId;
use crate::db::{Actor, DbError};
use crate::engine::{EngineEvent, EngineId, ObservedContainer, Standing, Usage};
use crate::observations::engines;
use crate::observations::record::{self, Seen};
use crate::queue::leases;

/// How long an observer is believed that says nothing.
const LEASE: Duration = Duration::from_secs(20);
const LEASE_NAME: &str = "observe_engine";
const RENEWAL: Duration = Duration::from_secs(5);
/// How far back events are asked for again: what was seen twice is written once.
const OVERLAP_NANOS: i64 = 2_000_000_000;
/// How soon an engine has told again what happened before it was listened to: that says more than a container's state.
const REPLAY: Duration = Duration::from_secs(1);
/// Events that wait to be taken in, at most.
const MOST_WAITING: usize = 20_000;
/// Events that are taken in together: one look at a container tells of all that it did in them.
const AT_ONCE: usize = 1_000;
/// The longest pause before an engine that does not answer is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The observer of this instance, whether it observes or waits.
#[derive(Debug)]
pub(super) struct Observer {
    holder: Uuid,
    renewed: Option<Instant>,
    following: Option<Following>,
    /// Failures in a row, and when the next try is due.
    failures: u32,
    try_at: Option<Instant>,
}

/// An engine whose events are being read.
#[derive(Debug)]
struct Following {
    engine: String,
    since: Instant,
    inbox: Arc<Inbox>,
    task: tokio::task::JoinHandle<()>,
    swept: Option<Instant>,
    /// The newest event that was taken in.
    last_nanos: i64,
    /// Who was last sent a signal that asks for an end, and when.
    signalled: BTreeMap<EngineId, i64>,
    /// Ends that may yet be told to have been asked for.
    ending: Vec<PendingEnd>,
    /// Containers that ended by themselves a while ago: their next start is their policy's, if they have one.
    ended: BTreeMap<EngineId, Instant>,
    /// What each had used when it was last asked about.
    usages: BTreeMap<EngineId, Usage>,
    /// How containers are, newer than each event that is being taken in.
    looks: BTreeMap<EngineId, Look>,
}

/// The row of a container, and how it is unless it is gone.
type Look = (Option<ContainerId>, Option<ObservedContainer>);

#[derive(Debug)]
struct PendingEnd {
    event: EngineEvent,
    heard: Instant,
    was_stopped: bool,
}

/// Events as they come, until they are taken in.
#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<VecDeque<EngineEvent>>,
    has_overflown: AtomicBool,
    has_ended: AtomicBool,
}

impl Inbox {
    fn take(&self) -> Vec<EngineEvent> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(AT_ONCE);
        let mut events: Vec<EngineEvent> = waiting.drain(..count).collect();
        drop(waiting);
        events.sort_by_key(|event| event.nanos);
        events
    }

    /// What was taken and not taken in comes first the next time.
    fn put_back(&self, events: VecDeque<EngineEvent>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events.into_iter().rev() {
            waiting.push_front(event);
        }
    }

    fn put(&self, event: EngineEvent) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push_back(event);
        } else {
            self.has_overflown.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Observer {
    pub(super) fn new(app: &App) -> Self {
        Self { holder: app.entropy.uuid(), renewed: None, following: None, failures: 0, try_at: None }
    }

    /// One look: what was heard since the last one, and everything when that is due.
    ///
    /// # Errors
    /// The database's. An engine that is away is none.
    pub(super) fn tick(&mut self, app: &App) -> Result<(), JobError> {
        if !self.holds_lease(app)? {
            self.following = None;
            // Pages of this instance want to know, too.
            let _ = app.engine.standing_blocking();
            return Ok(());
        }
        if self.following.is_none() {
            if self.try_at.is_some_and(|at| Instant::now() < at) {
                return Ok(());
            }
            self.follow(app)?;
        }
        let Some(following) = &mut self.following else { return Ok(()) };
        // A stream of a frozen engine is silent, and says nothing of that.
        if matches!(app.engine.standing_blocking(), Standing::Away { .. }) {
            return self.lose(app);
        }
        let heard = following.listen(app).and_then(|()| following.sweep_if_due(app));
        let has_ended = following.inbox.has_ended.load(Ordering::SeqCst);
        match heard {
            Ok(()) if !has_ended => {
                self.failures = 0;
                Ok(())
            }
            Ok(()) | Err(Failure::Engine) => self.lose(app),
            Err(Failure::Database(error)) => {
                // What was taken out of memory and not written is told by the containers' state.
                self.following = None;
                Err(error)
            }
        }
    }

    fn holds_lease(&mut self, app: &App) -> Result<bool, JobError> {
        if app.draining.has_begun() {
            app.db.write_blocking(&Actor::System, |conn| {
                leases::release(conn, LEASE_NAME, self.holder).map_err(DbError::from)
            })?;
            self.renewed = None;
            return Ok(false);
        }
        if self.renewed.is_some_and(|at| at.elapsed() < RENEWAL) {
            return Ok(true);
        }
        // Until it is renewed, nobody knows whether it is held.
        self.renewed = None;
        let held = app.db.write_blocking(&Actor::System, |conn| {
            leases::hold(conn, LEASE_NAME, self.holder, LEASE).map_err(DbError::from)
        })?;
        self.renewed = held.then(Instant::now);
        Ok(held)
    }

    /// Subscribes, from where the record ends.
    fn follow(&mut self, app: &App) -> Result<(), JobError> {
        let Ok(info) = app.engine.ask_blocking(|api| api.info()) else { return self.lose(app) };
        let resume = app.db.write_blocking(&Actor::System, |conn| {
            engines::meet(conn, &info, app.engine.address()).map_err(DbError::from)
        })?;
        let inbox = Arc::new(Inbox::default());
        let filled = Arc::clone(&inbox);
        let mut events = app.engine.api().events(resume.map(|nanos| nanos - OVERLAP_NANOS));
        let task = app.engine.spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                filled.put(event);
            }
            filled.has_ended.store(true, Ordering::SeqCst);
        });
        let Ok(task) = task else { return self.lose(app) };
        tracing::info!(engine = info.id, version = info.version, "observing a container engine");
        self.following = Some(Following {
            engine: info.id,
            since: Instant::now(),
            inbox,
            task,
            swept: None,
            last_nanos: resume.unwrap_or_default(),
            signalled: BTreeMap::new(),
            ending: Vec::new(),
            ended: BTreeMap::new(),
            usages: BTreeMap::new(),
            looks: BTreeMap::new(),
        });
        Ok(())
    }

    /// The engine does not answer, or has stopped telling: it is asked again after a pause.
    fn lose(&mut self, app: &App) -> Result<(), JobError> {
        self.following = None;
        let pause = Duration::from_secs(1 << self.failures.min(4)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.try_at = Some(Instant::now() + pause);
        let Standing::Away { reason, .. } = app.engine.standing_blocking() else { return Ok(()) };
        app.db.write_blocking(&Actor::System, |conn| {
            engines::miss(conn, app.engine.address(), &reason).map_err(DbError::from)
        })?;
        Ok(())
    }
}

/// Why observing broke off.
#[derive(Debug)]
enum Failure {
    Engine,
    Database(JobError),
}

impl<E: Into<JobError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

impl Following {
    /// Takes in what was heard, as long as the lease need not be renewed.
    fn listen(&mut self, app: &App) -> Result<(), Failure> {
        if self.inbox.has_overflown.swap(false, Ordering::SeqCst) {
            let now = app.clock.now();
            let title =
                "More happened than could be taken in: what was missed is told by the containers' state";
            app.db.write_blocking(&Actor::System, |conn| {
                let seen = Seen::of(&self.engine, EngineEventType::Gap, now, title.to_owned());
                record::write(conn, &seen).map_err(DbError::from)
            })?;
            self.swept = None;
        }
        let began = Instant::now();
        while self.take_in_some(app, began)? {}
        Ok(())
    }

    /// Answers whether more may wait, and there is time for it.
    fn take_in_some(&mut self, app: &App, began: Instant) -> Result<bool, Failure> {
        let mut events = VecDeque::from(self.inbox.take());
        let has_more = events.len() == AT_ONCE;
        let mut newest = None;
        while began.elapsed() < RENEWAL
            && let Some(event) = events.pop_front()
        {
            newest = Some(event.nanos);
            self.take_in(app, event)?;
        }
        let is_in_time = events.is_empty();
        self.inbox.put_back(events);
        self.judge_ends(app)?;
        self.looks.clear();
        if let Some(nanos) = newest.filter(|nanos| *nanos > self.last_nanos) {
            let lag = app.clock.now().timestamp_millis() - nanos / 1_000_000;
            // An end that is not judged yet is heard again by whoever takes over.
            let kept = self.ending.iter().map(|end| end.event.nanos).min().unwrap_or(nanos);
            app.db.write_blocking(&Actor::System, |conn| {
                engines::note_events(conn, &self.engine, kept, lag.max(0)).map_err(DbError::from)
            })?;
            self.last_nanos = nanos;
        }
        Ok(has_more && is_in_time)
    }

    fn sweep_if_due(&mut self, app: &App) -> Result<(), Failure> {
        if self.since.elapsed() < REPLAY || self.swept.is_some_and(|at| at.elapsed() < app.sweep_interval) {
            return Ok(());
        }
        let looks_at_all = self.swept.is_none();
        self.sweep(app, looks_at_all)?;
        self.swept = Some(Instant::now());
        Ok(())
    }
}
