//! A running console for one test: the real server on a port of its own, over a database of its own.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::cookie::{Cookie, CookieJar};
use actix_web::dev::ServerHandle;
use pilothouse::app::{App, Clock};
use pilothouse::config::Config;
use pilothouse::db::pool::with_deadlines;
use pilothouse::db::{ConnectOptions, Db, SecretHash};
use pilothouse::server;
use uuid::Uuid;

use super::client::Client;
use super::db::TestDb;
use super::stage::Stage;

/// Any text of at least 32 bytes.
const SECRET_KEY: &str = "a key that only tests know, and long enough";

/// See the module. Dropping it stops the server and drops the database.
pub struct Console {
    /// The process under test.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    /// Sets the stage, past every policy.
    pub stage: Stage,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
    /// Last, so that it goes when nobody is connected.
    _db: TestDb,
}

impl Console {
    /// A console with the usual configuration and the machine's clock.
    pub fn start() -> Self {
        Self::configured(&[], Clock::system())
    }

    /// A console whose environment holds `values` besides what it needs.
    pub fn with(values: &[(&str, &str)]) -> Self {
        Self::configured(values, Clock::system())
    }

    /// A console whose clock stands at `millis` (epoch milliseconds) until the test sets it.
    pub fn at(millis: i64) -> Self {
        Self::configured(&[], Clock::held_at(millis))
    }

    fn configured(values: &[(&str, &str)], clock: Clock) -> Self {
        let db = TestDb::new();
        let url = db.url();
        Self::on(db, &url, values, clock)
    }

    /// A console that looks for its database at `url`, while the stage is `db`.
    pub fn on(db: TestDb, url: &str, values: &[(&str, &str)], clock: Clock) -> Self {
        let mut environment = HashMap::from([
            ("DATABASE_URL".to_owned(), url.to_owned()),
            ("DATABASE_POOL_SIZE".to_owned(), "4".to_owned()),
            ("PILOTHOUSE_SECRET_KEY".to_owned(), SECRET_KEY.to_owned()),
        ]);
        environment.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_values(environment).unwrap();
        let options = ConnectOptions {
            url: with_deadlines(url, config.database_ssl),
            size: config.pool_size,
            budget: config.database_budget,
        };
        let app = App { clock, ..App::new(config, Db::new(&options)) };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        let served = app.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let running = server::start(served, listener).unwrap();
                tell.send(running.handle()).unwrap();
                running.await.unwrap();
            });
        });
        let server = told.recv().unwrap();
        Self { app, address, stage: Stage::new(&db), server, thread: Some(thread), _db: db }
    }

    /// Somebody who has not signed in.
    pub fn anonymous(&self) -> Client {
        Client::new(self.address)
    }

    /// A new owner, `NAME@example.test`, signed in.
    pub fn owner(&self, name: &str) -> Client {
        self.signed_in(self.stage.user(name, "owner"))
    }

    /// A new admin, `NAME@example.test`, signed in.
    pub fn admin(&self, name: &str) -> Client {
        self.signed_in(self.stage.user(name, "admin"))
    }

    /// A new session of `user`, made without the sign-in form.
    pub fn signed_in(&self, user: Uuid) -> Client {
        let token = self.app.entropy.secret();
        self.stage.session(user, SecretHash::of(&token).as_str());
        let mut client = self.anonymous();
        client.user = user;
        client.set_cookie(self.app.config.cookie_name(), &self.signed(&token));
        client
    }

    /// `value` as the session cookie carries it, signed.
    pub fn signed(&self, value: &str) -> String {
        let name = self.app.config.cookie_name();
        let mut jar = CookieJar::new();
        jar.signed_mut(&server::cookie_key(&self.app)).add(Cookie::new(name, value.to_owned()));
        let cookie = jar.get(name).unwrap();
        cookie.stripped().encoded().to_string().split_once('=').unwrap().1.to_owned()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // The request to stop is sent at once; the answer is not needed, the thread's end is.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}
