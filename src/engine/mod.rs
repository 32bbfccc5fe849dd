//! The container engine behind one handle: what is asked of it, and whether it answers.
//!
//! Everything that is asked is built here out of checked ids ([`EngineId`]) and of nothing that a client sent. The handle
//! has a runtime of its own, so that requests, jobs and commands can ask alike. It knows no table, and whoever asks holds
//! no transaction meanwhile: the engine may take as long as it likes, and what it did when it did not answer in time is
//! found out by [`Api::inspect`], never guessed.

mod api;
mod docker;
mod kept_lines;
mod log_lines;
mod log_pieces;
mod logs;
mod making;
mod model;
mod usage;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

pub use api::{Answer, Answers, Api};
pub use docker::Docker;
pub use kept_lines::places;
pub use log_lines::{LinePosition, LogLine, LogReader, Span, TextStyle};
pub use logs::{Followed, Lines, LinesWanted, MOST_LOOKED_THROUGH};
pub use making::{
    ContainerPlan, EngineName, ImageInfo, ImageName, Limits, NetworkPlan, NotAName, NotAnImage, Published,
    PullStep, Restart,
};
pub use model::{
    EngineError, EngineEvent, EngineId, EngineInfo, ListedContainer, LogPiece, LogsWanted, ObservedContainer,
    RunState,
};

pub use usage::{Figures, Usage};

use crate::runtime::Clock;

/// Requests that an engine is sent at once.
const AT_ONCE: usize = 16;
/// How old a look may be that still tells whether the engine is there.
const FRESH: Duration = Duration::from_secs(5);

/// Whether the engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has asked it yet.
    Unknown,
    Here {
        since: DateTime<Utc>,
    },
    Away {
        since: DateTime<Utc>,
        /// In a sentence, for people.
        reason: String,
    },
}

impl Standing {
    /// Why nothing can be done to containers, if that is so.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::Away { since, reason } => Some(format!(
                "No container engine is connected, so containers can't be started, stopped, restarted or deleted \
                 from here. {reason} It has been away since {}.",
                since.format("%Y-%m-%d %H:%M:%S UTC")
            )),
            Self::Unknown | Self::Here { .. } => None,
        }
    }
}

#[derive(Debug)]
struct Known {
    standing: Standing,
    /// When it was last asked.
    at: DateTime<Utc>,
}

/// One engine. Clones share what they know of it.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    api: Arc<dyn Api>,
    address: String,
    clock: Clock,
    known: Mutex<Known>,
    permits: Arc<Semaphore>,
    log_readers: Arc<Semaphore>,
    log_followers: Arc<Semaphore>,
    runtime: Mutex<Option<Arc<Runtime>>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let runtime = self.runtime.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime.and_then(Arc::into_inner) {
            // Also where nobody may block.
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// The engine at `DOCKER_HOST`. Connects when it is first asked.
    #[must_use]
    pub fn at(docker_host: &str, clock: Clock) -> Self {
        Self::with(Arc::new(Docker::at(docker_host)), &without_login(docker_host), clock)
    }

    /// Whatever answers as an engine.
    #[must_use]
    pub fn with(api: Arc<dyn Api>, address: &str, clock: Clock) -> Self {
        let known = Mutex::new(Known { standing: Standing::Unknown, at: DateTime::<Utc>::MIN_UTC });
        Self(Arc::new(Shared {
            api,
            address: address.to_owned(),
            clock,
            known,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            log_readers: Arc::new(Semaphore::new(logs::READERS)),
            log_followers: Arc::new(Semaphore::new(logs::FOLLOWERS)),
            runtime: Mutex::new(None),
        }))
    }

    /// Where it is, without whom one signs in as.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Whether it answered when it was last asked. Asks nothing.
    #[must_use]
    pub fn last_standing(&self) -> Standing {
        self.known().standing.clone()
    }

    /// Whether it answers, by a look that is at most a few seconds old; waits a second for a new one.
    pub async fn standing(&self) -> Standing {
        if self.is_fresh() {
            return self.last_standing();
        }
        let _ = self.ask(|api| api.info()).await;
        self.last_standing()
    }

    /// [`Engine::standing`] on a thread that may block.
    #[must_use]
    pub fn standing_blocking(&self) -> Standing {
        if !self.is_fresh() {
            let _ = self.ask_blocking(|api| api.info());
        }
        self.last_standing()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the engine refused, or that it did not answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Api) -> Answer<T>,
    ) -> Result<T, EngineError> {
        let answer = self.permitted(question(&*self.0.api));
        let answer = self.runtime()?.spawn(answer).await;
        self.note(answer.unwrap_or_else(|error| Err(EngineError::Odd(error.to_string()))))
    }

    /// [`Engine::ask`] on a thread that may block: a job's or a command's.
    ///
    /// # Errors
    /// What the engine refused, or that it did not answer.
    pub fn ask_blocking<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Api) -> Answer<T>,
    ) -> Result<T, EngineError> {
        let answer = self.permitted(question(&*self.0.api));
        let answer = self.runtime()?.block_on(answer);
        self.note(answer)
    }

    /// Runs `task` beside everything else, until the handle is gone: following events, or logs.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn spawn(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<tokio::task::JoinHandle<()>, EngineError> {
        Ok(self.runtime()?.spawn(task))
    }

    /// Takes what answers in many pieces, on a thread that may block, until `take` has had enough. Each piece may take
    /// `patience`.
    ///
    /// # Errors
    /// What the engine refused, or that it did not answer.
    pub fn each_blocking<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Api) -> Answers<T>,
        patience: Duration,
        mut take: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let runtime = self.runtime()?;
        let _entered = runtime.enter();
        let mut pieces = question(&*self.0.api);
        loop {
            let piece = runtime.block_on(async { tokio::time::timeout(patience, pieces.next()).await });
            match piece.map_err(|_| EngineError::Silent).transpose() {
                None => return Ok(()),
                Some(Ok(Ok(piece))) => {
                    if take(piece).is_break() {
                        return Ok(());
                    }
                }
                Some(Ok(Err(error)) | Err(error)) => return self.note(Err(error)),
            }
        }
    }

    /// What answers in many pieces.
    #[must_use]
    pub fn api(&self) -> Arc<dyn Api> {
        Arc::clone(&self.0.api)
    }

    fn permitted<T: Send + 'static>(
        &self,
        answer: Answer<T>,
    ) -> impl Future<Output = Result<T, EngineError>> + Send + 'static {
        let permits = Arc::clone(&self.0.permits);
        async move {
            let _permit = permits.acquire_owned().await.map_err(|_| EngineError::Silent)?;
            answer.await
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self) -> bool {
        let known = self.known();
        let age = self.0.clock.now() - known.at;
        known.standing != Standing::Unknown
            && age >= chrono::TimeDelta::zero()
            && age.to_std().is_ok_and(|age| age < FRESH)
    }

    /// Remembers whether it answered. One that refuses something is there.
    fn note<T>(&self, answer: Result<T, EngineError>) -> Result<T, EngineError> {
        let now = self.0.clock.now();
        let reason = answer.as_ref().err().and_then(EngineError::absence);
        let mut known = self.known();
        known.at = now;
        known.standing = match (reason, &known.standing) {
            (None, Standing::Here { since }) => Standing::Here { since: *since },
            (None, _) => Standing::Here { since: now },
            (Some(reason), Standing::Away { since, .. }) => Standing::Away { since: *since, reason },
            (Some(reason), _) => Standing::Away { since: now, reason },
        };
        answer
    }

    fn runtime(&self) -> Result<Arc<Runtime>, EngineError> {
        let mut runtime = self.0.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(Arc::clone(runtime));
        }
        let built = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("engine")
            .enable_all()
            .build()
            .map_err(|error| EngineError::Odd(error.to_string()))?;
        Ok(Arc::clone(runtime.insert(Arc::new(built))))
    }
}

/// `tcp://login:password@host` is told without whom it signs in.
fn without_login(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        (None, Some((_, place))) => place.to_owned(),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_engine_is_away_since_it_was_first_missed_and_no_answer_waits_for_it() {
        let clock = Clock::frozen_at(1_000);
        let engine = Engine::at("unix:///nowhere/docker.sock", clock.clone());
        assert_eq!(engine.last_standing(), Standing::Unknown);
        let Standing::Away { since, reason } = engine.standing_blocking() else { panic!("it is nowhere") };
        assert_eq!(since.timestamp_millis(), 1_000);
        assert!(reason.contains("/nowhere/docker.sock"), "{reason}");
        clock.set(60_000);
        let Standing::Away { since, .. } = engine.standing_blocking() else { panic!("it is nowhere") };
        assert_eq!(since.timestamp_millis(), 1_000, "it did not go away again");
    }

    #[test]
    fn an_address_that_is_not_spoken_to_says_so() {
        for odd in ["ssh://host", "https://ada:secret@host:2376", "npipe:////./pipe/docker", "nonsense"] {
            let engine = Engine::at(odd, Clock::system());
            let Standing::Away { reason, .. } = engine.standing_blocking() else { panic!("{odd}") };
            assert!(reason.contains("unix://") && !reason.contains("secret"), "{reason}");
        }
    }

    #[test]
    fn a_login_is_not_told() {
        assert_eq!(without_login("tcp://ada:secret@host:2375"), "tcp://host:2375");
        assert_eq!(without_login("unix:///run/docker.sock"), "unix:///run/docker.sock");
    }
}
