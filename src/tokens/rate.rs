//! How often a token may ask, at this instance.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::db::SecretHash;

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// Tokens that are remembered at most; beyond, all of them begin anew.
const MOST_KNOWN: usize = 10_000;

/// A bucket for each token that the database has let in: made-up ones take no memory.
#[derive(Debug, Clone)]
pub struct TokenRate {
    pub a_minute: u32,
    known: Arc<Mutex<HashMap<SecretHash, Arc<Bucket>>>>,
}

/// What became of one request: how many more may come at once, or in how many seconds the next.
pub type Counted = Result<u32, u64>;

impl TokenRate {
    #[must_use]
    pub fn of(a_minute: u32) -> Self {
        Self { a_minute: a_minute.max(1), known: Arc::default() }
    }

    /// Counts a request of a token that is known here.
    #[must_use]
    pub fn count_known(&self, token: &SecretHash) -> Option<Counted> {
        let bucket = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        bucket.map(|bucket| count(&bucket))
    }

    /// Remembers a token that was let in, and counts its request.
    ///
    /// # Errors
    /// In how many seconds the next may come.
    pub fn count_new(&self, token: SecretHash) -> Counted {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        let quota = Quota::per_minute(NonZeroU32::new(self.a_minute).unwrap_or(NonZeroU32::MIN));
        let bucket = known.entry(token).or_insert_with(|| {
            Arc::new(RateLimiter::direct(quota).with_middleware::<StateInformationMiddleware>())
        });
        count(bucket)
    }
}

fn count(bucket: &Bucket) -> Counted {
    bucket.check().map(|left| left.remaining_burst_capacity()).map_err(|wait| {
        let clock = DefaultClock::default();
        wait.wait_time_from(clock.now()).as_secs() + 1
    })
}
