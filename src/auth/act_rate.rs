//! How often one user may change something: a script that goes round in a circle, or somebody with bad intent, would
//! fill the record, which nobody deletes from.
//!
//! Counted in memory, for each process by itself: what counts is that the record grows no faster than people work.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::db::ids::UserId;

/// The acts of one user within [`WINDOW`].
const MOST: usize = 300;
const WINDOW: Duration = Duration::from_mins(1);
/// As many users are remembered before those who have not acted for a while are forgotten.
const REMEMBERED: usize = 1_000;

/// The acts of the last minute. See the module.
#[derive(Debug, Clone)]
pub struct ActRate {
    most: usize,
    acts: Arc<Mutex<HashMap<UserId, VecDeque<Instant>>>>,
}

impl Default for ActRate {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl ActRate {
    /// So many acts a minute.
    #[must_use]
    pub fn of(most: usize) -> Self {
        Self { most: most.max(1), acts: Arc::default() }
    }

    /// Counts an act of `user`, or says in how many seconds the next one may be tried.
    ///
    /// # Errors
    /// The seconds.
    pub fn count(&self, user: UserId) -> Result<(), u64> {
        self.count_at(user, Instant::now())
    }

    /// Takes back the last act of `user`, which came to nothing.
    pub fn take_back(&self, user: UserId) {
        let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = acts.get_mut(&user) {
            times.pop_back();
        }
    }

    fn count_at(&self, user: UserId, now: Instant) -> Result<(), u64> {
        let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |at: &Instant| now.saturating_duration_since(*at);
        if acts.len() > REMEMBERED {
            acts.retain(|_, times| times.back().is_some_and(|last| age(last) < WINDOW));
        }
        let times = acts.entry(user).or_default();
        while times.front().is_some_and(|first| age(first) >= WINDOW) {
            times.pop_front();
        }
        if times.len() >= self.most {
            let wait = times.front().map_or(WINDOW, |first| WINDOW.saturating_sub(age(first)));
            return Err(wait.as_secs() + 1);
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        uuid::Uuid::from_u128(number).to_string().parse().unwrap()
    }

    #[test]
    fn each_user_has_so_many_acts_within_any_minute() {
        let rate = ActRate::of(3);
        let began = Instant::now();
        let at = |seconds: u64, number: u128| {
            rate.count_at(user(number), began + Duration::from_secs(seconds)).err()
        };
        assert_eq!([at(0, 1), at(10, 1), at(20, 1)], [None; 3]);
        assert_eq!((at(20, 1), at(20, 2)), (Some(41), None));
        assert_eq!(at(59, 1), Some(2));
        // The first is a minute old, and those that were refused count for nothing.
        assert_eq!((at(60, 1), at(60, 1)), (None, Some(11)));
        rate.take_back(user(1));
        assert_eq!((at(61, 1), at(61, 1)), (None, Some(10)));
    }

    #[test]
    fn who_has_not_acted_for_a_minute_is_forgotten() {
        let rate = ActRate::of(3);
        let began = Instant::now();
        for number in 0..=1_000 {
            rate.count_at(user(number), began).unwrap();
        }
        rate.count_at(user(5_000), began + WINDOW).unwrap();
        assert_eq!(rate.acts.lock().unwrap().len(), 1);
    }
}
