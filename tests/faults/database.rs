//! Faults of PostgreSQL and of the way to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::load::{Crowd, Ending, Load, Seen, Worker};
use crate::proxy::Weather;
use crate::rig::{Console, Database, Directory, Rig, answer_of, send_signal, status_of, wait_until};
use crate::verdict::{Episode, Fault, Verdict};

/// The longest that anybody waits for an answer while the database is away.
const ANSWER: Duration = Duration::from_millis(1200);
/// Full service after the database's return.
const BACK: Duration = Duration::from_secs(1);

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R1",
        what: "a backend of PostgreSQL is killed",
        target: "nothing acknowledged lost, nothing refused half there; full service 1 s after recovery",
        run: backend_killed,
    },
    Fault {
        number: "R2",
        what: "PostgreSQL is killed and comes back: once after 20 s, then at once",
        target: "503 within 1.2 s, while `/healthz`, assets and the sign-in page stay 200 and `/readyz` says 503; full service 1 s after its return; nothing lost",
        run: server_killed,
    },
    Fault {
        number: "R3",
        what: "PostgreSQL freezes: once for 30 s, then for 3 s",
        target: "503 within 1.2 s, threads bounded; full service 1 s after the thaw; no double write",
        run: server_frozen,
    },
    Fault {
        number: "R4",
        what: "PostgreSQL is restarted; down for 3 s",
        target: "503 within 1.2 s; full service 1 s after its return; nothing lost",
        run: server_restarted,
    },
    Fault {
        number: "R5",
        what: "PostgreSQL takes no writes",
        target: "every page is read; every write is a 503; no 500",
        run: read_only,
    },
    Fault {
        number: "R6",
        what: "other programs take all connections of PostgreSQL: once for 60 s, then for 2 s",
        target: "p99 of the 503s below 1.1 s, the slowest 1.2 s; no more threads; full service 1 s after",
        run: out_of_connections,
    },
    Fault {
        number: "R7",
        what: "2,000 clients at once while tables are locked",
        target: "nothing but 503, within 2 s each; memory + 100 MB at most; all served after",
        run: saturated,
    },
    Fault {
        number: "R8",
        what: "PostgreSQL is 50 ms away; then every recorded action takes 3 s",
        target: "at + 50 ms all is served, p99 below 1 s; slow writes are 503 within 1.2 s and leave nothing",
        run: slow,
    },
    Fault {
        number: "R9",
        what: "the way to PostgreSQL goes silent without closing, once for 60 s, then for 5 s; later all connections are cut",
        target: "503 within 1.2 s; full service 1 s after; nothing lost",
        run: silent,
    },
    Fault {
        number: "R10",
        what: "PostgreSQL's disk is full: once for 60 s, then for 4 s, a little coming free now and then",
        target: "nothing acknowledged lost, no 500; full service without help 1 s after there is room and PostgreSQL answers",
        run: disk_full,
    },
];

/// The usual run: a console under load, something that happens again and again, and the usual judgement.
fn again_and_again(
    rounds: u32,
    verdict: &mut Verdict,
    slowest: Duration,
    mut fault: impl FnMut(&mut Rig, &Console, u32) -> Episode,
) -> Seen {
    let mut rig = Rig::new();
    let console = rig.recipe().serve();
    let load = Load::start(&Crowd::usual(&rig, &console));
    load.serve_more(50);
    let threads = console.figure("Threads");
    let mut episodes = Vec::new();
    for round in 0..rounds {
        let worker = Worker::start(rig.database.owner_url(), load.ledger.clone());
        episodes.push(fault(&mut rig, &console, round));
        sleep(Duration::from_millis(1200));
        load.serve_more(30);
        drop(worker);
    }
    let more_threads = console.figure("Threads").saturating_sub(threads);
    let ledger = load.ledger.clone();
    let samples = load.stop();
    verdict.see(format!("{rounds} rounds"));
    let seen = verdict.requests(&samples, slowest);
    verdict.require(seen.broken + seen.unsent == 0, || {
        format!("{} connections ended unanswered", seen.broken + seen.unsent)
    });
    verdict.recovery(&samples, &episodes, BACK);
    verdict.require(more_threads <= 24, || format!("{more_threads} more threads"));
    verdict.writes(ledger.check(&rig.database));
    seen
}

/// `long` in the first round, `short` in all others.
fn hold(round: u32, long: u64, short: u64) -> Duration {
    Duration::from_secs(if round == 0 { long } else { short })
}

/// What a console without its database still has to do; a sentence for each thing that it does not.
fn while_away(console: &Console) -> Vec<String> {
    let login = answer_of(console.address, "/login", BACK);
    let asset =
        login.split('"').find(|text| text.starts_with("/assets/")).unwrap_or("/assets/none").to_owned();
    [("/healthz", 200), ("/readyz", 503), ("/login", 200), (&asset, 200)]
        .into_iter()
        .map(|(path, due)| (path, due, status_of(console.address, path, Duration::from_secs(2))))
        .filter(|(_, due, status)| *status != Some(*due))
        .map(|(path, due, status)| format!("{path} is {status:?} instead of {due}"))
        .collect()
}

fn backend_killed(rounds: u32, verdict: &mut Verdict) {
    again_and_again(rounds, verdict, ANSWER, |rig, _, _| {
        let pid = rig.database.text(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'pilothouse_console' ORDER BY state, random() LIMIT 1",
        );
        let from = Instant::now();
        send_signal("KILL", &pid);
        // The server ends all sessions and recovers.
        wait_until(Duration::from_secs(2), || rig.database.try_connect().is_err());
        rig.database.connect();
        Episode { from, back: Instant::now() }
    });
}

fn server_killed(rounds: u32, verdict: &mut Verdict) {
    let mut amiss = Vec::new();
    again_and_again(rounds, verdict, ANSWER, |rig, console, round| {
        let pid = rig.database.pid();
        let from = Instant::now();
        send_signal("KILL", &pid.to_string());
        wait_until(Duration::from_secs(2), || rig.database.try_connect().is_err());
        if round == 0 {
            // Also whatever has taken its place already.
            rig.database.stop();
            // A backend whose server was killed ends when it next waits for its client.
            sleep(Duration::from_secs(1));
            amiss = while_away(console);
            sleep(Duration::from_secs(20).saturating_sub(from.elapsed()));
            let back = rig.database.start_again();
            return Episode { from, back };
        }
        rig.database.connect();
        Episode { from, back: Instant::now() }
    });
    verdict.misses.extend(amiss);
}

fn server_frozen(rounds: u32, verdict: &mut Verdict) {
    again_and_again(rounds, verdict, ANSWER, |rig, _, round| {
        let from = Instant::now();
        rig.database.signal_all("STOP");
        sleep(hold(round, 30, 3));
        rig.database.signal_all("CONT");
        Episode { from, back: Instant::now() }
    });
}

fn server_restarted(rounds: u32, verdict: &mut Verdict) {
    again_and_again(rounds, verdict, ANSWER, |rig, _, _| {
        let from = Instant::now();
        rig.database.stop();
        sleep(Duration::from_secs(3));
        let back = rig.database.start_again();
        Episode { from, back }
    });
}

fn silent(rounds: u32, verdict: &mut Verdict) {
    again_and_again(rounds, verdict, ANSWER, |rig, _, round| {
        let from = Instant::now();
        rig.proxy.set(Weather::Silent);
        sleep(hold(round, 60, 5));
        rig.proxy.set(Weather::Fair);
        sleep(Duration::from_millis(500));
        rig.proxy.cut();
        Episode { from, back: Instant::now() }
    });
}

fn read_only(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let load = Load::start(&Crowd::usual(&rig, &console));
    load.serve_more(50);
    let (mut reads, mut writes, mut wrong) = (0, 0, 0);
    let mut episodes = Vec::new();
    for _ in 0..rounds.min(5) {
        let set = |value: &str| {
            let mut conn = rig.database.connect();
            conn.batch_execute("SET default_transaction_read_only = off").unwrap();
            conn.batch_execute(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).unwrap();
            conn.batch_execute("SELECT pg_reload_conf()").unwrap();
        };
        let from = Instant::now();
        set("on");
        // A backend takes a new setting between two of its transactions.
        sleep(Duration::from_millis(300));
        let settled = Instant::now();
        load.serve_more(30);
        sleep(Duration::from_millis(500));
        let until = Instant::now();
        set("off");
        episodes.push(Episode { from, back: Instant::now() });
        for sample in load.samples().iter().filter(|s| s.at > settled && s.at + s.took < until) {
            match (sample.is_write, &sample.ending) {
                (true, Ending::Unavailable) => writes += 1,
                (false, Ending::Served) => reads += 1,
                _ => wrong += 1,
            }
        }
        sleep(Duration::from_millis(1300));
    }
    let ledger = load.ledger.clone();
    let samples = load.stop();
    verdict.requests(&samples, ANSWER);
    verdict.see(format!("while read-only {reads} pages served and {writes} writes refused"));
    verdict.require(wrong == 0 && reads > 0 && writes > 0, || format!("{wrong} otherwise"));
    verdict.recovery(&samples, &episodes, BACK);
    verdict.writes(ledger.check(&rig.database));
}

fn out_of_connections(rounds: u32, verdict: &mut Verdict) {
    let seen = again_and_again(rounds.min(20), verdict, ANSWER, |rig, _, round| {
        let from = Instant::now();
        let mut owner = rig.database.connect();
        owner
            .batch_execute(
                "DO $$ BEGIN CREATE ROLE hog LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            )
            .unwrap();
        owner
            .batch_execute(
                "ALTER ROLE pilothouse_console CONNECTION LIMIT 0; \
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pilothouse'",
            )
            .unwrap();
        // Not as a superuser, for whom the server keeps some back.
        let url = rig.database.owner_url().replace("postgres@", "hog@");
        let mut taken = Vec::new();
        while let Ok(conn) = PgConnection::establish(&url) {
            taken.push(conn);
        }
        owner.batch_execute("ALTER ROLE pilothouse_console CONNECTION LIMIT -1").unwrap();
        sleep(hold(round, 60, 2));
        drop(taken);
        Episode { from, back: Instant::now() }
    });
    let p99 = seen.unavailable_p99();
    verdict.see(format!("p99 of the 503s {} ms", p99.as_millis()));
    verdict.require(p99 < Duration::from_millis(1100), || format!("p99 of the 503s {p99:?}"));
}

fn saturated(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let mut crowd = Crowd::usual(&rig, &console);
    let gentle = Load::start(&crowd);
    gentle.serve_more(50);
    gentle.stop();
    let (memory, threads) = (console.figure("VmRSS"), console.figure("Threads"));
    (crowd.writers, crowd.readers, crowd.pause) = (1000, 1000, Duration::from_secs(1));
    let mut locker = rig.database.connect();
    locker.batch_execute("BEGIN; LOCK TABLE projects, sessions IN ACCESS EXCLUSIVE MODE").unwrap();
    let load = Load::start(&crowd);
    sleep(Duration::from_secs(12));
    let more_memory = console.figure("VmRSS").saturating_sub(memory) / 1024;
    let more_threads = console.figure("Threads").saturating_sub(threads);
    let ledger = load.ledger.clone();
    let samples = load.stop();
    locker.batch_execute("ROLLBACK").unwrap();
    let back = Instant::now();
    crowd.writers = 6;
    crowd.readers = 4;
    let after = Load::with_ledger(&crowd, ledger.clone());
    sleep(Duration::from_millis(1500));
    after.serve_more(50);
    let after = after.stop();
    verdict.requests(&samples, Duration::from_secs(2));
    let served = samples.iter().filter(|sample| sample.ending != Ending::Unavailable).count();
    verdict.require(served == 0, || format!("{served} were not answered with a 503"));
    verdict.see(format!("+ {more_memory} MB, + {more_threads} threads"));
    verdict.require(more_memory < 100 && more_threads <= 24, || "memory or threads grew".to_owned());
    verdict.recovery(&after, &[Episode { from: back, back }], BACK);
    verdict.count_requests(after.len());
    verdict.writes(ledger.check(&rig.database));
}

fn slow(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let load = Load::start(&Crowd::usual(&rig, &console));
    load.serve_more(50);
    let from = Instant::now();
    // There and back.
    rig.proxy.set(Weather::Latency(Duration::from_millis(25)));
    sleep(Duration::from_secs(5));
    let until = Instant::now();
    rig.proxy.set(Weather::Fair);
    let mut far: Vec<_> =
        load.samples().into_iter().filter(|s| s.at > from && s.at + s.took < until).collect();
    let refused = far.iter().filter(|sample| sample.ending != Ending::Served).count();
    far.sort_by_key(|sample| sample.took);
    let p99 = far[far.len() * 99 / 100].took;
    verdict.see(format!(
        "at + 50 ms p99 {} ms over {} requests, {refused} refused",
        p99.as_millis(),
        far.len()
    ));
    verdict
        .require(p99 < Duration::from_secs(1) && refused == 0, || format!("p99 {p99:?}, {refused} refused"));
    rig.database.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$; \
         CREATE TRIGGER dawdle BEFORE INSERT ON turbobackend.project_actions FOR EACH ROW EXECUTE FUNCTION dawdle()",
    );
    sleep(Duration::from_secs(4));
    rig.database.sql("DROP TRIGGER dawdle ON turbobackend.project_actions");
    let back = Instant::now();
    sleep(Duration::from_millis(1500));
    load.serve_more(50);
    let ledger = load.ledger.clone();
    let samples = load.stop();
    verdict.requests(&samples, ANSWER);
    // A thread that was given up sleeps on until its statement's timeout: that is half a second more.
    verdict.recovery(&samples, &[Episode { from, back }], BACK);
    verdict.writes(ledger.check(&rig.database));
}

fn disk_full(rounds: u32, verdict: &mut Verdict) {
    let dir = Directory::new();
    let disk = dir.0.join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512m", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        verdict.misses.push("not run: needs root, to mount a small disk".to_owned());
        return;
    }
    fs::set_permissions(&disk, fs::Permissions::from_mode(0o711)).unwrap();
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let rig = Rig::on(Database::start(&disk), dir);
        let console = rig.recipe().serve();
        let load = Load::start(&Crowd::usual(&rig, &console));
        load.serve_more(50);
        let mut episodes = Vec::new();
        for round in 0..rounds.min(20) {
            let from = Instant::now();
            let filler = disk.join("filler");
            let _ = Command::new("dd")
                .args(["if=/dev/zero", "bs=64k", "status=none"])
                .arg(format!("of={}", filler.display()))
                .stderr(std::process::Stdio::null())
                .status();
            // Makes the server need room at once: a new segment of its log.
            if let Ok(mut conn) = rig.database.try_connect() {
                let _ = conn.batch_execute("SELECT pg_switch_wal()");
                let _ = conn.batch_execute(
                    "CREATE TABLE bulk AS SELECT repeat('x', 900) FROM generate_series(1, 40000)",
                );
            }
            let room = Instant::now() + hold(round, 60, 4);
            while Instant::now() < room {
                sleep(Duration::from_millis(200));
                // A page or two, which the one table gets and the other does not.
                if round % 2 == 1
                    && let Ok(file) = fs::OpenOptions::new().write(true).open(&filler)
                {
                    let length = file.metadata().map_or(0, |metadata| metadata.len());
                    let _ = file.set_len(length.saturating_sub(16 << 10));
                }
            }
            fs::remove_file(&filler).unwrap();
            // Recovery, if the server gave up, needs the room first.
            let mut conn = rig.database.connect();
            let _ = conn.batch_execute("DROP TABLE IF EXISTS bulk");
            episodes.push(Episode { from, back: Instant::now() });
            sleep(Duration::from_millis(1500));
            load.serve_more(30);
        }
        let ledger = load.ledger.clone();
        let samples = load.stop();
        let seen = verdict.requests(&samples, ANSWER);
        verdict.require(seen.unavailable > 0, || "the full disk was not noticed at all".to_owned());
        verdict.recovery(&samples, &episodes, BACK);
        verdict.writes(ledger.check(&rig.database));
    }));
    let _ = Command::new("umount").arg("-l").arg(&disk).status();
    // The directory could not be removed with the disk in it.
    let _ = disk.parent().map(fs::remove_dir_all);
    verdict.require(run.is_ok(), || "the run itself failed".to_owned());
}
