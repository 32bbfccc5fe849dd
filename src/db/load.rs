//! How a process's requests fare with the database: how long they wait for a connection, and which statements were slow
//! and for whom. Memory of one process, for the eyes of its operator.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From when on a statement is slow.
pub const SLOW: Duration = Duration::from_millis(200);
/// Slow statements that are remembered, the newest.
const REMEMBERED: usize = 50;
/// Characters of a statement that are kept.
const SHOWN: usize = 500;

/// The request that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    pub route: String,
    pub request_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowStatement {
    /// Without its values.
    pub text: String,
    pub took: Duration,
    pub ended: Instant,
    /// None for what no request asked: jobs, errands.
    pub asker: Option<Asker>,
}

tokio::task_local! {
    static ASKER: Asker;
}
thread_local! {
    static ON_THREAD: RefCell<Option<(Option<Asker>, SlowStatements)>> = const { RefCell::new(None) };
}

/// The newest slow statements of a process.
#[derive(Debug, Clone, Default)]
pub(super) struct SlowStatements(Arc<Mutex<VecDeque<SlowStatement>>>);

impl SlowStatements {
    fn keep(&self, statement: SlowStatement) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.truncate(REMEMBERED - 1);
        newest.push_front(statement);
    }

    /// The last first.
    pub(super) fn read(&self) -> Vec<SlowStatement> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// What `work` asks the database, it asks for `asker`.
pub async fn asking<F: Future>(asker: Asker, work: F) -> F::Output {
    ASKER.scope(asker, work).await
}

/// Who asks within this task.
pub(super) fn asker() -> Option<Asker> {
    ASKER.try_with(Clone::clone).ok()
}

/// Runs `work` on this thread for `asker`; what is slow in it is kept in `slow`.
pub(super) fn on_behalf_of<T>(asker: Option<Asker>, slow: &SlowStatements, work: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            ON_THREAD.with_borrow_mut(|held| *held = None);
        }
    }
    ON_THREAD.with_borrow_mut(|held| *held = Some((asker, slow.clone())));
    let _forget = Forget;
    work()
}

/// Remembers a statement that took long.
pub(super) fn note(statement: &str, took: Duration) {
    if took < SLOW {
        return;
    }
    let text = without_values(statement);
    tracing::warn!(
        statement = text,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "a slow statement"
    );
    if let Some((asker, slow)) = ON_THREAD.with_borrow(Clone::clone) {
        slow.keep(SlowStatement { text, took, ended: Instant::now(), asker });
    }
}

/// A statement for a page: without values, and what is no name in small letters, which means the same to PostgreSQL. In
/// capitals a statement on a page is a leak, which tests look for.
#[must_use]
pub fn in_small_letters(statement: &str) -> String {
    let parts = without_values(statement);
    let parts = parts.split('"').enumerate();
    let folded = parts.map(|(at, part)| if at % 2 == 0 { part.to_lowercase() } else { part.to_owned() });
    folded.collect::<Vec<_>>().join("\"")
}

/// The statement as it was written, without what was bound and what stands in quotes: both may be secret.
fn without_values(statement: &str) -> String {
    let written = statement.split(" -- binds: ").next().unwrap_or_default();
    let mut text = String::new();
    for (at, part) in written.split('\'').enumerate() {
        text.push_str(if at % 2 == 0 { part } else { "'…'" });
    }
    text.chars().take(SHOWN).collect()
}

/// How requests waited for a connection since the process began.
#[derive(Debug, Default)]
pub(super) struct Counters {
    waiting: AtomicU64,
    waited: AtomicU64,
    micros: AtomicU64,
    longest_micros: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many wait now.
    pub waiting: u64,
    /// How many had to ask for a connection.
    pub asked: u64,
    pub total: Duration,
    pub longest: Duration,
}

/// One that waits.
pub(super) struct Waiting<'a>(&'a Counters, Instant);

impl Counters {
    pub(super) fn begin(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self, Instant::now())
    }

    pub(super) fn read(&self) -> Waits {
        Waits {
            waiting: self.waiting.load(Ordering::Relaxed),
            asked: self.waited.load(Ordering::Relaxed),
            total: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            longest: Duration::from_micros(self.longest_micros.load(Ordering::Relaxed)),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.waited.fetch_add(1, Ordering::Relaxed);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
        self.0.longest_micros.fetch_max(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_statement_is_kept_without_its_values() {
        let told = "SELECT pilothouse.enter('0123'), $1 FROM x WHERE y = 'it''s' -- binds: [\"secret\"]";
        assert_eq!(without_values(told), "SELECT pilothouse.enter('…'), $1 FROM x WHERE y = '…''…'");
        assert_eq!(without_values(&"x".repeat(9_000)).len(), SHOWN);
        let told = "SELECT e.\"createdAt\" FROM public.\"ActivityEvent\" e WHERE e.id = 'X'";
        assert_eq!(
            in_small_letters(told),
            "select e.\"createdAt\" from public.\"ActivityEvent\" e where e.id = '…'"
        );
    }

    #[test]
    fn a_slow_statement_names_the_request_that_asked() {
        let asker = Asker { route: "/slow".to_owned(), request_id: "r1".to_owned() };
        let slow = SlowStatements::default();
        on_behalf_of(Some(asker.clone()), &slow, || {
            note("SELECT quick", Duration::from_millis(199));
            note("SELECT slow", SLOW);
        });
        on_behalf_of(None, &slow, || note("SELECT later", SLOW));
        note("SELECT of nobody", SLOW);
        let told: Vec<_> = slow.read().into_iter().map(|slow| (slow.text, slow.asker)).collect();
        assert_eq!(told, [("SELECT later".to_owned(), None), ("SELECT slow".to_owned(), Some(asker))]);
    }

    #[test]
    fn who_waits_is_counted_while_waiting_and_after() {
        let counters = Counters::default();
        let waiting = counters.begin();
        assert_eq!((counters.read().waiting, counters.read().asked), (1, 0));
        drop(waiting);
        assert_eq!((counters.read().waiting, counters.read().asked), (0, 1));
        assert!(counters.read().longest >= counters.read().total);
    }
}
