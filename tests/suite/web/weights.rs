//! A page stays one that a browser opens, however much others stored; the rest is one click away.

use crate::routes::{Scene, call, table::routes};
use crate::support::answer::Answer;
use crate::support::console::Console;

/// Bytes of an entry's page, and of any other.
const ENTRY: usize = 400_000;
const PAGE: usize = 1_500_000;

/// Markup, which a page writes three times as long: five megabytes of it in row 7, a hundred kilobytes in the others.
const MARKUP: &str = "repeat('<b class=\"x\">&''</b> ', CASE n WHEN 7 THEN 250000 ELSE 5000 END)";

fn weighs(answer: &Answer, most: usize) {
    assert!(answer.body.len() < most, "{}: {} bytes", answer.what, answer.body.len());
}

#[test]
fn an_entry_of_megabytes_has_a_light_page_and_all_of_it_as_plain_text() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, request_id, action_type, action_details, status, environment, reference_ids, created_at) \
         SELECT 'large' || n, '{project}', {MARKUP} || n, 'deployment', {MARKUP} || 'the very end', 'failed', {MARKUP}, \
             (SELECT jsonb_object_agg('key<' || k, repeat('&', 200) || k) FROM generate_series(1, CASE n WHEN 7 THEN 10000 ELSE 500 END) k) \
                 || jsonb_build_object('deployment_id', 'd1', 'long', {MARKUP}), 1763640000000 - n \
         FROM generate_series(1, 60) n; \
         INSERT INTO turbobackend.project_deployments (deployment_id, project_id, app_name, app_url, error, status, created_at) \
         SELECT 'd1', '{project}', left({MARKUP}, 2000), {MARKUP}, {MARKUP}, {MARKUP}, 1 FROM (VALUES (7)) v (n); \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, description, metadata) \
         SELECT 'large' || n, '{project}', 'APR_REVIEW', {MARKUP}, {MARKUP}, {MARKUP} || 'the very end', \
             jsonb_build_object('request_id', {MARKUP}, 'caused_by', {MARKUP}, 'progress', {MARKUP}) FROM generate_series(6, 7) n; \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", description, metadata, \"actorName\", \"actorEmail\", \
             \"actorRole\", \"targetType\", \"targetId\", \"targetName\", \"userAgent\", \"requestId\", before, after) \
         SELECT 'large' || n, '{project}', 'project.updated', {MARKUP}, {MARKUP}, {MARKUP}, {MARKUP}, {MARKUP}, 'project', \
             '{project}', {MARKUP}, {MARKUP}, {MARKUP}, \
             CASE n WHEN 7 THEN jsonb_build_object('text', {MARKUP}, 'password', 'hunter2') \
                 ELSE (SELECT jsonb_object_agg('k' || k, '&&&') FROM generate_series(1, 2500) k) END, \
             CASE n WHEN 7 THEN jsonb_build_object('text', {MARKUP} || 'the very end') END \
         FROM generate_series(7, 8) n"
    ));
    for (person, entries) in [
        (&owner, &["/activity/large7", "/events/large7"][..]),
        (&admin, &["/activity/large7", "/events/large7", "/audit/large7", "/audit/large8"][..]),
    ] {
        for entry in entries {
            let page = person.get(entry).expect(200);
            weighs(&page, ENTRY);
            let raw = page.attribute("main a[href$='/raw']", "href");
            assert_eq!(raw, format!("{entry}/raw"));
            let whole = person.get(&raw).expect(200);
            assert_eq!(whole.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(whole.header("content-disposition"), "inline");
            assert!(entry.ends_with('8') || whole.body.contains("the very end"), "{raw}");
            assert!(whole.body.contains("<b class=") && !whole.body.contains("hunter2"), "{raw}");
        }
    }
    let page = owner.get("/activity/large7").expect(200);
    assert!(page.text("main").contains("These are the first "), "it says that there is more");
    assert!(page.text("main").contains("more, among the columns"), "{}", page.text("main .refs"));
    assert!(
        page.has("main .refs a[href='/references/deployment_id/d1']"),
        "what ties stays among the references"
    );
    for path in [
        "/",
        "/activity",
        &format!("/projects/{project}"),
        &format!("/projects/{project}/activity"),
        "/references/deployment_id/d1",
        "/search?q=large7",
        "/activity?limit=100",
    ] {
        for person in [&owner, &admin] {
            let page = person.get(path);
            weighs(&page, PAGE);
        }
    }
    weighs(&admin.get("/audit").expect(200), PAGE);
}

#[test]
fn a_record_that_is_read_in_pieces_comes_as_it_is_stored() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let project = console.project(&owner, "shop-api");
    // As long as a piece, a little shorter and longer, and several of them.
    for (name, characters) in [("a", 1_048_576), ("b", 1_048_575), ("c", 1_048_577), ("d", 2_500_000)] {
        console.sql(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, request_id, action_type, action_details, status, environment, created_at) \
             SELECT '{name}', '{project}', repeat('r', 400000), 'deployment', left(string_agg('ä' || n, ' '), {characters}), \
                 repeat('s', 200000), repeat('e', 300000), 1763640000000 FROM generate_series(1, 400000) n"
        ));
        let details = console.text(&format!(
            "SELECT action_details FROM turbobackend.project_actions WHERE action_id = '{name}'"
        ));
        assert_eq!(details.chars().count(), characters);
        let between = if characters >= 1_048_576 { '\n' } else { ' ' };
        let stored = format!(
            "action_id: {name}\nproject_id: {project}\nrequest_id: {}\naction_type: deployment\naction_details:{between}{details}\n\
             status: {}\nenvironment: {}\ncreated_at: 1763640000000\n",
            "r".repeat(400_000),
            "s".repeat(200_000),
            "e".repeat(300_000)
        );
        for address in [format!("/activity/{name}/raw"), format!("/entries/raw?id={name}")] {
            let raw = owner.get(&address).expect(200);
            assert_eq!(raw.header("content-type"), "text/plain; charset=utf-8");
            assert!(raw.body == stored, "{address}: {} bytes of {}", raw.body.len(), stored.len());
        }
        stranger.get(&format!("/activity/{name}/raw")).expect(404);
    }
}

#[test]
fn an_export_of_large_references_leaves_none_out() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let many: serde_json::Map<String, serde_json::Value> =
        (0..2_000).map(|n| (format!("key{n}"), serde_json::json!(format!("value {n}")))).collect();
    console.action(
        &project,
        "deployment",
        1_763_640_000_000,
        &serde_json::Value::Object(many.clone()).to_string(),
    );
    let file =
        owner.post(&format!("/projects/{project}/activity/export"), &[("format", "jsonl")]).expect(200);
    let records: Vec<serde_json::Value> =
        file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let references = records.iter().find_map(|record| record["references"].as_object()).unwrap();
    assert_eq!(references.len(), many.len());
}

#[test]
fn pages_of_things_with_megabytes_in_every_text_stay_light() {
    let console = Console::start();
    let (scene, admin) = (Scene::set(&console), console.admin());
    let fill = "UPDATE projects SET container_id = 'CONTAINER' WHERE id = 'PROJECT'; \
         INSERT INTO chat_messages (container_id, session_id, role, content, attachments, metadata) \
             SELECT 'CONTAINER', 's' || n % 60, 'user', LARGE, jsonb_build_array(LARGE), jsonb_build_object('model', LARGE) FROM generate_series(1, 120) n; \
         INSERT INTO file_storage (container_id, file_path, file_name) \
             SELECT 'CONTAINER', 'a/' || n || left(LARGE, 2000), 'a' FROM generate_series(1, 60) n; \
         UPDATE projects SET description = LARGE, metadata = jsonb_build_object('a', LARGE), settings = jsonb_build_object('b', LARGE); \
         UPDATE containers SET url = 'https://x/' || LARGE, observed_from = LARGE, engine_status = LARGE, \
             labels = (SELECT jsonb_object_agg(k || '<', left(LARGE, 300)) FROM generate_series(1, 5000) k), metadata = jsonb_build_object('a', LARGE); \
         UPDATE users SET avatar_url = LARGE WHERE role = 'owner'; \
         UPDATE sessions SET user_agent = LARGE; \
         INSERT INTO pilothouse.recording_gaps (from_ms, to_ms, reason) VALUES (1763640000000, 1763640000000, LARGE); \
         INSERT INTO pilothouse.tombstones (kind, id, name, owner_id) VALUES ('project', gen_random_uuid()::text, LARGE, 'USER')";
    console.sql(
        &scene
            .fill(fill)
            .replace("LARGE", &MARKUP.replace("CASE n WHEN 7 THEN 250000 ELSE 5000 END", "15000")),
    );
    let mut heavy = Vec::new();
    for route in routes().filter(|route| route.method == "GET") {
        for (person, expected) in [(&scene.owner, route.owner), (&admin, route.admin)] {
            let path = scene.fill(route.example);
            let answer = call(person, &route, &scene, &path);
            if expected == "200" {
                assert_eq!(answer.status, 200, "{}", answer.what);
            }
            if answer.body.len() > PAGE && !path.ends_with("/raw") {
                heavy.push(format!("{}: {}", answer.what, answer.body.len()));
            }
        }
    }
    for path in
        ["/projects/PROJECT/chat?session=s1", "/projects/PROJECT/files?path=a", "/projects/PROJECT/files?q=a"]
    {
        let answer = admin.get(&scene.fill(path));
        if answer.body.len() > PAGE {
            heavy.push(format!("{}: {}", answer.what, answer.body.len()));
        }
    }
    assert!(heavy.is_empty(), "{heavy:#?}");
}
