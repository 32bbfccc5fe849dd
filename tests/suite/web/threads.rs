//! From first cause to last effect: one page, whatever the entries' sources are and however many there are.

use pilothouse::activity::fill;
use pilothouse::db::{Actor, DbError};

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

/// 20 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_640_000_000;

fn ids(page: &Answer) -> Vec<String> {
    page.attributes("[data-activity]", "data-activity")
}

fn shop(console: &Console) -> (Person, String) {
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    console.sql(&format!(
        "DELETE FROM turbobackend.project_actions WHERE project_id = '{project}'; DELETE FROM \"ActivityLog\""
    ));
    (owner, project)
}

/// An action a minute later than `minute` past noon.
fn act(console: &Console, project: &str, id: &str, minute: i64, kind: &str, references: &str) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, request_id, reference_ids, created_at) \
         VALUES ('{id}', '{project}', '{kind}', 'success', 'request of {id}', '{references}', {NOON} + {minute} * 60000::bigint)"
    ));
}

#[test]
fn a_thread_leads_from_a_push_to_what_came_of_it_whatever_the_sources_are() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, "push", 0, "github_push", r#"{"commit_sha": "4be1d07c"}"#);
    act(&console, &project, "deploy", 3, "deployment", r#"{"commit_sha": "4be1d07c"}"#);
    act(&console, &project, "other", 4, "deployment", r#"{"commit_sha": "ffffffff"}"#);
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, metadata, \"createdAt\") \
         VALUES ('check', '{project}', 'APR_REVIEW', 'x', 'Looked at the crash', 'FAILED', '{{\"caused_by\": \"deploy\"}}', \
                 timestamp '2025-11-20 13:00'); \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"requestId\", \"createdAt\") \
         VALUES ('note', '{project}', 'container.restarted', 'request of fix', timestamp '2025-11-20 14:00')"
    ));
    act(&console, &project, "fix", 120, "container_started", r#"{"caused_by": "event:check"}"#);
    let whole = ["push", "deploy", "event:check", "fix", "audit:note"];
    for key in ["action:push", "deploy", "event:check", "action:fix", "audit:note"] {
        let page = owner.get(&format!("/threads/{key}")).expect(200);
        assert_eq!(ids(&page), whole, "{key}");
        assert_eq!(
            page.texts("ol.timeline > li small"),
            ["3 m 0 s later", "57 m 0 s later", "1 h 0 m later"]
        );
        assert_eq!(page.attributes("#here", "data-activity"), [key.trim_start_matches("action:")]);
        assert!(page.body.contains("2 h 0 m from first to last"), "{}", page.body);
    }
    let page = owner.get("/threads/action:push").expect(200);
    assert_eq!(page.texts(".tag"), ["cause inferred"], "the deployment's alone");
    // Each entry's page leads there, and each row whose cause was told.
    for entry in ["/activity/push", "/activity/deploy", "/events/check"] {
        let page = owner.get(entry).expect(200);
        let thread = page.attribute(".page-actions a[href^=\"/threads/\"]", "href");
        assert_eq!(ids(&owner.get(&thread).expect(200)), whole);
    }
    let rows = owner.get(&format!("/projects/{project}/activity")).expect(200);
    assert!(rows.has("[data-activity=fix] a[href=\"/threads/action:fix\"]"));
    // One that stands alone, and what others may not see.
    assert_eq!(ids(&owner.get("/threads/action:other").expect(200)), ["other"]);
    let stranger = console.owner();
    for key in ["action:push", "push", "event:check", "audit:note", "action:none", "event:", "x:y:z"] {
        stranger.get(&format!("/threads/{key}")).expect(404);
    }
    assert_eq!(ids(&console.admin().get("/threads/audit:note").expect(200)), whole);
}

#[test]
fn what_is_told_late_in_a_circle_or_changed_stands_where_it_belongs() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    // Effects first, and a deployment before its push.
    act(&console, &project, "c", 9, "x", r#"{"caused_by": "b"}"#);
    act(&console, &project, "b", 6, "x", r#"{"caused_by": "deploy"}"#);
    act(&console, &project, "deploy", 3, "deployment", r#"{"commit_sha": "4be1d07c"}"#);
    assert_eq!(ids(&owner.get("/threads/action:c").expect(200)), ["deploy", "b", "c"]);
    act(&console, &project, "push", 1, "github_push", r#"{"commit_sha": "4be1d07c"}"#);
    assert_eq!(ids(&owner.get("/threads/action:c").expect(200)), ["push", "deploy", "b", "c"]);
    // A status that changes leaves it where it is; a cause that is taken away does not.
    console.sql("UPDATE turbobackend.project_actions SET status = 'failed' WHERE action_id = 'b'");
    assert_eq!(ids(&owner.get("/threads/action:push").expect(200)), ["push", "deploy", "b", "c"]);
    console.sql("DELETE FROM turbobackend.project_actions WHERE action_id = 'c'");
    assert_eq!(ids(&owner.get("/threads/action:b").expect(200)), ["push", "deploy", "b"]);
    // Round in a circle, and behind something that is gone.
    act(&console, &project, "x", 20, "x", r#"{"caused_by": "y"}"#);
    act(&console, &project, "y", 21, "x", r#"{"caused_by": "x"}"#);
    assert_eq!(ids(&owner.get("/threads/action:x").expect(200)), ["x", "y"]);
    act(&console, &project, "orphan", 30, "x", r#"{"caused_by": "event:never"}"#);
    let page = owner.get("/threads/action:orphan").expect(200);
    assert_eq!(ids(&page), ["orphan"]);
    assert!(page.body.contains("What it began with is gone"), "{}", page.body);
    assert_eq!(console.count("pilothouse.trigger_failures"), 0);
    // What came without its trigger is found and mended.
    console.sql("DELETE FROM pilothouse.thread_entries");
    assert_eq!(ids(&owner.get("/threads/action:b").expect(200)), ["b"]);
    console.rebuild_timeline();
    assert!(ids(&owner.get("/threads/action:b").expect(200)).contains(&"deploy".to_owned()));
    // What nobody told is found batch by batch, as the job does that takes in what is older than threads.
    act(&console, &project, "again", 4, "deployment", r#"{"commit_sha": "4be1d07c"}"#);
    console.sql("DELETE FROM pilothouse.thread_entries WHERE is_inferred");
    let (mut before, mut batches) = (None, 0);
    loop {
        let tied = console.app.db.write_blocking(&Actor::System, |conn| {
            fill::tie_older(conn, "deployment", before.as_ref(), 1).map_err(DbError::from)
        });
        before = tied.unwrap();
        if before.is_none() {
            break;
        }
        batches += 1;
    }
    assert_eq!(batches, 2);
    assert_eq!(ids(&owner.get("/threads/action:deploy").expect(200))[..3], ["push", "deploy", "again"]);
}

#[test]
fn a_thread_of_ten_thousand_is_read_page_by_page_and_each_entry_leads_to_its_place() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, "root", 0, "github_push", "{}");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, reference_ids, created_at) \
         SELECT 'e' || n, '{project}', 'deployment', 'success', jsonb_build_object('caused_by', \
                CASE WHEN n % 3 = 0 OR n < 50 THEN 'root' ELSE 'e' || n - 1 END), {NOON} + n * 1000 \
         FROM generate_series(1, 10000) n"
    ));
    let first = owner.get("/threads/action:e7000").expect(200);
    assert_eq!((ids(&first).len(), ids(&first)[0].as_str(), ids(&first)[50].as_str()), (51, "root", "e50"));
    let there =
        owner.get(first.attribute("a[href*=after][href$=\"#here\"]", "href").trim_end_matches("#here"));
    assert!(ids(&there.expect(200)).contains(&"e7000".to_owned()));
    let second = owner.get(&first.attribute("a[rel=next]", "href")).expect(200);
    assert_eq!((ids(&second)[0].as_str(), ids(&second)[49].as_str()), ("e51", "e100"));
    assert_eq!(second.texts("ol.timeline > li small")[0], "1 s later", "than what the page before ends with");
    let back = owner.get(&second.attribute("a[rel=prev]", "href")).expect(200);
    assert_eq!(ids(&back), ids(&first));
    let last = owner.get(&format!("/threads/root?after={}.a.e9980", NOON + 9_980_000)).expect(200);
    assert_eq!((ids(&last).len(), last.has("a[rel=next]")), (20, false));
    owner.get("/threads/root?after=x").expect(400);
    owner.get("/threads/root?after=1.a.x&before=1.a.y").expect(400);
    let beyond = owner.get("/threads/root?after=9999999999999.a.x").expect(200);
    assert!(ids(&beyond).is_empty() && beyond.has("a[rel=prev]"));
}
