//! What is kept for a time goes when its time is over, that and nothing else.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use pilothouse::retention::Class;
use pilothouse::retention::run::{self, Gone, Outcome};

use crate::support::console::Console;

/// A row of each class that is older than its rule, and one beside it that is not; what stays has `stays` in it.
const LIVES: &str = r#"
    INSERT INTO pilothouse.retention_rules (class, keep_days) VALUES ('actions', 400), ('events', 400), ('observations', 400), ('audit', 400);
    INSERT INTO users (id, email, is_active) VALUES
        ('10000000-0000-0000-0000-000000000001', 'owner-stays@example.com', true),
        ('10000000-0000-0000-0000-000000000002', 'gone@example.com', false),
        ('10000000-0000-0000-0000-000000000003', 'owns-stays@example.com', false),
        ('10000000-0000-0000-0000-000000000004', 'late-stays@example.com', false);
    INSERT INTO containers (id, container_id, name, status, user_id) VALUES
        ('30000000-0000-0000-0000-000000000001', 'c1', 'stays', 'running', '10000000-0000-0000-0000-000000000001'),
        ('30000000-0000-0000-0000-000000000002', 'c2', 'gone', 'deleted', '10000000-0000-0000-0000-000000000001'),
        ('30000000-0000-0000-0000-000000000003', 'c3', 'late stays', 'deleted', '10000000-0000-0000-0000-000000000003');
    INSERT INTO projects (id, name, status, user_id, container_id) VALUES
        ('40000000-0000-0000-0000-000000000001', 'stays', 'active', '10000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001'),
        ('40000000-0000-0000-0000-000000000002', 'gone', 'deleted', '10000000-0000-0000-0000-000000000001', NULL),
        ('40000000-0000-0000-0000-000000000003', 'detached stays', 'active', '10000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000002'),
        ('40000000-0000-0000-0000-000000000004', 'late stays', 'deleted', '10000000-0000-0000-0000-000000000001', NULL);
    INSERT INTO chat_messages (container_id, session_id, role, content, created_at) VALUES
        ('30000000-0000-0000-0000-000000000001', 's', 'user', 'gone', now() - interval '181 days'),
        ('30000000-0000-0000-0000-000000000001', 's', 'user', 'stays', now() - interval '179 days'),
        ('30000000-0000-0000-0000-000000000002', 's', 'user', 'goes with its container', now());
    INSERT INTO file_storage (container_id, file_path, file_name, is_deleted) VALUES
        ('30000000-0000-0000-0000-000000000001', '/gone', 'gone', true),
        ('30000000-0000-0000-0000-000000000001', '/late', 'late stays', true),
        ('30000000-0000-0000-0000-000000000001', '/stays', 'stays', false),
        ('30000000-0000-0000-0000-000000000002', '/with', 'goes with its container', false);
    INSERT INTO sessions (user_id, token, expires_at, last_activity, is_active) VALUES
        ('10000000-0000-0000-0000-000000000001', 'gone', now() - interval '91 days', now() - interval '92 days', true),
        ('10000000-0000-0000-0000-000000000001', 'gone early', now() + interval '1 day', now() - interval '91 days', false),
        ('10000000-0000-0000-0000-000000000001', 'stays', now() - interval '89 days', now() - interval '89 days', true);
    INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, reference_ids, created_at) VALUES
        ('gone', '40000000-0000-0000-0000-000000000001', 'GIT_PUSH', '{"commit_sha": "abc"}', extract(epoch FROM now() - interval '401 days') * 1000),
        ('stays', '40000000-0000-0000-0000-000000000001', 'GIT_PUSH', '{"commit_sha": "abc"}', extract(epoch FROM now() - interval '399 days') * 1000);
    INSERT INTO "ActivityEvent" (id, "projectId", "eventType", "entityType", "entityId", title, status, "createdAt", "updatedAt") VALUES
        ('gone', '40000000-0000-0000-0000-000000000001', (SELECT min(e) FROM unnest(enum_range(NULL::"ActivityEventType")) e), 'x', 'x', 'x', 'COMPLETED', timezone('UTC', now() - interval '401 days'), timezone('UTC', now())),
        ('running stays', '40000000-0000-0000-0000-000000000001', (SELECT min(e) FROM unnest(enum_range(NULL::"ActivityEventType")) e), 'x', 'x', 'x', 'IN_PROGRESS', timezone('UTC', now() - interval '401 days'), timezone('UTC', now())),
        ('with its project', '40000000-0000-0000-0000-000000000002', (SELECT min(e) FROM unnest(enum_range(NULL::"ActivityEventType")) e), 'x', 'x', 'x', 'COMPLETED', timezone('UTC', now()), timezone('UTC', now()));
    INSERT INTO pilothouse.engine_events (id, engine_id, kind, at, at_nanos, title) VALUES
        ('eng_00000000000000000000000000000001', 'E', 'container_crashed', now() - interval '401 days', 1, 'gone'),
        ('eng_00000000000000000000000000000002', 'E', 'container_crashed', now() - interval '399 days', 2, 'stays');
    INSERT INTO "ActivityLog" (id, "activityType", "createdAt") VALUES
        ('gone', 'x', timezone('UTC', now() - interval '401 days')), ('stays', 'x', timezone('UTC', now() - interval '399 days'));
    INSERT INTO ai_assistant_sessions (session_id, user_id, last_activity_at) VALUES
        ('gone', NULL, timezone('UTC', now() - interval '91 days')), ('stays', NULL, timezone('UTC', now())),
        ('claimed stays', '10000000-0000-0000-0000-000000000001', timezone('UTC', now() - interval '91 days'));
    INSERT INTO job_drafts (title, session_id, user_id) VALUES
        ('gone', 'gone', NULL), ('stays', 'claimed stays', '10000000-0000-0000-0000-000000000001');
    UPDATE pilothouse.deletions SET at = now() - interval '8 years'
        WHERE id IN (SELECT id FROM users WHERE email NOT LIKE 'late%' UNION SELECT id FROM projects WHERE name = 'gone'
                     UNION SELECT id FROM containers WHERE name = 'gone' UNION SELECT id FROM file_storage WHERE file_name = 'gone');
"#;

fn run_all(console: &Console) -> Gone {
    match run::run(&console.app.db, console.app.clock.now(), || false).unwrap() {
        Outcome::Complete(gone) => gone,
        Outcome::Stopped => panic!("nobody told it to stop"),
    }
}

#[test]
fn a_run_deletes_what_is_older_than_its_rule_with_what_belongs_to_it_and_nothing_else() {
    let console = Console::start();
    console.sql(LIVES);
    let everything = "SELECT string_agg(name, ', ' ORDER BY name) FROM ( \
         SELECT 'user ' || email AS name FROM users WHERE email LIKE '%@example.com' UNION ALL SELECT 'project ' || name FROM projects \
         UNION ALL SELECT 'container ' || name FROM containers UNION ALL SELECT 'chat ' || content FROM chat_messages \
         UNION ALL SELECT 'file ' || file_name FROM file_storage UNION ALL SELECT 'session ' || token FROM sessions WHERE token ~ 'gone|stays' \
         UNION ALL SELECT 'action ' || action_id FROM turbobackend.project_actions \
         UNION ALL SELECT 'reference of ' || action_id FROM turbobackend.action_references \
         UNION ALL SELECT 'event ' || id FROM \"ActivityEvent\" UNION ALL SELECT 'observation ' || title FROM pilothouse.engine_events \
         UNION ALL SELECT 'audit ' || id FROM \"ActivityLog\" WHERE id ~ 'gone|stays' \
         UNION ALL SELECT 'guest ' || session_id FROM ai_assistant_sessions UNION ALL SELECT 'draft ' || title FROM job_drafts \
         UNION ALL SELECT 'entry ' || source || ' ' || id FROM pilothouse.timeline WHERE id ~ '^gone|stays|with') o";
    let staying: String = console
        .text(everything)
        .split(", ")
        .filter(|name| name.contains("stays"))
        .collect::<Vec<_>>()
        .join(", ");
    let due = console
        .app
        .db
        .read_blocking::<_, pilothouse::db::DbError, _>(&pilothouse::db::Actor::System, |conn| {
            Ok(run::preview(conn)?)
        });
    let gone = run_all(&console);
    assert_eq!(console.text(everything), staying);
    let expected: Gone = [
        (Class::Chat, 2),
        (Class::Files, 2),
        (Class::Containers, 1),
        (Class::Projects, 1),
        (Class::Users, 1),
        (Class::Sessions, 2),
        (Class::Guests, 1),
        (Class::Actions, 1),
        (Class::Events, 2),
        (Class::Observations, 1),
        (Class::Audit, 1),
    ]
    .into();
    assert_eq!(gone, expected);
    // What belongs to others is not among what a rule names by itself.
    let due = due.unwrap();
    assert_eq!((due[&Class::Chat], due[&Class::Events], due[&Class::Users]), (1, 1, 1));
    assert_eq!(
        console.text("SELECT name FROM projects WHERE container_id IS NULL AND status = 'active'"),
        "detached stays"
    );
    let entry =
        console.text("SELECT \"targetName\" FROM \"ActivityLog\" WHERE \"activityType\" = 'retention.ran'");
    assert!(entry.contains("2 chat messages") && entry.contains("1 audit entry"), "{entry}");
    // A second run finds nothing, and says nothing.
    assert_eq!(run_all(&console), Gone::new());
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'retention.ran'"), 1);
    // The days of what went are counted again.
    pilothouse::activity::rollup::keep(&console.app.db).unwrap();
    assert_eq!(
        console.text(
            "SELECT sum(e)::text FROM pilothouse.daily_activity d, unnest(d.entries) e \
             WHERE day BETWEEN current_date - 410 AND current_date - 400"
        ),
        "1",
        "the event that is still running"
    );
}

#[test]
fn a_run_that_was_cut_short_is_gone_on_with_and_takes_the_same_rows() {
    let console = Console::start();
    console.sql(
        "INSERT INTO chat_messages (session_id, role, content, created_at) \
             SELECT 's', 'user', 'old', now() - interval '181 days' FROM generate_series(1, 2500); \
         INSERT INTO chat_messages (session_id, role, content, created_at) \
             SELECT 's', 'user', 'younger', now() - interval '180 days' + interval '1 minute' FROM generate_series(1, 10)",
    );
    let looks = Cell::new(0);
    let stopped = run::run(&console.app.db, console.app.clock.now(), || {
        looks.set(looks.get() + 1);
        looks.get() > 1
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped);
    assert_eq!(console.count("chat_messages WHERE content = 'old'"), 1500);
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'retention.ran'"), 0);
    // Time passes, and the younger ones are old by now as well: they are the next run's.
    console.sql("UPDATE pilothouse.retention_rules SET began_at = began_at - interval '1 day'; \
                 UPDATE chat_messages SET created_at = created_at - interval '1 hour' WHERE content = 'younger'");
    assert_eq!(run_all(&console), Gone::from([(Class::Chat, 2500)]));
    assert_eq!(console.count("chat_messages"), 10);
    assert_eq!(run_all(&console), Gone::from([(Class::Chat, 10)]));
}

#[test]
fn nothing_of_a_held_project_or_user_is_deleted_and_all_of_it_once_the_hold_is_released() {
    let console = Console::start();
    console.sql(LIVES);
    let admin = console.admin();
    let before = |what: &str| console.count(what);
    for held in ["40000000-0000-0000-0000-000000000002", "owner-stays@example.com", "gone@example.com"] {
        let form = [("held", held), ("reason", "a dispute")];
        admin.post("/operations/retention/holds", &form).expect(303);
    }
    let gone = run_all(&console);
    assert_eq!(before("projects WHERE name = 'gone'"), 1);
    assert_eq!(before("users WHERE email = 'gone@example.com'"), 1);
    assert_eq!(before("chat_messages WHERE content = 'gone'"), 1);
    assert_eq!(before("turbobackend.project_actions WHERE action_id = 'gone'"), 1);
    // What belongs to nobody who is held.
    assert_eq!(gone, [(Class::Guests, 1), (Class::Observations, 1), (Class::Audit, 1)].into());
    let page = admin.get("/operations/retention").expect(200);
    assert!(page.text("[data-hold=\"40000000-0000-0000-0000-000000000002\"]").contains("a dispute"));
    for (kind, id) in [
        ("project", "40000000-0000-0000-0000-000000000002"),
        ("user", "10000000-0000-0000-0000-000000000001"),
        ("user", "10000000-0000-0000-0000-000000000002"),
    ] {
        admin.post("/operations/retention/release", &[("kind", kind), ("id", id)]).expect(303);
        admin.post("/operations/retention/release", &[("kind", kind), ("id", id)]).expect(404);
    }
    assert_eq!(run_all(&console)[&Class::Projects], 1);
    assert_eq!(
        console.count("\"ActivityLog\" WHERE \"activityType\" IN ('hold.placed', 'hold.released')"),
        6
    );
    for held in ["", "nobody@example.com", "00000000-0000-4000-8000-000000000000"] {
        let refused =
            admin.post("/operations/retention/holds", &[("held", held), ("reason", "x")]).expect(422);
        assert!(refused.text("#held-error").contains("id of a project or a user"));
    }
}

#[test]
fn a_rule_shows_what_it_would_delete_before_it_is_saved_and_says_why_on_record() {
    let console = Console::start();
    console.sql(LIVES);
    let admin = console.admin();
    let page = admin.get("/operations/retention").expect(200);
    let row = page.text("[data-rule=\"chat\"]");
    assert!(row.contains("Kept 180 days after they were written") && row.contains("never ran"), "{row}");
    assert!(page.text("[data-rule=\"audit\"]").contains("Kept 400 days"), "{}", page.body);

    let preview = admin.get("/operations/retention/chat?days=100").expect(200);
    assert!(
        preview.text("main").contains("Kept 100 days") && preview.text("main").contains("would delete 2")
    );
    assert_eq!(console.count("pilothouse.retention_rules WHERE class = 'chat'"), 0);
    for days in ["0", "6", "x", "-1", "1.5", "36501", "99999999999"] {
        admin.get(&format!("/operations/retention/chat?days={days}")).expect(422);
        let form = [("class", "chat"), ("days", days), ("reason", "less room")];
        admin.post("/operations/retention", &form).expect(422);
    }
    let form = [("class", "chat"), ("days", "100"), ("reason", " ")];
    let refused = admin.post("/operations/retention", &form).expect(422);
    assert!(refused.text("#reason-error").contains("Say why"), "{}", refused.body);
    admin.post("/operations/retention", &[("class", "cats"), ("days", "100"), ("reason", "x")]).expect(404);

    let form = [("class", "chat"), ("days", "100"), ("reason", "less room")];
    admin.post("/operations/retention", &form).expect(303);
    let page = admin.get("/operations/retention").expect(200);
    let row = page.text("[data-rule=\"chat\"]");
    assert!(row.contains("Kept 100 days") && row.contains("less room"), "{row}");
    assert_eq!(
        console.count(
            "\"ActivityLog\" WHERE \"activityType\" = 'retention.rule_changed' AND before->>'keep_days' = '180' \
             AND after->>'keep_days' = '100' AND after->>'reason' = 'less room'"
        ),
        1
    );
    admin
        .post("/operations/retention", &[("class", "chat"), ("days", ""), ("reason", "a dispute")])
        .expect(303);
    assert!(admin.get("/operations/retention").body.contains("Kept for ever"));
    run_all(&console);
    assert_eq!(
        console.count("chat_messages WHERE content IN ('gone', 'stays')"),
        2,
        "but not with a container"
    );
    console.owner().get("/operations/retention").expect(404);
}

#[test]
fn a_deleted_project_says_until_when_it_can_be_restored() {
    let console = Console::start();
    let owner = console.owner();
    console.sql(&format!(
        "INSERT INTO projects (id, name, user_id) VALUES ('40000000-0000-0000-0000-000000000001', 'shop', '{}')",
        owner.id
    ));
    let path = "/projects/40000000-0000-0000-0000-000000000001";
    let asked = owner.get(&format!("{path}/delete")).expect(200);
    assert!(asked.text("main").contains("restored for 365 days"), "{}", asked.text("main"));
    owner.post(&format!("{path}/delete"), &[("confirm", "shop")]).expect(303);
    let goes: DateTime<Utc> = console
        .text("SELECT to_char(timezone('UTC', at) + interval '365 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM pilothouse.deletions")
        .parse()
        .unwrap();
    for part in ["", "/activity", "/settings", "/files", "/chat"] {
        let page = owner.get(&format!("{path}{part}")).expect(200);
        let told = page.text("main .alert");
        assert!(
            told.contains("until retention removes it") && told.contains(&goes.format("%Y").to_string()),
            "{part}: {told}"
        );
    }
    owner.post(&format!("{path}/restore"), &[]).expect(303);
    assert_eq!(console.count("pilothouse.deletions"), 0);
    console.sql("INSERT INTO pilothouse.retention_rules (class, keep_days) VALUES ('projects', NULL)");
    let asked = owner.get(&format!("{path}/delete")).expect(200);
    assert!(asked.text("main").contains("restored at any time"), "{}", asked.text("main"));
}
