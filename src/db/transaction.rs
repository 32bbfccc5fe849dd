//! How a transaction starts and ends: one round trip each, with the actor set in between.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as DieselError;
use diesel::{PgConnection, QueryResult};

use super::{Access, Actor, Db, DbError};

type AfterCommit = Box<dyn FnOnce(&Db)>;

thread_local! {
    /// What the transaction that runs on this thread wants done once it stands.
    static AFTER_COMMIT: RefCell<Vec<AfterCommit>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` once the transaction that is open on this thread has been committed, with its connection
/// already back in the pool; never when it is rolled back.
pub fn after_commit(work: impl FnOnce(&Db) + 'static) {
    AFTER_COMMIT.with_borrow_mut(|waiting| waiting.push(Box::new(work)));
}

/// Who decides how a transaction ends: the thread that runs it, or the deadline of whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Fate(AtomicU8);

impl Fate {
    const OPEN: u8 = 0;
    const COMMITTING: u8 = 1;
    const ABANDONED: u8 = 2;

    /// Nobody waits any more. Answers whether the transaction will be rolled back; if not, it is being
    /// committed already.
    pub(super) fn abandon(&self) -> bool {
        self.decide(Self::ABANDONED)
    }

    fn begin_commit(&self) -> bool {
        self.decide(Self::COMMITTING)
    }

    fn decide(&self, end: u8) -> bool {
        self.0.compare_exchange(Self::OPEN, end, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// Checks out a connection and runs `work` on it as `actor`.
///
/// A pooled connection whose server went away is noticed at its first use; since nothing has happened
/// by then, another one is taken, as often as the pool could hold dead ones.
pub(super) fn run<T, E, F>(
    db: &Db,
    access: Access,
    actor: &Actor,
    settings: &str,
    fate: &Fate,
    work: F,
) -> Result<T, E>
where
    E: From<DbError> + From<DieselError>,
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
{
    let begin = begin_sql(access, actor, settings);
    let mut attempts = db.pool.max_size() + 1;
    let mut conn = loop {
        let mut conn = db.pool.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
        attempts -= 1;
        match begin_transaction(&mut conn, &begin) {
            Ok(()) => break conn,
            Err(DbError::Unavailable(_)) if attempts > 0 => {}
            Err(error) => return Err(error.into()),
        }
    };
    // What a transaction that panicked on this thread left behind.
    AFTER_COMMIT.take();
    match work(&mut conn) {
        Ok(_) if access == Access::Write && !fate.begin_commit() => {
            let _ = AnsiTransactionManager::rollback_transaction(&mut *conn);
            Err(DbError::Unavailable("the deadline came before the commit".to_owned()).into())
        }
        Ok(value) => {
            commit(&mut conn, access)?;
            drop(conn);
            for follow_up in AFTER_COMMIT.take() {
                follow_up(db);
            }
            Ok(value)
        }
        Err(error) => {
            // A failed rollback marks the connection as broken, and the pool drops it.
            let _ = AnsiTransactionManager::rollback_transaction(&mut *conn);
            Err(error)
        }
    }
}

fn begin_sql(access: Access, actor: &Actor, settings: &str) -> String {
    // A write does not insist on READ WRITE: where the server says that it takes no writes, that holds.
    let mode = match access {
        Access::Read => " READ ONLY",
        Access::Write => "",
    };
    let enter = match actor {
        // A `SecretHash` is 64 hex digits by construction.
        Actor::Session(hash) => format!("SELECT pilothouse.enter('{}')", hash.as_str()),
        Actor::System => SYSTEM.to_owned(),
        Actor::Gate => GATE.to_owned(),
    };
    format!("BEGIN{mode}; {settings}{enter}")
}

const SYSTEM: &str = "SET LOCAL ROLE pilothouse_admin; SELECT set_config('app.user_id', '', true)";
const GATE: &str = "SET LOCAL ROLE pilothouse_gate; SELECT set_config('app.user_id', '', true)";

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
/// `SELECT 1` fails in a transaction that an error inside `work` has aborted. Without it COMMIT would
/// answer like a success while PostgreSQL rolls back.
fn commit(conn: &mut PgConnection, access: Access) -> QueryResult<()> {
    let sql = match access {
        Access::Read => "COMMIT; SET ROLE pilothouse_nobody",
        Access::Write => "SELECT 1; COMMIT; SET ROLE pilothouse_nobody",
    };
    conn.batch_execute(sql).inspect_err(|_| {
        let _ = AnsiTransactionManager::rollback_transaction(conn);
    })
}
