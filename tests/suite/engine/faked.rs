//! What needs an engine that does as a test wants: a socket that answers as one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::until;
use crate::support::console::Console;
use crate::support::fake_engine::FakeEngine;
use crate::support::raw::{Wire, head};

#[test]
fn a_list_of_five_hundred_asks_no_engine_and_whoever_stops_listening_leaves_no_stream_there() {
    let row = uuid::Uuid::new_v4().to_string();
    let id = "ab".repeat(32);
    let streams = Arc::new(AtomicUsize::new(0));
    let (open, path, of) = (Arc::clone(&streams), format!("/containers/{id}"), row.clone());
    let engine = FakeEngine::start(move |request, reply| {
        let Some(part) = request.strip_prefix("GET ").and_then(|asked| asked.strip_prefix(&path)) else {
            return false;
        };
        if part == "/json" {
            reply.json(
                200,
                &format!(
                    r#"{{"Id":"{}","Name":"/shop","Config":{{"Image":"x","Labels":{{"pilothouse.container":"{of}"}}}},
                        "State":{{"Status":"running","Running":true,"StartedAt":"2026-01-01T00:00:00Z"}}}}"#,
                    "ab".repeat(32)
                ),
            );
        } else {
            open.fetch_add(1, Ordering::SeqCst);
            reply.begin("application/octet-stream");
            reply.wait_for_end();
            open.fetch_sub(1, Ordering::SeqCst);
        }
        true
    });
    let console = Console::beside_engine(&engine.address(), &[]);
    let owner = console.owner();
    console.sql(&format!(
        "INSERT INTO containers (id, container_id, name, status, user_id) VALUES ('{row}', '{id}', 'shop', 'running', '{0}'); \
         INSERT INTO containers (container_id, name, status, user_id) \
         SELECT lpad(to_hex(n), 64, '0'), 'c-' || n, 'running', '{0}' FROM generate_series(1, 499) n",
        owner.id
    ));
    let page = owner.get("/containers?limit=100").expect(200);
    assert_eq!(page.select("[data-container]").len(), 100);
    owner.get("/dashboard");
    owner.get(&format!("/containers/{row}")).expect(200);
    assert_eq!(engine.asked(), Vec::<String>::new(), "what is on record is enough");

    // Silent streams: nothing is written that would fail.
    let mut wires: Vec<Wire> = Vec::new();
    for path in [format!("/containers/{row}/logs/live"), "/live".to_owned()] {
        let mut wire = Wire::open(&console);
        assert!(
            wire.send(format!("{}Accept: text/event-stream\r\n\r\n", head(&console, &owner, "GET", &path)))
        );
        assert!(String::from_utf8(wire.read(12)).unwrap().ends_with("200"), "{path}");
        wires.push(wire);
    }
    until("both are open", || streams.load(Ordering::SeqCst) == 1 && console.app.live.count() == 2);
    let left = Instant::now();
    drop(wires);
    until("both are let go", || streams.load(Ordering::SeqCst) == 0 && console.app.live.count() == 0);
    // A heartbeat, which would notice it too, comes after fifteen seconds.
    assert!(left.elapsed() < Duration::from_secs(10), "{:?}", left.elapsed());
}

#[test]
fn a_pull_is_told_on_its_operation_while_it_goes_and_ends_with_the_registrys_own_words() {
    let (tell, told) = mpsc::channel::<String>();
    let told = Mutex::new(told);
    let engine = FakeEngine::start(move |request, reply| match request {
        "GET /containers/json" => {
            reply.json(200, "[]");
            true
        }
        "GET /events" => {
            reply.begin("application/json");
            reply.wait_for_end();
            true
        }
        "POST /images/create" => {
            reply.begin("application/json");
            for line in told.lock().unwrap().iter() {
                reply.piece(&format!("{line}\r\n"));
            }
            reply.end();
            true
        }
        _ => false,
    });
    let settings =
        [("PILOTHOUSE_IMAGES", "*=registry.test/app:1"), ("PILOTHOUSE_PORTS", "127.0.0.1:4100-4109")];
    let console = Console::beside_engine(&engine.address(), &settings);
    let runner = pilothouse::jobs::start(console.app.clone());
    let owner = console.owner();
    let page =
        owner.post("/projects", &[("name", "shop"), ("container", "new")]).expect(303).location().to_owned();
    let says = |words: &str, lines: &[&str]| {
        until(words, || {
            for line in lines {
                let _ = tell.send((*line).to_owned());
            }
            std::thread::sleep(Duration::from_millis(100));
            owner.get(&page).expect(200).text("main").contains(words)
        });
    };
    says("Pulling registry.test/app:1", &[]);
    let [first, second, loading, done] = [
        r#"{"status":"Pulling fs layer","id":"a"}"#,
        r#"{"status":"Pulling fs layer","id":"b"}"#,
        r#"{"status":"Downloading","progressDetail":{"current":2000000,"total":8000000},"id":"a"}"#,
        r#"{"status":"Pull complete","id":"a"}"#,
    ];
    says("0 of 2 layers are here, 2.0 of 8.0 MB are loaded", &[first, second, loading]);
    assert!(owner.get(&page).expect(200).has("main[data-live]"), "it goes on by itself where script runs");
    says("1 of 2 layers are here, 8.0 of 8.0 MB are loaded", &[done]);
    tell.send(r#"{"errorDetail":{"message":"toomanyrequests: come back later"},"error":"x"}"#.to_owned())
        .unwrap();
    drop(tell);
    until("it has ended", || {
        console.holds("NOT EXISTS (SELECT FROM pilothouse.operations WHERE ended_at IS NULL)")
    });
    let told = owner.get(&page).expect(200);
    assert!(told.text("main").contains("toomanyrequests: come back later"), "{}", told.text("main"));
    assert!(told.has(&format!("form[action='{page}/again']")));
    drop(runner);
}
