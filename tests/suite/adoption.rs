//! A database that others made and filled is taken over as it is, and they go on writing as before.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::db::drift;

use crate::seeds::DDL;
use crate::support::db::TestDb;

/// Rows as workers leave them over the years.
const YEARS_OF_WORK: &str = r#"
    INSERT INTO users (id, email, name, created_at) VALUES
        ('a0000000-0000-0000-0000-000000000001', 'ada@example.com', 'Ada', NULL),
        ('a0000000-0000-0000-0000-000000000002', 'ADA@example.com', NULL, '2020-01-01'),
        ('a0000000-0000-0000-0000-000000000003', 'Zoë@example.com', 'Zoë', '2031-01-01');
    INSERT INTO containers (id, container_id, name, status, user_id, labels) VALUES
        ('c0000000-0000-0000-0000-000000000001', 'engine-1', 'one', 'running', 'a0000000-0000-0000-0000-000000000001', NULL),
        ('c0000000-0000-0000-0000-000000000002', 'engine-2', 'two', 'on fire', NULL, '["odd"]');
    INSERT INTO projects (id, name, container_id, user_id, status, updated_at) VALUES
        ('b0000000-0000-0000-0000-000000000001', 'p', 'c0000000-0000-0000-0000-000000000001',
         'a0000000-0000-0000-0000-000000000001', 'active', '2020-02-02'),
        ('b0000000-0000-0000-0000-000000000002', 'p', 'c0000000-0000-0000-0000-000000000001', NULL, NULL, NULL);
    INSERT INTO sessions (user_id, token, expires_at) VALUES
        ('a0000000-0000-0000-0000-000000000001', 'a-plain-token', '2020-01-01');
    INSERT INTO chat_messages (container_id, session_id, role, content) VALUES (NULL, 's', 'oracle', '');
    INSERT INTO file_storage (file_path, file_name, file_size) VALUES ('/', '', -1);
    INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids, action_type) VALUES
        ('', NULL, NULL, NULL, NULL),
        ('seconds', 'b0000000-0000-0000-0000-000000000001', 1700000000, '{"commit_sha": "abc", "n": 5, "yes": true}', 'deployment'),
        ('no time', 'nobody''s', NULL, '{"branch_name": "main"}', 'invented'),
        ('array', 'x', 9223372036854775807, '["commit_sha"]', 'x'),
        ('scalar', 'x', -1, '"commit_sha"', 'x'),
        ('json null', 'x', 0, 'null', 'x'),
        ('nested', 'x', 0, '{"a": {"b": 1}, "c": [1], "d": null, "": "empty key"}', 'x');
    INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids)
        SELECT 'many' || n, 'b0000000-0000-0000-0000-000000000001', n, jsonb_build_object('deployment_id', 'd' || n % 100)
        FROM generate_series(1, 12000) n;
    INSERT INTO turbobackend.project_actions (action_id, reference_ids) VALUES
        ('long', (SELECT jsonb_build_object('app_name', string_agg(md5(n::text), '')) FROM generate_series(1, 320) n));
    INSERT INTO turbobackend.github_push_history (push_id, commit_sha) VALUES ('push', repeat('f', 40));
    INSERT INTO "ActivityEvent" (id, "projectId", "eventType", "entityType", title, "createdAt", "updatedAt") VALUES
        ('event', 'b0000000-0000-0000-0000-000000000001', 'APR_REVIEW', 'apr_session', 'Review', '2020-01-01', '2020-01-01');
    INSERT INTO "ActivityLog" (id, "projectId", "activityType", "createdAt") VALUES
        ('log 1', 'nowhere', 'invented', NULL), ('log 2', NULL, '', '2020-01-01');
    INSERT INTO job_drafts (title, completion_score) VALUES ('draft', NULL), (NULL, 100);
    INSERT INTO analytics (event_type, job_draft_id) VALUES ('seen', 1), ('seen', NULL);
    INSERT INTO ghl_opportunities (job_draft_id) VALUES (2);
    INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('s', NULL);
"#;

/// Writes that their schema takes. `$n` is a number that makes keys differ from run to run.
const WRITES: &[&str] = &[
    "INSERT INTO turbobackend.project_actions (action_id) VALUES ('w$n')",
    "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, status, environment, created_at) \
     VALUES ('x$n', 'no such project', 'no such user', 'unheard of', 'perhaps', 'moon', NULL)",
    "INSERT INTO turbobackend.project_actions (action_id, created_at, reference_ids) VALUES \
     ('r1$n', 1, NULL), ('r2$n', -5, 'null'), ('r3$n', 0, '[1, {\"a\": \"b\"}]'), ('r4$n', 9223372036854775807, '\"text\"'), \
     ('r5$n', 2, '{\"deployment_id\": {\"deep\": [1, 2]}, \"container_id\": null, \"github_push_id\": [], \"commit_sha\": 7}')",
    "INSERT INTO turbobackend.project_actions (action_id, reference_ids) SELECT 'k$n' || key, jsonb_build_object(key, long) \
     FROM unnest('{deployment_id,container_id,github_push_id,any}'::text[]) key, \
          (SELECT string_agg(md5(random()::text), '') AS long FROM generate_series(1, 320)) t",
    "INSERT INTO turbobackend.project_actions (action_id, reference_ids) SELECT 'l$n', jsonb_build_object(long, 'value') \
     FROM (SELECT string_agg(md5(random()::text), '') AS long FROM generate_series(1, 320)) t",
    "INSERT INTO turbobackend.project_actions (action_id, request_id) \
     SELECT 'q$n', string_agg(md5(random()::text), '') FROM generate_series(1, 320)",
    "INSERT INTO turbobackend.project_actions (action_id) VALUES ('w$n') ON CONFLICT (action_id) DO UPDATE \
     SET reference_ids = '{\"branch_name\": \"main\"}', created_at = NULL",
    "UPDATE turbobackend.project_actions SET action_id = 'moved$n', project_id = NULL WHERE action_id = 'w$n'",
    "DELETE FROM turbobackend.project_actions WHERE action_id IN ('moved$n', 'x$n')",
    "INSERT INTO users (email) VALUES ('Same$n@Example.com'), ('same$n@example.com')",
    "INSERT INTO containers (container_id, name, user_id) SELECT 'c$n', 'c', id FROM users WHERE email = 'same$n@example.com'",
    "INSERT INTO projects (name, container_id, created_at) SELECT 'p$n', id, NULL FROM containers WHERE container_id = 'c$n'",
    "INSERT INTO projects (name) VALUES ('p$n'), ('p$n')",
    "UPDATE projects SET user_id = (SELECT id FROM users WHERE email = 'same$n@example.com') WHERE name = 'p$n'",
    "INSERT INTO sessions (user_id, token, expires_at, created_at) VALUES (NULL, 'plain $n', 'infinity', NULL)",
    "INSERT INTO chat_messages (session_id, role, content) VALUES ('', 'narrator', '')",
    "INSERT INTO file_storage (file_path, file_name) VALUES ('', '')",
    "INSERT INTO \"ActivityLog\" (id, \"activityType\", \"createdAt\", metadata) VALUES ('l$n', '', NULL, '{not json')",
    "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, \"updatedAt\") \
     SELECT 'e$n', id::text, 'TEST_GENERATION', '', '', now() FROM projects LIMIT 1",
    "INSERT INTO job_drafts (title) VALUES (NULL)",
    "INSERT INTO analytics (event_type) VALUES ('')",
    "INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('s$n', NULL)",
    "DELETE FROM containers WHERE container_id = 'c$n'",
    "DELETE FROM projects WHERE name = 'p$n'",
    "DELETE FROM users WHERE email ILIKE 'same$n@example.com'",
];

fn their_database() -> TestDb {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    for ddl in DDL {
        conn.batch_execute(ddl).unwrap();
    }
    conn.batch_execute(YEARS_OF_WORK).unwrap();
    db
}

fn write_all(conn: &mut PgConnection, run: &str) {
    for write in WRITES {
        let statement = write.replace("$n", run);
        let rows = diesel::sql_query(&statement)
            .execute(conn)
            .unwrap_or_else(|error| panic!("run {run}: {statement}\n{error}"));
        assert!(rows > 0, "run {run}: {statement}");
    }
}

#[derive(QueryableByName, Debug, PartialEq, Eq)]
struct Fingerprint {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Text)]
    hash: String,
}

/// Rows and hash of each table, over the columns that `columns` names.
fn fingerprints(
    conn: &mut PgConnection,
    columns: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Fingerprint> {
    columns
        .iter()
        .map(|(table, columns)| {
            let (schema, name) = table.split_once('.').unwrap();
            let columns: Vec<_> = columns.iter().map(|column| format!("t.\"{column}\"")).collect();
            let row = format!("md5(ROW({})::text)", columns.join(", "));
            let fingerprint = diesel::sql_query(format!(
                "SELECT count(*) AS rows, coalesce(md5(string_agg({row}, '' ORDER BY {row})), '') AS hash \
                 FROM \"{schema}\".\"{name}\" t"
            ))
            .get_result(conn)
            .unwrap();
            (table.clone(), fingerprint)
        })
        .collect()
}

fn columns(conn: &mut PgConnection) -> BTreeMap<String, Vec<String>> {
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in drift::catalog(conn).unwrap().into_iter().filter(|part| part.kind == "column") {
        let (table, column) = part.name.rsplit_once('.').unwrap();
        columns.entry(table.to_owned()).or_default().push(column.to_owned());
    }
    columns
}

fn count(conn: &mut PgConnection, condition: &str) -> usize {
    diesel::sql_query(format!("SELECT 1 FROM {condition}")).execute(conn).unwrap()
}

#[test]
fn no_row_is_lost_or_changed() {
    let db = their_database();
    let mut conn = db.connect_owner();
    let columns = columns(&mut conn);
    let before = fingerprints(&mut conn, &columns);
    assert_eq!(before.len(), 14);
    assert!(before.values().all(|table| table.rows > 0), "an empty table proves nothing: {before:?}");

    db.migrate().unwrap();
    assert_eq!(fingerprints(&mut conn, &columns), before);
    assert!(db.migrate().unwrap().is_empty());
    assert_eq!(fingerprints(&mut conn, &columns), before);
}

#[test]
fn an_adopted_database_has_no_drift() {
    let db = their_database();
    db.migrate().unwrap();
    let told: Vec<_> =
        drift::findings(&mut db.connect_owner()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn old_references_are_found_like_new_ones() {
    let db = their_database();
    db.migrate().unwrap();
    let mut conn = db.connect_owner();
    let references = "turbobackend.action_references WHERE ";
    for (condition, rows) in [
        ("key = 'deployment_id'", 12_000),
        ("key = 'deployment_id' AND value = 'd7'", 120),
        ("action_id = 'seconds' AND created_at = 1700000000", 3),
        ("action_id = 'seconds' AND (key, value) IN (('commit_sha', 'abc'), ('n', '5'), ('yes', 'true'))", 3),
        ("action_id = 'no time' AND created_at = 0", 1),
        ("action_id = 'nested' AND (key, value) = ('', 'empty key')", 1),
        ("action_id IN ('array', 'scalar', 'json null', '')", 0),
        ("action_id = 'long' AND value LIKE 'sha256:%' AND length(value) = 71", 1),
        (
            "value = (SELECT pilothouse.reference_text(reference_ids->>'app_name') \
             FROM turbobackend.project_actions WHERE action_id = 'long')",
            1,
        ),
    ] {
        assert_eq!(count(&mut conn, &format!("{references}{condition}")), rows, "{condition}");
    }
    assert_eq!(count(&mut conn, "pilothouse.trigger_failures"), 0);
}

#[test]
fn references_follow_their_action() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    let mut after = |statement: &str| {
        conn.batch_execute(statement).unwrap();
        count(&mut conn, "turbobackend.action_references WHERE project_id = 'p' AND created_at = 5")
    };
    assert_eq!(
        after(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids) \
               VALUES ('a', 'p', 5, '{\"k\": \"v\", \"l\": 1}'), ('b', 'p', 5, '{\"k\": \"v\"}')"
        ),
        3
    );
    assert_eq!(
        after(
            "UPDATE turbobackend.project_actions SET reference_ids = '{\"k\": \"w\"}' WHERE action_id = 'a'"
        ),
        2
    );
    assert_eq!(after("UPDATE turbobackend.project_actions SET status = 'failed'"), 2);
    assert_eq!(after("UPDATE turbobackend.project_actions SET project_id = 'q' WHERE action_id = 'b'"), 1);
    assert_eq!(after("DELETE FROM turbobackend.project_actions WHERE action_id = 'a'"), 0);
    assert_eq!(after("UPDATE turbobackend.project_actions SET project_id = 'p'"), 1);
    assert_eq!(after("TRUNCATE turbobackend.project_actions"), 0);
    assert_eq!(count(&mut conn, "turbobackend.action_references"), 0);
}

#[test]
fn what_workers_could_write_before_they_can_write_after() {
    let db = their_database();
    let mut conn = db.connect_owner();
    write_all(&mut conn, "1");
    db.migrate().unwrap();
    write_all(&mut conn, "2");
    assert_eq!(count(&mut conn, "pilothouse.trigger_failures"), 0);
    assert_eq!(
        count(&mut conn, "turbobackend.project_actions WHERE action_id LIKE '_2%' AND created_at IS NULL"),
        0
    );
    assert_eq!(
        count(
            &mut conn,
            "turbobackend.project_actions WHERE action_id = 'q2' AND created_at > 1700000000000"
        ),
        1
    );
}

#[test]
fn a_worker_that_owns_nothing_keeps_its_rows_and_its_writes() {
    let db = their_database();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "DO $$ BEGIN CREATE ROLE adopted_worker NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA public, turbobackend TO adopted_worker;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, turbobackend TO adopted_worker;
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO adopted_worker;
         SET ROLE adopted_worker",
    )
    .unwrap();
    write_all(&mut conn, "1");
    let seen = count(&mut conn, "turbobackend.project_actions");
    db.migrate().unwrap();
    assert_eq!(count(&mut conn, "turbobackend.project_actions"), seen);
    write_all(&mut conn, "2");
    conn.batch_execute("RESET ROLE; DROP OWNED BY adopted_worker; DROP ROLE adopted_worker").unwrap();
}

#[test]
fn a_trigger_that_fails_is_counted_and_the_write_stands() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "ALTER TABLE turbobackend.action_references RENAME TO gone;
         ALTER TABLE pilothouse.tombstones RENAME TO gone;
         INSERT INTO turbobackend.project_actions (action_id, reference_ids) VALUES ('a', '{\"k\": \"v\"}');
         INSERT INTO projects (name) VALUES ('p'); DELETE FROM projects;",
    )
    .unwrap();
    assert_eq!(count(&mut conn, "turbobackend.project_actions"), 1);
    assert_eq!(count(&mut conn, "projects"), 0);
    assert_eq!(count(&mut conn, "pilothouse.trigger_failures WHERE last_error LIKE '%does not exist'"), 3);
}

#[test]
fn rows_that_break_a_constraint_keep_it_away_and_the_drift_tells() {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    for ddl in DDL {
        conn.batch_execute(ddl).unwrap();
    }
    conn.batch_execute(
        "INSERT INTO job_drafts (completion_score) VALUES (1000);
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, \"updatedAt\")
         VALUES ('e', 'gone', 'APR_REVIEW', '', '', now());",
    )
    .unwrap();
    db.migrate().unwrap();
    let told: Vec<_> = drift::findings(&mut conn).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "constraint public.ActivityEvent.ActivityEvent_projectId_fkey is missing",
            "constraint public.job_drafts.job_drafts_completion_score_check is missing"
        ]
    );
    conn.batch_execute("INSERT INTO job_drafts (completion_score) VALUES (-1)").unwrap();
}

#[test]
fn a_login_without_superuser_can_migrate_what_it_owns() {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "DO $$ BEGIN CREATE ROLE plain_migrator LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO plain_migrator', current_database()); END $$;
         SET SESSION AUTHORIZATION plain_migrator",
    )
    .unwrap();
    for ddl in DDL {
        conn.batch_execute(ddl).unwrap();
    }
    conn.batch_execute(YEARS_OF_WORK).unwrap();
    let sources = include_dir::include_dir!("$CARGO_MANIFEST_DIR/migrations");
    let mut steps: Vec<_> = sources.dirs().collect();
    steps.sort_by_key(|step| step.path());
    for step in steps {
        let up = step.get_file(step.path().join("up.sql")).unwrap().contents_utf8().unwrap();
        conn.batch_execute(up).unwrap_or_else(|error| panic!("{}: {error}", step.path().display()));
    }
    assert_eq!(drift::findings(&mut conn).unwrap(), []);
    write_all(&mut conn, "1");
}

/// The project `b0…01` and the user `a0…01` of [`YEARS_OF_WORK`] in the writings that other platforms have.
const WRITINGS: [&str; 7] = [
    "upper($)",
    "'{' || upper($) || '}'",
    "'(' || $ || ')'",
    "replace($, '-', '')",
    "'urn:uuid:' || $",
    "'URN:UUID:' || upper($)",
    "E'  ' || upper($) || E'\\n'",
];

/// A row in each table that names a project or a user by a text, in the writing `form`; `tables` of the tracker.
fn write_ids(tables: &[(&str, &str)], form: &str, key: &str) -> String {
    let project = form.replace('$', "'b0000000-0000-0000-0000-000000000001'");
    let user = form.replace('$', "'a0000000-0000-0000-0000-000000000001'");
    let inserts = tables.iter().map(|(table, id)| {
        format!(
            "INSERT INTO turbobackend.{table} ({id}, project_id, user_id, created_at) VALUES ('{key}', {project}, {user}, 1763640000000);"
        )
    });
    inserts.collect::<Vec<_>>().concat()
        + &*format!(
            "UPDATE turbobackend.project_actions SET reference_ids = '{{\"branch_name\": \"odd\"}}' WHERE action_id = '{key}'; \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"userId\", \"activityType\", \"createdAt\") \
             VALUES ('{key}', {project}, {user}, 'x', '2025-11-20'); \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"userId\", \"eventType\", \"entityType\", title, \"updatedAt\") \
             VALUES ('{key}', {project}, {user}, 'APR_REVIEW', '', '', now());"
        )
}

const TRACKER: [(&str, &str); 6] = [
    ("project_actions", "action_id"),
    ("github_push_history", "push_id"),
    ("project_deployments", "deployment_id"),
    ("container_sessions", "session_id"),
    ("project_databases", "database_id"),
    ("message_cost_tracker", "cost_id"),
];

/// Rows of all those tables whose ids are in the console's writing.
fn written_in_one_form(conn: &mut PgConnection) -> usize {
    let is_ours = |project: &str, user: &str| {
        format!(
            "{project} = 'b0000000-0000-0000-0000-000000000001' AND {user} = 'a0000000-0000-0000-0000-000000000001'"
        )
    };
    let mut rows = count(
        conn,
        "turbobackend.action_references \
        WHERE value = 'odd' AND project_id = 'b0000000-0000-0000-0000-000000000001'",
    );
    for (table, _) in TRACKER {
        rows += count(conn, &format!("turbobackend.{table} WHERE {}", is_ours("project_id", "user_id")));
    }
    for table in ["ActivityEvent", "ActivityLog"] {
        rows += count(conn, &format!("\"{table}\" WHERE {}", is_ours("\"projectId\"", "\"userId\"")));
    }
    rows
}

#[test]
fn ids_in_other_writings_become_ours_in_old_rows_and_in_new_ones() {
    let db = their_database();
    let mut conn = db.connect_owner();
    for (n, form) in WRITINGS.iter().enumerate() {
        conn.batch_execute(&write_ids(&TRACKER[..1], form, &format!("old{n}"))).unwrap();
    }
    assert_eq!(count(&mut conn, "\"ActivityEvent\" WHERE id LIKE 'old%'"), 7);
    db.migrate().unwrap();
    assert_eq!(written_in_one_form(&mut conn), 7 * 4);
    let told: Vec<_> = drift::findings(&mut conn).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(told, Vec::<String>::new(), "the events' foreign keys stand");

    // Whatever names a writer's connection looks up first.
    conn.batch_execute("CREATE SCHEMA odd; SET search_path = odd").unwrap();
    for (n, form) in WRITINGS.iter().enumerate() {
        let sql = write_ids(&TRACKER, form, &format!("new{n}")).replace("INTO \"", "INTO public.\"");
        conn.batch_execute(&sql).unwrap();
    }
    conn.batch_execute("RESET search_path").unwrap();
    assert_eq!(written_in_one_form(&mut conn), 7 * 4 + 7 * 9);
    let marks = "pilothouse.recount_marks WHERE day = '2025-11-20' \
         AND project_id = 'b0000000-0000-0000-0000-000000000001'";
    assert!(count(&mut conn, marks) > 0);
    assert_eq!(count(&mut conn, "pilothouse.trigger_failures"), 0);
}

#[test]
fn what_is_no_uuid_stays_as_it_was_written() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    let odd = [
        "Shop-API",
        "B0000000-0000-0000-0000-00000000000G",
        "{b0000000-0000-0000-0000-0000000000012}",
        "B0000000-0000-0000-0000-000000000001 and more",
        "ÄÖÜ",
        "",
        "{}",
    ];
    for (n, text) in odd.iter().enumerate() {
        conn.batch_execute(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, request_id) \
             VALUES ('B0000000-0000-0000-0000-00000000000{n}', '{text}', '{text}', 'B0000000-0000-0000-0000-000000000001')"
        ))
        .unwrap();
        assert_eq!(
            count(
                &mut conn,
                &format!("turbobackend.project_actions WHERE project_id = '{text}' AND user_id = '{text}'")
            ),
            1,
            "{text}"
        );
    }
    let kept = "turbobackend.project_actions WHERE action_id LIKE 'B%' AND request_id = 'B0000000-0000-0000-0000-000000000001'";
    assert_eq!(count(&mut conn, kept), odd.len());
}
