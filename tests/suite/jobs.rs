//! The queue and its runner: what is asked for is done once, whatever becomes of whoever does it.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use pilothouse::db::cursor::PageStart;
use pilothouse::db::{Actor, DbError};
use pilothouse::jobs::{Context, Job, JobError, Outcome, Runner};
use pilothouse::queue::claims::{self, LEASE};
use pilothouse::queue::{Kind, NewJob, enqueue, queries};
use serde_json::json;

use crate::support::console::Console;

const LONG: Duration = Duration::from_mins(5);

fn kind(name: &str) -> Kind {
    Kind::Other(name.to_owned())
}

fn job(
    name: &str,
    deadline: Duration,
    run: impl Fn(&Context) -> Result<Outcome, JobError> + Send + Sync + 'static,
) -> Job {
    Job::new(kind(name), deadline, run)
}

fn ask(console: &Console, job: &NewJob) -> bool {
    console.app.db.write_blocking(&Actor::System, |conn| enqueue(conn, job).map_err(DbError::from)).unwrap()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < give_up, "too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn jobs(console: &Console, condition: &str) -> i64 {
    console.count(&format!("pilothouse.jobs WHERE {condition}"))
}

/// Counts its runs, and does nothing else.
fn counting() -> (Arc<AtomicUsize>, impl Fn(&Context) -> Result<Outcome, JobError> + Send + Sync + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let run = move |_: &Context| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done)
    };
    (runs, run)
}

#[test]
fn a_job_is_there_when_the_act_that_asked_for_it_stands_and_not_otherwise() {
    let console = Console::start();
    let undone: Result<(), DbError> = console.app.db.write_blocking(&Actor::System, |conn| {
        assert!(enqueue(conn, &NewJob::of(kind("greet")))?);
        Err(DieselError::RollbackTransaction.into())
    });
    assert!(undone.is_err());
    assert_eq!(jobs(&console, "true"), 0);

    ask(&console, &NewJob::of(kind("greet")).with(json!({ "name": "ada" })));
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let runner = Runner::start(
        console.app.clone(),
        vec![job("greet", LONG, move |context| {
            tell.lock().unwrap().send(context.payload::<serde_json::Value>()?).unwrap();
            Ok(Outcome::Done)
        })],
    );
    assert_eq!(told.recv().unwrap(), json!({ "name": "ada" }));
    until("it is done", || jobs(&console, "state = 'done' AND claim IS NULL AND ended_at IS NOT NULL") == 1);
    drop(runner);
}

#[test]
fn asking_twice_with_one_key_is_asking_once_also_after_it_is_done() {
    let console = Console::start();
    let delivery = NewJob::of(kind("deliver")).keyed("delivery 7".repeat(40));
    assert!(ask(&console, &delivery));
    assert!(!ask(&console, &delivery));
    assert!(ask(&console, &NewJob::of(kind("mail")).keyed("delivery 7".repeat(40))), "a key is its kind's");
    assert!(ask(&console, &NewJob::of(kind("deliver"))));
    assert!(ask(&console, &NewJob::of(kind("deliver"))), "without a key there may be many");
    let (runs, run) = counting();
    let runner = Runner::start(console.app.clone(), vec![job("deliver", LONG, run)]);
    until("they are done", || jobs(&console, "state = 'done'") == 3);
    assert!(!ask(&console, &delivery));
    drop(runner);
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(
        jobs(&console, "state = 'waiting'"),
        1,
        "a kind that nobody here knows waits for somebody else"
    );
}

#[test]
fn people_may_ask_for_work_and_neither_read_nor_change_what_waits() {
    let console = Console::start();
    console.sql("SELECT pilothouse.enqueue('greet', NULL, '{}', '0')");
    for role in ["pilothouse_owner", "pilothouse_worker", "pilothouse_gate"] {
        let mut conn = console.db.connect_owner();
        conn.batch_execute(&format!("SET ROLE {role}")).unwrap();
        conn.batch_execute("SELECT pilothouse.enqueue('greet', 'once', '{}', '0')").unwrap();
        for forbidden in [
            "SELECT FROM pilothouse.jobs",
            "SELECT pattern FROM pilothouse.schedules",
            "INSERT INTO pilothouse.jobs (kind) VALUES ('greet')",
            "UPDATE pilothouse.jobs SET run_at = now()",
            "DELETE FROM pilothouse.jobs",
        ] {
            let refused = conn.batch_execute(forbidden).unwrap_err().to_string();
            assert!(refused.contains("permission denied"), "{role}: {forbidden}: {refused}");
        }
    }
    for role in ["pilothouse_guest", "pilothouse_nobody"] {
        let mut conn = console.db.connect_owner();
        conn.batch_execute(&format!("SET ROLE {role}")).unwrap();
        assert!(conn.batch_execute("SELECT pilothouse.enqueue('greet', NULL, '{}', '0')").is_err(), "{role}");
    }
    assert_eq!(jobs(&console, "true"), 2);
}

#[test]
fn a_job_that_panics_is_tried_again_and_stops_nothing_else() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("brittle")));
    let runs = AtomicUsize::new(0);
    let (_, other) = counting();
    let runner = Runner::start(
        console.app.clone(),
        vec![
            job("brittle", LONG, move |context| {
                let earlier = runs.fetch_add(1, Ordering::SeqCst);
                // A panic inside a transaction is one too many for a careless pool.
                context.db().write_blocking(&Actor::System, |_| {
                    assert!(earlier > 0, "the first of its kind");
                    Ok::<_, JobError>(())
                })?;
                Ok(Outcome::Done)
            }),
            job("other", LONG, other),
        ],
    );
    until("it has panicked", || jobs(&console, "last_error LIKE 'it panicked: the first of its kind%'") == 1);
    ask(&console, &NewJob::of(kind("other")));
    until("both are done", || jobs(&console, "state = 'done'") == 2);
    assert_eq!(jobs(&console, "kind = 'brittle' AND attempts = 2"), 1);
    drop(runner);
}

#[test]
fn a_job_that_fails_for_ever_is_given_up_and_says_why() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("hopeless")));
    ask(&console, &NewJob::of(kind("impossible")));
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let runner = Runner::start(
        console.app.clone(),
        vec![
            job("hopeless", LONG, move |_| {
                let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
                Err(JobError::Retry(format!("no answer\0 to call {run}")))
            }),
            job("impossible", LONG, |context| context.payload::<u32>().map(|_| Outcome::Done)),
        ],
    );
    until("it has failed once", || jobs(&console, "kind = 'hopeless' AND last_error IS NOT NULL") == 1);
    let pause = "run_at > now() AND run_at < now() + interval '1 hour'";
    assert_eq!(
        jobs(&console, &format!("kind = 'hopeless' AND (attempts > 1 OR {pause} OR claim IS NOT NULL)")),
        1
    );
    until("it is given up", || {
        console.sql("UPDATE pilothouse.jobs SET run_at = now() WHERE state = 'waiting' AND claim IS NULL");
        jobs(&console, "kind = 'hopeless' AND state = 'failed'") == 1
    });
    assert_eq!(runs.load(Ordering::SeqCst), 12);
    assert_eq!(jobs(&console, "last_error = 'no answer to call 12' AND ended_at IS NOT NULL"), 1);
    // What no later turn could do is not tried again.
    assert_eq!(jobs(&console, "kind = 'impossible' AND state = 'failed' AND attempts = 1"), 1);
    drop(runner);
}

#[test]
fn a_job_that_hangs_loses_its_lease_and_holds_up_nothing() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("slow")).with(json!("hangs")));
    ask(&console, &NewJob::of(kind("slow")).with(json!("works")));
    ask(&console, &NewJob::of(kind("other")));
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (left, leaves) = mpsc::channel();
    let left = Mutex::new(left);
    let hung = AtomicUsize::new(0);
    let (_, other) = counting();
    let runner = Runner::start(
        console.app.clone(),
        vec![
            job("slow", Duration::from_millis(300), move |context| {
                if context.payload::<String>()? == "hangs" && hung.fetch_add(1, Ordering::SeqCst) == 0 {
                    // With the row of the job locked, which must hold up nobody either.
                    let kept = context.db().write_blocking(&Actor::System, |conn| {
                        context.keep(conn, &json!("hangs"))?;
                        let _ = held.lock().unwrap().recv();
                        Ok::<_, JobError>(())
                    });
                    left.lock().unwrap().send((kept.is_ok(), context.is_to_stop())).unwrap();
                }
                Ok(Outcome::Done)
            }),
            job("other", LONG, other),
        ],
    );
    until("the others are done", || jobs(&console, "state = 'done' AND payload <> '\"hangs\"'") == 2);
    assert_eq!(jobs(&console, "state = 'waiting' AND payload = '\"hangs\"'"), 1);
    release.send(()).unwrap();
    let (_, was_told) = leaves.recv().unwrap();
    assert!(was_told);
    // Its end comes too late to count: the lease runs out, and it is done again.
    console.sql("UPDATE pilothouse.jobs SET claimed_until = now(), run_at = now() WHERE state = 'waiting'");
    until("it is done after all", || jobs(&console, "state = 'done'") == 3);
    drop(runner);
}

#[test]
fn a_job_past_its_deadline_says_so_where_failures_are_read() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("slow")));
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let runner = Runner::start(
        console.app.clone(),
        vec![job("slow", Duration::ZERO, move |context| {
            if context.attempts() == 1 {
                let _ = held.lock().unwrap().recv();
            }
            Ok(Outcome::Done)
        })],
    );
    until("it is told", || jobs(&console, "last_error LIKE 'it was still at it%' AND claim IS NULL") == 1);
    until("another turn does it", || jobs(&console, "state = 'done' AND attempts = 2") == 1);
    release.send(()).unwrap();
    drop(runner);
}

#[test]
fn ten_thousand_that_wait_are_worked_off_once_each_by_two_instances_and_delay_no_other_kind() {
    let console = Console::start();
    let other = console.beside();
    console.sql(
        "INSERT INTO pilothouse.jobs (kind, payload) SELECT 'many', to_jsonb(n) FROM generate_series(1, 10000) n",
    );
    let done = Arc::new(Mutex::new(Vec::new()));
    let (runs, quick) = counting();
    let quick = Arc::new(quick);
    let runners = [console.app.clone(), other.app.clone()].map(|app| {
        let (done, quick) = (Arc::clone(&done), Arc::clone(&quick));
        Runner::start(
            app,
            vec![
                job("many", LONG, move |context| {
                    done.lock().unwrap().push(context.payload::<u32>()?);
                    Ok(Outcome::Done)
                }),
                job("quick", LONG, move |context| quick(context)),
            ],
        )
    });
    until("some are done", || done.lock().unwrap().len() > 100);
    ask(&console, &NewJob::of(kind("quick")));
    until("the other kind had its turn", || runs.load(Ordering::SeqCst) == 1);
    assert!(jobs(&console, "state = 'waiting'") > 0, "the others waited on");
    until("all are done", || jobs(&console, "state <> 'done'") == 0);
    drop(runners);
    let done = done.lock().unwrap();
    assert_eq!((done.len(), done.iter().collect::<HashSet<_>>().len()), (10_000, 10_000));
}

#[test]
fn two_instances_run_a_schedule_once() {
    let console = Console::start();
    let other = console.beside();
    console.sql(
        "INSERT INTO pilothouse.schedules (kind, pattern, next_at) VALUES ('tick', '* * * * * *', now())",
    );
    let runs = Arc::new(Mutex::new(Vec::new()));
    let runners = [console.app.clone(), other.app.clone()].map(|app| {
        let runs = Arc::clone(&runs);
        let run = move |context: &Context| {
            // The time after the one that this run is for.
            let next = context.db().read_blocking(&Actor::System, |conn| {
                use diesel::prelude::*;
                use pilothouse::db::schema::schedules;
                let next: chrono::DateTime<chrono::Utc> =
                    schedules::table.find("tick").select(schedules::next_at).first(conn)?;
                Ok::<_, JobError>(next)
            })?;
            runs.lock().unwrap().push(next);
            Ok(Outcome::Done)
        };
        Runner::start(app, vec![job("tick", LONG, run)])
    });
    until("it has run a few times", || runs.lock().unwrap().len() >= 4);
    drop(runners);
    let runs = runs.lock().unwrap();
    assert_eq!(runs.iter().collect::<HashSet<_>>().len(), runs.len(), "{runs:?}");
    assert_eq!(jobs(&console, "true"), 1, "a schedule has one job");
    assert_eq!(
        console.count("pilothouse.schedules WHERE last_success_at IS NOT NULL AND failing_since IS NULL"),
        1
    );
}

#[test]
fn a_schedule_that_fails_says_since_when_and_why() {
    let console = Console::start();
    console.sql(
        "INSERT INTO pilothouse.schedules (kind, pattern, next_at) VALUES \
         ('tick', '* * * * * *', now()), ('odd', 'every day', now())",
    );
    let fails = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let told = Arc::clone(&fails);
    let run = move |_: &Context| {
        if told.load(Ordering::SeqCst) {
            Err(JobError::Retry("no room".to_owned()))
        } else {
            Ok(Outcome::Done)
        }
    };
    let runner = Runner::start(console.app.clone(), vec![job("tick", LONG, run)]);
    let schedule = |condition: &str| console.count(&format!("pilothouse.schedules WHERE {condition}"));
    until("it fails", || {
        schedule(
            "kind = 'tick' AND failing_since IS NOT NULL AND due_since IS NOT NULL AND last_error = 'no room'",
        ) == 1
    });
    assert_eq!(schedule("kind = 'odd' AND last_error LIKE '%can''t be used%' AND next_at > now()"), 1);
    fails.store(false, Ordering::SeqCst);
    until("it works again", || {
        schedule(
            "kind = 'tick' AND failing_since IS NULL AND last_error IS NULL AND last_success_at IS NOT NULL",
        ) == 1
    });
    drop(runner);
}

/// Counts to twenty, a row a step, and keeps how far it came with each.
fn count_to_twenty(context: &Context) -> Result<Outcome, JobError> {
    let mut counted = context.payload::<Option<u32>>().unwrap_or_default().unwrap_or(0);
    while !context.is_to_stop() {
        if counted == 20 {
            return Ok(Outcome::Done);
        }
        context.db().write_blocking(&Actor::System, |conn| {
            conn.batch_execute(&format!(
                "INSERT INTO pilothouse.recording_gaps (from_ms, to_ms, reason) VALUES ({counted}, 0, 'step')"
            ))?;
            context.keep(conn, &json!(counted + 1))
        })?;
        counted += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Outcome::Continue(json!(counted)))
}

#[test]
fn a_long_job_goes_on_where_it_was_whoever_is_stopped_or_loses_it() {
    let console = Console::start();
    let other = console.beside();
    ask(&console, &NewJob::of(kind("count")));
    let steps = || console.count("pilothouse.recording_gaps WHERE reason = 'step'");

    let first = Runner::start(console.app.clone(), vec![job("count", LONG, count_to_twenty)]);
    until("it has begun", || steps() > 2);
    drop(first);
    assert_eq!(
        jobs(&console, "state = 'waiting' AND claim IS NULL AND attempts = 0"),
        1,
        "handed back at once"
    );
    assert!(steps() < 20);

    let second = Runner::start(other.app.clone(), vec![job("count", LONG, count_to_twenty)]);
    let before = steps();
    until("it goes on", || steps() > before + 2);
    // Whoever lost the lease without noticing can't write any more: its step is rolled back.
    console.sql("UPDATE pilothouse.jobs SET claim = NULL, claimed_until = NULL, run_at = now()");
    let third = Runner::start(console.app.clone(), vec![job("count", LONG, count_to_twenty)]);
    until("it is done", || jobs(&console, "state = 'done'") == 1);
    drop((second, third));
    assert_eq!(steps(), 20);
    assert_eq!(console.text("SELECT count(DISTINCT from_ms)::text FROM pilothouse.recording_gaps"), "20");
}

#[test]
fn a_job_that_gets_on_is_not_given_up_however_often_it_fails() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("bumpy")).with(json!(0)));
    let run = |context: &Context| {
        let step: u32 = context.payload()?;
        if step == 15 {
            return Ok(Outcome::Done);
        }
        context.db().write_blocking(&Actor::System, |conn| context.keep(conn, &json!(step + 1)))?;
        Err(JobError::Retry(format!("stumbled after step {step}")))
    };
    let runner = Runner::start(console.app.clone(), vec![job("bumpy", LONG, run)]);
    until("it is done", || {
        console.sql("UPDATE pilothouse.jobs SET run_at = now() WHERE state = 'waiting' AND claim IS NULL");
        jobs(&console, "state = 'done'") == 1
    });
    drop(runner);
}

#[test]
fn a_runner_ends_although_a_job_does_not() {
    let console = Console::start();
    ask(&console, &NewJob::of(kind("stuck")));
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let runner = Runner::start(
        console.app.clone(),
        vec![job("stuck", LONG, move |_| {
            let _ = held.lock().unwrap().recv();
            Ok(Outcome::Done)
        })],
    );
    until("it works", || jobs(&console, "claim IS NOT NULL") == 1);
    drop(runner);
    assert_eq!(jobs(&console, "state = 'waiting' AND claimed_until > now()"), 1, "left to its lease");
    drop(release);
    until("its end is on record all the same, while the process lives", || {
        jobs(&console, "state = 'done'") == 1
    });
}

/// The program itself, on the database of a console.
struct Program(Child);

impl Program {
    fn serve(console: &Console) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
            .env("DATABASE_URL", console.db.url())
            .env("PILOTHOUSE_MIGRATE_URL", console.db.owner_url())
            .env("PILOTHOUSE_SECRET_KEY", "a key that is long enough for tests only")
            .env("PILOTHOUSE_LISTEN", "127.0.0.1:0")
            .env("PILOTHOUSE_DATA_DIR", crate::support::db::new_directory())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// As `kill -9` does.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_job_of_an_instance_that_is_killed_is_taken_over_once_its_lease_ends() {
    assert!(LEASE < Duration::from_secs(55), "a minute is what may pass, with the look that follows");
    let console = Console::start();
    // The job that counts activity waits for this table, and so can be met at work.
    let mut holder = console.db.connect_owner();
    holder.batch_execute("BEGIN; LOCK TABLE pilothouse.recount_marks IN SHARE MODE").unwrap();
    let one = Program::serve(&console);
    let at_work = "kind = 'roll_up_activity' AND claimed_until > now()";
    until("an instance works", || jobs(&console, at_work) == 1);
    let lease = format!("{at_work} AND claimed_until <= now() + interval '45 seconds'");
    assert_eq!(jobs(&console, &lease), 1);
    let claim = "SELECT claim::text FROM pilothouse.jobs WHERE kind = 'roll_up_activity'";
    let first = console.text(claim);
    one.kill();
    let other = Program::serve(&console);
    for _ in 0..2 {
        console.sql("UPDATE pilothouse.schedules SET next_at = now() - interval '1 hour' WHERE kind = 'record_spooled'");
        until("the other one has looked for work", || {
            console.count("pilothouse.schedules WHERE kind = 'record_spooled' AND next_at > now() - interval '1 minute'") == 1
        });
    }
    assert_eq!(console.text(claim), first, "a lease holds while it lasts");
    holder.batch_execute("ROLLBACK").unwrap();
    console.sql("UPDATE pilothouse.jobs SET claimed_until = now() WHERE kind = 'roll_up_activity'");
    until("the other one has done it", || {
        console.count("pilothouse.schedules WHERE kind = 'roll_up_activity' AND last_success_at IS NOT NULL")
            == 1
    });
    drop(other);
}

#[test]
fn finding_a_job_reads_no_more_of_the_queue_the_longer_it_is() {
    let console = Console::start();
    console.sql(
        "INSERT INTO pilothouse.jobs (kind, state, ended_at) \
         SELECT 'old', CASE WHEN n % 2 = 0 THEN 'done' ELSE 'failed' END, now() FROM generate_series(1, 20000) n; \
         INSERT INTO pilothouse.jobs (kind, run_at) SELECT 'later', now() + interval '1 day' FROM generate_series(1, 20000); \
         INSERT INTO pilothouse.jobs (kind) SELECT 'due' FROM generate_series(1, 20000); \
         ANALYZE pilothouse.jobs",
    );
    let scans = console
        .app
        .db
        .write_blocking(&Actor::System, |conn| {
            assert_eq!(claims::due_kinds(conn, &[kind("due"), kind("later"), kind("none")])?, [kind("due")]);
            assert!(claims::claim(conn, &kind("due"), uuid::Uuid::new_v4())?.is_some());
            assert!(claims::claim(conn, &kind("later"), uuid::Uuid::new_v4())?.is_none());
            assert_eq!(queries::failed(conn, &PageStart::Start, 50)?.rows.len(), 50);
            Ok::<_, DbError>(whole_table_scans(conn)?)
        })
        .unwrap();
    assert_eq!(scans, 0);
}

/// How often this transaction has read the whole table of jobs.
fn whole_table_scans(conn: &mut diesel::PgConnection) -> diesel::QueryResult<i64> {
    use diesel::prelude::*;
    let scans = diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'pilothouse.jobs'::regclass)",
    );
    diesel::select(scans).get_result(conn)
}
