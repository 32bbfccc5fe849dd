//! Where requests wait that have a password to check or to set. Hashing is dear on purpose and counting tries takes
//! turns, so there are so many places and no more: whoever finds none is told to come back, before anything was asked
//! or counted, and everybody else's pages go on.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diesel::PgConnection;
use diesel::result::Error as DieselError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::blocks::Blocks;
use super::password;
use crate::db::{Actor, Db, DbError};

/// Requests that may wait or be worked on at once.
const PLACES: usize = 48;
/// How many of them ask the database at once; the rest of the pool is everybody's.
const ASKING: usize = 3;

/// See the module. One a process.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Arc<Semaphore>,
    asking: Semaphore,
    hashing: Arc<Semaphore>,
    hashes: u32,
    waiting: AtomicUsize,
    blocks: Blocks,
}

/// All places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// Why a password was neither checked nor hashed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Too many others.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The hash can't be computed.
    #[error("hashing a password: {0:#}")]
    Hash(anyhow::Error),
    /// The database can't be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<DieselError> for QueueError {
    fn from(error: DieselError) -> Self {
        Self::Database(error.into())
    }
}

impl Default for Queue {
    fn default() -> Self {
        // Half of the cores, four at most: pages need the others.
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let hashes = u32::try_from((cores / 2).clamp(1, 4)).unwrap_or(1);
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(PLACES)),
            asking: Semaphore::new(ASKING),
            hashing: Arc::new(Semaphore::new(hashes as usize)),
            hashes,
            waiting: AtomicUsize::new(0),
            blocks: Blocks::default(),
        }))
    }
}

impl Queue {
    /// Takes a place.
    ///
    /// # Errors
    /// [`Busy`] when there is none.
    pub fn enter(&self) -> Result<Place, Busy> {
        let permit = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| Busy)?;
        Ok(Place { queue: self.clone(), _permit: permit })
    }

    /// The blocks that the database told this process of.
    #[must_use]
    pub(super) fn blocks(&self) -> &Blocks {
        &self.0.blocks
    }

    /// How many requests wait for their turn to hash.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::SeqCst)
    }

    /// Lets nobody hash from the moment that this comes back until what it answers is dropped.
    ///
    /// # Errors
    /// Never: the turns are not taken away.
    pub async fn pause(&self) -> Result<OwnedSemaphorePermit, Busy> {
        Arc::clone(&self.0.hashing).acquire_many_owned(self.0.hashes).await.map_err(|_| Busy)
    }
}

/// A place of the queue, until it is dropped.
#[derive(Debug)]
pub struct Place {
    queue: Queue,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// [`Db::write`] as the gate, with few others at once.
    ///
    /// # Errors
    /// What `work` answers; [`Busy`] when its turn does not come in time.
    pub async fn write<T, E, F>(&self, db: &Db, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Busy> + From<DbError> + From<DieselError> + Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Clone + Send + 'static,
    {
        // Half of what a page may wait, so that a database that hangs is told within the page's time.
        let turn = timeout(db.budget() / 2, self.queue.0.asking.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Busy.into()) };
        db.write(&Actor::Gate, work).await
    }

    /// Hashes `password` on a thread of its own.
    ///
    /// # Errors
    /// [`QueueError::Hash`] when the hash can't be computed (out of memory).
    pub async fn hash(&self, password: String) -> Result<String, QueueError> {
        self.in_turn(move || password::hash_blocking(&password)).await
    }

    /// Whether `password` is the one behind `stored`; see [`password::matches`].
    ///
    /// # Errors
    /// [`QueueError::Hash`] when the check can't be run at all.
    pub async fn verify(&self, stored: Option<String>, password: String) -> Result<bool, QueueError> {
        self.in_turn(move || Ok(password::matches(stored.as_deref(), &password))).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        let waits = Waits::begin(&self.queue);
        let turn = Arc::clone(&self.queue.0.hashing).acquire_owned().await.map_err(|_| Busy)?;
        drop(waits);
        // The turn moves into the thread: whoever hangs up frees it when the core is free, and not before.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| QueueError::Hash(error.into()))?.map_err(QueueError::Hash)
    }
}

/// Counts one that waits for its turn, also when it gives up.
struct Waits(Queue);

impl Waits {
    fn begin(queue: &Queue) -> Self {
        queue.0.waiting.fetch_add(1, Ordering::SeqCst);
        Self(queue.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_has_so_many_places_and_a_place_that_is_left_is_free() {
        let queue = Queue::default();
        let mut taken: Vec<Place> = (0..PLACES).map(|_| queue.enter().unwrap()).collect();
        assert_eq!(queue.enter().unwrap_err(), Busy);
        taken.pop();
        let place = queue.enter().unwrap();

        let paused = queue.pause().await.unwrap();
        let hashed = tokio::spawn(async move { place.hash("four unrelated words".to_owned()).await });
        while queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!hashed.is_finished());
        drop(paused);
        assert!(hashed.await.unwrap().is_ok());
        assert_eq!(queue.waiting(), 0);
    }
}
