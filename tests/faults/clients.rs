//! Faults of those who ask: too many, too slow, gone in the middle, nonsense.

use std::fs;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ledger::{Told, Write};
use crate::load::{Crowd, Ending, Load, RUNTIME, head};
use crate::rig::{Console, Rig, status_of, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R21",
        what: "10,000 connections that ask once and then stay (as many as the machine's limits allow)",
        target: "memory below 300 MB; new requests p99 below 500 ms meanwhile; all idle ones closed after",
        run: idle_connections,
    },
    Fault {
        number: "R23",
        what: "slow clients: the head, the body, the second head of a connection at a byte a second",
        target: "all closed within 35 s; others are served meanwhile within 1 s",
        run: slow_clients,
    },
    Fault {
        number: "R24",
        what: "more connections than file descriptors",
        target: "no crash, no busy loop (CPU below 50 %); served again within 1 s",
        run: out_of_descriptors,
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
        target: "no 5xx, no crash; memory returns to within 30 MB",
        run: malformed,
    },
];

fn quiet_rig() -> (Rig, Console) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    (rig, console)
}

/// What other people see meanwhile: judges their requests.
fn others(load: Load, rig: &Rig, verdict: &mut Verdict, slowest: Duration) {
    let ledger = load.ledger.clone();
    let samples = load.stop();
    let refused = samples.iter().filter(|sample| sample.ending != Ending::Served).count();
    verdict.require(refused == 0, || format!("{refused} other requests were not served"));
    let mut took: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    verdict.see(format!("others' p99 {} ms", p99.as_millis()));
    verdict.require(p99 < slowest, || format!("others' p99 was {p99:?}"));
    verdict.count_requests(samples.len());
    verdict.writes(ledger.check(&rig.database));
}

fn gentle(rig: &Rig, console: &Console) -> Load {
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
    others(load, &rig, verdict, Duration::from_millis(500));
    verdict.count_requests(open.len());
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", console.pid())).map_or(0, Iterator::count);
    let closed = wait_until(Duration::from_secs(40), || descriptors() < 100);
    verdict.require(closed.is_some(), || format!("{} descriptors stay open", descriptors()));
}

fn slow_clients(rounds: u32, verdict: &mut Verdict) {
    let (rig, console) = quiet_rig();
    let person = rig.person("slow");
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let address = console.address;
    let each = usize::try_from(rounds.max(5) * 10).unwrap().min(1000);
    let whole = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let form = head("POST", "/projects", address, &person, 1000);
    // What is sent at once, and what then trickles.
    let kinds: [(&str, String); 3] =
        [("head", String::new()), ("body", form), ("second head", whole.clone())];
    let longest = RUNTIME.block_on(async {
        let mut tasks = Vec::new();
        for (kind, at_once) in kinds {
            for _ in 0..each {
                let at_once = at_once.clone();
                tasks.push(tokio::spawn(async move {
                    let began = Instant::now();
                    let closed = trickle(address, &at_once).await;
                    (kind, closed.then(|| began.elapsed()))
                }));
            }
        }
        let mut longest = Duration::ZERO;
        let mut open = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (_, Some(took)) => longest = longest.max(took),
                (kind, None) => open.push(kind),
            }
        }
        open.sort_unstable();
        open.dedup();
        (longest, open)
    });
    let (longest, open) = longest;
    verdict.see(format!("{} slow connections, closed after {} s at most", each * 3, longest.as_secs()));
    verdict.require(open.is_empty(), || format!("still open after 40 s: {}", open.join(", ")));
    verdict.require(longest <= Duration::from_secs(35), || format!("closed after {longest:?}"));
    verdict.count_requests(each * 3);
    others(load, &rig, verdict, Duration::from_secs(1));
}

/// Sends `at_once`, then a byte a second. Answers whether the console closed the connection within 40 s.
async fn trickle(address: SocketAddr, at_once: &str) -> bool {
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return true };
    let _ = stream.write_all(at_once.as_bytes()).await;
    let give_up = Instant::now() + Duration::from_secs(40);
    let mut bytes = b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x'));
    let mut answer = [0_u8; 4096];
    while Instant::now() < give_up {
        if stream.write_all(&[*bytes.next().unwrap()]).await.is_err() {
            return true;
        }
        let wait = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut answer)).await;
        if matches!(wait, Ok(Ok(0) | Err(_))) {
            return true;
        }
    }
    false
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
    let count = rounds * 40;
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
    let memory = console.figure("VmRSS") / 1024;
    let address = console.address;
    let requests = corpus(address, &person.cookie);
    let count = requests.len() * usize::try_from(rounds.min(20)).unwrap() * 10;
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
    let bad = bad.into_inner().unwrap();
    sleep(Duration::from_secs(2));
    let more = (console.figure("VmRSS") / 1024).saturating_sub(memory);
    verdict.see(format!("{count} odd requests, {} × 5xx, + {more} MB", bad.len()));
    verdict.require(bad.is_empty(), || bad[0].clone());
    verdict.require(console.exited().is_none(), || "it crashed".to_owned());
    verdict.require(more < 30, || format!("+ {more} MB"));
    verdict.count_requests(count);
    let ledger = load.ledger.clone();
    let samples = load.stop();
    // With 200 at once on a small pool some have to wait; nobody may get less than a 503.
    verdict.requests(&samples, Duration::from_secs(2));
    verdict.writes(ledger.check(&rig.database));
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
