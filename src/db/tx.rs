//! What a transaction gathers on its way: what is to follow its commit, why it must not be committed, and whether it
//! met another one.
//!
//! Each connection of the pool carries one [`Tx`], as its instrumentation: so it belongs to the transaction and to no
//! thread, whatever a transaction opens beside it, and it learns of every savepoint. What was asked for within a
//! savepoint that is rolled back was not asked for.

use std::sync::Arc;
use std::time::Instant;

use diesel::PgConnection;
use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::ids::UserId;
use super::shares::Shares;
use super::{Db, SecretHash, load};

type FollowUp = Box<dyn FnOnce(&Db) + Send>;

enum Wish {
    AfterCommit(FollowUp),
    NoCommit(String),
}

/// See the module.
#[derive(Default)]
pub(super) struct Tx {
    wishes: Vec<Wish>,
    /// How many wishes there were when each open savepoint began, with its depth.
    savepoints: Vec<(u32, usize)>,
    conflict: bool,
    /// When the statement that runs was sent.
    sent: Option<Instant>,
    stranger: Option<(Arc<Shares>, SecretHash)>,
}

/// Runs `work` once the transaction that is open on `conn` has been committed, with its connection already back in the
/// pool; never when it is rolled back.
pub fn after_commit(conn: &mut PgConnection, work: impl FnOnce(&Db) + Send + 'static) {
    wish(conn, Wish::AfterCommit(Box::new(work)));
}

/// Rolls the transaction that is open on `conn` back in place of its commit; whoever asked is told that the database is
/// unavailable for `reason`.
pub fn refuse_commit(conn: &mut PgConnection, reason: String) {
    wish(conn, Wish::NoCommit(reason));
}

/// Tells whose session opened the transaction that is open on `conn`.
pub fn opened_by(conn: &mut PgConnection, user: UserId) {
    if let Some((shares, hash)) = Tx::of(conn).and_then(|tx| tx.stranger.take()) {
        shares.know(hash, user);
    }
}

fn wish(conn: &mut PgConnection, wish: Wish) {
    match Tx::of(conn) {
        Some(tx) => tx.wishes.push(wish),
        None => {
            tracing::error!("nobody commits this connection's transaction through `Db`: nothing will follow");
        }
    }
}

impl Tx {
    /// The transaction of `conn`, if that is a connection of the pool.
    pub(super) fn of(conn: &mut PgConnection) -> Option<&mut Self> {
        conn.instrumentation().downcast_mut::<Self>()
    }

    /// What [`opened_by`] tells counts for the session with this hash.
    pub(super) fn expect(&mut self, stranger: Option<(Arc<Shares>, SecretHash)>) {
        self.stranger = stranger;
    }

    /// Why the transaction must not be committed, if so.
    pub(super) fn refusal(&mut self) -> Option<String> {
        let at = self.wishes.iter().position(|wish| matches!(wish, Wish::NoCommit(_)))?;
        match self.wishes.swap_remove(at) {
            Wish::NoCommit(reason) => Some(reason),
            Wish::AfterCommit(_) => None,
        }
    }

    /// What is to be done once the transaction stands, in the order in which it was asked for.
    pub(super) fn follow_ups(&mut self) -> Vec<FollowUp> {
        let wishes = std::mem::take(&mut self.wishes).into_iter();
        wishes
            .filter_map(|wish| match wish {
                Wish::AfterCommit(work) => Some(work),
                Wish::NoCommit(_) => None,
            })
            .collect()
    }

    /// Whether PostgreSQL ended a statement to let another transaction pass.
    pub(super) fn met_conflict(&self) -> bool {
        self.conflict
    }

    fn begin(&mut self, depth: u32) {
        if depth == 1 {
            *self = Self::default();
        } else {
            // One whose SAVEPOINT failed was told as begun, and will not be told as ended.
            self.savepoints.retain(|(open, _)| *open < depth);
            self.savepoints.push((depth, self.wishes.len()));
        }
    }

    fn end(&mut self, depth: u32, stands: bool) {
        let began = self.savepoints.iter().find(|(open, _)| *open == depth).map(|(_, wishes)| *wishes);
        self.savepoints.retain(|(open, _)| *open < depth);
        if !stands {
            self.wishes.truncate(began.unwrap_or(0));
        }
    }
}

impl Instrumentation for Tx {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.sent = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                self.conflict |= error.is_some_and(is_conflict);
                let took = self.sent.take().map(|sent| sent.elapsed()).unwrap_or_default();
                if took >= load::SLOW {
                    load::note(&query.to_string(), took);
                }
            }
            InstrumentationEvent::BeginTransaction { depth, .. } => self.begin(depth.get()),
            InstrumentationEvent::CommitTransaction { depth, .. } => self.end(depth.get(), true),
            InstrumentationEvent::RollbackTransaction { depth, .. } => self.end(depth.get(), false),
            _ => {}
        }
    }
}

/// Whether the transaction would have passed without another one beside it.
fn is_conflict(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        // A wait for a lock ends before the server looks for a circle: it is the same thing sooner.
        DieselError::DatabaseError(_, info) => {
            let message = info.message();
            message.contains("deadlock detected")
                || message.contains("canceling statement due to lock timeout")
        }
        _ => false,
    }
}
