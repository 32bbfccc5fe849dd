//! How a transaction starts and ends: one round trip each, with the actor set in between.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as DieselError;

use super::pool::PooledConnection;
use super::tx::Tx;
use super::{Access, Actor, Db, DbError, address};

/// Who decides how a transaction ends: the thread that runs it, or the deadline of whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct CommitGate(AtomicU8);

impl CommitGate {
    const OPEN: u8 = 0;
    const COMMITTING: u8 = 1;
    const ABANDONED: u8 = 2;

    /// Nobody waits any more. Answers whether the transaction will be rolled back; if not, it is being
    /// committed already.
    pub(super) fn abandon(&self) -> bool {
        self.decide(Self::ABANDONED)
    }

    fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst) == Self::OPEN
    }

    fn begin_commit(&self) -> bool {
        self.decide(Self::COMMITTING)
    }

    fn decide(&self, end: u8) -> bool {
        self.0.compare_exchange(Self::OPEN, end, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// One transaction that is to be run.
#[derive(Debug)]
pub(super) struct TxOptions<'a> {
    pub(super) access: Access,
    pub(super) actor: &'a Actor,
    pub(super) limit: Limit,
    /// How long to wait for a connection.
    pub(super) patience: Duration,
    pub(super) gate: &'a CommitGate,
}

/// How long the statements of a transaction may run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// A page's: no longer than somebody waits. The server ends a statement at the deadline, so that nothing holds a
    /// connection for an answer that nobody takes.
    Deadline(Instant),
    /// A command's or a job's.
    None,
}

impl Limit {
    fn sql(self) -> Cow<'static, str> {
        match self {
            Self::Deadline(at) => {
                let left = at.saturating_duration_since(Instant::now()).as_millis().max(1);
                format!("SET LOCAL statement_timeout = {left}; ").into()
            }
            Self::None => "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'; \
                           SET LOCAL idle_in_transaction_session_timeout = 0; "
                .into(),
        }
    }
}

/// How often work is tried whose transaction lost against another one.
const TRIES: u32 = 4;

/// [`run`], and again when PostgreSQL ended the transaction to let another one pass: nothing of it stands
/// then, and what follows a commit has not happened.
pub(super) fn run_again_after_conflicts<T, E, F>(db: &Db, options: &TxOptions<'_>, work: F) -> Result<T, E>
where
    E: From<DbError> + From<DieselError>,
    F: FnOnce(&mut PgConnection) -> Result<T, E> + Clone,
{
    for tried in 1..TRIES {
        let (result, met_conflict) = run_once(db, options, work.clone());
        if result.is_ok() || !met_conflict || !options.gate.is_open() {
            return result;
        }
        tracing::info!(tried, "a transaction lost against another one and is run again");
        std::thread::sleep(Duration::from_millis(u64::from(tried * tried) * 3 + jitter()));
    }
    run(db, options, work)
}

/// A few milliseconds that differ, so that two that collide do not collide again.
fn jitter() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % 10
}

/// Checks out a connection and runs `work` on it.
///
/// A pooled connection whose server went away is noticed at its first use; since nothing has happened
/// by then, another one is taken, as often as the pool could hold dead ones.
pub(super) fn run<T, E, F>(db: &Db, options: &TxOptions<'_>, work: F) -> Result<T, E>
where
    E: From<DbError> + From<DieselError>,
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
{
    run_once(db, options, work).0
}

/// [`run`], and whether it met another transaction.
fn run_once<T, E, F>(db: &Db, options: &TxOptions<'_>, work: F) -> (Result<T, E>, bool)
where
    E: From<DbError> + From<DieselError>,
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
{
    let mut conn = match begin(db, options) {
        Ok(conn) => conn,
        Err(error) => return (Err(error.into()), false),
    };
    let result = carry_out(db, &mut conn, options, work);
    let (met_conflict, follow_ups) = match Tx::of(&mut conn) {
        Some(tx) => (tx.met_conflict(), tx.follow_ups()),
        None => (false, Vec::new()),
    };
    drop(conn);
    if result.is_ok() {
        for follow_up in follow_ups {
            follow_up(db);
        }
    }
    (result, met_conflict)
}

/// From the transaction's beginning to its end.
fn carry_out<T, E, F>(db: &Db, conn: &mut PgConnection, options: &TxOptions<'_>, work: F) -> Result<T, E>
where
    E: From<DbError> + From<DieselError>,
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
{
    let ended = work(conn).and_then(|value| {
        if let Some(reason) = Tx::of(conn).and_then(Tx::refusal) {
            return Err(DbError::Unavailable(reason).into());
        }
        if options.access == Access::Write && !options.gate.begin_commit() {
            return Err(DbError::Unavailable("the deadline came before the commit".to_owned()).into());
        }
        Ok(value)
    });
    match ended {
        Ok(value) => {
            commit(db, conn, options)?;
            Ok(value)
        }
        Err(error) => {
            // A failed rollback marks the connection as broken, and the pool drops it.
            let _ = AnsiTransactionManager::rollback_transaction(conn);
            Err(error)
        }
    }
}

/// A connection inside the transaction.
fn begin(db: &Db, options: &TxOptions<'_>) -> Result<PooledConnection, DbError> {
    let give_up = Instant::now() + options.patience;
    let mut attempts = db.pool.max_size() + 1;
    loop {
        let patience = give_up.saturating_duration_since(Instant::now());
        let mut conn = db.pool.get_timeout(patience).map_err(|error| {
            DbError::Unavailable(address::without_secrets(db.address.reveal(), &error.to_string()))
        })?;
        attempts -= 1;
        match begin_transaction(&mut conn, &begin_sql(db, options)) {
            Ok(()) => {
                let stranger = db.shares.entered(options.actor);
                if let Some(tx) = Tx::of(&mut conn) {
                    tx.expect(stranger);
                }
                return Ok(conn);
            }
            // Whoever nobody waits for any more must not hold a place in the queue.
            Err(DbError::Unavailable(_)) if attempts > 0 && options.gate.is_open() => {}
            Err(error) => return Err(error),
        }
    }
}

fn begin_sql(db: &Db, options: &TxOptions<'_>) -> String {
    // What the isolation is by default may be the database's. A write does not insist on READ WRITE: where the server says that it takes no writes, that holds.
    let mode = match options.access {
        Access::Read => " READ ONLY",
        Access::Write => "",
    };
    let Db { each_transaction, .. } = db;
    let (limit, enter) = (options.limit.sql(), enter(options.actor));
    format!("BEGIN ISOLATION LEVEL READ COMMITTED{mode}; {each_transaction}{limit}{enter}")
}

/// Makes a transaction `actor`'s. A hash is hex digits by its type; nothing else comes from outside.
fn enter(actor: &Actor) -> Cow<'static, str> {
    match actor {
        Actor::Session(hash) => format!("SELECT pilothouse.enter('{}')", hash.as_str()).into(),
        Actor::Token(hash) => format!("SELECT pilothouse.enter_token('{}')", hash.as_str()).into(),
        Actor::Guest(hash) => format!("SELECT pilothouse.enter_guest('{}')", hash.as_str()).into(),
        Actor::System => "SET LOCAL ROLE pilothouse_admin; SELECT set_config('app.user_id', '', true)".into(),
        Actor::Gate => "SET LOCAL ROLE pilothouse_gate; SELECT set_config('app.user_id', '', true)".into(),
        Actor::Retention => {
            "SET LOCAL ROLE pilothouse_retention; SELECT set_config('app.user_id', '', true)".into()
        }
    }
}

fn begin_transaction(conn: &mut PgConnection, sql: &str) -> Result<(), DbError> {
    AnsiTransactionManager::begin_transaction_sql(conn, sql).map_err(|error| {
        // The batch may have failed after its BEGIN: PostgreSQL is then inside an aborted transaction
        // while Diesel believes that it is idle, and the pool would hand it on like that. On a dead
        // connection this fails too, and Diesel marks it as broken.
        let _ = conn.batch_execute("ROLLBACK");
        error.into()
    })
}

/// Ends the transaction and the actor's role in one round trip. Diesel learns from the connection's own
/// state that the transaction is over.
///
/// What comes before COMMIT fails in a transaction that an error inside `work` has aborted. Without it COMMIT
/// would answer like a success while PostgreSQL rolls back. A session is asked whether it still is one: `work`
/// may have waited while somebody ended it.
///
/// A connection that is lost here may have been lost before or after the commit.
fn commit(db: &Db, conn: &mut PgConnection, options: &TxOptions<'_>) -> Result<(), DbError> {
    let access = options.access;
    let check = match (access, options.actor) {
        (Access::Read, _) => "",
        (Access::Write, Actor::Session(_)) => "SELECT pilothouse.stay(); ",
        (Access::Write, _) => "SELECT 1; ",
    };
    let ended = conn.batch_execute(&format!("{check}COMMIT{}", db.after_transaction));
    ended.map_err(|error| {
        let _ = AnsiTransactionManager::rollback_transaction(conn);
        match DbError::from(error) {
            DbError::Unavailable(_) if access == Access::Write => DbError::Uncertain,
            error => error,
        }
    })
}
