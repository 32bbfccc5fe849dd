//! The cluster as the rest of the program sees it: start or attach, an address, stop.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::ClusterConfig;
use super::account::Account;
use super::binaries::Binaries;
use super::error::ClusterError;
use super::initdb;
use super::layout::Layout;
use super::process::PidFile;
use super::server::{PORT, Recipe, Server};
use super::statements;

/// Owner of everything in an embedded cluster; migrations run as it.
pub const SUPERUSER: &str = "postgres";
/// The login that the console serves with. It owns nothing and inherits nothing.
pub const CONSOLE_LOGIN: &str = "pilothouse_console";
/// The console's database in an embedded cluster.
pub const DATABASE: &str = "pilothouse";

/// How long a command waits for a console that is just starting or stopping its database.
const PATIENCE: Duration = Duration::from_secs(10);

/// A cluster whose server takes connections.
///
/// When this process started the server, dropping the cluster stops it; it also ends when the
/// process is killed. A cluster that was attached to is left alone.
#[derive(Debug)]
pub struct Cluster {
    socket_dir: PathBuf,
    data: PathBuf,
    // Declared before the lock, so that the server has ended when the lock is freed.
    server: Option<Server>,
    lock: Option<File>,
}

impl Cluster {
    /// Starts the cluster, making it first when there is none. Blocks until it takes connections.
    ///
    /// # Errors
    /// [`ClusterError::InUse`] when another process runs the same cluster; else see [`ClusterError`].
    pub fn start(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let account = Account::detect()?;
        let layout = Layout::prepare(config, &account)?;
        let lock = layout.lock()?;
        let data = layout.data();
        let binaries = Binaries::find(&data, layout.made_by().as_deref())?;
        initdb::make_if_absent(&layout, &binaries, &account, config.durability)?;
        if config.archives {
            Layout::make_private(&layout.spool(), &account)?;
        }
        Self::serve(config, &layout, binaries, account, lock)
    }

    /// Starts the server of a cluster that is there.
    pub(super) fn serve(
        config: &ClusterConfig,
        layout: &Layout,
        binaries: Binaries,
        account: Account,
        lock: File,
    ) -> Result<Self, ClusterError> {
        let data = layout.data();
        let socket_dir = layout.make_socket_dir(&account)?;
        let server = Server::start(Recipe {
            layout: layout.clone(),
            socket_dir: socket_dir.clone(),
            binaries,
            account,
            durability: config.durability,
            archives: config.archives,
        })?;
        let cluster = Self { socket_dir, data, server: Some(server), lock: Some(lock) };
        cluster.make_database_and_login()?;
        if let Some(lock) = &cluster.lock {
            layout.mark_ready(lock)?;
        }
        Ok(cluster)
    }

    /// Uses the server that another process runs on this data directory.
    ///
    /// # Errors
    /// [`ClusterError::NotRunning`] when there is none that takes connections.
    pub fn attach(data_dir: &Path) -> Result<Self, ClusterError> {
        let not_running = || ClusterError::NotRunning(data_dir.to_owned());
        let layout = Layout::existing(data_dir).filter(Layout::is_ready).ok_or_else(not_running)?;
        let data = layout.data();
        let running = PidFile::read(&data).filter(|file| file.ready && file.is_alive(&data));
        let socket_dir = running.ok_or_else(not_running)?.socket_dir;
        Ok(Self { socket_dir, data, server: None, lock: None })
    }

    /// What a command does that needs the database whether or not a console is running.
    ///
    /// # Errors
    /// As [`Cluster::start`]; [`ClusterError::InUse`] when the process that holds the cluster does
    /// not get its server ready in time.
    pub fn start_or_attach(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let in_use = match Self::start(config) {
                Err(error @ ClusterError::InUse { .. }) => error,
                outcome => return outcome,
            };
            match Self::attach(&config.data_dir) {
                Err(ClusterError::NotRunning(_)) if Instant::now() < give_up => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(ClusterError::NotRunning(_)) => return Err(in_use),
                outcome => return outcome,
            }
        }
    }

    /// The address of a database in this cluster for one of its logins, as a libpq URL.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        let socket_dir = self.socket_dir.to_string_lossy();
        let [user, host, database] =
            [user, &socket_dir, database].map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC));
        format!("postgres://{user}@{host}:{PORT}/{database}")
    }

    /// Address of the console's database for migrations and commands.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.url(SUPERUSER, DATABASE)
    }

    /// Address of the console's database for serving.
    #[must_use]
    pub fn console_url(&self) -> String {
        self.url(CONSOLE_LOGIN, DATABASE)
    }

    /// One of PostgreSQL's programs of the server's version, which reaches the server as its superuser.
    ///
    /// # Errors
    /// When the programs are not found.
    pub fn program(&self, name: &str) -> Result<Command, ClusterError> {
        let made_by = fs::read_to_string(self.data.join("PG_VERSION")).ok();
        let binaries = Binaries::find(&self.data, made_by.as_deref().map(str::trim))?;
        let mut command = Account::detect()?.command(binaries.program(name));
        command
            .env("PGHOST", &self.socket_dir)
            .env("PGPORT", PORT.to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGDATABASE", DATABASE);
        Ok(command)
    }

    /// Where the server hands over finished files of its log.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.data.with_file_name("spool")
    }

    /// Whether this process runs the server, and will stop it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// Process id of the server; `None` while it is down.
    #[must_use]
    pub fn server_pid(&self) -> Option<u32> {
        PidFile::read(&self.data).filter(|file| file.is_alive(&self.data)).map(|file| file.pid)
    }

    /// Stops the server and frees the lock, as dropping does. Blocks until the server has ended: a
    /// quick stop that ends sessions, then less and less kindly, 25 seconds at most.
    pub fn stop(mut self) {
        if let Some(server) = self.server.as_mut() {
            server.stop();
        }
    }

    /// Done at every start, so that an earlier one that was cut short is made good.
    #[expect(clippy::disallowed_methods, reason = "there is no pool before there is a database")]
    fn make_database_and_login(&self) -> Result<(), ClusterError> {
        let conn = &mut PgConnection::establish(&self.url(SUPERUSER, "postgres"))?;
        let is_there = |conn: &mut PgConnection, query: &str| -> QueryResult<bool> {
            diesel::select(diesel::dsl::sql::<Bool>(query)).get_result(conn)
        };
        if !is_there(conn, &format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{CONSOLE_LOGIN}')"))? {
            conn.batch_execute(&format!("CREATE ROLE {CONSOLE_LOGIN} LOGIN NOINHERIT"))?;
        }
        if !is_there(conn, &format!("EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}')"))? {
            conn.batch_execute(&format!("CREATE DATABASE {DATABASE} STRATEGY FILE_COPY"))?;
        }
        if let Err(error) = statements::prepare(conn) {
            tracing::warn!("statements can't be counted: {error}");
        }
        Ok(())
    }
}
