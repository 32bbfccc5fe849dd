//! What can break at any moment, once each; `bin/faults` breaks it under load, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::auth::viewer;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, SecretHash};
use tokio::runtime::Runtime;

use crate::panicking;
use crate::proxy::{Proxy, Upstream, Weather};
use crate::support::console::Console;
use crate::support::db::TestDb;

fn options(url: String) -> ConnectOptions {
    ConnectOptions { url, size: 2, budget: Duration::from_secs(20), behind_pooler: false }
}

/// A console that reaches its database through a proxy.
fn behind_a_proxy() -> (Console, Proxy) {
    let db = TestDb::new();
    let proxy = Proxy::start(vec![Upstream::Unix(db.socket())]);
    let url = db.url_at(proxy.address());
    (Console::on(db, &url), proxy)
}

#[test]
fn a_database_that_falls_silent_is_a_503_and_served_again_when_it_speaks() {
    let (console, proxy) = behind_a_proxy();
    let owner = console.owner();
    owner.get("/projects").expect(200);

    for weather in [Weather::Silent, Weather::Trickle(Duration::from_secs(1)), Weather::Closed] {
        proxy.set(weather);
        if weather == Weather::Closed {
            proxy.cut();
        }
        assert!(!owner.get("/projects").expect(503).header("retry-after").is_empty(), "{weather:?}");
        owner.post("/projects", &[("name", "shop")]).expect(503);
        owner.get("/healthz").expect(200);
        proxy.set(Weather::Fair);
        proxy.cut();
        assert!((0..100).any(|_| owner.get("/projects").status == 200), "{weather:?}");
    }
    assert_eq!(console.count("projects"), 0, "what was refused is not there");
}

#[test]
fn a_database_that_is_far_away_serves_every_page() {
    let (console, proxy) = behind_a_proxy();
    let owner = console.owner();
    proxy.set(Weather::Latency(Duration::from_millis(25)));
    for path in ["/", "/projects", "/activity", "/account"] {
        owner.get(path).expect(200);
    }
    owner.post("/projects", &[("name", "shop")]).expect(303);
}

#[test]
fn a_connection_that_is_lost_in_the_commit_leaves_it_open_what_happened() {
    let console = Console::start();
    let owner = console.owner();
    console.sql(
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON projects DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION leave()",
    );
    let answer = owner.post("/projects", &[("name", "shop")]).expect(503);
    assert!(answer.text("main").contains("not certain"), "{}", answer.body);
    console.sql("DROP TRIGGER leave ON projects");
    owner.post("/projects", &[("name", "shop")]).expect(303);
}

#[test]
fn a_transaction_that_loses_against_another_one_is_run_again_and_no_other() {
    let test = TestDb::new();
    let db = Db::new(&options(test.url()));
    let runtime = Runtime::new().unwrap();
    // PostgreSQL's codes for a deadlock, for a serialization failure, and for a division by zero.
    for (code, runs, works) in [("40P01", 3, true), ("40001", 3, true), ("22012", 1, false)] {
        let count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&count);
        let outcome: Result<(), DbError> = runtime.block_on(db.write(&Actor::System, move |conn| {
            if counter.fetch_add(1, Ordering::SeqCst) < 2 {
                let message = if code == "40P01" { "deadlock detected" } else { "no" };
                conn.batch_execute(&format!(
                    "DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END $$"
                ))?;
            }
            Ok(())
        }));
        assert_eq!((count.load(Ordering::SeqCst), outcome.is_ok()), (runs, works), "{code}");
    }
}

#[test]
fn two_who_wait_for_each_other_are_both_served() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    let mut worker = console.db.connect_owner();
    worker
        .batch_execute(&format!("BEGIN; UPDATE projects SET description = 'x' WHERE id = '{project}'"))
        .unwrap();
    std::thread::scope(|scope| {
        let form = scope.spawn(|| owner.post(&format!("/projects/{project}/archive"), &[]).status);
        // Longer than a statement of a page waits for a row.
        std::thread::sleep(Duration::from_millis(700));
        worker.batch_execute("COMMIT").unwrap();
        assert_eq!(form.join().unwrap(), 303);
    });
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'project.archived'"), 1);
}

#[test]
fn behind_a_pooler_every_transaction_brings_its_settings_and_leaves_nothing() {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        settings: String,
        #[diesel(sql_type = BigInt)]
        prepared: i64,
    }
    let test = TestDb::new();
    let db = Db::new(&ConnectOptions { behind_pooler: true, size: 1, ..options(test.url()) });
    let mut pids = Vec::new();
    for _ in 0..3 {
        let (row, pid) = db
            .write_blocking(&Actor::Gate, |conn| {
                let pid: i32 = diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
                    .get_result(conn)?;
                let row: Row = diesel::sql_query(
                    "SELECT current_user || ' ' || session_user || ' ' || current_setting('timezone') AS settings, \
                     (SELECT count(*) FROM pg_prepared_statements) AS prepared",
                )
                .get_result(conn)?;
                Ok::<_, DbError>((row, pid))
            })
            .unwrap();
        assert_eq!(row.settings, "pilothouse_gate pilothouse_console UTC");
        assert_eq!(row.prepared, 0, "a statement that is kept would be another session's tomorrow");
        pids.push(pid);
    }
    // A statement outside of a transaction is the login itself, which may do nothing.
    let mut conn = test.connect_owner();
    let left = format!(
        "SELECT query AS settings, 0::bigint AS prepared FROM pg_stat_activity WHERE pid = {}",
        pids[0]
    );
    let row: Row = diesel::sql_query(left).get_result(&mut conn).unwrap();
    assert!(row.settings.ends_with("COMMIT"), "{}", row.settings);
}

#[test]
fn a_handler_that_panics_is_a_500_and_leaves_no_transaction() {
    let console = Console::start();
    console.owner();
    let server = panicking::Server::start(console.app.clone());
    let runtime = Runtime::new().unwrap();
    let asked = runtime.block_on(server.ask(60, ["/panic/before", "/panic/inside", "/fine"]));
    for (n, (status, _)) in asked.into_iter().enumerate() {
        assert_eq!(status, if n % 3 == 2 { 200 } else { 500 });
    }
    drop(server);
    // The server notices in its own time that a connection was dropped.
    let open = "pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let tries = (0..100).take_while(|_| {
        std::thread::sleep(Duration::from_millis(100));
        console.count(open) > 0
    });
    assert!(tries.count() < 100, "a transaction stays open");
    assert_eq!(console.count("projects"), 0);
}

/// Everybody's statement may run as long as a page has; one user's do, on as many sessions as they like.
#[test]
fn one_who_asks_for_much_waits_alone_and_their_statements_end_with_their_time() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let budget = Duration::from_secs(1);
    let db = Db::new(&ConnectOptions { url: console.db.url(), size: 10, budget, behind_pooler: false });
    let runtime = Runtime::new().unwrap();
    let session = |id: &str| {
        let token = console.app.entropy.secret();
        console.sql(&format!(
            "INSERT INTO sessions (user_id, token, expires_at) VALUES ('{id}', '{}', now() + interval '1 day')",
            SecretHash::of(&token).as_str()
        ));
        Actor::Session(SecretHash::of(&token))
    };
    let hers: Vec<Actor> = (0..6).map(|_| session(&ada.id)).collect();
    let others = session(&grace.id);
    let asks = |actor: Actor, seconds: f64| {
        let db = db.clone();
        async move {
            let began = std::time::Instant::now();
            let answer: Result<(), DbError> = db
                .read(&actor, move |conn| {
                    viewer::current(conn)?;
                    diesel::sql_query(format!("SELECT pg_sleep({seconds})")).execute(conn)?;
                    Ok(())
                })
                .await;
            (answer.is_ok(), began.elapsed())
        }
    };
    // Whose a session is, each of them has told once.
    for actor in hers.iter().chain([&others]) {
        assert!(runtime.block_on(asks(actor.clone(), 0.0)).0);
    }
    let costly: Vec<_> = (0..24).map(|n| runtime.spawn(asks(hers[n % hers.len()].clone(), 30.0))).collect();
    std::thread::sleep(Duration::from_millis(100));
    let sleeping = "pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%' AND state = 'active'";
    assert_eq!(console.count(sleeping), 3, "a user's share of ten connections");
    for _ in 0..20 {
        let (served, took) = runtime.block_on(asks(others.clone(), 0.0));
        assert!(served && took < Duration::from_millis(500), "{took:?}");
    }
    for one in costly {
        let (served, took) = runtime.block_on(one).unwrap();
        assert!(!served && took < budget * 2, "{took:?}");
    }
    // Not half a second later.
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(console.count(sleeping), 0);
    assert!(runtime.block_on(asks(hers[0].clone(), 0.0)).0);
}
