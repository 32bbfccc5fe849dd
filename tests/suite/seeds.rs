//! The systems that write into this database keep what they know: their DDL builds a database whose
//! catalog ours contains, and their statements run unmodified on ours.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::db::drift::{self, Part};

use crate::support::db::TestDb;

/// Each system's DDL, in an order in which they can be built in one database.
pub const DDL: [&str; 4] = [
    include_str!("seeds/platform.sql"),
    include_str!("seeds/tracker.sql"),
    include_str!("seeds/events.sql"),
    include_str!("seeds/assistant.sql"),
];

/// Where ours differs on purpose: name, what their DDL says, what ours says.
const ON_PURPOSE: &[(&str, &str, &str)] = &[
    // now() would be shifted by the zone of whoever connects.
    ("public.ActivityEvent.createdAt", "CURRENT_TIMESTAMP", "timezone('UTC'::text, now())"),
    ("public.ActivityLog.createdAt", "CURRENT_TIMESTAMP", "timezone('UTC'::text, now())"),
    ("public.ai_assistant_sessions.started_at", "now()", "timezone('UTC'::text, now())"),
    ("public.ai_assistant_sessions.last_activity_at", "now()", "timezone('UTC'::text, now())"),
    ("public.ai_assistant_sessions.created_at", "now()", "timezone('UTC'::text, now())"),
    ("public.ai_assistant_sessions.updated_at", "now()", "timezone('UTC'::text, now())"),
    // Their client chooses these; a default takes nothing from it.
    ("public.ActivityEvent.id", "none", "(gen_random_uuid())::text"),
    ("public.ActivityEvent.updatedAt", "none", "timezone('UTC'::text, now())"),
    ("public.ActivityLog.id", "none", "(gen_random_uuid())::text"),
];

fn built_by_their_ddl() -> TestDb {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    for ddl in DDL {
        conn.batch_execute(ddl).unwrap();
    }
    db
}

#[test]
fn our_catalog_contains_the_catalog_of_their_ddl() {
    let theirs = drift::catalog(&mut built_by_their_ddl().connect_owner()).unwrap();
    let ours: BTreeMap<_, _> = drift::catalog(&mut TestDb::new().connect_owner())
        .unwrap()
        .into_iter()
        .map(|part| ((part.kind, part.name), part.definition))
        .collect();

    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for Part { kind, name, definition } in theirs {
        if kind == "row security" {
            continue;
        }
        *counts.entry(kind.clone()).or_default() += 1;
        let our = ours.get(&(kind.clone(), name.clone())).unwrap_or_else(|| panic!("no {kind} {name}"));
        let expected = match ON_PURPOSE.iter().find(|(part, ..)| kind == "column" && *part == name) {
            Some((_, theirs, ours)) => {
                let (before, default) = definition.rsplit_once(" | ").unwrap();
                assert_eq!(default, *theirs, "{name}");
                format!("{before} | {ours}")
            }
            None if kind == "view" => format!("{definition} with security_invoker=true"),
            None => definition,
        };
        assert_eq!(*our, expected, "{kind} {name}");
    }
    // What the comparison saw, so that an empty catalog can't pass for a contained one.
    for (kind, at_least) in
        [("table", 14), ("column", 140), ("constraint", 25), ("index", 37), ("trigger", 3), ("view", 2)]
    {
        assert!(counts[kind] >= at_least, "{kind}: {counts:?}");
    }
    assert_eq!((counts["type"], counts["function"]), (2, 1));
}

/// The texts of the two views, which the catalog compares by their columns only.
#[test]
fn the_views_are_theirs_to_the_letter() {
    let text = "SELECT string_agg(pg_get_viewdef(c), ';' ORDER BY c::text) AS text \
                FROM unnest('{active_containers,user_projects}'::regclass[]) c";
    let read = |db: &TestDb| diesel::sql_query(text).get_result::<Row>(&mut db.connect_owner()).unwrap().text;
    let theirs = read(&built_by_their_ddl());
    assert!(theirs.contains("count(cm.id)"));
    assert_eq!(read(&TestDb::new()), theirs);
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// Rows that each of their queries must find.
const FOUND_ROWS: &str = r#"
    INSERT INTO turbobackend.github_push_history (push_id, project_id, commit_sha, files_changed)
    VALUES ('push_1', 'project_123', 'abc', 3);
    INSERT INTO turbobackend.project_actions VALUES
        ('a1', 'project_123', 'u', NULL, 'deployment', 'd', 'success', 'production',
         '{"deployment_id": "deploy_abc123", "app_name": "shop"}', 1700000000000),
        ('a2', 'project_123', 'u', NULL, 'github_push', 'd', 'success', 'development',
         '{"github_push_id": "push_1", "commit_sha": "abc"}', 1700000000001),
        ('a3', 'project_9', 'u', NULL, 'project_created', 'd', 'success', 'development',
         '{"container_id": "container_xyz789", "container_session_id": "s"}', 1700000000002);
"#;

/// Their statements, unmodified and in order, and how many rows each finds or changes.
const STATEMENTS: &[(&str, usize)] = &[
    ("ALTER TABLE turbobackend.project_actions \nADD COLUMN IF NOT EXISTS reference_ids JSONB;", 0),
    ("ALTER TABLE turbobackend.project_actions DROP COLUMN IF EXISTS cost_usd;", 0),
    ("ALTER TABLE turbobackend.project_actions ADD COLUMN IF NOT EXISTS reference_ids JSONB;", 0),
    (
        "SELECT * FROM turbobackend.project_actions \nWHERE reference_ids->>'deployment_id' = 'deploy_abc123';",
        1,
    ),
    ("SELECT * FROM turbobackend.project_actions \nWHERE reference_ids ? 'github_push_id';", 1),
    (
        "SELECT * FROM turbobackend.project_actions \nWHERE reference_ids->>'container_id' = 'container_xyz789';",
        1,
    ),
    (
        "SELECT \n  pa.*,\n  gph.commit_sha,\n  gph.files_changed\nFROM turbobackend.project_actions pa\n\
         LEFT JOIN turbobackend.github_push_history gph \n  ON gph.push_id = pa.reference_ids->>'github_push_id'\n\
         WHERE pa.project_id = 'project_123'\nORDER BY pa.created_at DESC;",
        2,
    ),
    ("SELECT tablename FROM pg_tables WHERE tablename = 'ActivityEvent';", 1),
    ("CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\";", 0),
    ("CREATE EXTENSION IF NOT EXISTS \"pgcrypto\";", 0),
    ("INSERT INTO users (email, name) VALUES ('test@example.com', 'Test User');", 1),
    (
        "INSERT INTO containers (container_id, name, status, user_id) \nVALUES ('test-container-123', \
         'Test Project', 'created', \n        (SELECT id FROM users WHERE email = 'test@example.com'));",
        1,
    ),
    // What their documents describe without spelling the statement.
    ("SELECT * FROM active_containers;", 1),
    (
        "INSERT INTO projects (name, container_id, user_id) SELECT 'Test Project', c.id, c.user_id FROM containers c;",
        1,
    ),
    ("SELECT * FROM user_projects WHERE container_status = 'created' AND message_count = 0;", 1),
    (
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, \"updatedAt\") \
         SELECT 'cl1', id::text, 'INDEXING_STARTED', 'indexing', 'Indexing', now() FROM projects;",
        1,
    ),
    (
        "UPDATE \"ActivityEvent\" SET status = 'COMPLETED', duration = 1200 WHERE id = 'cl1' AND status = 'IN_PROGRESS';",
        1,
    ),
    (
        "INSERT INTO \"ActivityLog\" (id, \"projectId\", \"userId\", \"activityType\", metadata) \
         VALUES ('l1', 'unknown', NULL, 'anything', 'text');",
        1,
    ),
    (
        "INSERT INTO job_drafts (developer_ref, source, session_id, generated_title, generated_skills, completion_score) \
         VALUES ('dev', 'ai_assistant', 's1', 'A shop', ARRAY['rust'], 80);",
        1,
    ),
    (
        "SELECT * FROM job_drafts WHERE to_tsvector('english', generated_title) @@ to_tsquery('english', 'shops') \
         AND public_status = 'draft';",
        1,
    ),
    (
        "INSERT INTO analytics (event_type, job_draft_id, slot_name) SELECT 'slot_filled', id, 'budget' FROM job_drafts;",
        1,
    ),
    ("INSERT INTO ai_assistant_sessions (session_id, developer_ref) VALUES ('s1', 'dev');", 1),
    ("SELECT * FROM ai_assistant_sessions s JOIN job_drafts d USING (session_id) WHERE s.is_active;", 1),
];

#[test]
fn their_statements_run_unmodified_and_find_their_rows() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(FOUND_ROWS).unwrap();
    for (statement, rows) in STATEMENTS {
        let done = diesel::sql_query(*statement)
            .execute(&mut conn)
            .unwrap_or_else(|error| panic!("{statement}\n{error}"));
        assert_eq!(done, *rows, "{statement}");
    }
}

#[test]
fn a_default_time_without_zone_is_utc_whatever_the_client_s_zone() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "SET timezone = 'Pacific/Auckland';
         INSERT INTO users (email) VALUES ('z@example.com');
         INSERT INTO projects (name) VALUES ('z');
         INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title)
         SELECT id_text, 'APR_REVIEW', 'apr_session', 'Review' FROM projects;
         INSERT INTO \"ActivityLog\" (\"activityType\", \"createdAt\") VALUES ('default', DEFAULT), ('null', NULL);
         INSERT INTO ai_assistant_sessions (session_id) VALUES ('z');",
    )
    .unwrap();
    let late = diesel::sql_query(
        "SELECT 1 FROM (SELECT \"createdAt\" AS at FROM \"ActivityEvent\" UNION ALL SELECT \"updatedAt\" FROM \"ActivityEvent\"
           UNION ALL SELECT \"createdAt\" FROM \"ActivityLog\" UNION ALL SELECT started_at FROM ai_assistant_sessions) t
         WHERE abs(EXTRACT(epoch FROM at - timezone('UTC', now()))) < 600",
    )
    .execute(&mut conn)
    .unwrap();
    assert_eq!(late, 5);
}
