//! Faults around migrations, locks and transactions that collide.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::load::{Crowd, Load};
use crate::rig::{Rig, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R16",
        what: "two migrate an empty database at once, and one of them is killed on the way",
        target: "the next run finishes; the schema is the migrations'; no invalid index is left",
        run: two_migrators,
    },
    Fault {
        number: "R17",
        what: "a migration needs a table on which somebody holds rows for 5 s, under load",
        target: "it waits for them without holding up pages (none over 1 s), and is done in the end",
        run: lock_queue,
    },
    Fault {
        number: "R18",
        what: "workers lock projects in the opposite order of the console, so that they deadlock",
        target: "nobody sees it: every form is served",
        run: deadlocks,
    },
];

fn two_migrators(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    // Longer than nothing, shorter than a whole migration.
    let mut killed = 0;
    for round in 0..rounds.min(50) {
        let name = format!("fresh_{round}");
        rig.database.sql(&format!("CREATE DATABASE {name} STRATEGY FILE_COPY"));
        let mut recipe = rig.recipe();
        for value in recipe.values.values_mut() {
            if let Some(server) = value.strip_suffix("/pilothouse") {
                *value = format!("{server}/{name}");
            }
        }
        let migrate =
            || recipe.command(&["migrate"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut first, second) = (migrate(), migrate());
        sleep(Duration::from_millis(20 + u64::from(round) * 37 % 400));
        killed += u32::from(first.try_wait().unwrap().is_none());
        let _ = first.kill();
        let _ = first.wait();
        let second = second.wait_with_output().unwrap();
        verdict.require(second.status.success(), || {
            format!("the other one failed: {}", String::from_utf8_lossy(&second.stderr))
        });
        let checked = recipe.command(&["doctor"]).output().unwrap();
        let told = String::from_utf8_lossy(&checked.stdout).into_owned();
        verdict.require(checked.status.success(), || format!("doctor: {told}"));
        let invalid = rig.database.text("SELECT count(*) FROM pg_index WHERE NOT indisvalid");
        verdict.require(invalid == "0", || format!("{invalid} invalid indexes"));
        rig.database.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
    verdict.see(format!("{} databases, {killed} migrators killed on the way", rounds.min(50)));
}

fn lock_queue(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let crowd = Crowd::usual(&rig, &console);
    let load = Load::start(&crowd);
    load.serve_more(50);
    // As if the migration that makes triggers and indexes had not run: it needs each table for itself.
    rig.database.sql("DELETE FROM __diesel_schema_migrations WHERE version LIKE '20261120000108%'");
    let mut holder = rig.database.connect();
    holder
        .batch_execute(
            "BEGIN; UPDATE projects SET description = 'held' WHERE name = 'ledger 1'; \
        LOCK TABLE projects, turbobackend.project_actions IN ACCESS SHARE MODE; \
        INSERT INTO turbobackend.project_actions (action_id, action_type, status, environment, created_at) \
        VALUES ('held', 'deployment', 'success', 'production', 1)",
        )
        .unwrap();
    let began = Instant::now();
    let mut migrator =
        rig.recipe().command(&["migrate"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_secs(5));
    let early = migrator.try_wait().unwrap().is_some();
    let under = load.samples();
    holder.batch_execute("ROLLBACK").unwrap();
    // It gives way to everybody, so on a busy machine it takes a while.
    let done = wait_until(Duration::from_mins(1), || migrator.try_wait().unwrap().is_some());
    let status = migrator.wait().unwrap();
    let ledger = load.ledger.clone();
    let samples = load.stop();
    let slowest =
        under.iter().filter(|s| s.at > began && !s.is_write).map(|s| s.took).max().unwrap_or_default();
    verdict.see(format!(
        "slowest page meanwhile {} ms; done {} s after the rows were let go",
        slowest.as_millis(),
        done.unwrap_or_default().as_secs()
    ));
    verdict.require(!early && done.is_some() && status.success(), || format!("early {early}, {status}"));
    verdict.require(slowest < Duration::from_secs(1), || format!("a page took {slowest:?}"));
    verdict.requests(&samples, Duration::from_millis(1200));
    verdict.writes(ledger.check(&rig.database));
}

/// A trigger makes the console take two rows in one order, and workers take them in the other.
fn deadlocks(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    rig.database.sql(
        "CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0); \
         CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
             UPDATE public.pair SET n = n + 1 WHERE id = 1; PERFORM pg_sleep(0.005); \
             UPDATE public.pair SET n = n + 1 WHERE id = 2; RETURN NEW; END $$; \
         CREATE TRIGGER collide AFTER INSERT ON projects FOR EACH ROW EXECUTE FUNCTION collide()",
    );
    rig.database.sql("ALTER SYSTEM SET deadlock_timeout = '50ms'");
    rig.database.sql("SELECT pg_reload_conf()");
    let console = rig.recipe().serve();
    let mut crowd = Crowd::usual(&rig, &console);
    (crowd.writers, crowd.readers) = (2, 2);
    let load = Load::start(&crowd);
    let worker = rig.database.connect();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = stop.clone();
    let thread = std::thread::spawn(move || {
        let mut conn = worker;
        while !told.load(std::sync::atomic::Ordering::Relaxed) {
            let turn = "BEGIN; UPDATE pair SET n = n WHERE id = 2; SELECT pg_sleep(0.01); \
                        UPDATE pair SET n = n WHERE id = 1; COMMIT";
            if conn.batch_execute(turn).is_err() {
                let _ = conn.batch_execute("ROLLBACK");
            }
            sleep(Duration::from_millis(60));
        }
    });
    sleep(Duration::from_secs(u64::from(rounds.min(20)) + 3));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    thread.join().unwrap();
    let ledger = load.ledger.clone();
    let samples = load.stop();
    let met = rig.database.text("SELECT deadlocks FROM pg_stat_database WHERE datname = 'pilothouse'");
    verdict.see(format!("{met} deadlocks"));
    verdict.require(met != "0", || "there was no deadlock at all".to_owned());
    let seen = verdict.requests(&samples, Duration::from_millis(1200));
    verdict.require(seen.unavailable == 0, || format!("{} forms were refused", seen.unavailable));
    verdict.writes(ledger.check(&rig.database));
}
