//! Who watches, and what is told to them: ids of what changed, never a text.
//!
//! One look at the database serves all who watch ([`Live::look`], twice a second while somebody does). Each of them has a
//! set of what changed and was not told yet, so that a slow one has no queue that could overflow. A stream asks the
//! database nothing: its session is looked at together with all the others.

mod news;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

pub use news::News;

use crate::activity::changes::{Change, Seen};
use crate::auth::sessions;
use crate::db::ids::UserId;
use crate::db::{Actor, Db, DbError, SecretHash};
use crate::identity::{Role, Viewer};

/// How often the database is asked what changed.
pub const LOOK: Duration = Duration::from_millis(500);
/// How often it is asked whose session goes on.
const CHECK_SESSIONS: Duration = Duration::from_secs(3);
/// How long changes are told to those who begin to watch: a page may be older than its stream.
const RECENT: Duration = Duration::from_secs(10);
/// How long the look goes on after the last one has left: mostly for the next page.
const LINGER: Duration = Duration::from_secs(30);
/// Streams of one session. Tabs of a browser share one; a browser that can't has one for each.
const MOST_OF_A_SESSION: usize = 16;

/// Everybody who watches this instance.
#[derive(Debug, Clone)]
pub struct Live(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    watchers: HashMap<u64, Arc<Watcher>>,
    next: u64,
    is_closed: bool,
    /// How far the timeline was read; none while nobody watches.
    seen: Option<Seen>,
    recent: VecDeque<(Instant, Change)>,
    checked: Option<Instant>,
    left: Option<Instant>,
}

#[derive(Debug)]
struct Watcher {
    session: SecretHash,
    /// Whose entries are told; none for all.
    owner: Option<UserId>,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    news: News,
    end: Option<End>,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The session has ended: there is nothing to come back for.
    SessionEnded,
    /// The instance stops: another one, or the same one later, goes on.
    Stopping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many pages are watched as there is room for")]
pub struct NoRoom;

/// One stream's place; dropping it leaves.
#[derive(Debug)]
pub struct Watch {
    live: Live,
    number: u64,
    watcher: Arc<Watcher>,
}

impl Live {
    /// Room for so many streams.
    #[must_use]
    pub fn with_room(most: usize) -> Self {
        Self(Arc::new(Shared { most, state: Mutex::default() }))
    }

    /// Begins to watch for `viewer`, whose session's token has this hash.
    ///
    /// # Errors
    /// [`NoRoom`], also while the instance stops.
    pub fn watch(&self, viewer: &Viewer, session: SecretHash) -> Result<Watch, NoRoom> {
        let mut state = self.state();
        let of_session = state.watchers.values().filter(|watcher| watcher.session == session).count();
        if state.is_closed || state.watchers.len() >= self.0.most || of_session >= MOST_OF_A_SESSION {
            return Err(NoRoom);
        }
        let owner = (viewer.role != Role::Admin).then_some(viewer.id);
        let watcher = Arc::new(Watcher { session, owner, waiting: Mutex::default(), changed: Notify::new() });
        for (_, change) in &state.recent {
            watcher.tell_of(change);
        }
        let number = state.next;
        state.next += 1;
        state.watchers.insert(number, Arc::clone(&watcher));
        Ok(Watch { live: self.clone(), number, watcher })
    }

    /// Asks what changed and who may go on, and tells those who watch. Asks nothing when nobody does.
    ///
    /// # Errors
    /// When the database can't be asked; what changed meanwhile is told by the next look.
    pub fn look(&self, db: &Db) -> Result<(), DbError> {
        let (sessions, seen) = {
            let mut state = self.state();
            if state.watchers.is_empty() && state.left.is_none_or(|left| left.elapsed() > LINGER) {
                (state.seen, state.left) = (None, None);
                state.recent.clear();
                return Ok(());
            }
            let is_due = state.checked.is_none_or(|checked| checked.elapsed() >= CHECK_SESSIONS);
            (is_due.then(|| state.sessions()), state.seen.clone())
        };
        if let Some(sessions) = sessions.filter(|sessions| !sessions.is_empty()) {
            let living = db.read_blocking(&Actor::Gate, |conn| {
                sessions::living_among(conn, &sessions).map_err(DbError::from)
            })?;
            let mut state = self.state();
            state.checked = Some(Instant::now());
            state.end_those_without_session(&sessions, &living);
        }
        let (seen, changes) = db.read_blocking(&Actor::System, |conn| match seen {
            // Nobody has looked since the pages were made: anything may have changed.
            None => Ok::<_, DbError>((Seen::now(conn)?, None)),
            Some(mut seen) => {
                let changes = seen.since(conn)?;
                Ok((seen, changes))
            }
        })?;
        let mut state = self.state();
        state.seen = Some(seen);
        state.tell(changes);
        Ok(())
    }

    /// Ends every stream, and lets none begin: the instance stops.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        for watcher in state.watchers.values() {
            watcher.end(End::Stopping);
        }
    }

    /// How many watch.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state().watchers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn sessions(&self) -> Vec<SecretHash> {
        let sessions: HashSet<&SecretHash> = self.watchers.values().map(|watcher| &watcher.session).collect();
        sessions.into_iter().cloned().collect()
    }

    /// Of those who were asked for: others came meanwhile.
    fn end_those_without_session(&self, asked: &[SecretHash], living: &HashSet<String>) {
        let is_over = |session: &SecretHash| asked.contains(session) && !living.contains(session.as_str());
        for watcher in self.watchers.values().filter(|watcher| is_over(&watcher.session)) {
            watcher.end(End::SessionEnded);
        }
    }

    fn tell(&mut self, changes: Option<Vec<Change>>) {
        let Some(changes) = changes else {
            for watcher in self.watchers.values() {
                watcher.tell(News::add_everything);
            }
            return;
        };
        let now = Instant::now();
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > RECENT) {
            self.recent.pop_front();
        }
        for change in changes {
            for watcher in self.watchers.values() {
                watcher.tell_of(&change);
            }
            self.recent.push_back((now, change));
        }
    }
}

impl Watcher {
    fn tell_of(&self, change: &Change) {
        if self.owner.is_none_or(|owner| change.owner == Some(owner)) {
            self.tell(|news| news.add(change));
        }
    }

    fn tell(&self, add: impl FnOnce(&mut News)) {
        add(&mut self.waiting().news);
        self.changed.notify_one();
    }

    fn end(&self, end: End) {
        self.waiting().end.get_or_insert(end);
        self.changed.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// What changed since it was last asked, once something has; or why nothing more is told.
    ///
    /// # Errors
    /// [`End`], each time from then on.
    pub async fn next(&self) -> Result<News, End> {
        loop {
            {
                let mut waiting = self.watcher.waiting();
                if let Some(end) = waiting.end {
                    return Err(end);
                }
                if !waiting.news.is_empty() {
                    return Ok(std::mem::take(&mut waiting.news));
                }
            }
            self.watcher.changed.notified().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.live.state();
        state.watchers.remove(&self.number);
        state.left = Some(Instant::now());
    }
}
