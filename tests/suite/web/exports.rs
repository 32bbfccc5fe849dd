//! Exports: exactly what the filters show, whole, harmless, on record, and holding nobody up.

use std::time::Duration;

use pilothouse::activity::timeline::exported;
use pilothouse::activity::{Filter, Scope};
use pilothouse::db::{Actor, DbError};
use reqwest::Response;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::console::{Console, Person};
use crate::support::person::{as_form, encoded};

type Fields<'a> = &'a [(&'a str, &'a str)];
/// Who, which list, the rows' attribute, and the filters.
type Case<'a> = (&'a Person, &'a str, &'a str, Fields<'a>);

/// 20 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_640_000_000;

fn encoded_as(format: &str, fields: Fields<'_>) -> String {
    encoded(&[&[("format", format)], fields].concat())
}

/// The records of a CSV export, by column.
fn csv_of(person: &Person, path: &str, fields: Fields<'_>) -> Vec<Vec<(String, String)>> {
    let answer = person.post_raw(path, &encoded_as("csv", fields)).expect(200);
    let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| names.iter().cloned().zip(row.iter().map(str::to_owned)).collect()).collect()
}

fn jsonl_of(person: &Person, path: &str, fields: Fields<'_>) -> Vec<Value> {
    let answer = person.post_raw(path, &encoded_as("jsonl", fields)).expect(200);
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn column(rows: &[Vec<(String, String)>], name: &str) -> Vec<String> {
    let cell = |row: &Vec<(String, String)>| row.iter().find(|(known, _)| known == name).unwrap().1.clone();
    rows.iter().map(cell).collect()
}

/// `data-activity` of a record of an export.
fn key(record: &Value) -> String {
    let id = record["id"].as_str().unwrap();
    match record["source"].as_str().unwrap() {
        "action" => id.to_owned(),
        source => format!("{source}:{id}"),
    }
}

/// What `selector` finds on each page of the list at `path`, to the last.
fn all_pages(
    person: &Person,
    path: &str,
    fields: Fields<'_>,
    selector: &str,
    attribute: &str,
) -> Vec<String> {
    let mut here = format!("{path}?{}", encoded(&[&[("limit", "100")], fields].concat()));
    let mut seen = Vec::new();
    for _ in 0..50 {
        let page = person.get(&here).expect(200);
        seen.extend(page.attributes(selector, attribute));
        match page.attributes("a[rel=next]", "href").pop() {
            Some(next) => here = next,
            None => return seen,
        }
    }
    panic!("paging does not end: {path}");
}

fn everything_on_pages(person: &Person, path: &str, fields: Fields<'_>) -> Vec<String> {
    let mut keys = all_pages(person, path, fields, "ol.timeline [data-activity]", "data-activity");
    keys.sort();
    keys
}

/// `count` actions of `project`, a second apart, the newest at `newest`, each with `details`.
fn many_actions(console: &Console, project: &str, count: u32, newest: i64, details: &str) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, \
             environment, reference_ids, created_at) \
         SELECT 'many_' || n, '{project}', CASE WHEN n % 3 = 0 THEN 'deployment' ELSE 'github_push' END, {details}, \
             CASE WHEN n % 7 = 0 THEN 'failed' ELSE 'success' END, 'production', \
             jsonb_build_object('branch_name', 'b' || n % 2, 'nested', jsonb_build_array(1)), {newest} - n * 1000::bigint \
         FROM generate_series(1, {count}) n"
    ));
}

/// Owner, project, and a life of several batches from all three sources.
fn busy(console: &Console) -> (Person, String) {
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    many_actions(console, &project, 620, NOON, "'Details ' || n");
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, metadata, duration, \"createdAt\") \
         SELECT 'e' || n, '{project}', 'INDEXING_STARTED', 'indexing', 'Indexing', 'COMPLETED', \
             jsonb_build_object('request_id', 'r' || n), 1200, timestamp 'epoch' + ({NOON} - n * 7000::bigint) * interval '1 ms' \
         FROM generate_series(1, 40) n; \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"userId\", \"activityType\", \"actorName\", \"createdAt\") \
         SELECT 'l' || n, '{project}', '{owner}', 'project.updated', 'Ada', timestamp 'epoch' + ({NOON} - n * 9000::bigint) * interval '1 ms' \
         FROM generate_series(1, 40) n",
        owner = owner.id
    ));
    (owner, project)
}

#[test]
fn an_export_of_a_timeline_is_its_filtered_view_whole() {
    let console = Console::start();
    let ((owner, project), admin) = (busy(&console), console.admin());
    console.sql(&format!("UPDATE users SET time_zone = 'Asia/Tokyo' WHERE id = '{}'", owner.id));
    let filters: [Fields<'_>; 12] = [
        &[],
        &[("type", "deployment")],
        &[("type", "-deployment"), ("source", "action")],
        &[("type", "deployment"), ("type", "INDEXING_STARTED")],
        &[("status", "failed")],
        &[("environment", "-production")],
        &[("actor", &owner.id)],
        &[("source", "event"), ("source", "audit")],
        &[("ref", "branch_name:b1")],
        // Noon in London is the evening in Tokyo.
        &[("from", "2025-11-20"), ("to", "2025-11-20")],
        &[("from", "2025-11-21")],
        &[("type", "no such")],
    ];
    let of_project = format!("/projects/{project}/activity");
    let mut exported = 0;
    for fields in filters {
        for (person, path) in [(&owner, "/activity"), (&owner, of_project.as_str()), (&admin, "/activity")] {
            let shown = everything_on_pages(person, path, fields);
            let records = jsonl_of(person, &format!("{path}/export"), fields);
            let times: Vec<&str> = records.iter().map(|record| record["time"].as_str().unwrap()).collect();
            assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {path} {fields:?}");
            let mut keys: Vec<String> = records.iter().map(key).collect();
            keys.sort();
            assert_eq!(keys, shown, "{path} {fields:?}");
            exported += keys.len();
            // The limit is not what is tested here, and what it is decided by would be on the next page.
            console.sql("DELETE FROM \"ActivityLog\" WHERE \"activityType\" = 'data.exported'");
        }
    }
    assert!(exported > 4_000, "several batches each: {exported}");
}

#[test]
fn an_export_of_a_list_is_its_filtered_view_in_its_order() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    console.sql(&format!(
        "INSERT INTO projects (name, user_id, type, status) SELECT CASE WHEN n % 2 = 0 THEN 'Shop ' ELSE 'shop ' END || n % 90, \
             '{id}', CASE WHEN n % 3 = 0 THEN 'rust' ELSE 'vue' END, CASE WHEN n % 5 = 0 THEN 'archived' ELSE 'active' END \
             FROM generate_series(1, 530) n; \
         INSERT INTO containers (container_id, name, status, user_id) SELECT 'c' || n, 'web ' || n % 50, \
             CASE WHEN n % 4 = 0 THEN 'stopped' ELSE 'running' END, '{id}' FROM generate_series(1, 530) n; \
         INSERT INTO users (email, name) SELECT 'u' || n || '@many.test', 'User' FROM generate_series(1, 530) n",
        id = owner.id
    ));
    let cases: [Case<'_>; 9] = [
        (&owner, "/projects", "data-project", &[]),
        (&owner, "/projects", "data-project", &[("sort", "name"), ("type", "rust")]),
        (&owner, "/projects", "data-project", &[("status", "archived"), ("q", "shop 1"), ("sort", "active")]),
        (&owner, "/containers", "data-container", &[]),
        (&owner, "/containers", "data-container", &[("sort", "name"), ("status", "stopped")]),
        (&admin, "/containers", "data-container", &[("q", "web 7")]),
        (&admin, "/users", "data-user", &[]),
        (&admin, "/users", "data-user", &[("q", "u1"), ("status", "deactivated")]),
        (&admin, "/users", "data-user", &[("role", "nobody")]),
    ];
    for (person, path, attribute, fields) in cases {
        let shown = all_pages(person, path, fields, &format!("main [{attribute}]"), attribute);
        let rows = csv_of(person, &format!("{path}/export"), fields);
        assert_eq!(column(&rows, "id"), shown, "{path} {fields:?}");
        console.sql("DELETE FROM \"ActivityLog\" WHERE \"activityType\" = 'data.exported'");
    }
    assert_eq!(csv_of(&owner, "/projects/export", &[]).len(), 424, "the active ones");
    let any = [("status", "any")];
    assert_eq!(csv_of(&owner, "/projects/export", &any).len(), 530, "more than two batches");
}

#[test]
fn a_record_is_whole_and_json_stays_json() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let long = "é".repeat(12_000);
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, request_id, action_type, action_details, \
             status, environment, reference_ids, created_at) \
         VALUES ('whole', '{project}', '{}', 'r1', 'deployment', '{long}', 'failed', 'staging', \
             '{{\"deployment_id\": \"d1\", \"cost\": 1.10, \"nested\": {{\"a\": [1]}}, \"caused_by\": \"before\"}}', {NOON} + 7)",
        owner.id
    ));
    let records = jsonl_of(&owner, "/activity/export", &[]);
    let record = &records[0];
    let expected = [
        ("source", "action"),
        ("id", "whole"),
        ("time", "2025-11-20T12:00:00.007Z"),
        ("project_id", &project),
        ("project_name", "shop-api"),
        ("actor_id", &owner.id),
        ("actor_name", "The owner"),
        ("type", "deployment"),
        ("summary", "The owner tried to deploy shop-api to staging"),
        ("status", "failed"),
        ("environment", "staging"),
        ("details", &long),
        ("request_id", "r1"),
        ("caused_by", "before"),
    ];
    for (name, value) in expected {
        assert_eq!(record[name], value, "{name}");
    }
    assert_eq!(record["references"]["nested"]["a"][0], 1);
    assert_eq!(record["references"]["cost"].to_string(), "1.10", "numbers as they were written");
    assert_eq!(record["duration_ms"], Value::Null);
    let names: Vec<&String> = record.as_object().unwrap().keys().collect();
    let rows = csv_of(&owner, "/activity/export", &[]);
    assert_eq!(
        rows[0].iter().map(|(name, _)| name).collect::<Vec<_>>(),
        names,
        "both formats have one order"
    );
    assert_eq!(column(&rows, "details"), [long]);
    assert!(column(&rows, "references")[0].starts_with("{\""));
}

#[test]
fn no_cell_is_a_formula() {
    let console = Console::start();
    let owner = console.owner();
    let cells = [
        ("=HYPERLINK(\"http://evil.example\")", "'=HYPERLINK(\"http://evil.example\")"),
        ("+A1", "'+A1"),
        ("-2+3", "'-2+3"),
        ("+1-555-1234", "'+1-555-1234"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ("a,\"b\"\r\nc", "a,\"b\"\r\nc"),
        ("plain", "plain"),
        ("-5", "-5"),
        ("+49 30 1234", "+49 30 1234"),
    ];
    let names = cells.map(|(name, _)| name);
    for name in names {
        console.project(&owner, name);
    }
    let mut exported = column(&csv_of(&owner, "/projects/export", &[]), "name");
    let mut expected = cells.map(|(_, exported)| exported);
    exported.sort();
    expected.sort_unstable();
    assert_eq!(exported, expected);
    let mut raw: Vec<String> = jsonl_of(&owner, "/projects/export", &[])
        .iter()
        .map(|record| record["name"].as_str().unwrap().to_owned())
        .collect();
    raw.sort();
    let mut names = names.to_vec();
    names.sort_unstable();
    assert_eq!(raw, names, "JSON runs nowhere, so it is left as it is");
}

#[test]
fn a_line_of_an_export_is_one_line_for_every_reader() {
    let console = Console::start();
    let owner = console.owner();
    console.project(&owner, "a\u{2028}b\u{2029}c\u{85}d");
    let answer = owner.post("/projects/export", &[("format", "jsonl")]).expect(200);
    assert_eq!(
        answer.body.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count(),
        1,
        "{}",
        answer.body
    );
    assert_eq!(jsonl_of(&owner, "/projects/export", &[])[0]["name"], "a\u{2028}b\u{2029}c\u{85}d");
}

#[test]
fn the_answer_is_a_file_that_nobody_keeps() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "Läden & Söhne/../x");
    let day = console.app.clock.now().format("%Y-%m-%d").to_string();
    let csv = owner.post("/activity/export", &[("format", "csv")]).expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.header("cache-control"), "no-store");
    assert_eq!(
        csv.header("content-disposition"),
        format!("attachment; filename=\"pilothouse-activity-{day}.csv\"")
    );
    assert!(
        csv.body.starts_with("\u{feff}\"source\",\"id\",\"time\","),
        "an export without rows still says its columns"
    );
    let path = format!("/projects/{project}/activity/export");
    let lines = owner.post(&path, &[("format", "jsonl")]).expect(200);
    assert_eq!(lines.header("content-type"), "application/jsonl; charset=utf-8");
    assert_eq!(
        lines.header("content-disposition"),
        format!("attachment; filename=\"pilothouse-l-den-s-hne-x-activity-{day}.jsonl\"")
    );
}

#[test]
fn an_export_is_on_record_before_its_first_byte_and_does_not_hold_its_own_record() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    let path = format!("/projects/{project}/activity/export");
    let fields = [("format", "jsonl"), ("type", "-deployment"), ("from", "2025-11-01"), ("limit", "7")];
    let own = admin.post(&path, &fields).expect(200);
    assert_eq!(own.body, "", "the entry that says so is written after the view was taken");
    let entry = "FROM \"ActivityLog\" WHERE \"activityType\" = 'data.exported'";
    assert_eq!(console.text(&format!("SELECT \"projectId\" {entry}")), project);
    assert_eq!(console.text(&format!("SELECT \"userId\" {entry}")), admin.id);
    assert_eq!(console.text(&format!("SELECT \"targetName\" {entry}")), "the activity of shop-api");
    assert_eq!(console.text(&format!("SELECT host(ip) {entry}")), "127.0.0.1");
    assert_eq!(
        console.text(&format!("SELECT after {entry}")),
        r#"{"format": "jsonl", "filters": ["type=-deployment", "from=2025-11-01"]}"#
    );
    let page = owner.get(&format!("/projects/{project}/activity")).expect(200);
    assert!(page.text("ol.timeline").contains("exported the activity of shop-api"), "its owner is told");
}

#[test]
fn without_a_record_there_is_no_export() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    console.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''could not extend file''; END'; \
         CREATE TRIGGER full_disk BEFORE INSERT ON \"ActivityLog\" FOR EACH ROW EXECUTE FUNCTION full_disk()",
    );
    for (person, path) in
        [(&owner, "/activity/export"), (&owner, "/projects/export"), (&admin, "/audit/export")]
    {
        let refused = person.post(path, &[("format", "csv")]).expect(503);
        assert_eq!(refused.header("content-disposition"), "");
        assert!(!refused.body.contains("project_id"), "{}", refused.body);
    }
}

#[test]
fn more_than_a_few_exports_within_a_minute_are_refused_with_a_page_that_says_when() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    for path in
        ["/projects/export", "/containers/export", "/activity/export", "/projects/export", "/projects/export"]
    {
        owner.post(path, &[("format", "csv")]).expect(200);
    }
    let refused = owner.post("/containers/export", &[("format", "csv")]).expect(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert!(refused.text("main").contains(&format!("Wait {wait} seconds")), "{}", refused.text("main"));
    other.post("/containers/export", &[("format", "csv")]).expect(200);
    // Whoever decides must read the record, wherever it was written.
    console.sql("UPDATE \"ActivityLog\" SET \"createdAt\" = \"createdAt\" - interval '61 seconds'");
    owner.post("/containers/export", &[("format", "csv")]).expect(200);
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'data.exported'"), 7);
}

#[test]
fn exports_that_start_at_once_are_counted_one_after_the_other() {
    let console = Console::start();
    let owner = console.owner();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| owner.twin().post("/projects/export", &[("format", "csv")]).status))
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
}

#[test]
fn everybody_exports_what_they_may_see_and_nothing_else() {
    let console = Console::start();
    let (ada, grace, admin) = (console.owner(), console.owner(), console.admin());
    for (person, name) in [(&ada, "shop"), (&grace, "blog")] {
        let project = console.project(person, name);
        console.container(person, name);
        console.action(&project, "deployment", NOON, "{}");
    }
    for (path, name) in
        [("/projects/export", "name"), ("/containers/export", "name"), ("/activity/export", "project_name")]
    {
        assert_eq!(column(&csv_of(&ada, path, &[]), name), ["shop"], "{path}");
        let mut all = column(&csv_of(&admin, path, &[("source", "action")]), name);
        all.sort();
        assert_eq!(all, ["blog", "shop"], "{path}");
    }
    for path in ["/users/export", "/audit/export"] {
        for format in ["csv", "no such"] {
            ada.post(path, &[("format", format)]).expect(404);
        }
        admin.post(path, &[("format", "no such")]).expect(400);
    }
    assert!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'data.exported'") > 0);
    assert_eq!(
        console.count(&format!(
            "\"ActivityLog\" WHERE \"activityType\" = 'data.exported' AND \"userId\" = '{}'",
            grace.id
        )),
        0
    );
}

#[test]
fn what_makes_no_sense_is_told_and_leaves_no_record() {
    let console = Console::start();
    let owner = console.owner();
    let told = owner.post("/projects/export", &[]).expect(400);
    assert!(told.text("main").contains("format=csv or format=jsonl"), "{}", told.text("main"));
    for fields in [
        [("format", "xml"), ("q", "x")],
        [("format", "csv"), ("from", "soon")],
        [("format", "csv"), ("ref", "x")],
    ] {
        owner.post("/activity/export", &fields).expect(400);
    }
    assert_eq!(console.count("\"ActivityLog\""), 0);
}

#[test]
fn an_admin_exports_the_audit_log_with_address_before_and_after() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let project = console.project(&owner, "shop");
    admin.post(&format!("/projects/{project}"), &[("name", "store")]).expect(303);
    let shown = everything_on_pages(&admin, "/audit", &[("type", "project.updated")]);
    let records = jsonl_of(&admin, "/audit/export", &[("type", "project.updated")]);
    assert_eq!(shown.len(), 1);
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(format!("audit:{}", record["id"].as_str().unwrap()), shown[0]);
    assert_eq!((&record["before"]["name"], &record["after"]["name"]), (&"shop".into(), &"store".into()));
    assert_eq!((&record["address"], &record["actor_role"]), (&"127.0.0.1".into(), &"admin".into()));
    assert_eq!(
        (&record["actor_email"], &record["target_id"]),
        (&admin.email.as_str().into(), &project.as_str().into())
    );
}

/// A POST whose answer is taken bit by bit.
struct Download {
    runtime: Runtime,
    response: Response,
    body: Vec<u8>,
}

impl Download {
    fn start(person: &Person, path: &str, format: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let request = as_form(person.own_post(path), &encoded_as(format, &[]));
        let response = runtime.block_on(request.send()).unwrap();
        assert_eq!(response.status(), 200);
        Self { runtime, response, body: Vec::new() }
    }

    /// Takes what comes next. Answers whether there was anything.
    fn take(&mut self) -> Result<bool, reqwest::Error> {
        let chunk = self.runtime.block_on(self.response.chunk())?;
        Ok(chunk.inspect(|chunk| self.body.extend_from_slice(chunk)).is_some())
    }

    /// Takes the rest.
    fn finish(&mut self) -> Result<(), reqwest::Error> {
        while self.take()? {}
        Ok(())
    }

    fn lines(&self) -> usize {
        self.body.split(|byte| *byte == b'\n').count() - 1
    }
}

/// More than the buffers of two sockets hold (some 40 MB), so that its end has not been read when its beginning
/// arrives.
fn more_than_buffers_hold(console: &Console, owner: &Person) -> (String, u32) {
    let (project, count) = (console.project(owner, "shop-api"), 8_000);
    many_actions(console, &project, count, NOON, "repeat('x', 20000)");
    (project, count)
}

#[test]
fn a_slow_reader_holds_no_connection_and_what_is_written_meanwhile_is_not_in_the_export() {
    let console = Console::with_one_connection();
    let owner = console.owner();
    // It need not overfill the buffers: what counts is that no transaction outlives its batch.
    let (project, count) = (console.project(&owner, "shop-api"), 8_000);
    many_actions(&console, &project, count, NOON, "repeat('x', 5000)");
    let mut download = Download::start(&owner, "/activity/export", "jsonl");
    assert!(download.take().unwrap());
    // The only connection must be free, whatever the reader does.
    for _ in 0..3 {
        owner.get("/projects").expect(200);
    }
    let busy = "pg_stat_activity WHERE datname = current_database() AND application_name = 'pilothouse' \
                AND state <> 'idle'";
    // Batches are read until the buffers are full; then nothing is under way, and none waits in a transaction.
    let mut quiet = 0;
    for _ in 0..600 {
        quiet = if console.count(busy) == 0 { quiet + 1 } else { 0 };
        if quiet == 20 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(quiet, 20, "the export reads on although nobody takes it");
    let written = console.action(&project, "deployment", console.app.clock.now_ms(), "{}");
    download.finish().unwrap();
    assert_eq!(download.lines(), count as usize);
    let body = String::from_utf8(std::mem::take(&mut download.body)).unwrap();
    assert!(!body.contains(&written));
    assert!(owner.get("/activity").expect(200).body.contains(&written), "it would have been found");
}

#[test]
fn an_export_whose_session_ends_midway_is_broken_off() {
    let console = Console::start();
    let owner = console.owner();
    let (_, count) = more_than_buffers_hold(&console, &owner);
    for (format, end) in [
        ("csv", format!("UPDATE sessions SET is_active = false WHERE id = '{}'", owner.session)),
        ("jsonl", format!("UPDATE users SET is_active = false WHERE id = '{}'", owner.id)),
        ("jsonl", format!("UPDATE users SET role = 'admin' WHERE id = '{}'", owner.id)),
    ] {
        console
            .sql("UPDATE sessions SET is_active = true; UPDATE users SET is_active = true, role = 'owner'");
        let mut download = Download::start(&owner, "/activity/export", format);
        assert!(download.take().unwrap());
        console.sql(&end);
        let error = download.finish().expect_err("half an export looks whole");
        assert!(error.is_body() || error.is_decode() || error.is_request(), "{error:?}");
        assert!((1..count as usize).contains(&download.lines()), "{} lines", download.lines());
    }
}

#[test]
fn a_projects_export_ends_when_the_project_is_given_away_and_a_compressed_one_too() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    let (project, _) = more_than_buffers_hold(&console, &owner);
    let path = format!("/projects/{project}/activity/export");
    let mut download = Download::start(&owner, &path, "csv");
    assert!(download.take().unwrap());
    console.sql(&format!("UPDATE projects SET user_id = '{}'", other.id));
    download.finish().expect_err("half an export looks whole");

    console.sql(&format!("UPDATE projects SET user_id = '{}'", owner.id));
    // Compressed, all of it fits into buffers: here a record in the middle can't be read.
    console.sql(
        "ANALYZE; CREATE POLICY unreadable ON turbobackend.project_actions AS RESTRICTIVE TO pilothouse_owner \
         USING (CASE WHEN action_id = 'many_4000' THEN 1 / (length(action_details) - 20000) > 0 ELSE true END)",
    );
    let runtime = Runtime::new().unwrap();
    let request = as_form(owner.own_post(&path), &encoded_as("csv", &[])).header("accept-encoding", "gzip");
    let response = runtime.block_on(request.send()).unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-encoding"]),
        (200, &"gzip".parse().unwrap())
    );
    let mut download = Download { runtime, response, body: Vec::new() };
    download.finish().expect_err("half an export looks whole");
    assert!(!download.body.is_empty());
}

#[test]
fn a_project_that_is_made_while_a_list_is_exported_is_not_in_it() {
    let console = Console::start();
    let owner = console.owner();
    console.sql(&format!(
        "INSERT INTO projects (name, description, user_id) \
         SELECT 'p' || lpad(n::text, 5, '0'), repeat('x', 5000), '{}' FROM generate_series(1, 6000) n",
        owner.id
    ));
    let path = "/projects/export";
    let runtime = Runtime::new().unwrap();
    let request = as_form(owner.own_post(path), &encoded_as("jsonl", &[("sort", "name")]));
    let response = runtime.block_on(request.send()).unwrap();
    let mut download = Download { runtime, response, body: Vec::new() };
    assert!(download.take().unwrap());
    console.project(&owner, "zzz: after the others");
    download.finish().unwrap();
    assert_eq!(download.lines(), 6000);
    let all = jsonl_of(&owner, path, &[("q", "zzz")]);
    assert_eq!(all.len(), 1, "it would have been found");
}

#[test]
fn a_batch_is_bounded_whatever_there_is() {
    let console = Console::start();
    let (_, project) = busy(&console);
    let filter = Filter::none(chrono_tz::Tz::UTC);
    let scope = Scope::Project(project.parse().unwrap());
    let (sizes, all) = console
        .app
        .db
        .read_blocking(&Actor::System, |conn| {
            let mut at = exported::start(conn, scope, &filter)?;
            let (mut sizes, mut all) = (Vec::new(), 0);
            while let Some(from) = at.take() {
                let (batch, next) = exported::batch(conn, scope, &filter, from)?;
                sizes.push(batch.len());
                all += batch.len();
                at = next;
            }
            Ok::<_, DbError>((sizes, all))
        })
        .unwrap();
    assert_eq!(sizes, [250, 250, 200]);
    assert_eq!(all, 700);
}

/// Forty rows of a megabyte each, in every column that anybody may make long.
#[test]
fn what_pages_cut_is_exported_whole() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, request_id, environment, action_type, created_at) \
         VALUES ('act', '{project}', repeat('r', 1500), repeat('e', 3000), 'deployment', {NOON}); \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", \"entityId\", title, status, \"createdAt\") \
         VALUES ('ev', '{project}', 'INDEXING_STARTED', 'indexing', repeat('i', 900), repeat('t', 900), 'COMPLETED', \
             to_timestamp({NOON} / 1000)); \
         INSERT INTO \"ActivityLog\" (id, \"activityType\", \"actorName\", \"targetType\", \"targetId\", \"targetName\", \"createdAt\") \
         VALUES ('log', 'project.updated', repeat('a', 900), 'project', repeat('b', 900), repeat('n', 900), to_timestamp({NOON} / 1000))"
    ));
    let read = |person: &Person, source: &str| {
        person.post("/activity/export", &[("format", "jsonl"), ("source", source)]).expect(200).body
    };
    let action = read(&owner, "action");
    assert!(action.contains(&"r".repeat(1500)) && action.contains(&"e".repeat(3000)), "{action}");
    let event = read(&owner, "event");
    assert!(event.contains(&"t".repeat(900)), "{event}");
    let audit = read(&admin, "audit");
    assert!(audit.contains(&"a".repeat(900)) && audit.contains(&"n".repeat(900)), "{audit}");
}

#[test]
fn rows_of_megabytes_are_exported_whole_in_batches_of_a_few() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, environment, \
             reference_ids, created_at) \
         SELECT 'act_' || n, '{project}', 'deployment', repeat('word ', 120000), 'success', 'production', \
             jsonb_build_object('branch_name', 'main', 'caused_by', 'act_0', 'log', repeat('line ', 80000)), {NOON} + n \
         FROM generate_series(1, 40) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, description, status, \"createdAt\") \
         SELECT 'ev_' || n, '{project}', 'INDEXING_STARTED', 'indexing', 'Indexing', repeat('text ', 200000), 'COMPLETED', \
             to_timestamp({NOON} / 1000) FROM generate_series(1, 10) n; \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"actorName\", before, after, \"createdAt\") \
         SELECT 'audit_' || n, '{project}', 'project.updated', 'Ada', jsonb_build_object('a', repeat('old ', 120000)), \
             jsonb_build_object('a', repeat('new ', 120000)), to_timestamp({NOON} / 1000) FROM generate_series(1, 20) n; \
         INSERT INTO projects (name, user_id, description) \
         SELECT 'p' || n, '{}', repeat('tale ', 200000) FROM generate_series(1, 30) n",
        owner.id
    ));
    let lengths = |records: &[Value], column: &str| -> Vec<usize> {
        records.iter().map(|record| record[column].as_str().map_or(0, str::len)).collect()
    };
    let actions = jsonl_of(&owner, "/activity/export", &[("source", "action")]);
    assert_eq!(lengths(&actions, "details"), [600_000; 40]);
    for (n, record) in actions.iter().enumerate() {
        assert_eq!(record["id"], format!("act_{}", 40 - n));
        assert_eq!(record["references"]["log"].as_str().unwrap().len(), 400_000);
        assert_eq!(record["caused_by"], "act_0");
    }
    assert_eq!(
        lengths(&jsonl_of(&owner, "/activity/export", &[("source", "event")]), "details"),
        [1_000_000; 10]
    );
    let audited = jsonl_of(&admin, "/audit/export", &[("type", "project.updated")]);
    assert_eq!(audited.len(), 20);
    assert!(audited.iter().all(|record| record["after"]["a"].as_str().unwrap().len() == 480_000));
    let projects = jsonl_of(&owner, "/projects/export", &[]);
    assert_eq!(lengths(&projects, "description").iter().filter(|length| **length == 1_000_000).count(), 30);

    // Pages of the API are as short as it takes; their cursors lead through all.
    let (mut path, mut seen) = (format!("/api/projects/{project}/activities?limit=100"), Vec::new());
    loop {
        let answer = owner.get(&path).expect(200);
        assert!(answer.body.len() < 6_000_000, "{}", answer.body.len());
        let page = answer.json();
        let rows = page["activities"].as_array().unwrap().clone();
        assert!(!rows.is_empty() && rows.len() < 20, "{}", rows.len());
        seen.extend(rows.iter().map(|row| row["action_id"].as_str().unwrap().to_owned()));
        assert_eq!(page["pagination"]["limit"], 100);
        assert_eq!(page["pagination"]["has_more"], page["pagination"]["next_cursor"].is_string());
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        path = format!("/api/projects/{project}/activities?limit=100&cursor={cursor}");
    }
    let all: Vec<String> = (1..=40).rev().map(|n| format!("act_{n}")).collect();
    assert_eq!(seen, all);
    let skipped =
        owner.get(&format!("/api/projects/{project}/activities?offset=39&limit=5")).expect(200).json();
    assert_eq!(skipped["activities"].as_array().unwrap().len(), 1);
    assert_eq!(skipped["pagination"]["has_more"], false);
}
