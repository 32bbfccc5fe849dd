//! Connections: how they are made, and what every one of them starts with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{CacheSize, SimpleConnection};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as R2d2Error};
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection};

use super::address;
use super::settings::{Scope, relied_on};

pub(super) type Pool = diesel::r2d2::Pool<ConnectionManager<PgConnection>>;
pub(super) type PooledConnection = diesel::r2d2::PooledConnection<ConnectionManager<PgConnection>>;

/// How to reach the server, and how long to wait for it.
#[derive(Clone)]
pub struct ConnectOptions {
    /// A libpq URL; the deadlines are added by [`address::with_deadlines`].
    pub url: String,
    /// Connections at most.
    pub size: u32,
    /// How long one request may wait for everything it asks of the database.
    pub budget: Duration,
    /// Whether a pooler in transaction mode (PgBouncer) stands in front: each transaction may then run in
    /// another session of the server.
    pub behind_pooler: bool,
}

impl fmt::Debug for ConnectOptions {
    /// Without the address, which has a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, budget, behind_pooler, .. } = self;
        write!(f, "ConnectOptions {{ size: {size}, budget: {budget:?}, behind_pooler: {behind_pooler} }}")
    }
}

/// One connection outside the pool and past any pooler, for migrations and checks: whole statements, no actor, no
/// deadlines.
pub fn connect(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = establish(url)?;
    conn.batch_execute(&relied_on(Scope::Session)).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// One connection outside the pool that may go through a pooler: for [`check`].
#[expect(clippy::disallowed_methods, reason = "the one place that opens connections")]
pub fn establish(url: &str) -> ConnectionResult<PgConnection> {
    PgConnection::establish(url).map_err(|error| match error {
        ConnectionError::BadConnection(told) => {
            ConnectionError::BadConnection(address::without_secrets(url, &told))
        }
        error => error,
    })
}

/// Runs `work` in one transaction without an actor.
///
/// # Errors
/// Whatever `work` answers, or why the database could not be asked.
pub fn check<T, E>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    conn.transaction(|conn| {
        conn.batch_execute(&relied_on(Scope::Transaction))?;
        work(conn)
    })
}

/// What holds in every session of the server, and where it is said.
///
/// On a direct connection it is said once, and again after a transaction that may have changed it, in round
/// trips that are made anyway. Behind a pooler a session belongs to this console for one transaction only:
/// there it is said at the start of each, with `SET LOCAL`, and statements are not kept prepared.
#[derive(Debug)]
pub(super) struct Settings {
    /// For a connection that was just made.
    each_connection: String,
    /// Follows each BEGIN.
    pub(super) each_transaction: Preamble,
    /// Follows each COMMIT.
    pub(super) after_transaction: &'static str,
    keeps_statements: bool,
}

/// Statements that set what holds in a transaction. Only [`Settings::of`] makes them, of names and numbers of ours.
#[derive(Debug, Clone)]
pub(super) struct Preamble(Arc<str>);

impl fmt::Display for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    pub(super) fn of(options: &ConnectOptions) -> Self {
        // Each transaction sets what is left of it: see `Limit` in `transaction.rs`.
        let statement_ms = options.budget.as_millis();
        let set = |scope: Scope| {
            let relied_on = relied_on(scope);
            let scope = if scope == Scope::Session { "SESSION" } else { "LOCAL" };
            format!(
                // Compiling pays for statements that run for seconds, and none of ours may.
                "{relied_on}SET {scope} jit = off; SET {scope} statement_timeout = {statement_ms}; \
                 SET {scope} lock_timeout = 500; SET {scope} idle_in_transaction_session_timeout = 5000; \
                 SET {scope} ROLE pilothouse_nobody; "
            )
        };
        if options.behind_pooler {
            Self {
                each_connection: String::new(),
                each_transaction: Preamble(set(Scope::Transaction).into()),
                after_transaction: "",
                keeps_statements: false,
            }
        } else {
            Self {
                each_connection: format!("{} {PLANNING}", set(Scope::Session)),
                each_transaction: Preamble("".into()),
                after_transaction: "; SET ROLE pilothouse_nobody",
                keeps_statements: true,
            }
        }
    }
}

impl CustomizeConnection<PgConnection, R2d2Error> for Settings {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), R2d2Error> {
        conn.set_instrumentation(super::tx::Tx::default());
        if !self.keeps_statements {
            conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        if self.each_connection.is_empty() {
            return Ok(());
        }
        conn.batch_execute(&self.each_connection).map_err(R2d2Error::QueryError)
    }
}

/// Planning a page's statement costs several times what running it does, so a text is planned once, for any value.
/// Such a plan knows how many rows a project has on the average, and there is always one that has a thousand times as
/// many: walking an index in order and stopping must win also where few rows are expected, so jumping from page to page
/// counts no more than reading on. Behind a pooler nothing is kept, and a plan may as well look at the values.
const PLANNING: &str = "SET SESSION plan_cache_mode = force_generic_plan; SET SESSION random_page_cost = 1";

/// Decides how long r2d2 pauses before it tries again to connect: half of this at most. Short, so that
/// service is back at once when the server is.
const RECONNECT: Duration = Duration::from_millis(200);

/// Builds the pool without waiting for a first connection.
pub(super) fn build(options: &ConnectOptions, settings: Settings) -> Pool {
    Pool::builder()
        .max_size(options.size)
        .min_idle(Some(0))
        .connection_timeout(RECONNECT)
        .test_on_check_out(false)
        .idle_timeout(Some(Duration::from_mins(10)))
        .max_lifetime(Some(Duration::from_mins(30)))
        .error_handler(Box::new(LogFailedConnects { url: options.url.clone() }))
        .connection_customizer(Box::new(settings))
        .build_unchecked(ConnectionManager::new(&options.url))
}

/// Failed connects are expected while the server is down; the requests that needed one tell of it.
struct LogFailedConnects {
    url: String,
}

impl fmt::Debug for LogFailedConnects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogFailedConnects")
    }
}

impl r2d2::HandleError<R2d2Error> for LogFailedConnects {
    fn handle_error(&self, error: R2d2Error) {
        let error = address::without_secrets(&self.url, &error.to_string());
        tracing::debug!(error, "a connection to the database could not be made");
    }
}
