//! A console that serves on a port of its own, with people who are signed in.

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::cookie::{Cookie, CookieJar};
use actix_web::dev::ServerHandle;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use pilothouse::app::App;
use pilothouse::auth::password;
use pilothouse::config::Config;
use pilothouse::db::{ConnectOptions, Db, SecretHash};
use pilothouse::server;
use reqwest::redirect::Policy;
use scraper::{Html, Selector};
use tokio::runtime::Runtime;

use super::db::TestDb;

/// The password of everybody whom a [`Console`] makes.
pub const PASSWORD: &str = "four unrelated words";

/// Requests run on it, so that tests read top-down.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| password::hash_blocking(PASSWORD).unwrap());

/// A running console with a database of its own.
pub struct Console {
    /// Scheme, host and port.
    pub base: String,
    /// What the server runs on.
    pub app: App,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    /// Last, because it can only be dropped when nobody is connected.
    pub db: TestDb,
}

impl Console {
    /// A console without anybody.
    pub fn start() -> Self {
        // Another test has set it up already, as a rule.
        let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_ansi(false).try_init();
        let db = TestDb::new();
        let values = [
            ("DATABASE_URL", db.url()),
            ("PILOTHOUSE_SECRET_KEY", "a key that is long enough for tests only".to_owned()),
        ];
        let config =
            Config::from_values(values.map(|(name, value)| (name.to_owned(), value)).into()).unwrap();
        // A page's budget is one second; tests share their machine.
        let options = ConnectOptions { url: db.url(), size: 4, budget: Duration::from_secs(20) };
        let app = App::new(config, Db::new(&options));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        let for_server = app.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = server::start(for_server, listener).unwrap();
                tell.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { base, app, handle: told.recv().unwrap(), thread: Some(thread), db }
    }

    /// Somebody without a session.
    pub fn anonymous(&self) -> Person {
        Person {
            id: String::new(),
            email: String::new(),
            session: String::new(),
            base: self.base.clone(),
            cookies: Mutex::default(),
        }
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
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let email = format!("{role}{}@people.test", NUMBER.fetch_add(1, Ordering::Relaxed));
        let id = self.text(&format!(
            "INSERT INTO users (email, name, role, password_hash) \
             VALUES ('{email}', 'The {role}', '{role}', '{}') RETURNING id::text",
            *PASSWORD_HASH
        ));
        self.sign_in_as(&id, &email)
    }

    /// Another session of the user with this id, in another browser.
    pub fn sign_in_as(&self, id: &str, email: &str) -> Person {
        let token = self.app.entropy.secret();
        let session = self.text(&format!(
            "INSERT INTO sessions (user_id, token, expires_at, ip_address, user_agent) \
             VALUES ('{id}', '{}', now() + interval '14 days', '192.0.2.7', \
                     'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0') RETURNING id::text",
            SecretHash::of(&token).as_str()
        ));
        let name = self.app.config.cookie_name();
        let mut jar = CookieJar::new();
        jar.signed_mut(&server::cookie_key(&self.app)).add(Cookie::new(name, token));
        let signed = jar.get(name).unwrap().value().to_owned();
        Person {
            id: id.to_owned(),
            email: email.to_owned(),
            session,
            base: self.base.clone(),
            cookies: Mutex::new([(name.to_owned(), signed)].into()),
        }
    }

    /// Runs statements as the superuser.
    pub fn sql(&self, statements: &str) {
        self.db.connect_owner().batch_execute(statements).unwrap();
    }

    /// The one text that `query` answers.
    pub fn text(&self, query: &str) -> String {
        let query = format!("WITH q(answer) AS ({query}) SELECT answer::text AS answer FROM q");
        let row: TextRow = diesel::sql_query(query).get_result(&mut self.db.connect_owner()).unwrap();
        row.answer.unwrap_or_default()
    }

    /// How many rows there are in `rows`: a table, with its WHERE if it has one.
    pub fn count(&self, rows: &str) -> i64 {
        let count = format!("(SELECT count(*) FROM {rows})");
        diesel::select(diesel::dsl::sql::<BigInt>(&count)).get_result(&mut self.db.connect_owner()).unwrap()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        RUNTIME.block_on(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
}

/// Somebody with a browser that keeps cookies and follows no redirect.
pub struct Person {
    /// `users.id`; empty for nobody.
    pub id: String,
    /// Their address.
    pub email: String,
    /// `sessions.id`.
    pub session: String,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Person {
    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Answer {
        self.send(CLIENT.get(format!("{}{path}", self.base)))
    }

    /// Sends a form to `path`, as this console's own page would.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = CLIENT.post(format!("{}{path}", self.base)).header("Origin", &self.base);
        self.send(request.form(fields))
    }

    /// Sends `body` as a form to `path`, whatever it holds.
    pub fn post_raw(&self, path: &str, body: &str) -> Answer {
        let request = CLIENT.post(format!("{}{path}", self.base)).header("Origin", &self.base);
        self.send(request.header("Content-Type", "application/x-www-form-urlencoded").body(body.to_owned()))
    }

    /// Whether the console still knows who this is.
    pub fn is_signed_in(&self) -> bool {
        let answer = self.get("/account");
        if answer.status == 303 {
            assert_eq!(answer.location(), "/login?next=%2Faccount");
        }
        answer.status == 200
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("Cookie", cookies.join("; "));
        let answer = RUNTIME.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let mut kept: HashMap<String, Vec<String>> = HashMap::new();
            for (name, value) in &headers {
                kept.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
            }
            Answer { status, headers: kept, body: response.text().await.unwrap() }
        });
        for line in answer.headers.get("set-cookie").into_iter().flatten() {
            let cookie = Cookie::parse(line.clone()).unwrap();
            if cookie.max_age().is_some_and(actix_web::cookie::time::SignedDuration::is_zero) {
                self.jar().remove(cookie.name());
            } else {
                self.jar().insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().redirect(Policy::none()).build().unwrap());

/// What the console answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: HashMap<String, Vec<String>>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The status must be `status`; anything else shows the page.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The first value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |values| &values[0])
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The texts of the elements that `selector` finds, white space collapsed.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        let found = page.select(&selector);
        found
            .map(|element| {
                element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// All texts of what `selector` finds, in one.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).join(" | ")
    }

    /// The values of an attribute of the elements that `selector` finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        let found = page.select(&selector);
        found.filter_map(|element| element.attr(name).map(str::to_owned)).collect()
    }

    /// The value of an attribute of the first element that `selector` finds; it must be there.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let found = self.attributes(selector, name);
        assert!(!found.is_empty(), "no {selector} with {name}: {}", self.body);
        found[0].clone()
    }

    /// Whether `selector` finds anything.
    pub fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }
}
