//! The records behind references, and the lists of what there is.

use serde_json::{Value, json};

use super::Program;
use crate::support::console::Console;

#[test]
fn each_kind_of_record_is_written_completed_and_read_back() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let (shop, hers) = (console.project(&ada, "shop"), console.project(&grace, "hers"));
    let (ci, foreign) =
        (Program::of(&console, &ada, &shop, "read,report"), Program::of(&console, &grace, &hers, "report"));
    for (kind, id, first, later) in [
        (
            "pushes",
            "push_id",
            json!({"commit_sha": "4be1d07", "files_changed": 3, "files": [{"path": "a"}]}),
            json!({"branch_name": "main"}),
        ),
        (
            "deployments",
            "deployment_id",
            json!({"status": "running", "app_name": "shop"}),
            json!({"status": "success", "finished_at": "2026-11-20T12:00:00Z"}),
        ),
        (
            "databases",
            "database_id",
            json!({"database_name": "shop", "schema_design": {"tables": []}}),
            json!({"status": "ready"}),
        ),
        (
            "sessions",
            "session_id",
            json!({"container_id": "c", "status": "running"}),
            json!({"status": "ended", "exit_code": 137}),
        ),
        (
            "costs",
            "cost_id",
            json!({"model": "m", "input_tokens": 9_007_199_254_740_993_i64, "cost_usd": 0.0125}),
            json!({"output_tokens": 5}),
        ),
    ] {
        let path = format!("/api/projects/{shop}/{kind}");
        let with_id = |mut fields: Value| {
            fields[id] = json!(format!("{kind}-1"));
            fields
        };
        let made = ci.post(&path, &with_id(first.clone())).expect(201).json();
        for (name, value) in first.as_object().unwrap() {
            let same =
                if name == "cost_usd" { made[name].as_f64() == value.as_f64() } else { made[name] == *value };
            assert!(same, "{kind}.{name}: {made}");
        }
        assert_eq!(made["project_id"], shop);
        assert!(made["created_at"].is_i64());
        let completed = ci.post(&path, &with_id(later)).expect(200).json();
        let (kept, value) = first.as_object().unwrap().iter().next().unwrap();
        if kept != "status" {
            assert_eq!(&completed[kept], value, "{kind}: what was not named stays");
        }
        let listed = ci.get(&path).expect(200).json();
        assert_eq!(listed[kind], json!([completed]));
        assert_eq!(listed["pagination"], json!({"limit": 50, "has_more": false, "next_cursor": null}));
        // Another tenant's id is a conflict, and changes nothing.
        foreign
            .post(&format!("/api/projects/{hers}/{kind}"), &with_id(json!({"user_id": "thief"})))
            .expect(409);
        assert_eq!(ci.get(&path).json()[kind], json!([completed]));
        let refused = ci.post(&path, &json!({"colour": "red", "created_at": "noon"})).expect(422).json();
        assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{refused}");
    }
    assert_eq!(console.count("pilothouse.reports"), 5);
    for n in 0..3 {
        ci.post(&format!("/api/projects/{shop}/pushes"), &json!({"created_at": 1_000 + n})).expect(201);
    }
    let page = ci.get(&format!("/api/projects/{shop}/pushes?limit=2")).json();
    let next = page["pagination"]["next_cursor"].as_str().unwrap();
    let rest = ci.get(&format!("/api/projects/{shop}/pushes?limit=2&cursor={next}")).json();
    assert_eq!((page["pushes"].as_array().unwrap().len(), rest["pushes"].as_array().unwrap().len()), (2, 2));
    assert!(rest["pagination"]["next_cursor"].is_null());
    for bad in [
        json!({"cost_usd": "5"}),
        json!({"cost_usd": 1e9}),
        json!({"cost_usd": -1}),
        json!({"input_tokens": 1.5}),
    ] {
        ci.post(&format!("/api/projects/{shop}/costs"), &bad).expect(422);
    }
    ada.send(ada.own_post(&format!("/api/projects/{shop}/pushes")).json(&json!({"branch_name": "main"})))
        .expect(201);
}

#[test]
fn projects_and_containers_are_listed_for_whoever_may_see_them() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let (shop, container) = console.project_in_container(&ada, "shop");
    let hers = console.project(&grace, "hers");
    console.sql(&format!("UPDATE projects SET status = 'archived' WHERE id = '{shop}'"));
    let ci = Program::of(&console, &ada, &shop, "read");
    for get in [&(|path: &str| ada.get(path)) as &dyn Fn(&str) -> crate::support::answer::Answer, &|path| {
        ci.get(path)
    }] {
        let projects = get("/api/projects").expect(200).json();
        assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
        assert_eq!(projects["projects"][0]["id"], shop);
        let project = get(&format!("/api/projects/{shop}")).expect(200).json();
        assert_eq!((&project["status"], &project["container_id"]), (&json!("archived"), &json!(container)));
        let containers = get("/api/containers").expect(200).json();
        assert_eq!(containers["containers"][0]["id"], container);
        assert_eq!(get(&format!("/api/containers/{container}")).expect(200).json()["status"], "running");
        get(&format!("/api/projects/{hers}")).expect(404);
        get("/api/projects/x").expect(404);
        get("/api/projects?limit=0").expect(400);
        get("/api/projects?cursor=x").expect(400);
    }
}
