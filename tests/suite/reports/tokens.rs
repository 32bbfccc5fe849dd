//! Tokens: who makes them, what they open, and how they end.

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::json;

use super::Program;
use crate::support::console::{Console, Person};
use crate::support::fake_engine::FakeEngine;

/// The token that `page` shows.
fn shown(page: &str) -> Option<String> {
    let at = page.find("value=\"ph_")? + 7;
    Some(page[at..at + 67].to_owned())
}

fn program(person: &Person, token: &str) -> Program {
    Program { nobody: Person::new(person.base()), token: token.to_owned(), id: String::new() }
}

#[test]
fn a_token_is_shown_once_opens_its_projects_and_ends_at_once() {
    let console = Console::start();
    let ada = console.owner();
    let (shop, other) = (console.project(&ada, "shop"), console.project(&ada, "other"));
    let form =
        [("name", "CI of shop"), ("scope", "read"), ("scope", "report"), ("project", &shop), ("days", "30")];
    let made = ada.post("/account/tokens", &form).expect(200);
    let token = shown(&made.body).expect("the token is on the page");
    assert!(shown(&ada.get("/account/tokens").body).is_none(), "it is shown once");
    assert_eq!(console.count(&format!("pilothouse.api_tokens WHERE hash LIKE '%{}%'", &token[3..])), 0);
    assert!(console.holds(
        "EXISTS (SELECT FROM pilothouse.api_tokens WHERE expires_at BETWEEN now() + interval '29 days' AND now() + interval '31 days')"
    ));
    let ci = program(&ada, &token);
    ci.get(&format!("/api/projects/{shop}/activities")).expect(200);
    ci.get(&format!("/api/projects/{other}/activities")).expect(404);
    assert_eq!(ci.get("/api/projects").expect(200).json()["projects"].as_array().unwrap().len(), 1);
    let row = console.text("SELECT id::text FROM pilothouse.api_tokens");
    assert_eq!(
        console.text(
            "SELECT string_agg(\"activityType\", ' ') FROM \"ActivityLog\" WHERE \"targetType\" = 'token'"
        ),
        "token.made"
    );
    ada.post(&format!("/account/tokens/{row}/revoke"), &[]).expect(303);
    let answer = ci.get(&format!("/api/projects/{shop}/activities")).expect(401);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(ada.get("/account/tokens").body.contains("revoked"));
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'token.revoked'"), 1);
}

#[test]
fn a_form_that_asks_for_what_is_not_its_makers_makes_nothing() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let (own, foreign) = (console.project(&ada, "shop"), console.project(&grace, "hers"));
    for form in [
        vec![("name", "x"), ("scope", "read"), ("project", foreign.as_str())],
        vec![("name", "x"), ("scope", "read"), ("project", own.as_str()), ("project", foreign.as_str())],
        vec![("name", "x"), ("scope", "read"), ("all_projects", "true")],
        vec![("name", "x"), ("scope", "read")],
        vec![("name", "x"), ("project", own.as_str())],
        vec![("name", ""), ("scope", "read"), ("project", own.as_str())],
        vec![("name", "x"), ("scope", "admin"), ("project", own.as_str())],
        vec![("name", "x"), ("scope", "read"), ("project", own.as_str()), ("days", "0")],
        vec![("name", "x"), ("scope", "read"), ("project", own.as_str()), ("days", "soon")],
        vec![("name", "x"), ("scope", "read"), ("project", "x")],
    ] {
        let refused = ada.post("/account/tokens", &form).expect(422);
        assert!(refused.has("[role=alert]") && refused.has(".field-error"), "{form:?}");
    }
    assert_eq!(console.count("pilothouse.api_tokens"), 0);
    let admin = console.admin();
    let form = [("name", "all"), ("scope", "read"), ("all_projects", "true")];
    let token = shown(&admin.post("/account/tokens", &form).expect(200).body).unwrap();
    let everything = program(&admin, &token);
    assert_eq!(everything.get("/api/projects").expect(200).json()["projects"].as_array().unwrap().len(), 2);
    console.sql(&format!("UPDATE users SET role = 'owner' WHERE id = '{}'", admin.id));
    everything.get("/api/projects").expect(401);
}

#[test]
fn what_is_no_token_is_answered_with_a_problem_and_never_by_the_cookie_beside_it() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let path = format!("/api/projects/{shop}/activities");
    let ci = Program::of(&console, &ada, &shop, "read,report");
    let made_up = format!("Bearer ph_{}", "0".repeat(64));
    let long = format!("Bearer ph_{}", "0".repeat(6_000));
    for value in ["Bearer", "Bearer ", "Basic YTpi", "Bearer x", &made_up, &long, &ci.token, "Bearer ph_é"] {
        let answer =
            ada.send(ada.request(Method::GET, &path).header(AUTHORIZATION, value.as_bytes())).expect(401);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{value}");
    }
    let twice = ada.request(Method::GET, &path).bearer_auth(&ci.token).bearer_auth(&ci.token);
    ada.send(twice).expect(401);
    // A token opens no page, and needs no proof of where it comes from.
    let page = ci.nobody.send(ci.request(Method::GET, "/projects")).expect(303);
    assert!(page.location().starts_with("/login"));
    let both = ada.request(Method::POST, &path).bearer_auth(&ci.token).json(&json!({"action_type": "x"}));
    ada.send(both).expect(201);
    assert!(
        console.holds("(SELECT user_id IS NULL FROM turbobackend.project_actions)"),
        "the cookie counts for nothing"
    );
}

#[test]
fn a_token_does_what_its_scopes_say_while_its_maker_has_the_project() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let shop = console.project(&ada, "shop");
    let path = format!("/api/projects/{shop}/activities");
    let (reader, reporter) =
        (Program::of(&console, &ada, &shop, "read"), Program::of(&console, &ada, &shop, "report"));
    let body = json!({"action_type": "deployment"});
    let refused = reader.post(&path, &body).expect(403);
    assert!(refused.body.contains("the scope report"), "{}", refused.body);
    reporter.get(&path).expect(403);
    reporter.post(&path, &body).expect(201);
    console.sql(&format!("UPDATE projects SET user_id = '{}' WHERE id = '{shop}'", grace.id));
    reporter.post(&path, &body).expect(404);
    reader.get(&path).expect(404);
    console.sql(&format!("UPDATE projects SET user_id = '{}' WHERE id = '{shop}'", ada.id));
    console.sql(&format!("UPDATE users SET is_active = false WHERE id = '{}'", ada.id));
    reporter.post(&path, &body).expect(401);
}

#[test]
fn a_use_is_noted_with_its_address() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "read");
    ci.get("/api/projects").expect(200);
    let noted = || {
        console.holds("(SELECT last_used_at IS NOT NULL AND host(last_used_ip) = '127.0.0.1' FROM pilothouse.api_tokens)")
    };
    assert!((0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        noted()
    }));
    assert!(ada.get("/account/tokens").body.contains("127.0.0.1"));
}

#[test]
fn a_token_that_asks_too_often_is_told_to_wait_and_no_other_with_it() {
    let console = Console::with(&[("PILOTHOUSE_TOKEN_LIMIT", "5")]);
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let (one, other) =
        (Program::of(&console, &ada, &shop, "read"), Program::of(&console, &ada, &shop, "read"));
    let mut left: Vec<String> = Vec::new();
    for _ in 0..5 {
        let answer = one.get("/api/projects").expect(200);
        assert_eq!(answer.header("ratelimit-limit"), "5");
        left.push(answer.header("ratelimit-remaining").to_owned());
    }
    assert_eq!(left[0], "4");
    let refused = one.get("/api/projects").expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    other.get("/api/projects").expect(200);
    ada.get("/api/projects").expect(200);
}

#[test]
fn admins_see_and_end_everybodys_tokens() {
    let console = Console::start();
    let (ada, admin) = (console.owner(), console.admin());
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "read");
    let page = admin.get("/tokens").expect(200);
    assert_eq!(page.attributes("tr[data-token]", "data-token"), std::slice::from_ref(&ci.id));
    assert!(page.text("tr[data-token]").contains("The owner"));
    let back = admin.post(&format!("/account/tokens/{}/revoke", ci.id), &[("from", "all")]).expect(303);
    assert_eq!(back.location(), "/tokens");
    ci.get("/api/projects").expect(401);
}

#[test]
fn the_timeline_shows_what_a_token_reported_and_what_it_had_done() {
    let engine = FakeEngine::start(|_, _| false);
    let console = Console::beside_engine(&engine.address(), &[]);
    let (ada, grace) = (console.owner(), console.owner());
    let (shop, container) = console.project_in_container(&ada, "shop");
    console.sql(&format!("UPDATE containers SET container_id = repeat('ab', 32) WHERE id = '{container}'"));
    let (one, other) =
        (Program::of(&console, &ada, &shop, "report,operate"), Program::of(&console, &ada, &shop, "report"));
    let activities = format!("/api/projects/{shop}/activities");
    one.post(&activities, &json!({"action_type": "x", "action_id": "of-one", "user_id": "somebody"}))
        .expect(201);
    one.post(&format!("/api/projects/{shop}/events"), &json!({"eventType": "APR_REVIEW", "id": "of-one"}))
        .expect(201);
    other.post(&activities, &json!({"action_type": "x", "action_id": "of-other"})).expect(201);
    console.action(&shop, "deployment", 1_763_640_000_000, "{}");
    let asked = one.post(&format!("/api/containers/{container}/restart"), &json!({})).expect(202);
    let operation = format!("event:{}", asked.json()["id"].as_str().unwrap());
    let audit = format!(
        "audit:{}",
        console.text("SELECT id FROM \"ActivityLog\" WHERE \"activityType\" = 'container.restart'")
    );
    for path in ["/activity".to_owned(), format!("/projects/{shop}/activity")] {
        let page = ada.get(&format!("{path}?actor=token%3A{}", one.id)).expect(200);
        let mut shown = page.attributes("ol.timeline li[data-activity]", "data-activity");
        shown.sort();
        assert_eq!(shown, [audit.as_str(), "event:of-one", &operation, "of-one"], "{path}");
    }
    let foreign = grace.get(&format!("/activity?actor=token%3A{}", one.id)).expect(200);
    assert!(!foreign.has("ol.timeline li[data-activity]"));
}
