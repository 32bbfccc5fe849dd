//! Activities that programs report: all of a request or none, once however often it is sent.

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::support::console::Console;

struct Stage {
    console: Console,
    ci: Program,
    shop: String,
    path: String,
}

fn stage() -> Stage {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "read,report");
    let path = format!("/api/projects/{shop}/activities");
    Stage { console, ci, shop, path }
}

const ACTIONS: &str = "turbobackend.project_actions";

#[test]
fn one_activity_is_answered_when_it_stands_and_reads_back_as_it_was_told() {
    let Stage { console, ci, path, .. } = stage();
    let told = json!({
        "action_id": "deploy-1", "user_id": "somebody", "request_id": "r1", "action_type": "pr_merged",
        "action_details": "He said \"hi\"", "status": "weird", "environment": "staging",
        "reference_ids": {"deployment_id": "d1", "n": 12_345_678_901_234_567_890.5_f64, "deep": [null]},
        "created_at": 1_763_640_000_000_i64
    });
    let answer = ci.post(&path, &told).expect(201);
    assert_eq!(
        answer.json(),
        json!({"activities": [{"action_id": "deploy-1", "created_at": 1_763_640_000_000_i64, "status": "created"}]})
    );
    let read = ci.get(&path).expect(200).json();
    let row = &read["activities"][0];
    for field in [
        "action_id",
        "user_id",
        "request_id",
        "action_type",
        "action_details",
        "status",
        "environment",
        "created_at",
    ] {
        assert_eq!(row[field], told[field], "{field}");
    }
    assert_eq!(row["reference_ids"]["deployment_id"], "d1");
    assert_eq!(
        console.text("SELECT source || ' ' || id || ' ' || token_id FROM pilothouse.reports"),
        format!("action deploy-1 {}", ci.id)
    );
}

#[test]
fn the_same_again_is_existing_and_something_else_under_its_id_a_conflict() {
    let Stage { console, ci, path, .. } = stage();
    let told =
        json!({"action_id": "a1", "action_type": "deployment", "reference_ids": {"n": 1.50, "k": "v"}});
    let first = ci.post(&path, &told).expect(201).json();
    let again = ci.post(&path, &told).expect(201).json();
    assert_eq!(again["activities"][0]["status"], "existing");
    assert_eq!(again["activities"][0]["created_at"], first["activities"][0]["created_at"]);
    let other = json!({"action_id": "a1", "action_type": "deployment", "reference_ids": {"n": 2, "k": "v"}});
    let refused = ci.post(&path, &other).expect(409);
    assert!(refused.body.contains("action_id"), "{}", refused.body);
    // Another tenant's is told apart by nothing.
    let grace = console.owner();
    let hers = console.project(&grace, "hers");
    let foreign = Program::of(&console, &grace, &hers, "report");
    let answer = foreign.post(&format!("/api/projects/{hers}/activities"), &told).expect(409);
    assert_eq!(answer.json()["detail"], refused.json()["detail"]);
    assert_eq!(console.count(ACTIONS), 1);
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all_and_says_which_field_of_which_element_is_wrong() {
    let Stage { console, ci, path, .. } = stage();
    let elements: Vec<Value> =
        (0..1_000).map(|n| json!({"action_id": format!("b{n}"), "action_type": "deployment"})).collect();
    let answer = ci.post(&path, &json!({"activities": elements})).expect(201).json();
    assert_eq!(answer["activities"].as_array().unwrap().len(), 1_000);
    assert_eq!(answer["activities"][999]["action_id"], "b999");
    assert_eq!(console.count(ACTIONS), 1_000);
    assert_eq!(console.count("pilothouse.timeline WHERE source = 'action'"), 1_000);
    let mut too_many = elements.clone();
    too_many.push(json!({"action_type": "x"}));
    ci.post(&path, &json!({"activities": too_many})).expect(422);
    let wrong = json!({"activities": [
        {"action_type": "x"},
        {"action_type": 5, "created_at": "yesterday", "reference_ids": [1], "colour": "red"},
        {"status": "success"}
    ]});
    let refused = ci.post(&path, &wrong).expect(422).json();
    let fields: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    for field in [
        "activities[1].action_type",
        "activities[1].created_at",
        "activities[1].reference_ids",
        "activities[1].colour",
        "activities[2].action_type",
    ] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
    // One that conflicts takes the others along.
    let conflict = json!({"activities": [{"action_id": "new", "action_type": "x"}, {"action_id": "b1", "action_type": "other"}]});
    let refused = ci.post(&path, &conflict).expect(409);
    assert!(refused.body.contains("activities[1].action_id"), "{}", refused.body);
    assert_eq!(console.count(ACTIONS), 1_000);
    // Twice in one batch: the same is one, something else is none.
    let twice = json!({"activities": [{"action_id": "t", "action_type": "x"}, {"action_id": "t", "action_type": "x"}]});
    let answer = ci.post(&path, &twice).expect(201).json();
    assert_eq!(
        (&answer["activities"][0]["status"], &answer["activities"][1]["status"]),
        (&json!("created"), &json!("existing"))
    );
    let twice = json!({"activities": [{"action_id": "u", "action_type": "x"}, {"action_id": "u", "action_type": "y"}]});
    ci.post(&path, &twice).expect(409);
}

#[test]
fn json_that_is_none_is_refused_and_nothing_of_it_kept() {
    let Stage { console, ci, path, .. } = stage();
    let send = |body: Vec<u8>, kind: &str| {
        let request = ci.request(Method::POST, &path).header("content-type", kind).body(body);
        ci.nobody.send(request)
    };
    for bad in [
        "",
        "{\"action_type\":\"x\",}",
        "{\"action_type\":\"x\"}{\"action_type\":\"x\"}",
        "\u{FEFF}{\"action_type\":\"x\"}",
        "{\"action_type\":\"x\",\"action_type\":\"y\"}",
        "{\"action_type\":\"\\u0000\"}",
        "{\"action_type\":\"x\",\"reference_ids\":{\"n\":1e400}}",
    ] {
        let answer = send(bad.as_bytes().to_vec(), "application/json").expect(400);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{bad}");
    }
    send(b"{\"action_type\":\"\xff\"}".to_vec(), "application/json").expect(400);
    send(vec![0xff, 0xfe, b'{', 0, b'}', 0], "application/json").expect(400);
    for odd in [
        "{\"action_type\":\"x\",\"Action_Type\":\"y\"}",
        "[]",
        "5",
        "\"x\"",
        "null",
        "{}",
        "{\"activities\":[]}",
        "{\"action_type\":\"\"}",
    ] {
        send(odd.as_bytes().to_vec(), "application/json").expect(422);
    }
    send(b"action_type=x".to_vec(), "application/x-www-form-urlencoded").expect(415);
    send(b"{}".to_vec(), "text/plain").expect(415);
    let packed =
        ci.request(Method::POST, &path).header("content-encoding", "gzip").json(&json!({"action_type": "x"}));
    ci.nobody.send(packed).expect(415);
    send(vec![b' '; 9 * 1024 * 1024], "application/json").expect(413);
    assert_eq!(console.count(ACTIONS), 0);
}

#[test]
fn a_clock_that_is_wrong_by_years_is_kept_and_never_reorders_what_the_server_saw() {
    let Stage { console, ci, shop, path } = stage();
    for (id, at) in [
        ("future", json!("9999-01-01T00:00:00Z")),
        ("past", json!("1970-01-01T00:00:00Z")),
        ("now", json!(null)),
    ] {
        ci.post(&path, &json!({"action_id": id, "action_type": "x", "created_at": at})).expect(201);
    }
    let kept = console.text("SELECT created_at FROM turbobackend.project_actions WHERE action_id = 'future'");
    assert_eq!(kept, "253370764800000");
    assert!(console.holds(
        "(SELECT told_at IS NOT NULL AND at < 4102444800000 FROM pilothouse.timeline WHERE id = 'future')"
    ));
    assert_eq!(console.count("pilothouse.reports WHERE received_at > now() - interval '1 minute'"), 3);
    let order = ci.get(&path).json();
    let ids: Vec<&str> = order["activities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["now", "future", "past"], "{shop}");
}

#[test]
fn a_key_gets_the_same_answer_again_and_another_request_none() {
    let Stage { console, ci, path, shop } = stage();
    let body = json!({"action_type": "deployment"});
    let first = ci.post_once(&path, "k1", &body).expect(201);
    assert!(first.headers.get("idempotency-replayed").is_none());
    let again = ci.post_once(&path, "k1", &body).expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    ci.post_once(&path, "k1", &json!({"action_type": "other"})).expect(422);
    ci.post_once(&format!("/api/projects/{shop}/events"), "k1", &body).expect(422);
    assert_eq!(console.count(ACTIONS), 1);
    // What was refused is not kept under its key.
    ci.post_once(&path, "k2", &json!({})).expect(422);
    ci.post_once(&path, "k2", &body).expect(201);
    // Another's key is another key.
    let ada = console.text(&format!("SELECT user_id::text FROM projects WHERE id = '{shop}'"));
    let other = Program::of(&console, &console.sign_in_as(&ada), &shop, "report");
    other.post_once(&path, "k1", &json!({"action_type": "other"})).expect(201);
    for bad in ["", " ", "a b", &"k".repeat(256), "😀"] {
        let request = ci.request(Method::POST, &path).header("idempotency-key", bad.as_bytes()).json(&body);
        ci.nobody.send(request).expect(400);
    }
    ci.post_once(&path, &"k".repeat(255), &body).expect(201);
}

#[test]
fn fifty_at_once_under_one_key_are_one() {
    let Stage { console, ci, path, .. } = stage();
    let body = json!({"action_type": "deployment"});
    let bodies: Vec<String> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..50)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let answer = ci.post_once(&path, "one", &body);
                        if answer.status != 409 {
                            return answer.expect(201).body;
                        }
                        assert!(!answer.header("retry-after").is_empty());
                    }
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(console.count(ACTIONS), 1);
}

#[test]
fn a_request_on_its_way_holds_its_key() {
    let Stage { console, ci, path, .. } = stage();
    console.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END'; \
         CREATE TRIGGER slow BEFORE INSERT ON turbobackend.project_actions FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let body = json!({"action_type": "deployment"});
    std::thread::scope(|scope| {
        let first = scope.spawn(|| ci.post_once(&path, "k", &body).status);
        while !console.holds("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())") {}
        let second = ci.post_once(&path, "k", &body).expect(409);
        assert_eq!(second.header("retry-after"), "1");
        assert_eq!(first.join().unwrap(), 201);
    });
}

#[test]
fn who_is_signed_in_reports_for_themself_alone() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let shop = console.project(&ada, "shop");
    let path = format!("/api/projects/{shop}/activities");
    let post = |body: Value| ada.send(ada.own_post(&path).json(&body));
    post(json!({"action_type": "x", "action_id": "own"})).expect(201);
    assert_eq!(console.text(&format!("SELECT user_id FROM {ACTIONS} WHERE action_id = 'own'")), ada.id);
    let refused = post(json!({"action_type": "x", "user_id": grace.id})).expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "user_id");
    grace.send(grace.own_post(&path).json(&json!({"action_type": "x"}))).expect(404);
}
