//! People and workers who use a console while something breaks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use reqwest::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN};
use reqwest::redirect;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::ledger::{Ledger, Told, Write};
use crate::rig::{Console, Person, Rig};

/// All load runs on it.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Served,
    /// 503 with a time to come back.
    Unavailable,
    /// No connection: the request was never sent.
    Unsent,
    /// The connection ended before an answer.
    Broken(String),
    /// No answer within ten seconds.
    Hung,
    /// Sent to the sign-in page.
    SignedOut,
    /// Any other status.
    Wrong(u16),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When it was sent.
    pub at: Instant,
    /// How long its answer took.
    pub took: Duration,
    /// How it ended.
    pub ending: Ending,
    /// Whether it wanted to change something.
    pub is_write: bool,
}

/// How much is asked at once.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Where the console, or the proxy before it, listens.
    pub address: SocketAddr,
    /// Who asks.
    pub people: Vec<Person>,
    /// How many send forms.
    pub writers: usize,
    /// How many read pages.
    pub readers: usize,
    /// Pause between two requests of one.
    pub pause: Duration,
    /// Whether every request comes on a connection of its own.
    pub fresh_connections: bool,
}

impl Crowd {
    /// Ten who keep their connections.
    pub fn usual(rig: &Rig, console: &Console) -> Self {
        Self {
            address: console.address,
            // No owner should have thousands of projects in the end.
            people: (0..16).map(|n| rig.person(&format!("person{n}"))).collect(),
            writers: 6,
            readers: 4,
            pause: Duration::from_millis(25),
            fresh_connections: false,
        }
    }
}

/// Requests that are being sent until [`Load::stop`].
pub struct Load {
    /// What was told of each write.
    pub ledger: Arc<Ledger>,
    /// When it began.
    pub began: Instant,
    stop: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Counts keys, so that no two writes of a run have the same.
static NUMBER: AtomicU64 = AtomicU64::new(1);

fn client(fresh: bool) -> reqwest::Client {
    pilothouse::outgoing::use_ring();
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(10));
    if fresh { builder.pool_max_idle_per_host(0) } else { builder }.build().unwrap()
}

struct Asker {
    client: reqwest::Client,
    base: String,
    cookie: String,
    samples: Arc<Mutex<Vec<Sample>>>,
    ledger: Arc<Ledger>,
}

impl Asker {
    /// Sends a request and notes how it ended. Answers what was told, and the location of a redirect.
    async fn ask(&self, path: &str, form: Option<&str>) -> (Told, String) {
        let at = Instant::now();
        let url = format!("{}{path}", self.base);
        let request = match form {
            Some(form) => self
                .client
                .post(url)
                .header(ORIGIN, &self.base)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            None => self.client.get(url),
        };
        let sent = async {
            let response = request.header(COOKIE, &self.cookie).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, response.text().await?))
        };
        let (ending, told, location) = match sent.await {
            Err(error) if error.is_connect() => (Ending::Unsent, Told::Refused, String::new()),
            Err(error) if error.is_timeout() => (Ending::Hung, Told::Uncertain, String::new()),
            Err(error) => (Ending::Broken(format!("{error:?}")), Told::Uncertain, String::new()),
            Ok((status, headers, body)) => {
                let header =
                    |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let location = header(LOCATION).to_owned();
                match (status, form) {
                    (303, _) if location.starts_with("/login") => {
                        (Ending::SignedOut, Told::Refused, location)
                    }
                    (303, Some(_)) | (200, None) => (Ending::Served, Told::Done, location),
                    (503, _) if headers.contains_key("retry-after") => {
                        let told = if body.contains("not certain") { Told::Uncertain } else { Told::Refused };
                        (Ending::Unavailable, told, location)
                    }
                    (500, _) => (Ending::Wrong(500), Told::Uncertain, location),
                    (status, _) => (Ending::Wrong(status), Told::Refused, location),
                }
            }
        };
        let sample = Sample { at, took: at.elapsed(), ending, is_write: form.is_some() };
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        (told, location)
    }

    /// Makes a project, and archives every third.
    async fn write(&self) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ledger {number}");
        let (told, location) =
            self.ask("/projects", Some(&format!("name={}&type=nextjs", name.replace(' ', "+")))).await;
        self.ledger.note(Write::Project, &name, told);
        let id = location.trim_start_matches("/projects/");
        if told == Told::Done && number.is_multiple_of(3) {
            let (told, _) = self.ask(&format!("{location}/archive"), Some("")).await;
            self.ledger.note(Write::Archiving, id, told);
        }
    }
}

impl Load {
    /// Starts the crowd.
    pub fn start(crowd: &Crowd) -> Self {
        Self::with_ledger(crowd, Arc::default())
    }

    /// Starts the crowd on a ledger that goes on.
    pub fn with_ledger(crowd: &Crowd, ledger: Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let samples = Arc::new(Mutex::new(Vec::new()));
        let shared = client(crowd.fresh_connections);
        let mut tasks = Vec::new();
        let began = Instant::now();
        for n in 0..crowd.writers + crowd.readers {
            let asker = Asker {
                client: shared.clone(),
                base: format!("http://{}", crowd.address),
                cookie: crowd.people[n % crowd.people.len()].cookie.clone(),
                samples: Arc::clone(&samples),
                ledger: Arc::clone(&ledger),
            };
            let (stop, pause, writes) = (Arc::clone(&stop), crowd.pause, n < crowd.writers);
            tasks.push(RUNTIME.spawn(async move {
                let pages = ["/projects", "/activity", "/", "/account"];
                let mut turn = n;
                while !stop.load(Ordering::Relaxed) {
                    if writes {
                        asker.write().await;
                    } else {
                        asker.ask(pages[turn % pages.len()], None).await;
                        turn += 1;
                    }
                    tokio::time::sleep(pause).await;
                }
            }));
        }
        Self { ledger, began, stop, samples, tasks }
    }

    /// Waits until so many more requests have been served.
    pub fn serve_more(&self, requests: usize) {
        let served = || self.samples().iter().filter(|sample| sample.ending == Ending::Served).count();
        let goal = served() + requests;
        let waited = crate::rig::wait_until(Duration::from_mins(1), || served() >= goal);
        assert!(waited.is_some(), "the console serves nobody any more: {:?}", self.samples().last());
    }

    /// How many requests there were so far.
    pub fn count(&self) -> usize {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All requests so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the crowd and answers all requests.
    pub fn stop(mut self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            RUNTIME.block_on(task).unwrap();
        }
        self.samples()
    }
}

/// How many answers there were of each status; 0 where none came.
pub type Statuses = BTreeMap<u16, usize>;

/// Connections that ask for something without a pause, until [`Hammer::stop`].
pub struct Hammer {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Statuses>>,
}

impl Hammer {
    /// So many `connections`; the n-th request of them all is what `request` makes.
    pub fn start(
        connections: usize,
        request: impl Fn(&reqwest::Client, usize) -> reqwest::RequestBuilder + Send + Sync + 'static,
    ) -> Self {
        let (stop, next, request) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(request));
        let tasks = (0..connections).map(|_| {
            let (stop, next, request) = (Arc::clone(&stop), Arc::clone(&next), Arc::clone(&request));
            RUNTIME.spawn(async move {
                let (client, mut statuses) = (client(false), Statuses::new());
                while !stop.load(Ordering::Relaxed) {
                    let sent = request(&client, next.fetch_add(1, Ordering::Relaxed)).send();
                    let status = match sent.await {
                        Ok(mut answer) => {
                            // It is taken, but not kept.
                            while let Ok(Some(_)) = answer.chunk().await {}
                            answer.status().as_u16()
                        }
                        Err(_) => 0,
                    };
                    *statuses.entry(status).or_default() += 1;
                }
                statuses
            })
        });
        Self { tasks: tasks.collect(), stop }
    }

    /// Ends it, and answers what was answered.
    pub fn stop(self) -> Statuses {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Statuses::new();
        for task in self.tasks {
            for (status, count) in RUNTIME.block_on(task).unwrap() {
                *all.entry(status).or_default() += count;
            }
        }
        all
    }
}

/// A worker that writes actions straight into the database at `url`, until it is stopped.
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    /// Starts it.
    pub fn start(url: String, ledger: Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut connection: Option<PgConnection> = None;
            while !told.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                if connection.is_none() {
                    connection = PgConnection::establish(&url).ok();
                }
                let Some(conn) = connection.as_mut() else { continue };
                let key = format!("ledger {}", NUMBER.fetch_add(1, Ordering::Relaxed));
                let inserted = diesel::sql_query(format!(
                    "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, \
                         status, environment, reference_ids, created_at) \
                     VALUES ('{key}', 'x', 'deployment', '', 'success', 'production', '{{\"deployment_id\":\"d\"}}', 1)"
                ))
                .execute(conn);
                let outcome = if inserted.is_ok() { Told::Done } else { Told::Uncertain };
                ledger.note(Write::Action, &key, outcome);
                if inserted.is_err() {
                    connection = None;
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a crowd went through, in figures.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests.
    pub requests: usize,
    /// Of those, 503.
    pub unavailable: usize,
    /// Never sent, since nobody listened.
    pub unsent: usize,
    /// Ended without an answer.
    pub broken: usize,
    /// Answers that may never be given: 500 and the like, sign-ins, hangs. A sentence each.
    pub wrong: Vec<String>,
    /// The slowest answer of all.
    pub slowest: Duration,
    /// How long each 503 took.
    refusals: Vec<Duration>,
}

impl Seen {
    /// Adds the requests of one load.
    pub fn add(&mut self, samples: &[Sample]) {
        self.requests += samples.len();
        for sample in samples {
            match &sample.ending {
                Ending::Served => {}
                Ending::Unavailable => {
                    self.unavailable += 1;
                    self.refusals.push(sample.took);
                }
                Ending::Unsent => self.unsent += 1,
                Ending::Broken(_) => self.broken += 1,
                Ending::Hung | Ending::SignedOut | Ending::Wrong(_) => {
                    self.wrong.push(format!("{:?}", sample.ending));
                }
            }
            if !matches!(sample.ending, Ending::Unsent | Ending::Broken(_)) {
                self.slowest = self.slowest.max(sample.took);
            }
        }
    }
}

impl Seen {
    /// What 99 of 100 503s did not take longer than.
    pub fn unavailable_p99(&self) -> Duration {
        let mut took = self.refusals.clone();
        took.sort();
        took.get(took.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
    }
}

/// Requests a second, while there were any.
pub fn rate(samples: &[Sample]) -> usize {
    let first = samples.iter().map(|sample| sample.at).min();
    let last = samples.iter().map(|sample| sample.at + sample.took).max();
    let Some((first, last)) = first.zip(last) else { return 0 };
    samples.len() * 1000 / usize::try_from((last - first).as_millis().max(1)).unwrap_or(1)
}

/// Headers of a request by hand, on a connection of its own.
#[must_use]
pub fn head(method: &str, path: &str, address: SocketAddr, person: &Person, length: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\n{HOST}: {address}\r\n{ORIGIN}: http://{address}\r\n{COOKIE}: {}\r\n\
         {CONTENT_TYPE}: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n",
        person.cookie
    )
}
