//! Who gets how many of the connections: one who asks for much waits for themself, not the others for them.
//!
//! A transaction takes a place in its share first, and a permit of the pool's then. A user's share is the same for
//! all of their sessions, and a token has one of its own. Before a transaction was opened, only a hash is known; whose
//! it is has been told by an earlier one ([`super::opened_by`]). Sessions and tokens of which that is not known yet share
//! one share, guests another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::ids::UserId;
use super::{Actor, SecretHash};

/// Sessions and tokens that are remembered at most; beyond, all of them are forgotten and told again.
const MOST_KNOWN: usize = 10_000;

/// The connections, and the shares in them.
#[derive(Debug)]
pub(super) struct Shares {
    all: Arc<Semaphore>,
    /// Places in a user's share.
    each: usize,
    /// For those who are finding out who they are.
    gate: Arc<Semaphore>,
    /// For sessions and tokens of which nobody has told yet whose they are.
    strangers: Arc<Semaphore>,
    /// For all anonymous visitors.
    guests: Arc<Semaphore>,
    known: Mutex<Known>,
}

/// Who has a share of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Holder {
    User(UserId),
    Token(SecretHash),
}

#[derive(Debug, Default)]
struct Known {
    holders: HashMap<SecretHash, Holder>,
    shares: HashMap<Holder, Weak<Semaphore>>,
}

/// The right to one connection.
#[derive(Debug)]
pub(super) struct Permit {
    _share: Option<OwnedSemaphorePermit>,
    _connection: OwnedSemaphorePermit,
}

impl Shares {
    /// Shares in `connections`: a user's is three, or three of ten where there are more, and never all.
    pub(super) fn of(connections: usize) -> Self {
        let each = (connections * 3 / 10).max(3).min(connections.saturating_sub(1)).max(1);
        let share = |places: usize| Arc::new(Semaphore::new(places));
        Self {
            all: share(connections),
            each,
            gate: share(each),
            strangers: share(connections.div_ceil(2)),
            guests: share(each),
            known: Mutex::default(),
        }
    }

    /// Waits for a place in the share of `actor`, and for a connection.
    pub(super) async fn permit(&self, actor: &Actor) -> Result<Permit, AcquireError> {
        let share = match actor {
            Actor::Session(hash) | Actor::Token(hash) => Some(self.share_of(hash)),
            Actor::Guest(_) => Some(Arc::clone(&self.guests)),
            Actor::Gate => Some(Arc::clone(&self.gate)),
            Actor::System | Actor::Retention => None,
        };
        let share = match share {
            Some(share) => Some(share.acquire_owned().await?),
            None => None,
        };
        let connection = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Permit { _share: share, _connection: connection })
    }

    /// A transaction was opened as `actor`. Answers the session of which it has yet to tell whose it is.
    pub(super) fn entered(self: &Arc<Self>, actor: &Actor) -> Option<(Arc<Self>, SecretHash)> {
        let (Actor::Session(hash) | Actor::Token(hash)) = actor else { return None };
        if self.known().holders.contains_key(hash) {
            return None;
        }
        if let Actor::Session(_) = actor {
            return Some((Arc::clone(self), hash.clone()));
        }
        self.remember(hash.clone(), Holder::Token(hash.clone()));
        None
    }

    fn share_of(&self, hash: &SecretHash) -> Arc<Semaphore> {
        let mut known = self.known();
        let Some(holder) = known.holders.get(hash).cloned() else { return Arc::clone(&self.strangers) };
        if let Some(share) = known.shares.get(&holder).and_then(Weak::upgrade) {
            return share;
        }
        // A share lives as long as somebody holds a place in it.
        known.shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.each));
        known.shares.insert(holder, Arc::downgrade(&share));
        share
    }

    pub(super) fn know(&self, hash: SecretHash, user: UserId) {
        self.remember(hash, Holder::User(user));
    }

    fn remember(&self, hash: SecretHash, holder: Holder) {
        let mut known = self.known();
        if known.holders.len() >= MOST_KNOWN {
            known.holders.clear();
        }
        known.holders.insert(hash, holder);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn session(name: &str) -> Actor {
        Actor::Session(SecretHash::of(name))
    }

    fn know(shares: &Arc<Shares>, name: &str, user: u128) {
        let (told, hash) = shares.entered(&session(name)).unwrap();
        told.know(hash, UserId(uuid::Uuid::from_u128(user)));
        assert!(shares.entered(&session(name)).is_none());
    }

    async fn taken(shares: &Shares, actors: impl IntoIterator<Item = Actor>) -> Vec<Permit> {
        let mut permits = Vec::new();
        for actor in actors {
            permits.extend(
                timeout(Duration::from_millis(20), shares.permit(&actor)).await.ok().and_then(Result::ok),
            );
        }
        permits
    }

    #[tokio::test]
    async fn one_user_takes_a_share_however_many_sessions_they_have() {
        let shares = Arc::new(Shares::of(10));
        let names: Vec<String> = (0..20).map(|n| format!("ada {n}")).collect();
        for name in &names {
            know(&shares, name, 1);
        }
        know(&shares, "grace", 2);
        let hers = taken(&shares, names.iter().map(|name| session(name))).await;
        assert_eq!(hers.len(), 3);
        let others = taken(&shares, [session("grace"), Actor::Gate, session("new")]).await;
        assert_eq!(others.len(), 3, "nobody else waits");
        drop(hers);
        assert_eq!(taken(&shares, [session("ada 0")]).await.len(), 1);
    }

    #[tokio::test]
    async fn neither_the_gate_nor_those_whom_nobody_knows_take_all() {
        let shares = Arc::new(Shares::of(10));
        let at_the_gate = taken(&shares, (0..10).map(|_| Actor::Gate)).await;
        let unknown = taken(&shares, (0..10).map(|n| session(&n.to_string()))).await;
        assert_eq!((at_the_gate.len(), unknown.len()), (3, 5));
        know(&shares, "grace", 2);
        assert_eq!(taken(&shares, [session("grace"), Actor::System]).await.len(), 2);
    }

    #[tokio::test]
    async fn a_token_has_a_share_of_its_own_once_it_was_let_in_and_guests_share_one() {
        let shares = Arc::new(Shares::of(10));
        let token = |name: &str| Actor::Token(SecretHash::of(name));
        let made_up = taken(&shares, (0..10).map(|n| token(&n.to_string()))).await;
        assert_eq!(made_up.len(), 5, "one for each would be no share");
        drop(made_up);
        assert!(shares.entered(&token("ci")).is_none());
        let reports = taken(&shares, (0..10).map(|_| token("ci"))).await;
        let visitors = taken(&shares, (0..10).map(|n| Actor::Guest(SecretHash::of(&n.to_string())))).await;
        assert_eq!((reports.len(), visitors.len()), (3, 3));
        know(&shares, "grace", 2);
        assert_eq!(taken(&shares, [session("grace"), Actor::Gate, Actor::Retention]).await.len(), 3);
    }

    #[test]
    fn small_pools_leave_one_for_others_and_large_ones_give_more() {
        let each = |connections| Shares::of(connections).each;
        assert_eq!([1, 2, 3, 4, 10, 20, 40].map(each), [1, 1, 2, 3, 3, 6, 12]);
    }

    #[test]
    fn what_is_known_is_bounded() {
        let shares = Arc::new(Shares::of(10));
        for n in 0..MOST_KNOWN as u128 + 10 {
            shares.know(SecretHash::of(&n.to_string()), UserId(uuid::Uuid::from_u128(n)));
        }
        assert_eq!(shares.known().holders.len(), 10);
    }
}
