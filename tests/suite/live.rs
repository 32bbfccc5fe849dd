//! What open pages are told, and to whom.

use std::time::Duration;

use pilothouse::jobs::{self, Runner};
use reqwest::Method;
use serde_json::Value;

use crate::support::console::{Console, Person};
use crate::support::raw::{Wire, head};

fn watched() -> (Console, Runner) {
    let console = Console::start();
    let runner = jobs::start(console.app.clone());
    (console, runner)
}

/// A stream, as its client reads it.
struct Listener(Wire);

impl Listener {
    fn open(console: &Console, person: &Person) -> Self {
        let mut wire = Wire::open(console);
        assert!(
            wire.send(format!("{}Accept: text/event-stream\r\n\r\n", head(console, person, "GET", "/live")))
        );
        let mut listener = Self(wire);
        assert_eq!(listener.event().0, "hello");
        while console.app.live.count() == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        listener
    }

    /// The next event: name and data. Empty at the end.
    fn event(&mut self) -> (String, String) {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("event: ") {
                text.trim_end().clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                text.trim_end().clone_into(&mut data);
            } else if line.is_empty() || line == "0\r\n" || (line == "\n" && !name.is_empty()) {
                return (name, data);
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let byte = self.0.read(1);
            if byte.is_empty() {
                break;
            }
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    fn news(&mut self) -> Value {
        let (name, data) = self.event();
        assert_eq!(name, "change");
        serde_json::from_str(&data).unwrap()
    }

    /// News until one of them names `project`, or everything.
    fn hears_of(&mut self, project: &str) -> bool {
        (0..20).any(|_| {
            let news = self.news();
            news["projects"].as_array().unwrap().iter().any(|id| id == project)
        })
    }
}

#[test]
fn a_page_is_told_which_projects_changed_and_never_a_text_of_them() {
    let (console, _runner) = watched();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let mut listener = Listener::open(&console, &owner);
    assert_eq!(listener.news()["everything"], true, "nobody has looked since the page was made");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, created_at) \
         VALUES ('told', '{project}', 'deployment', 'a secret text', 1763640000000)"
    ));
    let news = listener.news();
    assert_eq!(news["projects"], serde_json::json!([project]));
    assert!(!news.to_string().contains("secret"));
}

#[test]
fn nobody_is_told_of_what_is_anothers() {
    let (console, _runner) = watched();
    let (owner, stranger, admin) = (console.owner(), console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    let theirs = console.project(&stranger, "other");
    let [mut by_stranger, mut by_admin] = [&stranger, &admin].map(|person| Listener::open(&console, person));
    let insert = |id: &str, project: &str| {
        console.sql(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, created_at) \
             VALUES ('{id}', '{project}', 'deployment', 1763640000000)"
        ));
    };
    for listener in [&mut by_stranger, &mut by_admin] {
        assert_eq!(listener.news()["everything"], true);
    }
    insert("first", &project);
    assert!(by_admin.hears_of(&project));
    insert("second", &theirs);
    let mut heard = Vec::new();
    while !heard.iter().any(|news: &Value| news["projects"] == serde_json::json!([theirs])) {
        heard.push(by_stranger.news());
    }
    assert!(!Value::from(heard).to_string().contains(&project));
}

#[test]
fn a_stream_ends_when_its_session_does_and_says_not_to_come_back() {
    let (console, _runner) = watched();
    let owner = console.owner();
    let other = console.sign_in_as(&owner.id);
    let (mut ended, _going_on) = (Listener::open(&console, &owner), Listener::open(&console, &other));
    owner.post("/logout", &[]);
    let last = loop {
        let (name, _) = ended.event();
        if name != "change" {
            break name;
        }
    };
    assert_eq!(last, "bye");
    assert_eq!(ended.0.read(7), b"\r\n0\r\n\r\n", "the answer is whole");
    while console.app.live.count() > 1 {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_stream_ends_without_a_farewell_when_the_instance_stops() {
    let (console, _runner) = watched();
    let owner = console.owner();
    let mut listener = Listener::open(&console, &owner);
    console.app.live.close();
    while listener.event().0 == "change" {}
    owner.send(owner.request(Method::GET, "/live")).expect(503);
}

#[test]
fn without_a_session_there_is_a_refusal_and_no_form() {
    let console = Console::start();
    console.anonymous().get("/live").expect(401);
    let owner = console.owner();
    console.sql("UPDATE sessions SET is_active = false");
    owner.get("/live").expect(401);
}

#[test]
fn one_session_has_so_many_streams_and_no_more() {
    let (console, _runner) = watched();
    let owner = console.owner();
    let listeners: Vec<Listener> = (0..16).map(|_| Listener::open(&console, &owner)).collect();
    assert_eq!(owner.send(owner.request(Method::GET, "/live")).expect(503).header("retry-after"), "10");
    Listener::open(&console, &console.owner());
    drop(listeners);
}

#[test]
fn a_page_that_asks_by_itself_keeps_no_session_alive_and_takes_no_message() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    owner.post(&format!("/projects/{project}/archive"), &[]);
    console.sql("UPDATE sessions SET last_activity = now() - interval '5 minutes'");
    let asks = owner.request(Method::GET, "/projects").header("pilothouse-live", "1");
    assert!(!owner.send(asks).expect(200).has("main .alert"), "the message waits for a person");
    std::thread::sleep(Duration::from_millis(300));
    let idle = || console.text("SELECT (last_activity < now() - interval '4 minutes')::text FROM sessions");
    assert_eq!(idle(), "true");
    assert!(owner.get("/projects").expect(200).has("main .alert"));
    while idle() == "true" {
        std::thread::sleep(Duration::from_millis(10));
    }
}
