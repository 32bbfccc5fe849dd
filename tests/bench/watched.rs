//! Pages that are open: what two thousand of them take, and how soon one is told of what another window did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pilothouse::postgres::SUPERUSER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::{pages, transactions_at};
use crate::report::figure;
use crate::stage::Stage;
use crate::{Wishes, biggest, http, timeline_of_biggest};

const STREAMS: usize = 2_000;
/// Of these, so many watch the project in which everything happens.
const BUSY: usize = 50;
/// Streams that one session may have.
const OF_A_SESSION: usize = 16;

/// Keeps `cookies`' streams open, each up to sixteen times, and counts those that said hello.
fn open(
    runtime: &tokio::runtime::Runtime,
    base: &str,
    cookies: &[String],
    count: usize,
    open: &Arc<AtomicUsize>,
) {
    let host = base.trim_start_matches("http://").to_owned();
    for n in 0..count {
        let (host, cookie, open) = (host.clone(), cookies[n / OF_A_SESSION].clone(), Arc::clone(open));
        runtime.spawn(async move {
            let mut stream = TcpStream::connect(&host).await.ok()?;
            let head = format!("GET /live HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            let (mut chunk, mut seen) = (vec![0; 4096], String::new());
            let mut has_begun = false;
            loop {
                let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
                if !has_begun {
                    seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
                    has_begun = seen.contains("event: hello");
                    open.fetch_add(usize::from(has_begun), Ordering::SeqCst);
                }
            }
            #[expect(unreachable_code, reason = "what the block answers when a stream ends")]
            Some(())
        });
    }
}

pub fn streams(wishes: &Wishes, stage: &Stage) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (path, seconds) = (timeline_of_biggest(stage), wishes.seconds.max(3));
    let beside = |stage: &Stage| pages(stage, &path, &stage.one.cookie, 1, seconds);
    let (alone, memory) = (beside(stage), stage.memory());
    let opened = Arc::new(AtomicUsize::new(0));
    let busy = stage.more_sessions(&stage.one, BUSY / OF_A_SESSION + 1);
    let quiet = stage.more_sessions(&stage.many, (STREAMS - BUSY) / OF_A_SESSION + 1);
    let began = Instant::now();
    open(&runtime, &stage.base, &busy, BUSY, &opened);
    open(&runtime, &stage.base, &quiet, STREAMS - BUSY, &opened);
    while opened.load(Ordering::SeqCst) < STREAMS && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (count, took) = (opened.load(Ordering::SeqCst), began.elapsed());
    std::thread::sleep(Duration::from_secs(3));
    let (before, watch) = (stage.cpu(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let (after, watched) = (stage.cpu(), watch.elapsed().as_secs_f64());
    let share = |before: f64, after: f64| figure((after - before) / watched * 100.0);
    let with = beside(stage);
    println!("## Streams\n");
    println!(
        "{count} streams, {BUSY} of them on the busy project, open after {:.1} s: {:.0} MiB resident, {memory:.0} MiB without \
         them. While nothing happens they take {} % of a core in the console and {} % in PostgreSQL. A page beside them: p50 \
         {} ms and p99 {} ms; without them {} and {} ms.\n",
        took.as_secs_f64(),
        stage.memory(),
        share(before.0, after.0),
        share(before.1, after.1),
        figure(with.p50_ms),
        figure(with.p99_ms),
        figure(alone.p50_ms),
        figure(alone.p99_ms),
    );
    told(stage, &path, seconds * 4);
}

/// From the commit to a page that has it, while a hundred commits a second go into the same project.
fn told(stage: &Stage, path: &str, seconds: u32) {
    let project = biggest(stage);
    // The load is a year old by its own clock: what is waited for stays on the first page.
    let act = |id: &str, age: &str| {
        format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, created_at) VALUES \
             ({id}, '{project}', 'deployment', 'success', \
             floor(extract(epoch FROM clock_timestamp() - interval '{age}') * 1000)::bigint)"
        )
    };
    let mut lags: Vec<f64> = Vec::new();
    std::thread::scope(|scope| {
        let load =
            format!("\\set n random(1, 1000000000)\n{};\n", act("'live_' || :n || random()", "1 year"));
        let others = scope.spawn(move || transactions_at(stage, SUPERUSER, &load, 100, seconds));
        let (mut conn, mut stream) =
            (stage.connect(), http::Stream::open(&stage.base, "/live", &stage.one.cookie));
        let until = Instant::now() + Duration::from_secs(u64::from(seconds));
        for n in 0.. {
            if Instant::now() > until {
                break;
            }
            let id = format!("live_mark_{}_{n}", std::process::id());
            conn.batch_execute(&act(&format!("'{id}'"), "0 s")).unwrap();
            let committed = Instant::now();
            while committed.elapsed() < Duration::from_secs(10) {
                stream.wait_for("event: change");
                let page = http::get(&stage.base, path, &stage.one.cookie);
                if String::from_utf8_lossy(&page.body).contains(&id) {
                    break;
                }
            }
            lags.push(committed.elapsed().as_secs_f64());
            std::thread::sleep(Duration::from_millis(37));
        }
        let _ = others.join();
    });
    lags.sort_by(f64::total_cmp);
    let at = |share: f64| lags[((lags.len() - 1) as f64 * share) as usize];
    println!(
        "From a commit to a page that was told of it and has it, with a hundred commits a second: median {:.2} s, p99 {:.2} s \
         ({} times). Wanted: 0.7 and 1.5 s.\n",
        at(0.5),
        at(0.99),
        lags.len()
    );
    stage.forget_actions("live\\_%");
}
