//! A database for each test, in a few milliseconds.
//!
//! The test process runs one cluster of its own, in memory where the machine allows it. A template
//! database is migrated once; [`TestDb::new`] clones it, and dropping the [`TestDb`] drops the clone.
//! Roles belong to the whole cluster, so a test must not change what the request roles may do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::db::migrations;
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig, SUPERUSER};

/// Names of the directories of test runs; what follows is the process.
const RUN_PREFIX: &str = "pilothouse-tests-";

/// Where this process keeps its clusters. It is removed when the process ends, or by a later run.
static RUN_DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let parent = roomy_directory();
    remove_leftovers(&parent);
    let dir = parent.join(format!("{RUN_PREFIX}{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    // The server may run as another user.
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();
    remove_at_exit(&dir);
    dir
});

/// What a run may need at once; less, and it lies on the disk. (Containers get 64 MB of memory.)
const ROOM_NEEDED_KIB: u64 = 2 << 20;

/// A database that only this test uses.
#[derive(Debug)]
pub struct TestDb {
    name: String,
}

impl TestDb {
    /// A fully migrated database without rows.
    pub fn new() -> Self {
        Self::made_from(&SERVER.template)
    }

    /// A database that has never heard of our schema, as a living database has not.
    pub fn empty() -> Self {
        Self::made_from("template0")
    }

    /// [`TestDb::empty`] with an encoding and a locale of its own: options of CREATE DATABASE.
    pub fn empty_with(options: &str) -> Self {
        Self::made_from(&format!("template0 {options}"))
    }

    /// Its name is one that has to be quoted wherever it is written.
    fn made_from(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("Tést \"{}\" 'of' user", NUMBER.fetch_add(1, Ordering::Relaxed));
        SERVER.execute(&format!("CREATE DATABASE {} TEMPLATE {template} STRATEGY FILE_COPY", quoted(&name)));
        Self { name }
    }

    /// Address for the console's login, which must take a request role to see anything.
    pub fn url(&self) -> String {
        SERVER.cluster.url(CONSOLE_LOGIN, &self.name)
    }

    /// [`TestDb::url`] by way of `address`, where a proxy listens.
    pub fn url_at(&self, address: std::net::SocketAddr) -> String {
        let name = percent_encoding::utf8_percent_encode(&self.name, percent_encoding::NON_ALPHANUMERIC);
        format!("postgres://{CONSOLE_LOGIN}@{address}/{name}")
    }

    /// The server's socket in the file system.
    pub fn socket(&self) -> PathBuf {
        let url = url::Url::parse(&self.url()).unwrap();
        let host = percent_encoding::percent_decode_str(url.host_str().unwrap()).decode_utf8().unwrap();
        Path::new(host.as_ref()).join(".s.PGSQL.5432")
    }

    /// Address for the superuser that owns everything and that no policy binds.
    pub fn owner_url(&self) -> String {
        SERVER.cluster.url(SUPERUSER, &self.name)
    }

    /// A connection as [`TestDb::owner_url`], for setting the stage and for looking behind it.
    pub fn connect_owner(&self) -> PgConnection {
        PgConnection::establish(&self.owner_url()).unwrap()
    }

    /// Throws everybody out and lets nobody in, as a server that is down.
    pub fn close(&self) {
        self.alter("ALLOW_CONNECTIONS false");
        let name = self.name.replace('\'', "''");
        SERVER.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }

    /// `ALTER DATABASE … change`.
    pub fn alter(&self, change: &str) {
        SERVER.execute(&format!("ALTER DATABASE {} {change}", quoted(&self.name)));
    }

    /// Lets everybody in again.
    pub fn open(&self) {
        self.alter("ALLOW_CONNECTIONS true");
    }

    /// Address for `login`.
    pub fn url_of(&self, login: &str) -> String {
        SERVER.cluster.url(login, &self.name)
    }

    /// Makes `login` the database's owner: one that is no superuser and may make roles, as the README has it.
    pub fn give_to(&self, login: &str) {
        let login = quoted(login);
        SERVER.execute(&format!(
            "DO $do$ BEGIN CREATE ROLE {login} LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $do$"
        ));
        self.alter(&format!("OWNER TO {login}"));
    }

    /// Runs the migrations, as the program does at start.
    pub fn migrate(&self) -> Result<Vec<String>, migrations::MigrateError> {
        self.migrate_as(SUPERUSER)
    }

    /// [`TestDb::migrate`] as the login that owns the database.
    pub fn migrate_as(&self, login: &str) -> Result<Vec<String>, migrations::MigrateError> {
        // Advisory locks are a database's own, roles the cluster's: two databases must take turns.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        migrations::run(&self.url_of(login), CONSOLE_LOGIN)
    }

    /// [`TestDb::migrate_as`] with another login for the console, which is made.
    pub fn migrate_for(&self, owner: &str, console: &str) -> Result<Vec<String>, migrations::MigrateError> {
        let login = quoted(console);
        SERVER.execute(&format!(
            "DO $do$ BEGIN CREATE ROLE {login} LOGIN NOINHERIT; EXCEPTION WHEN duplicate_object THEN NULL; END $do$"
        ));
        migrations::run(&self.url_of(owner), console)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        SERVER.execute(&format!("DROP DATABASE {} WITH (FORCE)", quoted(&self.name)));
    }
}

/// The cluster of this process, started by the first test that needs a database.
static SERVER: LazyLock<TestServer> = LazyLock::new(TestServer::start);

struct TestServer {
    cluster: Cluster,
    template: String,
    /// Idle connections for making and dropping databases.
    idle: Mutex<Vec<PgConnection>>,
}

impl TestServer {
    fn start() -> Self {
        let config = ClusterConfig::new(RUN_DIRECTORY.join("shared")).throwaway();
        let cluster = Cluster::start(&config).unwrap();
        let server = Self { cluster, template: "migrated".to_owned(), idle: Mutex::default() };
        server.make_template();
        server
    }

    fn make_template(&self) {
        let name = &self.template;
        self.execute(&format!("CREATE DATABASE {name} STRATEGY FILE_COPY"));
        migrations::run(&self.cluster.url(SUPERUSER, name), CONSOLE_LOGIN).unwrap();
        // Nobody may be connected to a database while it is cloned.
        self.execute(&format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"));
    }

    fn execute(&self, statement: &str) {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut conn = taken
            .unwrap_or_else(|| PgConnection::establish(&self.cluster.url(SUPERUSER, "postgres")).unwrap());
        conn.batch_execute(statement).unwrap();
        idle().push(conn);
    }
}

/// A name as it is written in a statement.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A path that no other test has, short enough for a socket and open to the server's user.
pub fn new_directory() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let dir = RUN_DIRECTORY.join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

/// Memory, if there is enough of it for a run's databases, else the disk.
fn roomy_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if free_kib(&memory) >= Some(ROOM_NEEDED_KIB) { memory } else { std::env::temp_dir() }
}

fn free_kib(dir: &Path) -> Option<u64> {
    let answer = Command::new("df").arg("-Pk").arg(dir).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Removes what test processes left behind that could not clean up. Their servers ended with them.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(RUN_PREFIX));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another test process may be sweeping too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A static is never dropped, so a shell waits for this process to end (its input ends then), ends
/// the server if the system did not, and removes its files.
fn remove_at_exit(run_directory: &Path) {
    const SCRIPT: &str = r#"
        cat
        running=$1/shared/postgres/data/postmaster.pid
        tries=0
        read -r pid <"$running" && kill -s INT "$pid"
        while [ -e "$running" ] && [ $tries -lt 100 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done
        rm -rf -- "$1"
    "#;
    let shell = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(run_directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C is for the tests, not for this.
        .process_group(0)
        .spawn()
        .unwrap();
    // Its input must stay open until this process is gone.
    std::mem::forget(shell);
}
