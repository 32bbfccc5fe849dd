//! Which database a command works on: a server of somebody's, or the embedded one.

use diesel::sql_types::Text;
use diesel::{ConnectionError, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::CommandError;
use crate::app::App;
use crate::config::{Config, keys};
use crate::db::migrations::{self, MigrateError};
use crate::db::{ConnectOptions, Db, address, pool};
use crate::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig};

/// A database that can be reached for as long as this value lives.
pub(super) struct Database {
    cluster: Option<Cluster>,
    console_url: String,
    owner_url: String,
}

impl Database {
    /// The embedded server, started for this process alone, or the server that the configuration names.
    pub(super) fn for_serving(config: &Config) -> Result<Self, CommandError> {
        Self::open(config, Cluster::start)
    }

    /// The same for a command, which may run beside a console: it uses the console's server then.
    pub(super) fn for_command(config: &Config) -> Result<Self, CommandError> {
        Self::open(config, Cluster::start_or_attach)
    }

    fn open<E: std::fmt::Display>(
        config: &Config,
        start: impl FnOnce(&ClusterConfig) -> Result<Cluster, E>,
    ) -> Result<Self, CommandError> {
        if let Some(url) = &config.database_url {
            let console_url = address::with_deadlines(url.reveal(), config.database_ssl);
            let owner_url = config.migrate_url.as_ref().map_or_else(
                || console_url.clone(),
                |url| address::with_deadlines(url.reveal(), config.database_ssl),
            );
            return Ok(Self { cluster: None, console_url, owner_url });
        }
        let cluster = start(&ClusterConfig::new(&config.data_dir)).map_err(CommandError::failed)?;
        let (console_url, owner_url) = (cluster.console_url(), cluster.owner_url());
        Ok(Self { cluster: Some(cluster), console_url, owner_url })
    }

    /// Brings the schema up to date and lets the console's login act in the request roles.
    pub(super) fn migrate(&self) -> Result<Vec<String>, MigrateFailure> {
        let login = self.console_login()?;
        migrations::run(&self.owner_url, &login).map_err(|error| match error {
            MigrateError::ReadOnly => MigrateFailure::NotNow(MigrateError::ReadOnly.to_string()),
            MigrateError::Encoding(told) => MigrateFailure::Unusable(told),
            error if error.may_pass() => MigrateFailure::Unreachable(error.to_string()),
            error => MigrateFailure::Failed(with_cure(error.to_string())),
        })
    }

    /// The embedded cluster, if it is one.
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// The address for the login that owns the schema.
    pub(super) fn owner_url(&self) -> &str {
        &self.owner_url
    }

    /// One connection as the console's own login, for [`pool::check`].
    pub(super) fn connect(&self) -> Result<PgConnection, CommandError> {
        pool::establish(&self.console_url).map_err(|error| unreachable(&error))
    }

    /// One connection as the login that owns the schema, for checks.
    pub(super) fn connect_as_owner(&self) -> Result<PgConnection, CommandError> {
        pool::connect(&self.owner_url).map_err(|error| unreachable(&error))
    }

    fn console_login(&self) -> Result<String, MigrateFailure> {
        if self.cluster.is_some() {
            return Ok(CONSOLE_LOGIN.to_owned());
        }
        let mut conn = pool::establish(&self.console_url)
            .map_err(|error| MigrateFailure::Unreachable(error.to_string()))?;
        pool::check(&mut conn, |conn| sql_query("SELECT session_user::text AS login").get_result(conn))
            .map(|row: Login| row.login)
            .map_err(|error: diesel::result::Error| MigrateFailure::Failed(error.to_string()))
    }

    /// The app on this database, with the key that cookies are signed with.
    pub(super) fn app(&self, mut config: Config) -> Result<App, CommandError> {
        if config.secret_key.is_none() {
            config.secret_key =
                Some(keys::kept_in(&config.data_dir, "secret.key").map_err(CommandError::Failed)?);
        }
        let db = Db::new(&ConnectOptions {
            url: self.console_url.clone(),
            size: config.pool_size,
            budget: config.database_budget,
            behind_pooler: config.behind_pooler,
        });
        Ok(App::new(config, db))
    }

    /// Whether two connections of the console's share one session of the server: a pooler in transaction mode
    /// is in front.
    pub(super) fn is_behind_pooler(&self) -> Result<bool, CommandError> {
        if self.cluster.is_some() {
            return Ok(false);
        }
        // Outside a transaction, so that each may go through another session.
        let session = |conn: &mut PgConnection| {
            sql_query("SELECT pg_backend_pid()::text AS login").get_result(conn).map(|row: Login| row.login)
        };
        let (mut one, mut other) = (self.connect()?, self.connect()?);
        let first = session(&mut one)?;
        Ok(session(&mut one)? != first || session(&mut other)? == first || session(&mut one)? != first)
    }

    /// What [`Database::is_behind_pooler`] and the configuration disagree about, if they do.
    pub(super) fn untold_pooler(&self, config: &Config) -> Result<Option<&'static str>, CommandError> {
        if config.behind_pooler || !self.is_behind_pooler()? {
            return Ok(None);
        }
        Ok(Some(
            "DATABASE_URL leads to a pooler in transaction mode: set DATABASE_POOLER=transaction, and \
             PILOTHOUSE_MIGRATE_URL to the server itself",
        ))
    }

    /// Stops the embedded server, if this process runs it.
    pub(super) fn stop(self) {
        if let Some(cluster) = self.cluster {
            cluster.stop();
        }
    }
}

#[derive(QueryableByName)]
struct Login {
    #[diesel(sql_type = Text)]
    login: String,
}

/// A login that may not change the schema is the commonest cause, and its cure is not in the message.
fn with_cure(error: String) -> String {
    let lacks_rights =
        ["permission denied", "must be owner", "must have"].iter().any(|words| error.contains(words));
    if lacks_rights {
        format!("{error}; set PILOTHOUSE_MIGRATE_URL to the login that owns the schema and may create roles")
    } else {
        error
    }
}

fn unreachable(error: &ConnectionError) -> CommandError {
    CommandError::failed(format!("the database can't be reached: {error}"))
}

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateFailure {
    /// The database is down, which may pass.
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    /// The database takes no writes, which may pass.
    #[error("{0}")]
    NotNow(String),
    /// The database is none that the console can use.
    #[error("{0}")]
    Unusable(String),
    /// A migration failed, which does not pass by itself.
    #[error("the database could not be migrated: {0}")]
    Failed(String),
}
