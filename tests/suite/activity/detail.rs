//! One record and its thread: what led to it, what followed, what belongs to it, what it points to.

use pilothouse::activity::reference_target::{self, FactValue};
use pilothouse::activity::sentence::LinkTarget;
use pilothouse::activity::{Entry, Reference, detail};
use pilothouse::db::DbError;

use super::world::{NOON, Person, World};

fn ids(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(Entry::key).collect()
}

fn action(world: &World, person: &Person, id: &str) -> Option<detail::Detail> {
    world.db.read_blocking(&person.actor, |conn| detail::action(conn, id).map_err(DbError::from)).unwrap()
}

#[test]
fn cause_and_effect_are_tied_both_ways() {
    let mut world = World::new();
    let (ada, grace) = (world.owner("ada"), world.owner("grace"));
    let shop = world.project(&ada, "shop");
    let refs = |json: &str| format!(", '{json}'");
    world.event("prompt", shop, NOON - 90, "COMPLETED", "NULL");
    world.action(
        "push",
        shop,
        NOON - 60,
        ", reference_ids",
        &refs(r#"{"caused_by": "event:prompt", "commit_sha": "c1"}"#),
    );
    world.action(
        "deploy",
        shop,
        NOON - 30,
        ", reference_ids, request_id",
        ", '{\"caused_by\": \"push\", \"commit_sha\": \"c1\"}', 'r1'",
    );
    world.event("check", shop, NOON - 20, "FAILED", r#"'{"caused_by": "deploy"}'"#);
    world.action("restart", shop, NOON - 10, ", reference_ids", &refs(r#"{"caused_by": "deploy"}"#));
    world.action("sibling", shop, NOON - 29, ", request_id", ", 'r1'");
    world.action("same_commit", shop, NOON - 5, ", reference_ids", &refs(r#"{"commit_sha": "c1"}"#));
    let found = action(&world, &ada, "deploy").unwrap();
    assert_eq!(ids(&found.thread.causes), ["event:prompt", "push"]);
    assert_eq!(ids(&found.thread.effects), ["event:check", "restart"]);
    assert_eq!(ids(&found.thread.same_request), ["sibling"]);
    assert_eq!(ids(&found.thread.related), ["same_commit"]);
    let prompt = world
        .db
        .read_blocking(&ada.actor, |conn| detail::event(conn, "prompt").map_err(DbError::from))
        .unwrap()
        .unwrap();
    assert_eq!(ids(&prompt.thread.effects), ["push", "deploy", "event:check", "restart"]);
    assert!(action(&world, &grace, "deploy").is_none(), "another owner's record does not exist");
    assert!(action(&world, &ada, "no such").is_none());
}

#[test]
fn causes_that_name_each_other_end() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    for (id, cause) in [("a", "b"), ("b", "c"), ("c", "a"), ("self", "self"), ("lost", "gone")] {
        world.action(id, shop, NOON, ", reference_ids", &format!(", '{{\"caused_by\": \"{cause}\"}}'"));
    }
    assert_eq!(ids(&action(&world, &ada, "a").unwrap().thread.causes), ["c", "b"]);
    assert!(action(&world, &ada, "self").unwrap().thread.causes.is_empty());
    assert!(action(&world, &ada, "lost").unwrap().thread.causes.is_empty());
}

#[test]
fn the_row_is_shown_as_it_is_stored() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let long = "x".repeat(5_000);
    world.action(
        "a",
        shop,
        NOON,
        ", action_details, reference_ids",
        &format!(", '{long}', '[1, {{\"b\": null}}]'"),
    );
    let found = action(&world, &ada, "a").unwrap();
    assert_eq!(found.entry.details.as_deref().map(str::len), Some(5_000));
    let stored = |name: &str| {
        found.stored.iter().find(|column| column.name == name).map(|column| column.text.as_str())
    };
    assert_eq!(stored("created_at"), Some("1763640000000"));
    assert!(stored("reference_ids").unwrap().contains("null"));
    assert_eq!(stored("status"), None);
}

#[test]
fn each_reference_leads_to_the_record_behind_it() {
    let mut world = World::new();
    let (ada, grace) = (world.owner("ada"), world.owner("grace"));
    let shop = world.project(&ada, "shop");
    let row = "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c";
    world.execute(&format!(
        "INSERT INTO turbobackend.github_push_history (push_id, project_id, commit_sha, branch_name, created_at) \
         VALUES ('push_1', '{shop}', 'c1', 'main', {NOON}); \
         INSERT INTO turbobackend.project_deployments (deployment_id, project_id, app_name, status, created_at) \
         VALUES ('old', '{shop}', 'shop-app', 'failed', 1), ('deploy_1', '{shop}', 'shop-app', 'success', {NOON}); \
         INSERT INTO turbobackend.container_sessions (session_id, project_id, container_id, exit_code) \
         VALUES ('s1', '{shop}', 'engine1', 137); \
         INSERT INTO turbobackend.project_databases (database_id, project_id, database_name, schema_design) \
         VALUES ('db1', '{shop}', 'shopdb', '{{\"tables\": [1, 2, 3]}}'); \
         INSERT INTO containers (id, container_id, name, user_id) VALUES ('{row}', 'engine1', 'box', '{}')",
        ada.id
    ));
    let behind = |person: &Person, key: &str, value: &str| {
        let reference = Reference { key: key.to_owned(), value: value.to_owned() };
        world
            .db
            .read_blocking(&person.actor, |conn| {
                reference_target::of(conn, &reference).map_err(DbError::from)
            })
            .unwrap()
    };
    let shop = shop.to_string();
    for (key, value, title) in [
        ("github_push_id", "push_1", "push_1"),
        ("commit_sha", "c1", "push_1"),
        ("deployment_id", "deploy_1", "deploy_1"),
        ("app_name", "shop-app", "deploy_1"),
        ("container_session_id", "s1", "s1"),
        ("database_id", "db1", "shopdb"),
        ("container_id", "engine1", "box"),
        ("container_id", row, "box"),
        ("project_id", &shop, "shop"),
    ] {
        assert_eq!(
            behind(&ada, key, value).map(|record| record.title).as_deref(),
            Some(title),
            "{key}={value}"
        );
        assert_eq!(behind(&grace, key, value), None, "{key} of another owner");
        assert_eq!(behind(&ada, key, "no such"), None);
    }
    assert_eq!(behind(&ada, "branch_name", "main"), None);
    let session = behind(&ada, "container_session_id", "s1").unwrap();
    let link = LinkTarget::Reference { key: "container_id".to_owned(), value: "engine1".to_owned() };
    assert!(
        session.facts.iter().any(|fact| fact.value == FactValue::Link(link.clone(), "engine1".to_owned()))
    );
}
