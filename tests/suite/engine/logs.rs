//! What containers write, as the console shows it: all of it, once, bounded, and to nobody else.

use std::time::Duration;

use serde_json::Value;

use super::{Scene, until};
use crate::support::answer::Answer;
use crate::support::console::{Console, Person};
use crate::support::engine::{PATIENT, TestEngine};
use crate::support::raw::{Wire, head};

impl Scene {
    /// Runs `script` to its end, without the console's doing.
    fn ran(&self, script: &str) -> (String, String) {
        let (row, id) = self.container(script);
        self.engine.start_container(&id);
        until("it has ended", || self.engine.state(&id).as_deref() == Some("exited"));
        (row, id)
    }
}

fn logs(row: &str, query: &str) -> String {
    format!("/containers/{row}/logs{query}")
}

fn lines(page: &Answer) -> Vec<String> {
    page.texts(".log li code")
}

/// A stream of lines, as its client reads it.
struct Listener(Wire);

impl Listener {
    fn open(console: &Console, person: &Person, row: &str, after: &str) -> Self {
        let mut wire = Wire::open(console);
        let path = logs(row, "/live");
        let came_back = if after.is_empty() { String::new() } else { format!("Last-Event-ID: {after}\r\n") };
        let request = format!(
            "{}Accept: text/event-stream\r\n{came_back}\r\n",
            head(console, person, "GET", &format!("{path}?after=0"))
        );
        assert!(wire.send(request));
        let mut listener = Self(wire);
        assert_eq!(listener.event().0, "hello");
        listener
    }

    /// Name, id and data of the next event; an empty name at the end.
    fn event(&mut self) -> (String, String, String) {
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\n") {
                let byte = self.0.read(1);
                if byte.is_empty() {
                    return (name, id, data);
                }
                line.extend(byte);
            }
            let line = String::from_utf8(line).unwrap();
            for (prefix, field) in [("event: ", &mut name), ("id: ", &mut id), ("data: ", &mut data)] {
                if let Some(text) = line.strip_prefix(prefix) {
                    text.trim_end().clone_into(field);
                }
            }
            if line == "\n" && !name.is_empty() {
                return (name, id, data);
            }
        }
    }

    fn lines(data: &str) -> Vec<String> {
        let lines: Vec<Value> = serde_json::from_str(data).unwrap();
        let text = |line: &Value| {
            let spans = line["spans"].as_array().unwrap().iter();
            spans.map(|span| span["text"].as_str().unwrap()).collect()
        };
        lines.iter().map(text).collect()
    }
}

#[test]
fn the_newest_lines_are_shown_with_their_streams_and_colours_and_found_and_kept_where_one_left_them() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.ran(
        "seq 1000; printf 'a \\033[1;31mred\\033[0m <b>word</b>\\n'; sleep 0.2; echo oops >&2; sleep 0.2; printf '10 %%\\r100 %%\\n'",
    );
    let page = scene.owner.get(&logs(&row, "")).expect(200);
    let shown = lines(&page);
    assert_eq!(shown.len(), 200);
    assert_eq!(shown[197..], ["a red <b>word</b>", "stderroops", "100 %"]);
    assert_eq!(page.text(".log .a-red.a-bold"), "red");
    assert_eq!(page.texts(".log li[data-stream=stderr] code"), ["stderroops"]);
    assert!(page.text(".log-head").contains("The last 200 lines"), "{}", page.text(".log-head"));
    assert_eq!(page.attribute(".log", "data-live-url"), logs(&row, "/live"));

    // Everybody who may see the container, and nobody else.
    scene.admin.get(&logs(&row, "")).expect(200);
    for part in ["", "/download", "/live"] {
        scene.console.owner().get(&logs(&row, part)).expect(404);
    }

    // Further back, to the first.
    let all = scene.owner.get(&logs(&row, "?lines=2000")).expect(200);
    assert_eq!((lines(&all).len(), lines(&all)[0].as_str()), (1_003, "1"));
    assert!(all.text(".log-head").contains("All 1,003 lines"), "{}", all.text(".log-head"));
    let older = scene.owner.get(&page.attribute(".log-head a[rel=next]", "href")).expect(200);
    assert_eq!(lines(&older).last().unwrap(), "803");

    // One stream, one word.
    assert_eq!(lines(&scene.owner.get(&logs(&row, "?stream=stderr")).expect(200)), ["stderroops"]);
    let found = scene.owner.get(&logs(&row, "?find=RED+<B>&stream=stdout")).expect(200);
    assert_eq!(lines(&found), ["a red <b>word</b>"]);
    assert_eq!(found.texts(".log mark"), ["red", "<b>"], "across the end of the colour");
    let found = scene.owner.get(&logs(&row, "?find=99&lines=5")).expect(200);
    assert!(found.text(".log-head").contains("Found in 19 of 1,003 lines"), "{}", found.text(".log-head"));
    assert_eq!(lines(&found), ["995", "996", "997", "998", "999"].map(String::from));

    // A line has an address, whatever the container is called by then.
    let oops = page.attribute(".log li[data-stream] a", "href");
    let name = format!("c-{}", &row[..8]);
    scene.engine.outside(&["rename", &name, &format!("{name}-b")]);
    let there = scene.owner.get(oops.trim_end_matches("#here")).expect(200);
    assert_eq!(there.text("#here code"), "stderroops");
    assert!(lines(&there).len() > 100 && !there.has("[data-live-url]"), "lines stand around it");

    // Between two times.
    let at = page.attribute(".log li[data-stream]", "data-line");
    let then = scene.owner.get(&logs(&row, &format!("?since={at}&until={at}"))).expect(200);
    assert_eq!(lines(&then), ["stderroops"]);
    assert!(lines(&scene.owner.get(&logs(&row, "?until=2001-01-01")).expect(200)).is_empty());

    let file = scene.owner.get(&logs(&row, "/download?stream=stdout")).expect(200);
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"c-"));
    assert_eq!(file.body.lines().count(), 1_002);
    assert!(file.body.contains("\u{1b}[1;31mred") && !file.body.contains("oops"));

    let kept = [("lines", "100"), ("wrap", "0"), ("timestamps", "0"), ("next", "https://evil.test/")];
    assert_eq!(scene.owner.post(&logs(&row, ""), &kept).expect(303).location(), logs(&row, ""));
    let page = scene.owner.get(&logs(&row, "")).expect(200);
    assert!(lines(&page).len() == 100 && page.has(".log[data-bare]") && !page.has(".log[data-wrap]"));
    assert_eq!(lines(&scene.admin.get(&logs(&row, "")).expect(200)).len(), 200, "each has their own");
    for odd in ["?lines=x", "?since=soon", "?stream=x", "?at=x"] {
        scene.owner.get(&logs(&row, odd)).expect(400);
    }
    scene.engine.outside(&["rm", &id]);
    let gone = scene.owner.get(&logs(&row, "")).expect(200);
    assert!(gone.text("main").contains("no such container any more"), "{}", gone.text("main"));
    scene.owner.get(&logs(&row, "/download")).expect(409);
}

#[test]
fn a_container_that_is_nobodys_here_shows_nothing_whatever_a_row_says() {
    let Some(scene) = Scene::set() else { return };
    let name = format!("c-{}", uuid::Uuid::new_v4().simple());
    let id = scene.engine.create(&name, "echo a secret", &[]);
    let row = uuid::Uuid::new_v4().to_string();
    scene.row(&row, &id, &name);
    scene.engine.start_container(&id);
    until("it has ended", || scene.engine.state(&id).as_deref() == Some("exited"));
    let page = scene.owner.get(&logs(&row, "")).expect(200);
    assert!(page.text("main").contains("no admin has adopted it") && !page.body.contains("a secret"));
    scene.owner.get(&logs(&row, "/download")).expect(409);
    scene.owner.get(&logs(&row, "/live")).expect(409);
}

#[test]
fn no_line_is_lost_and_none_comes_twice_however_often_a_stream_is_taken_up_again() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.container(
        "i=0; while [ $i -lt 4000 ]; do echo $i; i=$((i+1)); [ $((i % 20)) = 0 ] && sleep 0.01; done; sleep 100",
    );
    scene.engine.start_container(&id);
    let (mut seen, mut after, mut streams) = (Vec::new(), String::new(), 0);
    while seen.last().is_none_or(|last| last != "3999") {
        let mut listener = Listener::open(&scene.console, &scene.owner, &row, &after);
        streams += 1;
        for _ in 0..=streams % 3 {
            let (name, id, data) = listener.event();
            if name == "lines" {
                seen.extend(Listener::lines(&data));
                after = id;
            }
            if seen.last().is_some_and(|last| last == "3999") {
                break;
            }
        }
    }
    assert!(streams > 3, "it was taken up {streams} times");
    let expected: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
    assert_eq!(seen.len(), expected.len());
    assert!(seen == expected, "in their order");
    scene.engine.outside(&["rm", "-f", &id]);
}

#[test]
fn a_stream_outlives_the_run_and_ends_with_the_session() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.ran("echo one of a run");
    let mut listener = Listener::open(&scene.console, &scene.owner, &row, "");
    let (_, _, data) = listener.event();
    assert_eq!(Listener::lines(&data), ["one of a run"]);
    let (name, _, data) = listener.event();
    assert_eq!((name.as_str(), data.as_str()), ("state", "ended"));
    scene.engine.start_container(&id);
    let (name, _, data) = listener.event();
    assert_eq!((name.as_str(), Listener::lines(&data)), ("lines", vec!["one of a run".to_owned()]));
    scene.console.sql(&format!("UPDATE sessions SET is_active = false WHERE user_id = '{}'", scene.owner.id));
    while !matches!(listener.event().0.as_str(), "bye" | "") {}
    until("its place is free", || scene.console.app.live.count() == 0);
}

#[test]
fn a_line_of_a_hundred_megabytes_is_one_line_and_what_follows_is_read() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) =
        scene.ran("echo before; busybox head -c 100000000 /dev/zero | busybox tr '\\0' x; echo; echo after");
    let page = scene.owner.get(&logs(&row, "")).expect(200);
    assert_eq!(lines(&page).last().unwrap(), "after");
    assert!(page.body.len() < 400_000);
    let found = scene.owner.get(&logs(&row, "?find=AFTER")).expect(200);
    assert_eq!(lines(&found), ["after"]);
    let mut listener = Listener::open(&scene.console, &scene.owner, &row, "");
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "after") {
        let (name, _, data) = listener.event();
        if name == "lines" {
            seen.extend(Listener::lines(&data));
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen[1].len() == 8_192 && seen[1].starts_with("xxx"));
    scene.engine.outside(&["rm", "-f", &id]);
}

#[test]
fn an_engine_that_is_frozen_or_gone_is_said_and_nobody_waits_in_the_database_for_it() {
    let Some(engine) = TestEngine::start() else { return };
    let scene = Scene::without_runner(std::sync::Arc::new(engine));
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.owner.get(&logs(&row, "")).expect(200);
    std::thread::sleep(Duration::from_secs(5));
    scene.engine.signal("STOP");
    std::thread::scope(|scope| {
        let page = scope.spawn(|| scene.owner.get(&logs(&row, "")).expect(200).text("main .alert"));
        let mut held = 0;
        while !page.is_finished() {
            held = held.max(scene.console.count(
                "pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%' \
                     AND state_change < now() - interval '300 milliseconds'",
            ));
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(held, 0, "no transaction is open meanwhile");
        let told = page.join().unwrap();
        assert!(told.contains("engine is not connected") && told.contains("away since"), "{told}");
    });
    for part in ["/download", "/live"] {
        let refused = scene.owner.get(&logs(&row, part)).expect(503);
        assert!(!refused.header("retry-after").is_empty(), "{part}");
    }
    scene.engine.signal("CONT");
    until("it is back", || !scene.owner.get(&logs(&row, "")).expect(200).has("main .read"));
    scene.engine.end();
    until("it is missed", || scene.owner.get(&logs(&row, "")).expect(200).has("main .read"));
    let told = scene.owner.get(&logs(&row, "")).expect(200).text("main .read");
    assert!(told.contains("Nobody answers") && told.contains("docker logs"), "{told}");
}
