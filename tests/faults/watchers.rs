//! Faults of pages that are open: what tells them, how many there are, and an outage under all of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pilothouse::db::SecretHash;
use pilothouse::runtime::Entropy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::clients::{gentle, others};
use crate::load::RUNTIME;
use crate::rig::{Console, Rig, random_below, wait_until};
use crate::verdict::{Episode, Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R19",
        what: "the connection that finds out what changed is killed, with all others of the console, while 20 pages watch",
        target: "no stream misses a change; told within 2 s, 10 s at most",
        run: looker_killed,
    },
    Fault {
        number: "R20",
        what: "eight write actions as fast as they can, with 50 pages that watch and without",
        target: "watched, they write at least 0.95 times as many",
        run: watched_writes,
    },
    Fault {
        number: "R22",
        what: "4,090 streams of 500 people, nearly all that one instance has room for, a tenth of which never read",
        target: "below 1 GB; a change is told to all within 1.5 s at the 99th percentile; who comes when the room is full is told to come back; no connection of PostgreSQL is held; pages beside p99 below 300 ms",
        run: many_streams,
    },
    Fault {
        number: "R35",
        what: "PostgreSQL is away for a minute under 2,000 streams, and everything has changed when it is back: each page asks for itself again",
        target: "streams stay open; no more connections than the pool has; full service 3 s after, and no second collapse",
        run: herd,
    },
];

/// Streams that one instance has room for.
const ROOM: usize = 4_096;
const STREAMS: usize = 4_090;

/// Pages that are open. Dropping it closes them.
struct Pages {
    open: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Which page was told of something, and when.
    told: Arc<Mutex<Vec<(usize, Instant)>>>,
    asked: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

/// How pages behave.
#[derive(Clone, Copy)]
struct Habits {
    /// Every so many of them takes nothing; none for 0.
    deaf_each: usize,
    /// Whether they ask for themselves again when something changed, as browsers do.
    asks_again: bool,
}

fn request(address: SocketAddr, path: &str, cookie: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n{more}\r\n")
}

/// A connection from one of several addresses of this machine, so that ports do not run out.
async fn connect(address: SocketAddr, n: usize) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, u8::try_from(2 + n % 8).unwrap_or(2)], 0)))?;
    socket.connect(address).await
}

impl Pages {
    /// Opens `count` of them, `cookies` in turn, and waits until all have their stream.
    fn open(address: SocketAddr, cookies: &[String], count: usize, habits: Habits) -> Self {
        let mut pages = Self {
            open: Arc::default(),
            ended: Arc::default(),
            told: Arc::default(),
            asked: Arc::default(),
            refused: Arc::default(),
            tasks: Vec::new(),
        };
        for n in 0..count {
            let page = Page {
                n,
                address,
                cookie: cookies[n % cookies.len()].clone(),
                is_deaf: habits.deaf_each > 0 && n % habits.deaf_each == 0,
                asks_again: habits.asks_again,
                told: Arc::clone(&pages.told),
                asked: Arc::clone(&pages.asked),
                refused: Arc::clone(&pages.refused),
            };
            let (open, ended) = (Arc::clone(&pages.open), Arc::clone(&pages.ended));
            pages.tasks.push(RUNTIME.spawn(async move {
                let Ok((stream, rest)) = page.begin().await else { return };
                open.fetch_add(1, Ordering::SeqCst);
                let _ = page.follow(stream, rest).await;
                ended.fetch_add(1, Ordering::SeqCst);
            }));
            if n % 50 == 49 {
                let _ = wait_until(Duration::from_secs(10), || pages.open.load(Ordering::SeqCst) + 25 > n);
            }
        }
        let _ = wait_until(Duration::from_secs(30), || pages.open.load(Ordering::SeqCst) == count);
        pages
    }

    /// Those whose stream is open.
    fn count(&self) -> usize {
        self.open.load(Ordering::SeqCst).saturating_sub(self.ended.load(Ordering::SeqCst))
    }

    /// How long after `since` each page was first told of something.
    fn lags(&self, since: Instant) -> Vec<Duration> {
        let mut first = std::collections::BTreeMap::new();
        for (page, at) in self.told.lock().unwrap().iter().filter(|(_, at)| *at >= since) {
            first.entry(*page).or_insert_with(|| at.duration_since(since));
        }
        let mut lags: Vec<Duration> = first.into_values().collect();
        lags.sort();
        lags
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Page {
    n: usize,
    address: SocketAddr,
    cookie: String,
    is_deaf: bool,
    asks_again: bool,
    told: Arc<Mutex<Vec<(usize, Instant)>>>,
    asked: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Page {
    /// Its stream, once that has said hello, and what came after.
    async fn begin(&self) -> std::io::Result<(TcpStream, String)> {
        let mut stream = connect(self.address, self.n).await?;
        stream.write_all(request(self.address, "/live", &self.cookie, "").as_bytes()).await?;
        let (mut chunk, mut text) = (vec![0; 4096], String::new());
        loop {
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
            if let Some((_, rest)) = text.split_once("event: hello") {
                return Ok((stream, rest.to_owned()));
            }
        }
    }

    async fn follow(&self, mut stream: TcpStream, mut rest: String) -> std::io::Result<()> {
        if self.is_deaf {
            std::future::pending::<()>().await;
        }
        let mut chunk = vec![0; 4096];
        loop {
            if rest.contains("event: change") {
                self.told.lock().unwrap().push((self.n, Instant::now()));
                rest.clear();
                if self.asks_again {
                    self.ask_again().await;
                }
            }
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            rest = String::from_utf8_lossy(&chunk[..read]).into_owned();
        }
    }

    async fn ask_again(&self) {
        tokio::time::sleep(Duration::from_millis(random_below(2_300))).await;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let asked = async {
            let mut stream = connect(self.address, self.n).await?;
            let request = request(
                self.address,
                "/activity",
                &self.cookie,
                "Pilothouse-Live: 1\r\nConnection: close\r\n",
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
        };
        let served = tokio::time::timeout(Duration::from_secs(20), asked).await;
        if !matches!(served, Ok(Ok(true))) {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// So many owners, each with a project of their own and a session: their cookies.
fn people(rig: &Rig, count: usize) -> Vec<String> {
    rig.database.sql(&format!(
        "INSERT INTO users (email, name, role) SELECT 'watcher' || n || '@faults.test', 'W', 'owner' FROM generate_series(1, {count}) n; \
         INSERT INTO projects (name, user_id) SELECT 'watched', id FROM users WHERE email LIKE 'watcher%'"
    ));
    let ids = rig.database.texts("SELECT id FROM users WHERE email LIKE 'watcher%'");
    let tokens: Vec<String> = ids.iter().map(|_| Entropy.secret()).collect();
    let rows: Vec<String> = ids
        .iter()
        .zip(&tokens)
        .map(|(id, token)| {
            format!("('{id}', '{}', now() + interval '14 days')", SecretHash::of(token).as_str())
        })
        .collect();
    rig.database
        .sql(&format!("INSERT INTO sessions (user_id, token, expires_at) VALUES {}", rows.join(", ")));
    tokens.iter().map(|token| rig.cookie(token)).collect()
}

/// Something happens in every watched project.
fn change_all(rig: &Rig) {
    rig.database.sql(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, created_at) \
         SELECT 'w-' || gen_random_uuid(), id::text, 'deployment', (extract(epoch FROM now()) * 1000)::bigint \
         FROM projects WHERE name = 'watched'",
    );
}

/// Until the first news, which say that everything may have changed, have been told.
fn settle(pages: &Pages) {
    let _ = wait_until(Duration::from_secs(5), || !pages.told.lock().unwrap().is_empty());
    sleep(Duration::from_secs(1));
}

fn scene(count: usize) -> (Rig, Console, Vec<String>) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let cookies = people(&rig, count);
    (rig, console, cookies)
}

fn at_percent(lags: &[Duration], percent: usize) -> Duration {
    lags.get((lags.len() * percent / 100).min(lags.len().saturating_sub(1))).copied().unwrap_or(Duration::MAX)
}

fn looker_killed(rounds: u32, verdict: &mut Verdict) {
    let (rig, console, cookies) = scene(10);
    let pages = Pages::open(console.address, &cookies, 20, Habits { deaf_each: 0, asks_again: false });
    settle(&pages);
    let mut lags = Vec::new();
    for round in 0..rounds.min(20) {
        rig.database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        );
        let since = Instant::now();
        change_all(&rig);
        let _ = wait_until(Duration::from_secs(20), || pages.lags(since).len() == 20);
        let heard = pages.lags(since);
        verdict
            .require(heard.len() == 20, || format!("round {round}: {} of 20 pages were told", heard.len()));
        lags.extend(heard);
        sleep(Duration::from_millis(random_below(1_000)));
    }
    lags.sort();
    let (median, slowest) = (at_percent(&lags, 50), at_percent(&lags, 100));
    verdict.see(format!(
        "{} of {} told, after {} ms (median), {} ms at most; {} streams still open",
        lags.len(),
        20 * rounds.min(20),
        median.as_millis(),
        slowest.as_millis(),
        pages.count()
    ));
    verdict.require(median < Duration::from_secs(2), || format!("told after {median:?}"));
    verdict.require(slowest < Duration::from_secs(10), || format!("one was told after {slowest:?}"));
}

/// Actions that eight connections write within five seconds.
fn written(rig: &Rig) -> usize {
    let project = rig.database.text("SELECT id FROM projects LIMIT 1");
    let (count, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (mut conn, count, is_over) = (rig.database.connect(), Arc::clone(&count), Arc::clone(&is_over));
            let statement = format!(
                "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, created_at) VALUES \
                 ('s-' || gen_random_uuid(), '{project}', 'deployment', (extract(epoch FROM now()) * 1000)::bigint)"
            );
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    conn.batch_execute(&statement).unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    sleep(Duration::from_secs(5));
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        let _ = writer.join();
    }
    count.load(Ordering::Relaxed)
}

fn watched_writes(_: u32, verdict: &mut Verdict) {
    let (rig, console, cookies) = scene(10);
    let (mut alone, mut watched) = (0, 0);
    let _ = written(&rig);
    for round in 0..3 {
        if round > 0 {
            // The look goes on for half a minute after the last one has left.
            sleep(Duration::from_secs(32));
        }
        alone += written(&rig);
        let pages = Pages::open(console.address, &cookies, 50, Habits { deaf_each: 0, asks_again: false });
        settle(&pages);
        watched += written(&rig);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of some seconds")]
    let ratio = watched as f64 / alone as f64;
    verdict.see(format!("{alone} alone, {watched} watched: {ratio:.2}"));
    verdict.require(ratio >= 0.95, || format!("{ratio:.2}"));
}

fn many_streams(_: u32, verdict: &mut Verdict) {
    let (rig, console, cookies) = scene(500);
    let before = console.figure("VmRSS") / 1024;
    let pages = Pages::open(console.address, &cookies, STREAMS, Habits { deaf_each: 10, asks_again: false });
    let open = pages.count();
    verdict.require(open == STREAMS, || format!("{open} streams were opened"));
    let more = Pages::open(console.address, &cookies, 20, Habits { deaf_each: 0, asks_again: false });
    let room = open + more.count();
    verdict.require(room == ROOM, || format!("there was room for {room}"));
    drop(more);
    let load = gentle(&rig, &console);
    load.serve_more(20);
    settle(&pages);
    let mut lags = Vec::new();
    for _ in 0..5 {
        let since = Instant::now();
        change_all(&rig);
        let _ = wait_until(Duration::from_secs(10), || pages.lags(since).len() >= open * 9 / 10);
        lags.extend(pages.lags(since));
        sleep(Duration::from_secs(1));
    }
    lags.sort();
    let held = rig.database.text(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '1 second'",
    );
    let after = console.figure("VmRSS") / 1024;
    verdict.see(format!(
        "{open} streams, {before} MB without them, {after} MB with; {} deliveries, median {} ms, p99 {} ms; {} still open",
        lags.len(),
        at_percent(&lags, 50).as_millis(),
        at_percent(&lags, 99).as_millis(),
        pages.count()
    ));
    verdict.require(lags.len() >= open * 9 / 10 * 5, || format!("{} deliveries", lags.len()));
    verdict.require(at_percent(&lags, 99) < Duration::from_millis(1_500), || {
        format!("{:?}", at_percent(&lags, 99))
    });
    verdict.require(after < 1_024, || format!("{after} MB"));
    verdict.require(held == "0", || format!("{held} transactions stay open"));
    verdict.count_requests(open);
    others(load, &rig, verdict, Duration::from_millis(300));
}

fn herd(_: u32, verdict: &mut Verdict) {
    let (mut rig, console, cookies) = scene(500);
    let pages = Pages::open(console.address, &cookies, 2_000, Habits { deaf_each: 0, asks_again: true });
    let open = pages.count();
    verdict.require(open == 2_000, || format!("{open} streams were opened"));
    settle(&pages);
    sleep(Duration::from_secs(3));
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let from = Instant::now();
    rig.database.stop();
    sleep(Duration::from_mins(1));
    let back = rig.database.start_again();
    change_all(&rig);
    let (mut most, began) = (0, pages.asked.load(Ordering::SeqCst));
    while back.elapsed() < Duration::from_secs(15) {
        let connections = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        most = most.max(rig.database.text(connections).parse().unwrap_or(0));
        sleep(Duration::from_millis(100));
    }
    let (asked, refused) = (pages.asked.load(Ordering::SeqCst) - began, pages.refused.load(Ordering::SeqCst));
    verdict.see(format!(
        "{} of {open} streams stayed open; {asked} pages asked again, {refused} of them refused; {most} connections at most",
        pages.count()
    ));
    verdict.require(pages.count() == open, || format!("{} streams stayed open", pages.count()));
    verdict.require(most <= 12, || format!("{most} connections"));
    let ledger = load.ledger.clone();
    let samples = load.stop();
    verdict.requests(&samples, Duration::from_secs(2));
    verdict.recovery(&samples, &[Episode { from, back }], Duration::from_secs(3));
    verdict.writes(ledger.check(&rig.database));
}
