//! What is kept for a time is deleted beside everything else, and nothing beside it.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::load::{Crowd, Ending, Load, Worker, rate};
use crate::rig::Rig;
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[Fault {
    number: "R33",
    what: "retention deletes 1 M of 2 M chat messages under 200 requests a second, is killed on the way, and begins again \
           (`RETENTION_ROWS` says how many there are)",
    target: "p99 of pages below 200 ms, none refused; exactly what is older than the rule is gone, what is held stays; \
             another run deletes nothing; one entry says how many went",
    run: retention,
}];

fn retention(_: u32, verdict: &mut Verdict) {
    let rows: u64 =
        std::env::var("RETENTION_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(2_000_000);
    let rig = Rig::new();
    let console = rig.recipe().serve();
    // Half of them are over; one in a thousand of those belongs to somebody who is held.
    rig.database.sql(&format!(
        "INSERT INTO users (id, email) VALUES ('10000000-0000-4000-8000-000000000001', 'held@faults.test'); \
         INSERT INTO containers (id, container_id, name, user_id) VALUES \
             ('30000000-0000-4000-8000-000000000001', 'held', 'held', '10000000-0000-4000-8000-000000000001'), \
             ('30000000-0000-4000-8000-000000000002', 'free', 'free', NULL); \
         INSERT INTO pilothouse.holds (kind, id, name, reason, placed_by) \
             VALUES ('user', '10000000-0000-4000-8000-000000000001', 'held', 'a dispute', 'a test'); \
         INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
             SELECT CASE WHEN n % 2000 = 0 THEN '30000000-0000-4000-8000-000000000001'::uuid \
                         ELSE '30000000-0000-4000-8000-000000000002'::uuid END, \
                    's' || n / 20, 'user', 'a message of some length, as they are', \
                    now() - CASE WHEN n % 2 = 0 THEN interval '200 days' ELSE interval '100 days' END - n * interval '1 second' \
             FROM generate_series(1, {rows}) n; \
         ANALYZE"
    ));
    let old = "chat_messages WHERE created_at < now() - interval '180 days' \
               AND container_id <> '30000000-0000-4000-8000-000000000001'";
    let count =
        |what: &str| rig.database.text(&format!("SELECT count(*) FROM {what}")).parse::<u64>().unwrap();
    let (due, held) =
        (count(old), count("chat_messages WHERE container_id = '30000000-0000-4000-8000-000000000001'"));
    let younger = count("chat_messages") - due - held;

    // Nobody may act as often as this by forms, so a worker writes.
    let crowd =
        Crowd { writers: 0, readers: 5, pause: Duration::from_millis(20), ..Crowd::usual(&rig, &console) };
    let load = Load::start(&crowd);
    let worker = Worker::start(rig.database.owner_url(), load.ledger.clone());
    load.serve_more(50);
    let from = Instant::now();
    let command = || {
        let mut command = rig.recipe().command(&["retention"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    };
    let mut first = command().spawn().unwrap();
    sleep(Duration::from_secs(5));
    first.kill().unwrap();
    first.wait().unwrap();
    let killed_at = due - count(old);
    let second = command().output().unwrap();
    let took = from.elapsed();
    drop(worker);
    let ledger = load.ledger.clone();
    let mut samples = load.stop();
    samples.retain(|sample| sample.at >= from);

    let mut pages: Vec<u128> = samples.iter().map(|sample| sample.took.as_millis()).collect();
    pages.sort_unstable();
    let p99 = pages.get(pages.len() * 99 / 100).copied().unwrap_or(u128::MAX);
    let refused = samples.iter().filter(|sample| sample.ending != Ending::Served).count();
    verdict.see(format!(
        "{due} gone in {} s, killed after {killed_at}; {} requests a second, pages p99 {p99} ms, {refused} refused",
        took.as_secs(),
        rate(&samples)
    ));
    verdict.count_requests(samples.len());
    verdict.writes(ledger.check(&rig.database));
    verdict.require(second.status.success(), || "the second run failed".to_owned());
    verdict.require(killed_at > 0 && killed_at < due, || {
        format!("killed after {killed_at}, which is not on the way")
    });
    verdict.require(p99 < 200, || format!("p99 {p99} ms"));
    verdict.require(refused == 0, || format!("{refused} refused"));
    let left = count(old);
    verdict.require(left == 0, || format!("{left} are left"));
    let kept = count("chat_messages");
    verdict.require(kept == younger + held, || format!("{kept} instead of {} are kept", younger + held));
    let third = String::from_utf8_lossy(&command().output().unwrap().stdout).into_owned();
    verdict.require(third.contains("Deleted: nothing."), || third.clone());
    let told = rig
        .database
        .text("SELECT string_agg(\"targetName\", ' | ') FROM \"ActivityLog\" WHERE \"activityType\" = 'retention.ran'");
    verdict.require(told == format!("{due} chat messages"), || told.clone());
}
