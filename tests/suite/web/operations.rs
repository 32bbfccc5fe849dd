//! What the console does by itself, as admins see it.

use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use pilothouse::db::{Actor, DbError};
use pilothouse::jobs::{Job, Outcome, Runner};
use pilothouse::queue::Kind;

use crate::support::console::Console;

fn fail_jobs(console: &Console, count: usize) {
    console.sql(&format!(
        "INSERT INTO pilothouse.jobs (kind, key, state, attempts, last_error, ended_at) \
         SELECT 'deliver', 'd' || n, 'failed', 12, 'nobody answers ' || n, timestamptz '2026-01-01' + n * interval '1 minute' \
         FROM generate_series(1, {count}) n"
    ));
}

#[test]
fn a_console_without_a_runner_shows_that_nobody_does_its_duties() {
    let console = Console::start();
    let page = console.admin().get("/operations").expect(200);
    for kind in Kind::ALL.iter().filter(|kind| kind.facts().is_some_and(|facts| facts.schedule.is_some())) {
        let row = format!("[data-duty=\"{}\"]", kind.as_str());
        assert!(page.text(&row).contains("nobody does it"), "{}", page.text(&row));
    }
    assert!(page.body.contains("No runner works in this instance"));
    assert!(page.body.contains("No job has failed for good."));
    let owner = console.owner();
    owner.get("/operations").expect(404);
    assert!(!owner.get("/").expect(200).body.contains("/operations"));
}

#[test]
fn a_duty_says_when_it_last_succeeded_when_it_runs_next_and_since_when_it_fails() {
    let console = Console::start();
    let admin = console.admin();
    console.sql(
        "INSERT INTO pilothouse.schedules (kind, pattern, next_at, due_since, last_success_at, failing_since, last_error) VALUES \
         ('roll_up_activity', '*/5 * * * * *', now() + interval '5 s', NULL, now() - interval '3 minutes', NULL, NULL), \
         ('record_spooled', '*/5 * * * * *', now(), now(), NULL, now() - interval '2 minutes', 'no <room>'), \
         ('send_mail', '@daily', now() - interval '3 days', NULL, NULL, NULL, NULL)",
    );
    let page = admin.get("/operations").expect(200);
    let row = |kind: &str| page.text(&format!("[data-duty=\"{kind}\"]"));
    let good = row("roll_up_activity");
    assert!(good.contains("good") && good.contains("3 minutes ago"), "{good}");
    let failing = row("record_spooled");
    assert!(
        failing.contains("failing") && failing.contains("no <room>") && failing.contains("never"),
        "{failing}"
    );
    assert!(failing.contains("Failing since 2 minutes ago"), "{failing}");
    let dead = row("send_mail");
    assert!(dead.contains("nobody does it") && dead.contains("Due since"), "{dead}");
}

#[test]
fn a_dead_duty_is_told_by_readyz_and_takes_no_instance_out() {
    let console = Console::start();
    console.sql(
        "INSERT INTO pilothouse.schedules (kind, pattern, next_at) \
         VALUES ('roll_up_activity', '*/5 * * * * *', now() - interval '6 minutes'), ('fresh', '@daily', now())",
    );
    let ready = console.anonymous().get("/readyz").expect(200).json();
    let late = ready["late_duties"].to_string();
    assert!(late.contains("roll_up_activity: due since ") && !late.contains("fresh"), "{ready}");
    let from_elsewhere = console.anonymous();
    let request =
        from_elsewhere.request(reqwest::Method::GET, "/readyz").header("x-forwarded-for", "198.51.100.7");
    assert_eq!(from_elsewhere.send(request).expect(200).body, r#"{"status":"ready"}"#);
}

#[test]
fn a_failed_job_begins_again_when_an_admin_says_so_and_it_is_on_record() {
    let console = Console::start();
    let admin = console.admin();
    fail_jobs(&console, 1);
    let id = console.text("SELECT id::text FROM pilothouse.jobs");
    let page = admin.get("/operations").expect(200);
    let row = page.text(&format!("[data-job=\"{id}\"]"));
    assert!(row.contains("nobody answers 1") && row.contains("12") && row.contains("Again"), "{row}");

    console.owner().post("/operations/jobs", &[("id", &id)]).expect(404);
    for unknown in ["", "x", "00000000-0000-4000-8000-000000000000"] {
        admin.post("/operations/jobs", &[("id", unknown)]).expect(404);
    }
    assert_eq!(console.count("pilothouse.jobs WHERE state = 'failed'"), 1);

    let asked = admin.post("/operations/jobs", &[("id", &id)]).expect(303);
    let page = admin.get(asked.location()).expect(200);
    assert!(page.body.contains("begins again"), "{}", page.body);
    assert!(!page.has("[data-job]"));
    assert_eq!(
        console.count(
            "\"ActivityLog\" WHERE \"activityType\" = 'job.run_again' AND \"targetType\" = 'job' \
             AND before->>'last_error' = 'nobody answers 1' AND after->>'state' = 'waiting'"
        ),
        1
    );
    let twice = admin.post("/operations/jobs", &[("id", &id)]).expect(303);
    assert!(admin.get(twice.location()).body.contains("not among the failed ones any more"));
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'job.run_again'"), 1);

    let runner = Runner::start(
        console.app.clone(),
        vec![Job::new(Kind::Other("deliver".to_owned()), Duration::from_mins(1), |_| Ok(Outcome::Done))],
    );
    let give_up = Instant::now() + Duration::from_mins(1);
    while console.count("pilothouse.jobs WHERE state = 'done'") == 0 {
        assert!(Instant::now() < give_up);
        std::thread::sleep(Duration::from_millis(20));
    }
    let page = admin.get("/operations").expect(200);
    assert!(page.text("[data-duty=\"look_for_jobs\"]").contains("good"), "{}", page.body);
    drop(runner);
}

#[test]
fn failed_jobs_are_shown_page_by_page_and_those_that_wait_are_counted() {
    let console = Console::start();
    let admin = console.admin();
    fail_jobs(&console, 120);
    console.sql(
        "INSERT INTO pilothouse.jobs (kind, run_at, claimed_until, claim, last_error) VALUES \
         ('mail', now(), now() + interval '40 s', gen_random_uuid(), NULL), ('mail', now(), NULL, NULL, NULL), \
         ('mail', now(), NULL, NULL, NULL), ('mail', now() + interval '1 hour', NULL, NULL, 'full')",
    );
    let mut seen = Vec::new();
    let mut path = "/operations".to_owned();
    loop {
        let page = admin.get(&path).expect(200);
        seen.extend(page.attributes("[data-job]", "data-job"));
        match page.attributes("a[rel=next]", "href").first() {
            Some(next) => path = next.clone(),
            None => break,
        }
    }
    let newest_first = console.text(
        "SELECT string_agg(id::text, ',' ORDER BY ended_at DESC) FROM pilothouse.jobs WHERE state = 'failed'",
    );
    assert_eq!(seen.join(","), newest_first);
    let page = admin.get("/operations").expect(200);
    let waiting = page.text("main");
    for told in ["mail", "running", "due"] {
        assert!(waiting.to_lowercase().contains(told), "{waiting}");
    }
    let numbers: Vec<String> = page.texts("td.number[data-label]");
    assert_eq!(numbers[..4], ["1", "2", "1", "1"], "running, due, later, tried before");
    for bad in ["?limit=0", "?before=x", "?after=x&before=y"] {
        admin.get(&format!("/operations{bad}")).expect(400);
    }
}

#[test]
fn the_database_page_names_slow_statements_without_their_values_and_who_waits() {
    let console = Console::start();
    let slow = |conn: &mut _| {
        diesel::sql_query("SELECT pg_sleep(0.2), 'a secret'").execute(conn).map_err(DbError::from)
    };
    console.app.db.read_blocking(&Actor::System, slow).unwrap();
    let page = console.admin().get("/operations/database").expect(200);
    let text = page.text("main");
    assert!(text.contains("pg_sleep(0.2), '…'") && !text.contains("a secret"), "{text}");
    assert!(text.contains("no request") && text.contains("Wait for one"), "{text}");
    assert!(text.contains("The server does not count its statements"), "{text}");
    assert!(text.contains("No other server copies the log") && text.contains("archives no log"), "{text}");
    // Where its operator has made the extension, what this login may see of it is shown, with names as they are written.
    console.sql(
        "CREATE SCHEMA \"Stats\"; GRANT USAGE ON SCHEMA \"Stats\" TO PUBLIC; \
         CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA \"Stats\"; \
         INSERT INTO pilothouse.archives (system_id, archived_until, waiting, error) VALUES ('1', now(), 3, 'no room')",
    );
    let named = |conn: &mut _| {
        diesel::sql_query("SELECT 'another secret', \"eventType\" FROM \"ActivityEvent\" WHERE false")
            .execute(conn)
            .map_err(DbError::from)
    };
    console.app.db.read_blocking(&Actor::System, named).unwrap();
    let text = console.admin().get("/operations/database").expect(200).text("main");
    assert!(text.contains("select $1, \"eventType\" from \"ActivityEvent\" where"), "{text}");
    assert!(!text.contains("another secret") && text.contains("pg_stat_statements"), "{text}");
    assert!(text.contains("3 files wait") && text.contains("no room"), "{text}");
}
