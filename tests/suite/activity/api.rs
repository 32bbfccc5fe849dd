//! `GET /api/projects/{id}/activities`, as programs rely on it.

use crate::support::console::{Console, Person};

const T: i64 = 1_763_640_000_000;

fn ids(client: &Person, path: &str) -> Vec<String> {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let rows = answer.json()["activities"].as_array().unwrap().clone();
    rows.iter().map(|row| row["action_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_answer_has_the_shape_and_the_order_of_keys_that_programs_know() {
    let console = Console::start();
    let ada = console.owner();
    let project = console.project(&ada, "shop");
    let path = format!("/api/projects/{project}/activities");
    let empty = ada.get(&path);
    assert_eq!(empty.header("content-type"), "application/json");
    assert_eq!(
        empty.body,
        r#"{"activities":[],"pagination":{"limit":50,"offset":0,"has_more":false,"next_cursor":null}}"#
    );
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions VALUES ('a1', '{project}', 'u', 'r', 'github_push', 'He said \"hi\"', \
         'success', 'development', '{{\"commit_sha\": \"4be1d07\", \"n\": 12345678901234567890.5, \"deep\": [null]}}', {T}), \
         ('a0', '{project}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, {T})"
    ));
    let answer = ada.get(&path);
    let body = answer.body.replace("\" : ", "\":").replace(", \"", ",\"");
    let full = format!(
        "{{\"action_id\":\"a1\",\"project_id\":\"{project}\",\"user_id\":\"u\",\"request_id\":\"r\",\
         \"action_type\":\"github_push\",\"action_details\":\"He said \\\"hi\\\"\",\"status\":\"success\",\
         \"environment\":\"development\",\"reference_ids\":"
    );
    assert!(body.starts_with(&format!("{{\"activities\":[{full}")), "{body}");
    assert!(body.contains("12345678901234567890.5"), "numbers come out as they went in: {body}");
    let rows = answer.json();
    assert_eq!(rows["activities"][0]["reference_ids"]["commit_sha"], "4be1d07");
    assert_eq!(rows["activities"][0]["created_at"], T);
    let bare = rows["activities"][1].as_object().unwrap();
    let keys: Vec<&str> = bare.keys().map(String::as_str).collect();
    let expected = [
        "action_id",
        "project_id",
        "user_id",
        "request_id",
        "action_type",
        "action_details",
        "status",
        "environment",
        "reference_ids",
        "created_at",
    ];
    assert_eq!(keys, expected);
    assert!(expected[2..9].iter().all(|key| bare[*key].is_null()));
}

#[test]
fn pages_by_cursor_and_by_offset_cover_every_row_once() {
    let console = Console::start();
    let ada = console.owner();
    let project = console.project(&ada, "shop");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) \
         SELECT 'x' || lpad(n::text, 3, '0'), '{project}', {T} - n / 10 FROM generate_series(0, 119) n; \
         ALTER TABLE turbobackend.project_actions DISABLE TRIGGER USER; \
         INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('untimed', '{project}')"
    ));
    console.rebuild_timeline();
    let path = format!("/api/projects/{project}/activities");
    let whole: Vec<String> =
        [ids(&ada, &format!("{path}?limit=100")), ids(&ada, &format!("{path}?limit=100&offset=100"))]
            .concat();
    assert_eq!(whole.len(), 121);
    assert_eq!(whole[0], "x009", "among rows of one millisecond the id decides");
    assert_eq!(whole[120], "untimed");
    let (mut seen, mut query) = (Vec::new(), "?limit=17".to_owned());
    loop {
        let answer = ada.get(&format!("{path}{query}")).json();
        seen.extend(
            answer["activities"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["action_id"].as_str().unwrap().to_owned()),
        );
        let pagination = &answer["pagination"];
        assert_eq!(pagination["has_more"], !pagination["next_cursor"].is_null());
        let Some(cursor) = pagination["next_cursor"].as_str() else { break };
        query = format!("?limit=17&cursor={cursor}");
    }
    assert_eq!(seen, whole);
    let last = ada.get(&format!("{path}?limit=21&offset=100")).json();
    assert_eq!(last["pagination"]["has_more"], false);
    assert_eq!(last["pagination"]["offset"], 100);
}

#[test]
fn filters_narrow_and_limits_are_clamped() {
    let console = Console::start();
    let ada = console.owner();
    let project = console.project(&ada, "shop");
    let path = format!("/api/projects/{project}/activities");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, environment, created_at) VALUES \
         ('push', '{project}', 'github_push', 'success', 'development', {T}), \
         ('deploy', '{project}', 'deployment', 'failed', 'production', {T} - 1000), \
         ('odd', '{project}', 'pr_merged', 'superseded', 'preview', {T} - 2000)"
    ));
    for (query, expected) in [
        ("?action_type=deployment", vec!["deploy"]),
        ("?action_type=deployment&action_type=github_push", vec!["push", "deploy"]),
        ("?action_type=pr_merged", vec!["odd"]),
        ("?action_type=project_created", vec![]),
        ("?status=failed", vec!["deploy"]),
        ("?status=superseded&environment=preview", vec!["odd"]),
        ("?environment=production&status=success", vec![]),
        ("?since=1763639999000", vec!["push", "deploy"]),
        ("?until=1763639999000", vec!["odd"]),
        ("?since=2025-11-20T12:00:00Z", vec!["push"]),
        ("?since=2025-11-20T13:00:00%2B01:00", vec!["push"]),
        ("?since=2025-11-20&until=2025-11-21", vec!["push", "deploy", "odd"]),
        ("?since=2025-11-21", vec![]),
        ("?limit=1", vec!["push"]),
        ("?limit=1&offset=2", vec!["odd"]),
        ("?unknown=1&limit=2", vec!["push", "deploy"]),
    ] {
        assert_eq!(ids(&ada, &format!("{path}{query}")), expected, "{query}");
    }
    for limit in ["101", "1000000", "9223372036854775808"] {
        assert_eq!(ada.get(&format!("{path}?limit={limit}")).json()["pagination"]["limit"], 100, "{limit}");
    }
}

#[test]
fn what_makes_no_sense_is_a_400_that_says_why() {
    let console = Console::start();
    let ada = console.owner();
    let project = console.project(&ada, "shop");
    console.action(&project, "pr_merged", T, "{}");
    let path = format!("/api/projects/{project}/activities");
    for query in [
        "limit=0",
        "limit=-1",
        "limit=abc",
        "limit=",
        "limit=1.5",
        "limit=%D9%A1",
        "offset=-1",
        "offset=x",
        "offset=10001",
        "offset=99999999999999999999",
        "offset=0&cursor=1.a.x",
        "cursor=",
        "cursor=garbage",
        "cursor=1.e.x",
        "cursor=1.a.%00",
        "since=yesterday",
        "since=2025-02-30",
        "until=",
        "since=2025-11-21&until=2025-11-20",
        "action_type=",
        "status=%00",
        "action_type=no_such",
        "status=no_such",
        "environment=no_such",
        "action_type=' OR 1=1--",
    ] {
        let answer = ada.get(&format!("{path}?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
        let problem = answer.json();
        assert_eq!(problem["status"], 400, "{query}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{query}: {problem}");
        assert!(!problem["request_id"].as_str().unwrap().is_empty());
    }
    assert_eq!(ada.get(&format!("{path}?offset=10000")).status, 200);
    let detail =
        ada.get(&format!("{path}?action_type=no_such")).json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("github_push") && detail.contains("pr_merged"), "{detail}");
}

#[test]
fn who_may_not_see_a_project_learns_nothing_of_it() {
    let console = Console::start();
    let (ada, grace, admin) = (console.owner(), console.owner(), console.admin());
    let project = console.project(&ada, "shop");
    console.action(&project, "deployment", T, "{}");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) \
         VALUES ('stray', '6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c', {T})"
    ));
    let path = format!("/api/projects/{project}/activities");
    assert_eq!(ids(&ada, &path).len(), 1);
    assert_eq!(ids(&admin, &path).len(), 1);
    let anonymous = console.anonymous().get(&path);
    assert_eq!((anonymous.status, anonymous.header("content-type")), (401, "application/problem+json"));
    let without_id = |answer: crate::support::answer::Answer| {
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"));
        let mut problem = answer.json();
        problem["request_id"] = "".into();
        problem
    };
    let unknown = without_id(grace.get("/api/projects/00000000-0000-4000-8000-000000000000/activities"));
    assert_eq!(without_id(grace.get(&path)), unknown);
    assert_eq!(
        without_id(grace.get(&format!("{path}?limit=x"))),
        unknown,
        "not even whether the question made sense"
    );
    assert_eq!(
        without_id(admin.get("/api/projects/6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c/activities")),
        unknown
    );
    for odd in ["0", "-1", "abc", "%20", "..%2f..", &project.replace('-', "")] {
        assert_eq!(without_id(ada.get(&format!("/api/projects/{odd}/activities"))), unknown, "{odd}");
    }
    let put = ada.request(reqwest::Method::PUT, &path);
    assert_eq!(ada.send(put.header(reqwest::header::ORIGIN, &console.base)).status, 405);
}
