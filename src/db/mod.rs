//! The only door to PostgreSQL.
//!
//! Nothing else in the program holds a connection. A caller names an [`Actor`] and hands over a closure;
//! it runs inside one transaction with that actor's role and user id set, so that row-level security
//! decides what it can see. A pooled connection starts and ends as `pilothouse_nobody`, which may do
//! nothing: code that forgot its actor would get "permission denied", not other people's rows.

pub mod address;
pub mod batch;
pub mod cursor;
pub mod drift;
pub mod functions;
pub mod ids;
pub mod json;
pub mod load;
pub mod migrations;
pub mod pool;
pub mod readiness;
pub mod roles;
pub mod schema;
pub mod server_version;
mod settings;
mod shares;
pub mod spelling;
pub mod statement;
pub mod surroundings;
pub mod time;
mod transaction;
mod tx;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tokio::time::{timeout, timeout_at};

pub use pool::ConnectOptions;
use pool::Pool;
use shares::Shares;
use transaction::{CommitGate, Limit, TxOptions};
pub use tx::{after_commit, opened_by, refuse_commit};

/// Who opens a transaction, and so what it can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds the session whose token has this hash.
    Session(SecretHash),
    /// A worker, by the hash of its API token: the projects that the token may report into.
    Token(SecretHash),
    /// An anonymous visitor, by the hash of their secret: their own session of the assistant.
    Guest(SecretHash),
    /// The console itself: jobs and commands. Sees everything; records name it as the system.
    System,
    /// A request that is finding out who it is: users, sessions, links, tokens and guests, nothing else.
    Gate,
    /// The only one that deletes what is kept for a time.
    Retention,
}

/// The lower-hex SHA-256 of a secret that only its holder knows: 64 hex digits, whatever the secret was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretHash(String);

impl SecretHash {
    /// Hashes `secret`. A plain hash is enough: the secrets have 256 random bits.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        use sha2::Digest;
        Self(crate::runtime::hex(&sha2::Sha256::digest(secret.as_bytes())))
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The session is unknown, ended or expired.
    #[error("no such session")]
    NoSession,
    /// The token is unknown, revoked or expired.
    #[error("no such token")]
    NoToken,
    /// The guest is unknown or expired.
    #[error("no such guest")]
    NoGuest,
    /// Down, frozen, full, too busy, or not migrated: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database takes no writes at present.
    #[error("the database is read-only")]
    ReadOnly,
    /// The deadline came while the database was committing: nobody knows whether it did.
    #[error("the database did not say whether it committed")]
    Uncertain,
    /// A statement failed.
    #[error("a statement failed: {0}")]
    Query(DieselError),
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Self::ReadOnly,
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | DieselError::BrokenTransactionManager => {
                Self::Unavailable("the connection was lost".to_owned())
            }
            DieselError::DatabaseError(_, info) => {
                let message = info.message();
                if message.contains("pilothouse: no session") {
                    Self::NoSession
                } else if message.contains("pilothouse: no token") {
                    Self::NoToken
                } else if message.contains("pilothouse: no guest") {
                    Self::NoGuest
                } else if says_unavailable(message) {
                    Self::Unavailable(message.to_owned())
                } else {
                    Self::Query(error)
                }
            }
            _ => Self::Query(error),
        }
    }
}

/// What PostgreSQL and libpq say when the cause is the server's state and not the statement.
/// Diesel keeps no SQLSTATE for these, so the English messages are what there is.
const UNAVAILABLE: [&str; 16] = [
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "could not connect",
    "no connection to the server",
    "SSL connection has been closed",
    "the database system is",
    "too many clients",
    "remaining connection slots",
    "No space left on device",
    "could not extend file",
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "could not receive data from server",
    "could not send data to server",
    "out of memory",
];

fn says_unavailable(message: &str) -> bool {
    UNAVAILABLE.iter().any(|known| message.contains(known))
}

/// The database, behind as many permits as the pool has connections, of which a user has a share: a request that
/// can't get a connection within its budget is refused at once instead of queueing in a blocking thread.
#[derive(Debug, Clone)]
pub struct Db {
    pool: Pool,
    /// Where the pool connects to, to tell of failures without what is secret in it.
    address: crate::secret::Secret,
    shares: Arc<Shares>,
    waits: Arc<load::Counters>,
    slow: load::SlowStatements,
    budget: Duration,
    /// What follows each BEGIN, and each COMMIT: see [`pool::Settings`].
    each_transaction: pool::Preamble,
    after_transaction: &'static str,
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Db {
    /// A pool on `options`. Makes no connection yet, so it succeeds while the database is down.
    #[must_use]
    pub fn new(options: &ConnectOptions) -> Self {
        let settings = pool::Settings::of(options);
        Self {
            address: crate::secret::Secret::new(options.url.clone()),
            shares: Arc::new(Shares::of(options.size as usize)),
            waits: Arc::default(),
            slow: load::SlowStatements::default(),
            budget: options.budget,
            each_transaction: settings.each_transaction.clone(),
            after_transaction: settings.after_transaction,
            pool: pool::build(options, settings),
        }
    }

    /// Connections that the pool has, and those of them that nobody uses.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// How requests of this process waited for a connection.
    #[must_use]
    pub fn waits(&self) -> load::Waits {
        self.waits.read()
    }

    /// The newest slow statements of this process, the last first.
    #[must_use]
    pub fn slow_statements(&self) -> Vec<load::SlowStatement> {
        self.slow.read()
    }

    /// How long one request may wait for everything that it asks.
    #[must_use]
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Runs `work` in one READ ONLY transaction as `actor`.
    ///
    /// # Errors
    /// Whatever `work` answers, or why the database could not be asked.
    pub async fn read<T, E, F>(&self, actor: &Actor, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + From<DieselError> + Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
    {
        self.run(actor.clone(), move |db, actor, deadline, gate| {
            let limit = Limit::Deadline(deadline);
            let options = TxOptions { access: Access::Read, actor, limit, patience: db.budget, gate };
            transaction::run(db, &options, work)
        })
        .await
    }

    /// Runs `work` in one transaction as `actor`; an error rolls back everything.
    ///
    /// When PostgreSQL ends the transaction because of another one (a deadlock, a serialization failure),
    /// `work` is run again from its start, so it may do nothing but ask the database.
    ///
    /// # Errors
    /// Whatever `work` answers, or why the database could not be asked.
    pub async fn write<T, E, F>(&self, actor: &Actor, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + From<DieselError> + Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Clone + Send + 'static,
    {
        self.run(actor.clone(), move |db, actor, deadline, gate| {
            let limit = Limit::Deadline(deadline);
            let options = TxOptions { access: Access::Write, actor, limit, patience: db.budget, gate };
            transaction::run_again_after_conflicts(db, &options, work)
        })
        .await
    }

    /// [`Db::write`] for commands and jobs, on the calling thread and without a page's deadline; a conflict
    /// with another transaction is an error.
    ///
    /// # Errors
    /// Whatever `work` answers, or why the database could not be asked.
    pub fn write_blocking<T, E, F>(&self, actor: &Actor, work: F) -> Result<T, E>
    where
        E: From<DbError> + From<DieselError>,
        F: FnOnce(&mut PgConnection) -> Result<T, E>,
    {
        let gate = &CommitGate::default();
        let limit = Limit::None;
        let options = TxOptions { access: Access::Write, actor, limit, patience: self.budget, gate };
        load::on_behalf_of(None, &self.slow, || transaction::run(self, &options, work))
    }

    /// [`Db::read`] for commands and jobs, on the calling thread and without a page's deadline.
    ///
    /// # Errors
    /// Whatever `work` answers, or why the database could not be asked.
    pub fn read_blocking<T, E, F>(&self, actor: &Actor, work: F) -> Result<T, E>
    where
        E: From<DbError> + From<DieselError>,
        F: FnOnce(&mut PgConnection) -> Result<T, E>,
    {
        let gate = &CommitGate::default();
        let limit = Limit::None;
        let options = TxOptions { access: Access::Read, actor, limit, patience: self.budget, gate };
        load::on_behalf_of(None, &self.slow, || transaction::run(self, &options, work))
    }

    /// Runs `transaction` on a blocking thread, once there is a permit for it.
    async fn run<T, E, F>(&self, actor: Actor, transaction: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&Self, &Actor, Instant, &CommitGate) -> Result<T, E> + Send + 'static,
    {
        let budget = self.budget;
        let deadline = Instant::now() + budget;
        let late = |what: &str| E::from(DbError::Unavailable(format!("{what} took longer than {budget:?}")));
        let waiting = self.waits.begin();
        let permit = match timeout(budget, self.shares.permit(&actor)).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(E::from(DbError::Unavailable("the pool is closed".to_owned()))),
            Err(_) => return Err(late("waiting for a connection")),
        };
        drop(waiting);
        let asker = load::asker();
        let db = self.clone();
        let gate = Arc::new(CommitGate::default());
        let watched = Arc::clone(&gate);
        let span = tracing::Span::current();
        // The permit moves into the closure: a thread stuck in libpq keeps it, so stuck threads can
        // never outnumber the pool.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _entered = span.entered();
            load::on_behalf_of(asker, &db.slow, || transaction(&db, &actor, deadline, &watched))
        });
        match timeout_at(deadline.into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(join)) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Ok(Err(_)) => Err(E::from(DbError::Unavailable("the process is stopping".to_owned()))),
            // Whoever asked is told that nothing was changed, so the thread must not commit any more.
            Err(_) if gate.abandon() => Err(late("the database")),
            Err(_) => Err(E::from(DbError::Uncertain)),
        }
    }
}
