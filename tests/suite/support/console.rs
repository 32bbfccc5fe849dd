//! A running console for one test: the real server on a port of its own, over a database of its own, with
//! people who are signed in.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, CookieJar};
use actix_web::dev::ServerHandle;
use diesel::PgConnection;
use pilothouse::app::{App, ConnectionLimits, Deadlines};
use pilothouse::auth::password;
use pilothouse::config::Config;
use pilothouse::db::address::with_deadlines;
use pilothouse::db::{ConnectOptions, Db, SecretHash};
use pilothouse::http::cookies;
use pilothouse::server;

use super::db::TestDb;
pub use super::person::Person;
use super::wire::Wire;

/// The password of everybody whom a [`Console`] makes.
pub const PASSWORD: &str = "four unrelated words";
static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| password::hash_blocking(PASSWORD).unwrap());

/// Any text of at least 32 bytes.
const SECRET_KEY: &str = "a key that is long enough for tests only";

/// Where no engine is.
const NO_ENGINE: &str = "unix:///nowhere/docker.sock";

/// A page's budget is one second; tests share their machine, and wait longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many connections a console has, unless a test says otherwise.
const CONNECTIONS: u32 = 4;

/// See the module. Dropping it stops the server and drops the database.
pub struct Console {
    /// Scheme, host and port.
    pub base: String,
    /// What the server runs on.
    pub app: App,
    _instance: Instance,
    /// Sees everything, for the stage.
    pub(super) superuser: Mutex<PgConnection>,
    /// Last, because it can only be dropped when nobody is connected.
    pub db: TestDb,
}

impl Console {
    /// A console without anybody.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A console whose environment holds `values` besides what it needs.
    pub fn with(values: &[(&str, &str)]) -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::build(db, &url, values, Some(PATIENCE), CONNECTIONS)
    }

    /// A console that has one connection to its database.
    pub fn with_one_connection() -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::build(db, &url, &[], Some(PATIENCE), 1)
    }

    /// A console that gives its clients so long.
    pub fn with_deadlines(deadlines: Deadlines) -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::build_with(db, &url, &[], Some(PATIENCE), CONNECTIONS, |app| app.deadlines = deadlines)
    }

    /// A console beside an engine, which it looks at often.
    pub fn beside_engine(address: &str, settings: &[(&str, &str)]) -> Self {
        let db = TestDb::new();
        let url = db.url();
        let values: Vec<(&str, &str)> = settings.iter().copied().chain([("DOCKER_HOST", address)]).collect();
        Self::build_with(db, &url, &values, Some(PATIENCE), CONNECTIONS, |app| {
            app.sweep_interval = Duration::from_secs(3);
        })
    }

    /// A console of which a test changes something before it starts.
    pub fn answered_by(change: impl FnOnce(&mut App)) -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::build_with(db, &url, &[], Some(PATIENCE), CONNECTIONS, change)
    }

    /// A console that has so many connections at once.
    pub fn with_room_for(connections: usize) -> Self {
        let db = TestDb::new();
        let url = db.url();
        let limits = ConnectionLimits { all: connections, of_one_address: connections };
        Self::build_with(db, &url, &[], Some(PATIENCE), CONNECTIONS, |app| app.connections = limits)
    }

    /// A console with a real page's patience for its database.
    pub fn impatient() -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::build(db, &url, &[], None, CONNECTIONS)
    }

    /// A console that looks for its database at `url`, with a real page's patience.
    pub fn looking_at(url: &str) -> Self {
        Self::build(TestDb::new(), url, &[], None, CONNECTIONS)
    }

    /// A console on `db` that goes to it by way of `url`, with a real page's patience.
    pub fn on(db: TestDb, url: &str) -> Self {
        Self::build(db, url, &[], None, CONNECTIONS)
    }

    /// A console whose one connection to its database runs through a wire that counts its round trips.
    pub fn wired() -> (Self, Wire) {
        let db = TestDb::new();
        let wire = Wire::to(&db.url());
        let url = wire.url(&db.url());
        (Self::build(db, &url, &[], Some(PATIENCE), 1), wire)
    }

    fn build(
        db: TestDb,
        url: &str,
        values: &[(&str, &str)],
        budget: Option<Duration>,
        connections: u32,
    ) -> Self {
        Self::build_with(db, url, values, budget, connections, |_| {})
    }

    fn build_with(
        db: TestDb,
        url: &str,
        values: &[(&str, &str)],
        budget: Option<Duration>,
        connections: u32,
        change: impl FnOnce(&mut App),
    ) -> Self {
        let mut environment = HashMap::from([
            ("DATABASE_URL".to_owned(), url.to_owned()),
            ("PILOTHOUSE_SECRET_KEY".to_owned(), SECRET_KEY.to_owned()),
            // Never the machine's own engine.
            ("DOCKER_HOST".to_owned(), NO_ENGINE.to_owned()),
        ]);
        environment.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_values(environment).unwrap();
        let options = ConnectOptions {
            url: with_deadlines(url, config.database_ssl),
            size: connections,
            budget: budget.unwrap_or(config.database_budget),
            behind_pooler: false,
        };
        let mut app = App::new(config, Db::new(&options));
        change(&mut app);
        let superuser = Mutex::new(db.connect_owner());
        let instance = Instance::serve(app);
        Self { base: instance.base.clone(), app: instance.app.clone(), _instance: instance, superuser, db }
    }

    /// Lets no password be hashed until what this answers is dropped; [`Console::hashes_wait`] tells who is held up.
    pub fn pause_hashing(&self) -> impl Drop + use<> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.app.sign_ins.pause()).unwrap()
    }

    /// Returns once so many requests wait for their turn to hash.
    pub fn hashes_wait(&self, wanted: usize) {
        until("requests wait to hash", || self.app.sign_ins.waiting() == wanted);
    }

    /// Returns once so many of the console's transactions wait for a lock.
    pub fn locks_wait(&self, wanted: i64) {
        let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("transactions wait for a lock", || self.count(waiting) == wanted);
    }

    /// Another console on the same database, with a pool and a process state of its own.
    pub fn beside(&self) -> Instance {
        let config = (*self.app.config).clone();
        let options = ConnectOptions {
            url: with_deadlines(&self.db.url(), false),
            size: 4,
            budget: PATIENCE,
            behind_pooler: false,
        };
        Instance::serve(App::new(config, Db::new(&options)))
    }

    /// Somebody without a session.
    pub fn anonymous(&self) -> Person {
        Person::new(&self.base)
    }

    /// A new owner who is signed in.
    pub fn owner(&self) -> Person {
        self.person("owner")
    }

    /// A new admin who is signed in.
    pub fn admin(&self) -> Person {
        self.person("admin")
    }

    fn person(&self, role: &str) -> Person {
        self.sign_in_as(&self.user(role).0)
    }

    /// A new user with [`PASSWORD`], who is not signed in: id and address.
    pub fn user(&self, role: &str) -> (String, String) {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let email = format!("{role}{}@people.test", NUMBER.fetch_add(1, Ordering::Relaxed));
        let id = self.text(&format!(
            "INSERT INTO users (email, name, role, password_hash) \
             VALUES ('{email}', 'The {role}', '{role}', '{}') RETURNING id::text",
            *PASSWORD_HASH
        ));
        (id, email)
    }

    /// A new session of the user with this id, in a browser of its own, made without the sign-in form.
    pub fn sign_in_as(&self, id: &str) -> Person {
        let email = self.text(&format!("SELECT email FROM users WHERE id = '{id}'"));
        let token = self.app.entropy.secret();
        let session = self.text(&format!(
            "INSERT INTO sessions (user_id, token, expires_at, ip_address, user_agent) \
             VALUES ('{id}', '{}', now() + interval '14 days', '192.0.2.7', \
                     'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0') RETURNING id::text",
            SecretHash::of(&token).as_str()
        ));
        let mut person = self.anonymous();
        id.clone_into(&mut person.id);
        person.email = email;
        person.session = session;
        person.set_cookie(&self.cookie_name(), &self.signed(&token));
        person
    }

    /// What the session's cookie is called.
    pub fn cookie_name(&self) -> String {
        cookies::session_name(&self.app.config)
    }

    /// `value` as the session cookie carries it, signed.
    pub fn signed(&self, value: &str) -> String {
        let name = self.cookie_name();
        let mut jar = CookieJar::new();
        jar.signed_mut(&cookies::key(&self.app)).add(Cookie::new(name.clone(), value.to_owned()));
        let line = jar.get(&name).unwrap().stripped().encoded().to_string();
        line.split_once('=').unwrap().1.to_owned()
    }
}

pub fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < give_up, "too long until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A server for an app. Stops when it is dropped.
pub struct Instance {
    /// Scheme, host and port.
    pub base: String,
    /// What the server runs on.
    pub app: App,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Instance {
    fn serve(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        let served = app.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let running = server::start(served, listener).unwrap();
                tell.send(running.handle()).unwrap();
                running.await.unwrap();
            });
        });
        Self { base, app, handle: told.recv().unwrap(), thread: Some(thread) }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        stop(&self.handle, self.thread.take());
    }
}

fn stop(handle: &ServerHandle, thread: Option<JoinHandle<()>>) {
    // The request to stop is sent at once; what counts is the thread's end.
    drop(handle.stop(false));
    if let Some(thread) = thread
        && thread.join().is_err()
        && !std::thread::panicking()
    {
        panic!("the server panicked");
    }
}
