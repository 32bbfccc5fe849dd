//! The assistant as JSON, for pages elsewhere.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, ORIGIN};
use serde_json::{Value, json};

use super::start::SENTENCE;
use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

const ELSEWHERE: &str = "https://www.example.org";

fn console() -> Console {
    Console::with(&[("PILOTHOUSE_START_ORIGINS", "https://www.example.org, http://localhost:3000")])
}

fn begin(person: &Person, body: &Value) -> (String, String) {
    let begun =
        person.send(person.request(Method::POST, "/api/assistant/sessions").json(body)).expect(201).json();
    assert_eq!(begun["slot"], "goal");
    assert!(begun["reply"].as_str().unwrap().contains("What do you want to build"));
    assert_eq!(begun["completion_score"], 0);
    (begun["session_id"].as_str().unwrap().to_owned(), begun["secret"].as_str().unwrap().to_owned())
}

fn ask(person: &Person, method: Method, path: &str, secret: &str, body: Option<&Value>) -> Answer {
    let request = person.request(method, &format!("/api/assistant/sessions/{path}"));
    let request = request.header(AUTHORIZATION, format!("Guest {secret}")).header(ORIGIN, ELSEWHERE);
    person.send(match body {
        Some(body) => request.json(body),
        None => request,
    })
}

#[test]
fn a_conversation_is_held_by_its_secret() {
    let console = console();
    let page = console.anonymous();
    let (id, secret) = begin(&page, &json!({ "ref": "ada", "source": "blog" }));
    let messages = format!("{id}/messages");

    let said =
        ask(&page, Method::POST, &messages, &secret, Some(&json!({ "text": SENTENCE }))).expect(200).json();
    assert_eq!((&said["completion_score"], &said["slot"]), (&json!(80), &json!("features")));
    assert_eq!(said["slots"]["budget"]["value"], "€5,000–€10,000");
    let slot = json!({ "slot": "contact", "value": "ada@example.org" });
    let said = ask(&page, Method::POST, &messages, &secret, Some(&slot)).expect(200).json();
    assert_eq!(said["completion_score"], 90);

    let whole = ask(&page, Method::GET, &id, &secret, None).expect(200).json();
    assert_eq!(whole["turns"].as_array().unwrap().len(), 2);
    assert_eq!(console.text("SELECT attribution_chain FROM job_drafts"), "blog:ada");
    // A link that is followed later is the newest; the first one stays, and counts.
    let later = json!({ "text": "search", "ref": "bob", "source": "talk" });
    ask(&page, Method::POST, &messages, &secret, Some(&later)).expect(200);
    let slot = json!({ "slot": "budget", "value": "6000", "ref": "cy" });
    ask(&page, Method::POST, &messages, &secret, Some(&slot)).expect(200);
    for table in ["ai_assistant_sessions", "job_drafts"] {
        assert_eq!(
            console.text(&format!("SELECT concat_ws(' ', developer_ref, attribution_chain) FROM {table}")),
            "ada blog:ada>direct:cy",
            "{table}"
        );
    }
    let claim = ask(&page, Method::POST, &format!("{id}/claim"), &secret, None).expect(201).json();
    let link = claim["claim_url"].as_str().unwrap();
    assert!(console.owner().get(link).expect(200).text("main").contains("bakeries"));
    assert_eq!(ask(&page, Method::DELETE, &id, &secret, None).expect(204).body, "");
    ask(&page, Method::GET, &id, &secret, None).expect(401);
    assert_eq!(console.count("ai_assistant_sessions") + console.count("job_drafts"), 0);
}

#[test]
fn what_can_not_be_taken_is_told_field_by_field() {
    let console = console();
    let page = console.anonymous();
    let (id, secret) = begin(&page, &json!({}));
    for (body, field) in [
        (json!({}), "text"),
        (json!({ "text": "" }), "text"),
        (json!({ "text": "m".repeat(2001) }), "text"),
        (json!({ "text": "x", "slot": "budget", "value": "1" }), "text"),
        (json!({ "slot": "nonsense", "value": "x" }), "slot"),
        (json!({ "slot": "budget", "value": "fünf" }), "value"),
        (json!({ "text": 7 }), "text"),
        (json!({ "odd": 1 }), "odd"),
    ] {
        let answer = ask(&page, Method::POST, &format!("{id}/messages"), &secret, Some(&body)).expect(422);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(ask(&page, Method::GET, &id, &secret, None).json()["completion_score"], 0);
}

#[test]
fn nobody_enters_without_the_secret_and_cookies_count_for_nothing() {
    let console = console();
    let page = console.anonymous();
    let (id, secret) = begin(&page, &json!({}));
    let (other, other_secret) = begin(&page, &json!({}));
    for wrong in ["", "x", &id, &"0f".repeat(32)] {
        ask(&page, Method::GET, &id, wrong, None).expect(401);
    }
    ask(&page, Method::GET, &id, &other_secret, None).expect(404);
    ask(&page, Method::DELETE, &other, &secret, None).expect(404);
    let by_cookie = console.anonymous();
    by_cookie.set_cookie(&pilothouse::http::cookies::guest_name(&console.app.config), &secret);
    by_cookie.send(by_cookie.request(Method::GET, &format!("/api/assistant/sessions/{id}"))).expect(401);
    // A user's session begins a visitor's conversation here.
    let owner = console.owner();
    let begun = owner.request(Method::POST, "/api/assistant/sessions").header(ORIGIN, "https://evil.example");
    owner.send(begun.json(&json!({}))).expect(201);
    assert_eq!(console.count("ai_assistant_sessions WHERE user_id IS NOT NULL"), 0);
}

#[test]
fn pages_of_known_origins_may_read_and_no_others() {
    let console = console();
    let page = console.anonymous();
    let allowed = |origin: &str, method: Method| {
        let request = page.request(method, "/api/assistant/sessions").header(ORIGIN, origin);
        let answer = page.send(request.json(&json!({})));
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        (answer.status, answer.header("access-control-allow-origin").to_owned())
    };
    assert_eq!(allowed(ELSEWHERE, Method::OPTIONS), (204, ELSEWHERE.to_owned()));
    assert_eq!(allowed(ELSEWHERE, Method::POST), (201, ELSEWHERE.to_owned()));
    assert_eq!(allowed("http://localhost:3000", Method::POST).1, "http://localhost:3000");
    for foreign in
        ["https://evil.example", "https://www.example.org.evil.example", "null", "http://www.example.org"]
    {
        assert_eq!(allowed(foreign, Method::OPTIONS).1, "", "{foreign}");
    }
    let preflight = page
        .send(page.request(Method::OPTIONS, "/api/assistant/sessions/x/messages").header(ORIGIN, ELSEWHERE));
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
    page.send(page.request(Method::OPTIONS, "/api/projects").header(ORIGIN, ELSEWHERE)).expect(405);
}

#[test]
fn five_sessions_an_hour_hold_here_too() {
    let console = console();
    let page = console.anonymous();
    for _ in 0..5 {
        begin(&page, &json!({}));
    }
    let throttled =
        page.send(page.request(Method::POST, "/api/assistant/sessions").json(&json!({}))).expect(429);
    assert!(!throttled.header("retry-after").is_empty());
}
