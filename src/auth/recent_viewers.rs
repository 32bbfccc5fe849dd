//! Who sessions were of when the database last said so, for the frame of a page that says that it is away. Nothing is
//! decided by it: what somebody may see, each transaction asks anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::SecretHash;
use crate::identity::Viewer;

/// As many sessions are remembered at most; the one that was not used for the longest makes room.
const MOST: usize = 1_000;
/// So long after its last use.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// See the module. What holds it is one process.
#[derive(Debug, Clone, Default)]
pub struct RecentViewers(Arc<Mutex<HashMap<SecretHash, Seen>>>);

type Seen = (DateTime<Utc>, Viewer);

impl RecentViewers {
    pub fn remember(&self, session: &SecretHash, viewer: &Viewer, now: DateTime<Utc>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST && !seen.contains_key(session) {
            seen.retain(|_, (at, _)| now - *at < KEPT);
            let oldest = seen.iter().min_by_key(|(_, (at, _))| *at).map(|(session, _)| session.clone());
            if let Some(oldest) = oldest.filter(|_| seen.len() >= MOST) {
                seen.remove(&oldest);
            }
        }
        seen.insert(session.clone(), (now, viewer.clone()));
    }

    /// Once the database has said that the session is over.
    pub fn forget(&self, session: &SecretHash) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    #[must_use]
    pub fn of(&self, session: &SecretHash, now: DateTime<Utc>) -> Option<Viewer> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, viewer) = seen.get(session)?;
        (now - *at < KEPT).then(|| viewer.clone())
    }
}
