//! Events with a life: they start, go on and end once; nothing runs for ever.

use pilothouse::db::{Actor, DbError};
use pilothouse::reports::silence;
use serde_json::json;

use super::Program;
use crate::support::console::Console;

#[test]
fn an_event_starts_goes_on_ends_and_stays_ended() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "report");
    let path = format!("/api/projects/{shop}/events");
    let made = ci
        .post(&path, &json!({"eventType": "INDEXING_STARTED", "title": "Indexing", "entityType": "repo", "metadata": {"files": 3}}))
        .expect(201)
        .json();
    let names: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "id",
            "projectId",
            "userId",
            "eventType",
            "entityType",
            "entityId",
            "title",
            "description",
            "metadata",
            "status",
            "duration",
            "createdAt",
            "updatedAt"
        ]
    );
    assert_eq!(
        (&made["status"], &made["duration"], &made["projectId"]),
        (&json!("IN_PROGRESS"), &json!(null), &json!(shop))
    );
    assert!(made["createdAt"].as_str().unwrap().ends_with('Z'));
    let event = format!("/api/events/{}", made["id"].as_str().unwrap());
    let on = ci
        .patch(&event, &json!({"progress": 40, "stage": "parsing", "metadata": {"files": null, "n": 7}}))
        .expect(200)
        .json();
    assert_eq!(on["metadata"], json!({"n": 7, "progress": 40, "stage": "parsing"}));
    let done =
        ci.patch(&event, &json!({"status": "COMPLETED", "description": "All of it"})).expect(200).json();
    assert!(done["duration"].as_i64().is_some(), "{done}");
    assert_eq!(done["description"], "All of it");
    ci.patch(&event, &json!({"status": "COMPLETED"})).expect(200);
    for late in [
        json!({"status": "FAILED"}),
        json!({"status": "IN_PROGRESS"}),
        json!({"progress": 50}),
        json!({"title": "x"}),
    ] {
        let refused = ci.patch(&event, &late).expect(409);
        assert!(refused.body.contains("COMPLETED"), "{}", refused.body);
    }
    assert_eq!(console.text("SELECT status::text FROM \"ActivityEvent\""), "COMPLETED");
    assert_eq!(console.text("SELECT token_id::text FROM pilothouse.reports WHERE source = 'event'"), ci.id);
}

#[test]
fn types_are_the_databases_own_and_a_refusal_lists_them() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "report");
    let path = format!("/api/projects/{shop}/events");
    let refused = ci.post(&path, &json!({"eventType": "BREWING"})).expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "eventType");
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("TEST_GENERATION"));
    console.sql("ALTER TYPE \"ActivityEventType\" ADD VALUE 'BREWING'");
    ci.post(&path, &json!({"eventType": "BREWING"})).expect(201);
    for (field, body) in [
        ("status", json!({"eventType": "BREWING", "status": "DONE"})),
        ("progress", json!({"eventType": "BREWING", "progress": 101})),
        ("metadata", json!({"eventType": "BREWING", "metadata": []})),
        ("duration", json!({"eventType": "BREWING", "duration": "5"})),
        ("createdAt", json!({"eventType": "BREWING", "createdAt": "noon"})),
        ("userId", json!({"eventType": "BREWING", "userId": "nobody"})),
        ("colour", json!({"eventType": "BREWING", "colour": "red"})),
    ] {
        let refused = ci.post(&path, &body).expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    ci.post(&path, &json!({"eventType": "BREWING", "userId": ada.id, "id": "e1"})).expect(201);
    ci.post(&path, &json!({"eventType": "BREWING", "userId": ada.id, "id": "e1"})).expect(200);
    ci.post(&path, &json!({"eventType": "APR_REVIEW", "id": "e1"})).expect(409);
    assert_eq!(console.count("\"ActivityEvent\""), 2);
}

#[test]
fn an_event_of_others_is_not_there() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let (shop, hers) = (console.project(&ada, "shop"), console.project(&grace, "hers"));
    let (ci, foreign) =
        (Program::of(&console, &ada, &shop, "report"), Program::of(&console, &grace, &hers, "report"));
    let made = ci
        .post(&format!("/api/projects/{shop}/events"), &json!({"eventType": "APR_REVIEW", "id": "e1"}))
        .expect(201);
    assert_eq!(made.json()["id"], "e1");
    let change = json!({"status": "FAILED"});
    let (theirs, unknown) = (
        foreign.patch("/api/events/e1", &change).expect(404),
        foreign.patch("/api/events/e2", &change).expect(404),
    );
    assert_eq!(theirs.json()["detail"], unknown.json()["detail"]);
    foreign.patch("/api/events/e1", &json!({"nonsense": 1})).expect(404);
    foreign
        .post(&format!("/api/projects/{hers}/events"), &json!({"eventType": "APR_REVIEW", "id": "e1"}))
        .expect(409);
}

#[test]
fn what_was_reported_and_goes_silent_fails_and_what_a_worker_wrote_stays_its_own() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop");
    let ci = Program::of(&console, &ada, &shop, "report");
    let path = format!("/api/projects/{shop}/events");
    for (id, kind) in [("lost", "INDEXING_STARTED"), ("heard", "INDEXING_STARTED"), ("review", "APR_REVIEW")]
    {
        ci.post(&path, &json!({"eventType": kind, "id": id, "createdAt": "2020-01-01T00:00:00Z"}))
            .expect(201);
    }
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, \"createdAt\", \"updatedAt\") \
         VALUES ('by sql', '{shop}', 'INDEXING_STARTED', 'x', 'x', '2020-01-01', '2020-01-01'); \
         UPDATE \"ActivityEvent\" SET \"updatedAt\" = timezone('UTC', now()) - interval '61 minutes' WHERE id IN ('lost', 'review'); \
         UPDATE pilothouse.reports SET received_at = now() - interval '61 minutes' WHERE id IN ('lost', 'review')"
    ));
    let end = || {
        console.app.db.write_blocking(&Actor::System, |conn| silence::end_batch(conn).map_err(DbError::from))
    };
    assert_eq!(end().unwrap(), 1);
    assert_eq!(end().unwrap(), 0);
    let state =
        |id: &str| console.text(&format!("SELECT status::text FROM \"ActivityEvent\" WHERE id = '{id}'"));
    assert_eq!(
        [state("lost"), state("heard"), state("review"), state("by sql")],
        ["FAILED", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS"]
    );
    assert!(console.holds(
        "(SELECT metadata->>'timed_out' = 'true' AND description LIKE 'Timed out%' AND duration > 0 FROM \"ActivityEvent\" WHERE id = 'lost')"
    ));
    let late = ci.patch("/api/events/lost", &json!({"status": "COMPLETED"})).expect(409);
    assert!(late.body.contains("FAILED"));
    // What is a worker's own says since when it is silent, wherever it stands.
    for page in [format!("/projects/{shop}/activity"), "/events/by%20sql".to_owned()] {
        let shown = ada.get(&page).expect(200);
        assert!(shown.body.contains("silent since 1 Jan 2020"), "{page}: {}", shown.body);
    }
}
