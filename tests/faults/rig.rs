//! What faults happen to: a PostgreSQL of its own, consoles as people run them, and a proxy in between.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, CookieJar};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use pilothouse::app::App;
use pilothouse::config::Config;
use pilothouse::db::{ConnectOptions, Db, SecretHash};
use pilothouse::http::cookies;
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig, DATABASE, SUPERUSER};
use pilothouse::runtime::Entropy;

use crate::proxy::{Proxy, Upstream};

/// All consoles of a rig share it.
const SECRET_KEY: &str = "a key that all instances of a rig share";
/// Longer than anything here may take, so that a hang is told instead of suffered.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `holds`, and answers how long that took; `None` after `within`.
pub fn wait_until(within: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    loop {
        if holds() {
            return Some(began.elapsed());
        }
        if began.elapsed() > within {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that is removed with its value.
#[derive(Debug)]
pub struct Directory(pub PathBuf);

impl Directory {
    /// An empty one, which the server's user can enter.
    pub fn new() -> Self {
        let path = roomy_directory().join(format!("pilothouse-faults-{}", &Entropy.secret()[..8]));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        Self(path)
    }
}

/// Memory, if there is enough of it: what is measured is the console, not how busy the disk is. What a
/// process that is killed has written stays there as it would on a disk.
fn roomy_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let free = Command::new("df").arg("-Pk").arg(&memory).output().ok().and_then(|answer| {
        let text = String::from_utf8(answer.stdout).ok()?;
        text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    if free >= Some(2 << 20) { memory } else { std::env::temp_dir() }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A durable cluster, seen past every fault through its own socket.
#[derive(Debug)]
pub struct Database {
    cluster: Option<Cluster>,
    config: ClusterConfig,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
}

impl Database {
    /// A new cluster under `dir`.
    pub fn start(dir: &Path) -> Self {
        // What is archived would fill the memory that it lies in.
        let config = ClusterConfig { archives: false, ..ClusterConfig::new(dir) };
        Self { cluster: Some(Cluster::start(&config).unwrap()), config }
    }

    /// Stops the server, cleanly and at once.
    pub fn stop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.stop();
        }
    }

    /// Starts it again, and answers when it took connections.
    pub fn start_again(&mut self) -> Instant {
        self.cluster = Some(Cluster::start(&self.config).unwrap());
        Instant::now()
    }

    fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().unwrap()
    }

    /// The socket in the file system.
    pub fn socket(&self) -> PathBuf {
        let url = self.cluster().url("x", "x");
        let host = url.split('@').nth(1).unwrap().split(':').next().unwrap();
        let directory = percent_encoding::percent_decode_str(host).decode_utf8().unwrap().into_owned();
        PathBuf::from(directory).join(".s.PGSQL.5432")
    }

    /// The address that sees everything, past the proxy.
    pub fn owner_url(&self) -> String {
        self.cluster().owner_url()
    }

    /// A connection as the superuser, past the proxy.
    pub fn try_connect(&self) -> ConnectionResult<PgConnection> {
        PgConnection::establish(&self.owner_url())
    }

    /// [`Database::try_connect`], as soon as it succeeds.
    pub fn connect(&self) -> PgConnection {
        let began = Instant::now();
        loop {
            match self.try_connect() {
                Ok(conn) => return conn,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs statements as the superuser.
    pub fn sql(&self, statements: &str) {
        self.connect().batch_execute(statements).unwrap();
    }

    /// The first column of what `query` answers, as texts.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let query = format!("WITH q(answer) AS ({query}) SELECT answer::text AS answer FROM q");
        let lines: Vec<Line> = diesel::sql_query(query).load(&mut self.connect()).unwrap();
        lines.into_iter().map(|line| line.answer.unwrap_or_default()).collect()
    }

    /// The one text that `query` answers.
    pub fn text(&self, query: &str) -> String {
        self.texts(query).pop().unwrap_or_default()
    }

    /// The server's first process.
    pub fn pid(&self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(pid) = self.cluster().server_pid() {
                return pid;
            }
            assert!(began.elapsed() < PATIENCE, "the server has no process");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to every process of the server, the first one first.
    pub fn signal_all(&self, signal: &str) {
        let first = self.pid().to_string();
        send_signal(signal, &first);
        let children = Command::new("pgrep").args(["-P", &first]).output().unwrap();
        for pid in String::from_utf8(children.stdout).unwrap().split_whitespace() {
            send_signal(signal, pid);
        }
    }
}

/// Sends `signal` to the process `pid`; one that has ended already is no error.
pub fn send_signal(signal: &str, pid: &str) {
    let _ = Command::new("kill").args(["-s", signal, pid]).stderr(Stdio::null()).status().unwrap();
}

/// A console in a process of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Console {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    log: PathBuf,
}

/// How to start a console.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Environment.
    pub values: HashMap<String, String>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its output goes.
    pub dir: PathBuf,
    /// What limits it, as a command that starts another: `prlimit --nofile=…`.
    pub under: Vec<String>,
}

/// The program under test: the one that cargo built, or what `PILOTHOUSE` names.
pub fn program() -> PathBuf {
    std::env::var_os("PILOTHOUSE").map_or_else(|| env!("CARGO_BIN_EXE_pilothouse").into(), Into::into)
}

impl Recipe {
    /// `pilothouse` with `arguments`, in this recipe's environment and no other.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.under.iter().map(Into::into).chain([program().into_os_string()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments).envs(&self.values);
        for name in std::env::vars_os().map(|(name, _)| name) {
            let known =
                name.to_str().is_some_and(|n| n.starts_with("PILOTHOUSE") || n.starts_with("DATABASE_"));
            if known && !self.values.contains_key(name.to_str().unwrap_or_default()) {
                command.env_remove(name);
            }
        }
        command.env("RUST_LOG", "warn");
        command
    }

    /// Starts it without waiting for anything.
    pub fn spawn(&self) -> Console {
        let log = self.dir.join(format!("console-{}.log", self.listen.port()));
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let child = self
            .command(&["serve", "--listen", &self.listen.to_string()])
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Console { child, address: self.listen, log }
    }

    /// Starts it, and waits until it is ready to serve.
    pub fn serve(&self) -> Console {
        let mut console = self.spawn();
        let ready = wait_until(PATIENCE, || console.is_ready() || console.exited().is_some());
        assert!(ready.is_some() && console.exited().is_none(), "{}", console.said());
        console
    }
}

impl Console {
    /// What it printed.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether `/readyz` answers 200.
    pub fn is_ready(&self) -> bool {
        status_of(self.address, "/readyz", Duration::from_secs(3)) == Some(200)
    }

    /// Its process.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// How it ended, if it did.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end, and answers how it ended and how long that took.
    pub fn ended(&mut self, within: Duration) -> Option<(ExitStatus, Duration)> {
        let took = wait_until(within, || self.exited().is_some())?;
        Some((self.exited()?, took))
    }

    /// Ends it without a chance to do anything.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A figure from the process's status: `VmRSS` in KiB, `Threads`.
    pub fn figure(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|figure| figure.parse().ok()).unwrap_or(0)
    }

    /// Lets `VmHWM`, the most that it had resident, begin anew.
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// CPU time that it has used so far.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.kill();
        // For whoever looks for a cause.
        if let Some(kept) = std::env::var_os("FAULT_LOG") {
            let _ = fs::copy(&self.log, Path::new(&kept).join(self.address.port().to_string()));
        }
    }
}

/// The status of one request on a connection of its own.
pub fn status_of(address: SocketAddr, path: &str, within: Duration) -> Option<u16> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect_timeout(&address, within).ok()?;
    stream.set_read_timeout(Some(within)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).ok()?;
    String::from_utf8_lossy(&head[9..]).parse().ok()
}

/// The whole answer to one request on a connection of its own, head and body; empty without one.
pub fn answer_of(address: SocketAddr, path: &str, within: Duration) -> String {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect_timeout(&address, within) else { return String::new() };
    let mut answer = Vec::new();
    let _ = stream.set_read_timeout(Some(within));
    let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Any number below `limit`.
pub fn random_below(limit: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % limit
}

/// A port that nobody uses right now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their session cookie, as a request carries it.
    pub cookie: String,
}

/// A database behind a proxy, and what starts consoles on it.
pub struct Rig {
    /// Between consoles and database.
    pub proxy: Proxy,
    /// The database.
    pub database: Database,
    app: App,
    /// Last: everything lies in it.
    pub dir: Directory,
}

impl Rig {
    /// A migrated database without rows.
    pub fn new() -> Self {
        let dir = Directory::new();
        Self::on(Database::start(&dir.0), dir)
    }

    /// The same on a database that stands already.
    pub fn on(database: Database, dir: Directory) -> Self {
        let proxy = Proxy::start(vec![Upstream::Unix(database.socket())]);
        let values = environment(&proxy, &dir);
        let config = Config::from_values(values).unwrap();
        let options = ConnectOptions {
            url: database.owner_url(),
            size: 1,
            budget: Duration::from_secs(1),
            behind_pooler: false,
        };
        let app = App::new(config, Db::new(&options));
        let rig = Self { proxy, database, app, dir };
        let migrated = rig.recipe().command(&["migrate"]).output().unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        rig
    }

    /// How to start a console on this rig, on a port of its own.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            values: environment(&self.proxy, &self.dir),
            listen: free_address(),
            dir: self.dir.0.clone(),
            under: Vec::new(),
        }
    }

    /// What a console on this rig is made of, for handlers that run in this process.
    pub fn app_as_console(&self) -> App {
        let values = environment(&self.proxy, &self.dir);
        let options = ConnectOptions {
            url: values["DATABASE_URL"].clone(),
            size: 10,
            budget: Duration::from_secs(1),
            behind_pooler: false,
        };
        App::new(Config::from_values(values).unwrap(), Db::new(&options))
    }

    /// A new owner who is signed in.
    pub fn person(&self, name: &str) -> Person {
        let token = Entropy.secret();
        let id = self.database.text(&format!("SELECT id FROM users WHERE email = '{name}@faults.test'"));
        let id = if id.is_empty() {
            self.database.sql(&format!(
                "INSERT INTO users (email, name, role, password_hash) VALUES ('{name}@faults.test', '{name}', 'owner', 'x')"
            ));
            self.database.text(&format!("SELECT id FROM users WHERE email = '{name}@faults.test'"))
        } else {
            id
        };
        self.database.sql(&format!(
            "INSERT INTO sessions (user_id, token, expires_at) VALUES ('{id}', '{}', now() + interval '14 days')",
            SecretHash::of(&token).as_str()
        ));
        Person { cookie: self.cookie(&token) }
    }

    /// How a browser sends the session with this token.
    pub fn cookie(&self, token: &str) -> String {
        let name = cookies::session_name(&self.app.config);
        let mut jar = CookieJar::new();
        jar.signed_mut(&cookies::key(&self.app)).add(Cookie::new(name.clone(), token.to_owned()));
        jar.get(&name).unwrap().stripped().encoded().to_string()
    }
}

fn environment(proxy: &Proxy, dir: &Directory) -> HashMap<String, String> {
    let url = |login: &str| format!("postgres://{login}@{}/{DATABASE}", proxy.address());
    [
        ("DATABASE_URL", url(CONSOLE_LOGIN)),
        ("PILOTHOUSE_MIGRATE_URL", url(SUPERUSER)),
        ("PILOTHOUSE_SECRET_KEY", SECRET_KEY.to_owned()),
        ("PILOTHOUSE_DATA_DIR", dir.0.join("console").display().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
