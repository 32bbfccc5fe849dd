//! The API is as `/openapi.json` tells it, and its page's commands run as they are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::routes::registered;
use crate::support::answer::Answer;
use crate::support::console::Console;

/// What is wrong with `value`, held against a schema of `document`; nothing when it fits.
fn misfit(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        return misfit(document, document.pointer(pointer).unwrap_or_else(|| panic!("{name}")), value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let wrong: Vec<String> = any.iter().map_while(|one| misfit(document, one, value, at)).collect();
        return (wrong.len() == any.len()).then(|| wrong.join(", or "));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |named: &Value| named == kind || named == "number" && kind == "integer";
    let is_of_type = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(fits),
        one => fits(one),
    };
    if !is_of_type {
        return Some(format!("{at} is {value}, not {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{at} is {value}, which is none of {}", schema["enum"]));
    }
    if let Some(number) = value.as_f64()
        && (schema["minimum"].as_f64().is_some_and(|least| number < least)
            || schema["maximum"].as_f64().is_some_and(|most| number > most))
    {
        return Some(format!("{at} is {value}, out of bounds"));
    }
    if let Some(items) = value.as_array() {
        let each = |(n, item)| misfit(document, &schema["items"], item, &format!("{at}[{n}]"));
        return items.iter().enumerate().find_map(each);
    }
    let object = value.as_object()?;
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = needed.into_iter().find(|name| !object.contains_key(*name)) {
        return Some(format!("{at} lacks {missing}"));
    }
    object.iter().find_map(|(name, value)| {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => Some(format!("{at} is not described")),
            (Value::Null, Value::Object(other)) => misfit(document, &json!(other), value, &at),
            (Value::Null, _) => None,
            (one, _) => misfit(document, one, value, &at),
        }
    })
}

fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
        methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(operations).collect()
}

/// The patterns that one with a choice stands for.
fn spread(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once(':').and_then(|(before, rest)| {
        let (before, _) = before.rsplit_once('{')?;
        Some((before, rest))
    }) else {
        return vec![pattern.to_owned()];
    };
    let (words, after) = rest.split_once('}').unwrap();
    words.split('|').map(|word| format!("{before}{word}{after}")).collect()
}

#[test]
fn every_route_of_the_api_is_described_and_nothing_else() {
    let document: Value = serde_json::to_value(pilothouse::api::openapi::document()).unwrap();
    let is_api =
        |path: &str| ["/api/", "/webhooks/", "/openapi.json"].iter().any(|below| path.starts_with(below));
    let registered: BTreeSet<(String, String)> = registered::routes()
        .into_iter()
        .filter(|(method, path)| method != "HEAD" && is_api(path))
        .flat_map(|(method, path)| spread(&path).into_iter().map(move |path| (method.clone(), path)))
        .collect();
    assert_eq!(registered, described(&document), "left: what is there; right: src/api/openapi");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one walk")]
fn every_answer_is_as_it_is_described_errors_included() {
    const JSON: &str = "application/json";
    const SESSION: &str = "/api/assistant/sessions/{id}";
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let container = console.container(&ada, "shop-web");
    console.sql(&format!("UPDATE projects SET container_id = '{container}' WHERE id = '{shop}'"));
    let ci = Program::of(&console, &ada, &shop, "read,report");
    let reader = Program::of(&console, &ada, &shop, "read");
    let document = console.anonymous().get("/openapi.json").expect(200).json();
    assert_eq!(document["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    let foreign = "00000000-0000-4000-8000-000000000000";
    let event = json!({"id": "e1", "eventType": "INDEXING_STARTED", "title": "Indexing", "progress": 10,
        "createdAt": "2026-01-01T00:00:00Z", "metadata": {"n": 1}});
    let activity = json!({"action_id": "a1", "action_type": "deployment", "status": "success",
        "reference_ids": {"deployment_id": "d1"}, "created_at": 1_763_640_000_000_i64});
    // Bodies that are to be taken, and queries, by what they are sent to.
    let mut good: Vec<(&str, &str, Value)> = vec![
        ("POST", "/api/projects/{id}/activities", activity.clone()),
        ("POST", "/api/projects/{id}/activities", json!({"activities": [activity, {"action_type": "x"}]})),
        ("POST", "/api/projects/{id}/events", event.clone()),
        ("POST", "/api/projects/{id}/events", event),
        ("PATCH", "/api/events/{id}", json!({"status": "COMPLETED", "stage": "done", "description": null})),
        (
            "POST",
            "/api/projects/{id}/pushes",
            json!({"push_id": "p1", "files": [{"path": "a"}], "files_changed": 1}),
        ),
        ("POST", "/api/projects/{id}/deployments", json!({"deployment_id": "d1", "status": "running"})),
        ("POST", "/api/projects/{id}/deployments", json!({"deployment_id": "d1", "status": "success"})),
        (
            "POST",
            "/api/projects/{id}/databases",
            json!({"database_name": "orders", "schema_design": {"t": []}}),
        ),
        ("POST", "/api/projects/{id}/sessions", json!({"session_id": "s1", "exit_code": 137})),
        ("POST", "/api/projects/{id}/costs", json!({"cost_usd": 0.25, "input_tokens": 5})),
    ];
    let is_of_visitors =
        |path: &str| ["/api/assistant/", "/api/intake/"].iter().any(|below| path.starts_with(below));
    for (method, path) in described(&document) {
        if method == "GET" && !is_of_visitors(&path) {
            good.push(("GET", Box::leak(path.into_boxed_str()), Value::Null));
        }
    }
    let mut seen: BTreeMap<(String, String), BTreeSet<u16>> = BTreeMap::new();
    let mut hold = |method: &str, path: &str, answer: Answer| {
        let operation = &document["paths"][path][method.to_lowercase()];
        let told = &operation["responses"][answer.status.to_string()];
        assert!(
            !told.is_null(),
            "{} answers {}, which is not described: {}",
            answer.what,
            answer.status,
            answer.body
        );
        let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
        let schema = &told["content"][&kind]["schema"];
        assert!(!schema.is_null() || answer.status == 204, "{}: {kind} is not described", answer.what);
        if answer.status != 204
            && let Some(wrong) = misfit(&document, schema, &answer.json(), "body")
        {
            panic!("{}: {wrong}\n{}", answer.what, answer.body);
        }
        seen.entry((method.to_owned(), path.to_owned())).or_default().insert(answer.status);
    };
    let at = |path: &str, project: &str| {
        let id = match path {
            "/api/events/{id}" => "e1",
            "/api/containers/{id}" if project == shop => &container,
            _ => project,
        };
        path.replace("{id}", id)
    };
    for (method, path, body) in &good {
        let send = |program: &Program, address: &str, body: &Value| {
            let request = program.request(Method::from_bytes(method.as_bytes()).unwrap(), address);
            let request = if body.is_null() { request } else { request.json(body) };
            program.nobody.send(request)
        };
        if !body.is_null() {
            let schema = &document["paths"][*path][method.to_lowercase()]["requestBody"]["content"]["application/json"]
                ["schema"];
            assert_eq!(misfit(&document, schema, body, "request"), None, "{method} {path}");
        }
        let answer = send(&ci, &at(path, &shop), body);
        assert!(answer.status < 300, "{}: {}", answer.what, answer.body);
        hold(method, path, answer);
        let request = ci.nobody.request(Method::from_bytes(method.as_bytes()).unwrap(), &at(path, &shop));
        let unsigned = ci.nobody.send(if body.is_null() { request } else { request.json(body) });
        assert!(unsigned.status == 401 || *path == "/openapi.json", "{}", unsigned.what);
        hold(method, path, unsigned);
        if path.contains("{id}") && *path != "/api/events/{id}" {
            hold(method, path, send(&ci, &at(path, foreign), body).expect(404));
        }
        if *method == "GET" {
            for query in [
                "limit=0",
                "cursor=x",
                "offset=-1",
                "days=x",
                "projectId=x",
                "status=none&limit=5",
                "since=x",
            ] {
                hold(method, path, send(&ci, &format!("{}?{query}", at(path, &shop)), body));
            }
            continue;
        }
        hold(method, path, send(&reader, &at(path, &shop), body).expect(403));
        hold(method, path, send(&ci, &at(path, &shop), &json!({"colour": [1]})).expect(422));
        let odd = |kind: &str, body: &'static str| {
            let request = ci.request(Method::from_bytes(method.as_bytes()).unwrap(), &at(path, &shop));
            ci.nobody.send(request.header("content-type", kind.to_owned()).body(body))
        };
        hold(method, path, odd("application/json", "{").expect(400));
        hold(method, path, odd("text/plain", "{}").expect(415));
    }
    hold("PATCH", "/api/events/{id}", ci.patch("/api/events/e1", &json!({"status": "FAILED"})).expect(409));
    hold("PATCH", "/api/events/{id}", ci.patch("/api/events/none", &json!({"title": "x"})).expect(404));
    let taken = json!({"action_id": "a1", "action_type": "other"});
    let activities = format!("/api/projects/{shop}/activities");
    hold("POST", "/api/projects/{id}/activities", ci.post(&activities, &taken).expect(409));
    let hook =
        ci.nobody.send(ci.nobody.request(Method::POST, &format!("/webhooks/github/{foreign}")).body("{}"));
    hold("POST", "/webhooks/github/{hook}", hook);
    // Without an engine nothing can be asked for.
    let verbs = ["start", "stop", "restart"].map(|verb| format!("/api/containers/{{id}}/{verb}"));
    for path in &verbs {
        hold("POST", path, ci.post(&path.replace("{id}", &container), &json!({})).expect(403));
        hold("POST", path, reader.post(&path.replace("{id}", foreign), &json!({})));
    }
    // A visitor's conversation, from its beginning to its end.
    let talk = |method: &Method, address: &str, secret: &str, body: &'static str, kind: &str| {
        let request = ci.nobody.request(method.clone(), address).header("content-type", kind.to_owned());
        ci.nobody.send(request.header("authorization", format!("Guest {secret}")).body(body))
    };
    let sessions = "/api/assistant/sessions";
    let begun = talk(&Method::POST, sessions, "", r#"{"source": "fair"}"#, JSON).expect(201);
    let told = begun.json();
    let (session, secret) = (told["session_id"].as_str().unwrap(), told["secret"].as_str().unwrap());
    hold("POST", sessions, begun);
    for (body, kind) in [("{", JSON), ("{}", "text/plain"), (r#"{"colour": 1}"#, JSON)] {
        hold("POST", sessions, talk(&Method::POST, sessions, "", body, kind));
        let messages = format!("{sessions}/{session}/messages");
        hold("POST", &format!("{SESSION}/messages"), talk(&Method::POST, &messages, secret, body, kind));
    }
    let said = r#"{"text": "An online shop for bakeries, 5000 euros"}"#;
    for (method, part, body) in [
        (Method::POST, "/messages", said),
        (Method::GET, "", ""),
        (Method::POST, "/claim", "{}"),
        (Method::DELETE, "", ""),
    ] {
        let (name, path) = (method.as_str().to_owned(), format!("{SESSION}{part}"));
        hold(&name, &path, talk(&method, &format!("{sessions}/{session}{part}"), "", body, JSON).expect(401));
        hold(&name, &path, talk(&method, &format!("{sessions}/other{part}"), secret, body, JSON).expect(404));
        let answer = talk(&method, &format!("{sessions}/{session}{part}"), secret, body, JSON);
        assert!(answer.status < 300, "{}: {}", answer.what, answer.body);
        hold(&name, &path, answer);
    }
    let funnel = "/api/intake/funnel";
    for answer in [
        console.admin().get(funnel).expect(200),
        ada.get(funnel).expect(404),
        ci.nobody.get(funnel).expect(401),
    ] {
        hold("GET", funnel, answer);
    }
    hold("GET", funnel, console.admin().get("/api/intake/funnel?from=x").expect(400));
    let walked: BTreeSet<(String, String)> = seen.keys().cloned().collect();
    assert_eq!(walked, described(&document), "left: what was tried");
    let good = |statuses: &BTreeSet<u16>| statuses.iter().any(|status| *status < 300);
    for ((method, path), statuses) in seen {
        let is_apart = path.starts_with("/webhooks/") || verbs.contains(&path) || is_of_visitors(&path);
        assert!(good(&statuses) || is_apart, "{method} {path}: {statuses:?}");
        let written = [200, 400, 401, 403, 415, 422];
        let all = method == "GET" || written.iter().skip(1).all(|status| statuses.contains(status));
        assert!(all || is_apart, "{method} {path}: {statuses:?}");
    }
}

#[test]
fn the_commands_of_the_api_page_run_as_they_are_printed() {
    let console = Console::start();
    let ada = console.owner();
    assert!(ada.get("/api").expect(200).body.contains("You have no project yet"));
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "read,report");
    let page = ada.get("/api").expect(200);
    let printed = page.select("pre[data-command]").into_iter();
    let commands: Vec<String> = printed.map(|command| command.text().collect()).collect();
    assert!(commands.len() > 5);
    let mut shell = Command::new("bash");
    shell.args(["-e", "-o", "pipefail", "-c", &commands.join("\n")]);
    shell.env("no_proxy", "*").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    shell.stdin.take().unwrap().write_all(format!("{}\n", ci.token).as_bytes()).unwrap();
    let out = shell.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{told}");
    assert_eq!(
        console.count("turbobackend.project_actions WHERE action_type IN ('workflow_run', 'github_push')"),
        2
    );
    assert_eq!(console.count("\"ActivityEvent\" WHERE status = 'COMPLETED' AND duration IS NOT NULL"), 1);
    assert_eq!(console.count("turbobackend.project_deployments WHERE status = 'success'"), 1);
    assert!(told.contains("\"byStatus\""), "{told}");
    // All of it is one thread.
    let push =
        console.text("SELECT action_id FROM turbobackend.project_actions WHERE action_type = 'github_push'");
    let thread = ada.get(&format!("/threads/action:{push}")).expect(200);
    assert_eq!(thread.select("ol.timeline > li").len(), 4);
}
