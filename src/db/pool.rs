//! Connections: how they are made, and what every one of them starts with.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as R2d2Error};
use diesel::{Connection, ConnectionResult, PgConnection};
use url::Url;

/// The pool of connections.
pub(super) type Pool = diesel::r2d2::Pool<ConnectionManager<PgConnection>>;

/// How to reach the server, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// A libpq URL; the deadlines are added by [`with_deadlines`].
    pub url: String,
    /// Connections at most.
    pub size: u32,
    /// How long one request may wait for everything it asks of the database.
    pub budget: Duration,
}

/// Adds what a silent or frozen server must not take from us: connect and TCP deadlines, unless the URL
/// already names them; and `sslmode=require` when `ssl` asks for it.
#[must_use]
pub fn with_deadlines(url: &str, ssl: bool) -> String {
    let Ok(mut url) = Url::parse(url) else { return url.to_owned() };
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    let mut add = vec![];
    if ssl && !has("sslmode") {
        add.push(("sslmode", "require"));
    }
    for (name, value) in [
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "3000"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "2"),
        ("application_name", "pilothouse"),
    ] {
        if !has(name) {
            add.push((name, value));
        }
    }
    url.query_pairs_mut().extend_pairs(add);
    url.into()
}

/// One connection outside the pool, for migrations and checks: whole statements, no actor.
///
/// # Errors
/// Whatever libpq says.
#[expect(clippy::disallowed_methods, reason = "the one place that opens connections")]
pub fn connect(url: &str) -> ConnectionResult<PgConnection> {
    PgConnection::establish(url)
}

/// Every connection is nobody until a transaction names its actor.
#[derive(Debug)]
struct StartAsNobody {
    settings: String,
}

impl CustomizeConnection<PgConnection, R2d2Error> for StartAsNobody {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), R2d2Error> {
        conn.batch_execute(&self.settings).map_err(R2d2Error::QueryError)
    }
}

/// Builds the pool without waiting for a first connection.
pub(super) fn build(options: &ConnectOptions) -> Pool {
    // The server gives up shortly after the request does, so a slow statement does not hold a
    // connection that nobody waits for.
    let statement_ms = options.budget.as_millis() + 500;
    let settings = format!(
        "SET timezone = 'UTC'; SET statement_timeout = {statement_ms}; SET lock_timeout = 500; \
         SET idle_in_transaction_session_timeout = 5000; SET ROLE pilothouse_nobody"
    );
    // r2d2 retries a failed connect with pauses of up to half of this timeout: a short one means that
    // service is back within half a second of the server.
    Pool::builder()
        .max_size(options.size)
        .min_idle(Some(0))
        .connection_timeout(options.budget)
        .test_on_check_out(false)
        .idle_timeout(Some(Duration::from_mins(10)))
        .max_lifetime(Some(Duration::from_mins(30)))
        .error_handler(Box::new(LogFailedConnects))
        .connection_customizer(Box::new(StartAsNobody { settings }))
        .build_unchecked(ConnectionManager::new(&options.url))
}

/// Failed connects are expected while the server is down; the requests that needed one tell of it.
#[derive(Debug)]
struct LogFailedConnects;

impl r2d2::HandleError<R2d2Error> for LogFailedConnects {
    fn handle_error(&self, error: R2d2Error) {
        tracing::debug!(%error, "a connection to the database could not be made");
    }
}

#[cfg(test)]
mod tests {
    use super::with_deadlines;

    #[test]
    fn deadlines_are_added_and_what_the_url_says_is_kept() {
        let url = with_deadlines("postgres://u@h/db?connect_timeout=9&sslmode=verify-full", true);
        assert!(url.contains("connect_timeout=9"), "{url}");
        assert!(!url.contains("connect_timeout=2"), "{url}");
        assert!(url.contains("sslmode=verify-full") && !url.contains("sslmode=require"), "{url}");
        assert!(url.contains("tcp_user_timeout=3000"), "{url}");
    }

    #[test]
    fn a_socket_directory_in_the_host_survives() {
        let url = with_deadlines("postgres://me@%2Frun%2Fpg/db", false);
        assert!(url.starts_with("postgres://me@%2Frun%2Fpg/db?"), "{url}");
    }
}
