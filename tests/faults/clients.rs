//! Faults of those who ask: too many, too slow, gone in the middle, nonsense.

use std::fs;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ledger::{Told, Write};
use crate::load::{Crowd, Ending, Load, RUNTIME, head};
use crate::panicking;
use crate::rig::{Console, Rig, status_of, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R21",
        what: "10,000 connections that ask once and then stay (as many as the machine's limits allow)",
        target: "memory below 300 MB; new requests p99 below 100 ms meanwhile; all idle ones closed after",
        run: idle_connections,
    },
    Fault {
        number: "R23",
        what: "5,000 slow clients within seconds: the head, the body, the second head of a connection at a byte in 10 s; an answer taken at a byte a second",
        target: "all closed within 35 s; others' p99 below 150 ms meanwhile",
        run: slow_clients,
    },
    Fault {
        number: "R24",
        what: "more connections than file descriptors",
        target: "no crash, no busy loop (CPU below 50 %); served again within 1 s",
        run: out_of_descriptors,
    },
    Fault {
        number: "R30",
        what: "handlers panic before and inside a transaction, 1,000 at once beside healthy ones (the console's layers around handlers of the test)",
        target: "each is a 500 (a 503 when it never got a connection); nothing half saved, no transaction stays open; healthy ones are served after, and users of the console throughout",
        run: panics,
    },
    Fault {
        number: "R31",
        what: "clients end the connection at any point of a form",
        target: "each write is whole or not there; no transaction stays open",
        run: disconnects,
    },
    Fault {
        number: "R34",
        what: "malformed requests, 200 at once",
        target: "no 5xx, no crash; memory returns to within 10 % of what it was after the first 5,000",
        run: malformed,
    },
];

fn quiet_rig() -> (Rig, Console) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    (rig, console)
}

/// What other people see meanwhile: judges their requests, and how long 99 of 100 took at most.
pub fn others(load: Load, rig: &Rig, verdict: &mut Verdict, p99: Duration) {
    let beginning = load.began;
    others_since(beginning, load, rig, verdict, p99);
}

/// [`others`], with the times of those requests that were sent after `start`.
fn others_since(start: Instant, load: Load, rig: &Rig, verdict: &mut Verdict, slowest: Duration) {
    let ledger = load.ledger.clone();
    let samples = load.stop();
    let refused = samples.iter().filter(|sample| sample.ending != Ending::Served).count();
    verdict.require(refused == 0, || format!("{refused} other requests were not served"));
    let mut took: Vec<Duration> =
        samples.iter().filter(|sample| sample.at >= start).map(|sample| sample.took).collect();
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    verdict.see(format!("others' p99 {} ms", p99.as_millis()));
    verdict.require(p99 < slowest, || format!("others' p99 was {p99:?}"));
    verdict.count_requests(samples.len());
    verdict.writes(ledger.check(&rig.database));
}

/// Four people who take their time.
pub fn gentle(rig: &Rig, console: &Console) -> Load {
    let mut crowd = Crowd::usual(rig, console);
    (crowd.writers, crowd.readers, crowd.pause) = (2, 2, Duration::from_millis(50));
    Load::start(&crowd)
}

fn idle_connections(_: u32, verdict: &mut Verdict) {
    let (rig, console) = quiet_rig();
    let limit = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limit.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let limit: usize = limit.split_whitespace().nth(3).and_then(|n| n.parse().ok()).unwrap_or(1024);
    let wanted = 10_000.min(limit.saturating_sub(500));
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let address = console.address;
    let open = RUNTIME.block_on(async {
        let mut open = Vec::new();
        for n in 0..wanted {
            // Several addresses of this machine, so that ports do not run out.
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            let from = SocketAddr::from(([127, 0, 0, u8::try_from(2 + n % 8).unwrap()], 0));
            if socket.bind(from).is_err() {
                break;
            }
            let Ok(mut stream) = socket.connect(address).await else { break };
            let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
            if stream.write_all(request.as_bytes()).await.is_err() {
                break;
            }
            open.push(stream);
        }
        open
    });
    let memory = console.figure("VmRSS") / 1024;
    verdict.see(format!("{} connections, {memory} MB", open.len()));
    verdict.require(open.len() == wanted, || format!("only {} of {wanted} connections", open.len()));
    verdict.require(memory < 300, || format!("{memory} MB"));
    verdict.count_requests(open.len());
    // Opening them is work; how others fare is asked while they are there.
    let idle = Instant::now();
    sleep(Duration::from_secs(6));
    verdict.require(console.descriptors() > wanted, || "they were closed meanwhile".to_owned());
    others_since(idle, load, &rig, verdict, Duration::from_millis(100));
    let closed = wait_until(Duration::from_secs(40), || console.descriptors() < 100);
    verdict.require(closed.is_some(), || format!("{} descriptors stay open", console.descriptors()));
}

/// How a slow client is slow.
#[derive(Clone, Copy)]
struct Slowness {
    /// Whether it sends slowly or takes slowly.
    sends: bool,
    /// Between two bytes.
    pause: Duration,
}

fn slow_clients(_: u32, verdict: &mut Verdict) {
    let (rig, console) = quiet_rig();
    let person = rig.person("slow");
    // An answer that is longer than what the two systems hold for a client that takes nothing.
    rig.database.sql(
        "INSERT INTO projects (name, description, user_id) \
         SELECT 'project ' || n, repeat('long ', 400), (SELECT id FROM users WHERE email = 'slow@faults.test') \
         FROM generate_series(1, 100) n",
    );
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let address = console.address;
    let quiet = console.descriptors();
    let whole = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let form = head("POST", "/projects", address, &person, 1000);
    let page = head("GET", "/projects?limit=100", address, &person, 0).repeat(8);
    let second = Duration::from_secs(1);
    let kinds = [
        (String::new(), Slowness { sends: true, pause: second * 10 }),
        (form, Slowness { sends: true, pause: second * 10 }),
        (whole, Slowness { sends: true, pause: second * 10 }),
        (page, Slowness { sends: false, pause: second }),
    ];
    let (mut tasks, mut open) = (Vec::new(), 0);
    let began = Instant::now();
    for _ in 0..SLOW / kinds.len() {
        for (at_once, slowness) in &kinds {
            // A little apart: answering them all is work, and others want to be served too.
            sleep(Duration::from_millis(2));
            if let Ok(stream) = slow_client(address, at_once) {
                open += 1;
                tasks.push(RUNTIME.spawn(dawdle(stream, *slowness)));
            }
        }
    }
    let opened = began.elapsed();
    let most = console.descriptors().saturating_sub(quiet);
    let memory = console.figure("VmRSS") / 1024;
    // A client that takes nothing does not see the end of its connection, the console does.
    let closed = wait_until(Duration::from_mins(1), || console.descriptors() <= quiet + 8);
    for task in tasks {
        task.abort();
    }
    verdict.see(format!(
        "{open} slow connections within {} s, {most} of them open at once, {memory} MB, all closed {} s after the last came",
        opened.as_secs(),
        closed.unwrap_or_default().as_secs()
    ));
    verdict.require(open == SLOW, || format!("only {open} connections"));
    verdict.require(closed.is_some_and(|took| took <= Duration::from_secs(35)), || {
        format!("{} connections are open after {closed:?}", console.descriptors().saturating_sub(quiet))
    });
    verdict.count_requests(open);
    others(load, &rig, verdict, Duration::from_millis(150));
}

/// Slow clients.
const SLOW: usize = 5000;

/// A connection whose system holds as little as possible of what comes, and that has sent `at_once`.
pub fn slow_client(address: SocketAddr, at_once: &str) -> std::io::Result<tokio::net::TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(at_once.as_bytes())?;
    stream.set_nonblocking(true)?;
    let _in_runtime = RUNTIME.enter();
    tokio::net::TcpStream::from_std(stream)
}

/// Sends or takes a byte now and then, until the console closes the connection.
async fn dawdle(mut stream: tokio::net::TcpStream, slowness: Slowness) {
    let mut bytes = b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x'));
    let mut answer = [0_u8; 4096];
    loop {
        let ended = if slowness.sends {
            let byte = [bytes.next().copied().unwrap_or(b'x')];
            if stream.write_all(&byte).await.is_err() {
                return;
            }
            let until = tokio::time::Instant::now() + slowness.pause;
            loop {
                match tokio::time::timeout_at(until, stream.read(&mut answer)).await {
                    Ok(Ok(0) | Err(_)) => break true,
                    Ok(Ok(_)) => {}
                    Err(_) => break false,
                }
            }
        } else {
            tokio::time::sleep(slowness.pause).await;
            matches!(stream.read(&mut answer[..1]).await, Ok(0) | Err(_))
        };
        if ended {
            return;
        }
    }
}

/// Handlers that panic exist in tests alone: the console's own layers around them, in this process.
fn panics(rounds: u32, verdict: &mut Verdict) {
    let (rig, console) = quiet_rig();
    let _owner = rig.person("owner");
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let server = panicking::Server::start(rig.app_as_console());
    let each = 1000;
    let mut wrong = Vec::new();
    let mut slowest = Duration::ZERO;
    let times = rounds.min(20);
    // Thousands of stack traces would be all that anybody sees.
    let told_by = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..times {
        let answers = RUNTIME.block_on(server.ask(each, ["/panic/before", "/panic/inside", "/fine"]));
        for (n, (status, took)) in answers.into_iter().enumerate() {
            // With a thousand at once on a small pool some have to wait too long, and are told so.
            let right = match n % 3 {
                0 => status == 500,
                1 => matches!(status, 500 | 503),
                _ => matches!(status, 200 | 503),
            };
            slowest = slowest.max(took);
            if !right {
                wrong.push(format!("{status} for request {n}"));
            }
        }
        let after = RUNTIME.block_on(server.ask(10, ["/fine"; 3]));
        wrong.extend(
            after.into_iter().filter(|(status, _)| *status != 200).map(|(s, _)| format!("{s} afterwards")),
        );
    }
    std::panic::set_hook(told_by);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    let closed = wait_until(Duration::from_secs(5), || rig.database.text(open) == "0");
    let half = rig.database.text("SELECT count(*) FROM projects WHERE name = 'half'");
    verdict.see(format!("{times} × {each} requests at once, slowest answer {} ms", slowest.as_millis()));
    verdict.require(wrong.is_empty(), || format!("{} wrong answers, such as {}", wrong.len(), wrong[0]));
    verdict.require(closed.is_some(), || "a transaction stays open".to_owned());
    verdict.require(half == "0", || format!("{half} halves were saved"));
    verdict.count_requests(each * times as usize);
    others(load, &rig, verdict, Duration::from_secs(1));
}

fn out_of_descriptors(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let mut recipe = rig.recipe();
    recipe.under = ["prlimit", "--nofile=256", "--"].map(str::to_owned).to_vec();
    let mut console = recipe.serve();
    let address = console.address;
    let mut open = Vec::new();
    for _ in 0..400 {
        if let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            open.push(stream);
        }
    }
    let before = console.cpu();
    sleep(Duration::from_secs(3));
    let busy = console.cpu().saturating_sub(before).as_secs_f64() / 3.0;
    let count = open.len();
    drop(open);
    let back = wait_until(Duration::from_secs(20), || {
        status_of(address, "/login", Duration::from_millis(500)) == Some(200)
    });
    verdict.see(format!(
        "{count} connections on 256 descriptors, CPU {:.0} %, served again after {} ms",
        busy * 100.0,
        back.unwrap_or_default().as_millis()
    ));
    verdict.require(console.exited().is_none(), || "it crashed".to_owned());
    verdict.require(busy < 0.5, || format!("CPU {busy:.2}"));
    verdict.require(back.is_some_and(|took| took <= Duration::from_secs(1)), || format!("{back:?}"));
    verdict.count_requests(count);
}

fn disconnects(rounds: u32, verdict: &mut Verdict) {
    let (rig, console) = quiet_rig();
    let person = rig.person("hasty");
    let load = gentle(&rig, &console);
    let count = rounds * 100;
    for n in 0..count {
        let name = format!("ledger hasty {n}");
        let body = format!("name={}&type=nextjs", name.replace(' ', "+"));
        let request = format!("{}{body}", head("POST", "/projects", console.address, &person, body.len()));
        let mut stream = TcpStream::connect(console.address).unwrap();
        // Somewhere in it, or after all of it and some milliseconds.
        let part = (n as usize * 31) % (request.len() + 60);
        let sent = part.min(request.len());
        stream.write_all(&request.as_bytes()[..sent]).unwrap();
        sleep(Duration::from_micros(200 * part.saturating_sub(request.len()) as u64));
        drop(stream);
        let told = if sent < request.len() { Told::Refused } else { Told::Uncertain };
        load.ledger.note(Write::Project, &name, told);
    }
    sleep(Duration::from_secs(2));
    let open = rig.database.text(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' \
         AND state_change < now() - interval '1 second'",
    );
    verdict.see(format!("{count} forms cut off"));
    verdict.require(open == "0", || format!("{open} transactions stay open"));
    verdict.count_requests(count as usize);
    others(load, &rig, verdict, Duration::from_secs(1));
}

fn malformed(rounds: u32, verdict: &mut Verdict) {
    let (rig, mut console) = quiet_rig();
    let person = rig.person("odd");
    let load = gentle(&rig, &console);
    load.serve_more(50);
    let address = console.address;
    let requests = corpus(address, &person.cookie);
    let mut bad = all_at_once(address, &requests, WARM);
    sleep(Duration::from_secs(2));
    let memory = console.figure("VmRSS") / 1024;
    let count = requests.len() * rounds.min(100) as usize * 20;
    bad.extend(all_at_once(address, &requests, count));
    sleep(Duration::from_secs(2));
    let now = console.figure("VmRSS") / 1024;
    let count = count + WARM;
    verdict.see(format!("{count} odd requests, {} × 5xx, {memory} MB, then {now} MB", bad.len()));
    verdict.require(bad.is_empty(), || bad[0].clone());
    verdict.require(console.exited().is_none(), || "it crashed".to_owned());
    verdict.require(now * 10 <= memory * 11, || format!("{memory} MB, then {now} MB"));
    verdict.count_requests(count);
    let ledger = load.ledger.clone();
    let samples = load.stop();
    // With 200 at once on a small pool some have to wait; nobody may get less than a 503.
    verdict.requests(&samples, Duration::from_secs(2));
    verdict.writes(ledger.check(&rig.database));
}

/// Requests after which a process has taken the memory that such requests need.
const WARM: usize = 5000;

/// Sends `count` of `requests` in turn, 200 at once. Answers a sentence for each 5xx.
fn all_at_once(address: SocketAddr, requests: &[Vec<u8>], count: usize) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let bad = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    let request = &requests[n % requests.len()];
                    if let Some(status) = raw(address, request)
                        && status >= 500
                    {
                        let start = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
                        bad.lock().unwrap().push(format!("{status} for {start:?}"));
                    }
                }
            });
        }
    });
    bad.into_inner().unwrap()
}

/// The status of what `request` is answered with; none when the connection is closed.
fn raw(address: SocketAddr, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(request).ok()?;
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).ok()?;
    String::from_utf8_lossy(&head[9..]).parse().ok()
}

fn corpus(address: SocketAddr, cookie: &str) -> Vec<Vec<u8>> {
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n")
    };
    let post = |path: &str, kind: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let form = "application/x-www-form-urlencoded";
    let mut all: Vec<Vec<u8>> = [
        "/projects/%00",
        "/projects/%FF%FE",
        "/projects/..%2f..%2fetc",
        "/projects?page=%80",
        "/activity?cursor=%00",
        "/activity?from=9999999-99-99&to=x",
        "/activity?type=%F0%9F%92%A9&status='",
        "/search?q=%00%01%02",
        "/references/%00/%00",
        "/references/a/b/c/d%2F%2F",
        "/activity?before=1e999",
        "//",
        "/%",
        "/%zz",
        "/projects/00000000-0000-0000-0000-000000000000/activity?cursor=9223372036854775808.a.x",
    ]
    .iter()
    .map(|path| get(path).into_bytes())
    .collect();
    all.push(get(&format!("/search?q={}", "a".repeat(60_000))).into_bytes());
    all.push(get(&format!("/projects?{}", "a=b&".repeat(5000))).into_bytes());
    for body in
        ["", "name=%FF", "name=%00", "name", "&&&&", "name=a&name=b&type=%00", "%", "name=x&type=unheard-of"]
    {
        all.push(post("/projects", form, body).into_bytes());
    }
    all.push(post("/projects", "application/json", &"[".repeat(10_000)).into_bytes());
    all.push(post("/projects", form, &format!("name={}", "x".repeat(300_000))).into_bytes());
    all.push(post("/login", form, &format!("email={0}&password={0}", "%F0".repeat(2000))).into_bytes());
    all.push(b"GET / HTTP/9.9\r\n\r\n".to_vec());
    all.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    all.push(format!("GET / HTTP/1.1\r\nHost: {address}\r\n{}\r\n", "X: y\r\n".repeat(200)).into_bytes());
    all.push(format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "y".repeat(200_000)).into_bytes());
    all.push(
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nCookie: {}\r\n\r\n", "\u{ff}=;".repeat(500))
            .into_bytes(),
    );
    all.push(
        format!("POST /projects HTTP/1.1\r\nHost: {address}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx").into_bytes(),
    );
    all.push(format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: -1\r\n\r\n").into_bytes());
    all
}
