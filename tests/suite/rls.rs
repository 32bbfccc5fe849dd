//! Row-level security, attacked as SQL on full tables, with a positive control beside each attack.
//!
//! Ada and Bob own one of everything, an admin owns nothing. Both projects have a token that may report
//! into them, and a visitor of the assistant each. What Bob may do to his own rows must fail on Ada's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, SecretHash, drift};

use crate::support::db::TestDb;

/// Every id of Ada ends in `a`, of Bob in `b`: `{o}` in a statement is the one or the other.
const ROWS_OF_ONE_OWNER: &str = r#"
    INSERT INTO users (id, email, name, password_hash) VALUES
        ('10000000-0000-0000-0000-00000000000{o}', '{o}@example.com', 'owner {o}', 'hash of {o}');
    INSERT INTO sessions (id, user_id, token, expires_at) VALUES
        ('20000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', 'session of {o}', now() + '1 day');
    INSERT INTO containers (id, container_id, name, status, user_id) VALUES
        ('30000000-0000-0000-0000-00000000000{o}', 'engine {o}', 'container', 'running', '10000000-0000-0000-0000-00000000000{o}');
    INSERT INTO projects (id, name, container_id, user_id) VALUES
        ('40000000-0000-0000-0000-00000000000{o}', 'project', '30000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}'),
        ('49000000-0000-0000-0000-00000000000{o}', 'gone', NULL, '10000000-0000-0000-0000-00000000000{o}');
    INSERT INTO chat_messages (container_id, session_id, role, content) VALUES
        ('30000000-0000-0000-0000-00000000000{o}', 's', 'user', 'hello');
    INSERT INTO file_storage (container_id, file_path, file_name) VALUES
        ('30000000-0000-0000-0000-00000000000{o}', '/a', 'a');
    INSERT INTO "ActivityEvent" (id, "projectId", "eventType", "entityType", title, metadata) VALUES
        ('event {o}', '40000000-0000-0000-0000-00000000000{o}', 'APR_REVIEW', 'apr_session', 'Review', '{"caused_by": "action {o}"}');
    INSERT INTO "ActivityLog" (id, "projectId", "userId", "activityType", ip) VALUES
        ('log {o}', '40000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', 'x', '10.0.0.1');
    INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, reference_ids) VALUES
        ('action {o}', '40000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', 'deployment', '{"k": "{o}"}'),
        ('old {o}', '49000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', 'deployment', '{"k": "{o}"}');
    INSERT INTO turbobackend.github_push_history (push_id, project_id) VALUES ('{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO turbobackend.project_deployments (deployment_id, project_id) VALUES ('{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO turbobackend.container_sessions (session_id, project_id) VALUES ('{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO turbobackend.project_databases (database_id, project_id) VALUES ('{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id) VALUES ('{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO job_drafts (user_id, title, session_id) VALUES ('10000000-0000-0000-0000-00000000000{o}', 'draft {o}', 'owner {o}');
    INSERT INTO analytics (user_id, event_type, job_draft_id) SELECT user_id, 'seen', id FROM job_drafts WHERE title = 'draft {o}';
    INSERT INTO ghl_opportunities (job_draft_id) SELECT id FROM job_drafts WHERE title = 'draft {o}';
    INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('owner {o}', '10000000-0000-0000-0000-00000000000{o}');
    INSERT INTO job_drafts (title, session_id) VALUES ('by visitor {o}', 'visitor {o}');
    INSERT INTO analytics (session_id, event_type) VALUES ('visitor {o}', 'seen');
    INSERT INTO ai_assistant_sessions (session_id) VALUES ('visitor {o}');
    INSERT INTO pilothouse.action_spool (action_id, payload) VALUES ('spooled {o}', '{"project_id": "40000000-0000-0000-0000-00000000000{o}"}');
    INSERT INTO pilothouse.recording_gaps (project_id, from_ms, to_ms, reason) VALUES ('40000000-0000-0000-0000-00000000000{o}', 1, 2, 'x');
    INSERT INTO pilothouse.password_links (hash, user_id, expires_at) VALUES ('link {o}', '10000000-0000-0000-0000-00000000000{o}', now());
    INSERT INTO pilothouse.api_tokens (id, hash, name, created_by) VALUES
        ('50000000-0000-0000-0000-00000000000{o}', 'token of {o}', 'ci', '10000000-0000-0000-0000-00000000000{o}');
    INSERT INTO pilothouse.api_token_projects VALUES ('50000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO pilothouse.api_tokens (id, hash, name, created_by, scopes) VALUES
        ('51000000-0000-0000-0000-00000000000{o}', 'reading token of {o}', 'reader', '10000000-0000-0000-0000-00000000000{o}', '{read}');
    INSERT INTO pilothouse.api_token_projects VALUES ('51000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000{o}');
    INSERT INTO pilothouse.reports (source, id, token_id) VALUES ('action', 'action {o}', '50000000-0000-0000-0000-00000000000{o}');
    INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash) VALUES
        ('token:50000000-0000-0000-0000-00000000000{o}', 'k', 'x'), ('user:10000000-0000-0000-0000-00000000000{o}', 'k', 'x');
    INSERT INTO pilothouse.webhooks (id, project_id, name, secret) VALUES
        ('60000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000{o}', 'hook', 'sealed');
    INSERT INTO pilothouse.deliveries (id, webhook_id, project_id, guid, event) VALUES
        ('61000000-0000-0000-0000-00000000000{o}', '60000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000{o}', 'guid', 'push');
    INSERT INTO pilothouse.guests VALUES
        ('guest of {o}', 'visitor {o}', now() + '1 day'), ('gone guest of {o}', 'visitor {o}', now() - interval '1 day');
    INSERT INTO pilothouse.guest_starts (address) VALUES ('192.0.2.1');
    INSERT INTO pilothouse.claim_links (hash, session_id) VALUES ('link to {o}', 'visitor {o}');
    INSERT INTO pilothouse.draft_files (draft_id, kind, hash, title, content) SELECT id, 'wireframe', 'wireframe of {o}', 'x', '[]' FROM job_drafts WHERE title = 'draft {o}';
    INSERT INTO pilothouse.crm_outbox (draft_id, user_id) SELECT id, user_id FROM job_drafts WHERE title = 'draft {o}';
    INSERT INTO pilothouse.funnel_days VALUES ('2026-01-01', '*', '*', 'started', 0, 1) ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.referral_codes (code, user_id) VALUES ('code-{o}', '10000000-0000-0000-0000-00000000000{o}');
    INSERT INTO pilothouse.sign_in_failures (scope, subject) VALUES ('account', '{o}');
    INSERT INTO pilothouse.daily_activity VALUES ('40000000-0000-0000-0000-00000000000{o}', '2026-01-01', '{0}', '{1}', '{0}');
    INSERT INTO pilothouse.daily_totals VALUES ('2026-01-01', '{0}', '{2}', '{0}') ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.daily_kinds VALUES ('p:40000000-0000-0000-0000-00000000000{o}', '2026-01-01', 'x', '', '{0}', '{1}', '{0}', '{}', '{}', '{}', '{}');
    INSERT INTO pilothouse.daily_kinds VALUES ('*', '2026-01-01', 'x', '', '{0}', '{2}', '{0}', '{}', '{}', '{}', '{}') ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.daily_events VALUES ('p:40000000-0000-0000-0000-00000000000{o}', '2026-01-01', 'x', 'y', '{0}', '{1}', '{}', '{}', '{}');
    INSERT INTO pilothouse.daily_events VALUES ('*', '2026-01-01', 'x', 'y', '{0}', '{2}', '{}', '{}', '{}') ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.daily_costs VALUES ('p:40000000-0000-0000-0000-00000000000{o}', '2026-01-01', 'x', '{0}', '{1}', '{1}', '{1}');
    INSERT INTO pilothouse.daily_costs VALUES ('*', '2026-01-01', 'x', '{0}', '{2}', '{2}', '{2}') ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.daily_runs VALUES ('engine {o}', '2026-01-01', true, '{}', '{}', '{}', '{}');
    INSERT INTO pilothouse.insight_marks VALUES ('40000000-0000-0000-0000-00000000000{o}', '2026-01-01');
    INSERT INTO pilothouse.run_marks VALUES ('engine {o}', '2026-01-01');
    INSERT INTO pilothouse.timeline_fill (source, before_at) VALUES ('action', '1') ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.jobs (kind) VALUES ('greet');
    INSERT INTO pilothouse.schedules (kind, pattern, next_at) VALUES ('greet', '@daily', now()) ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.trigger_failures (trigger_name) VALUES ('{o}');
    INSERT INTO pilothouse.operations (id, verb, container_id, project_id, owner_id, asked_by, asked_by_name) VALUES
        ('op_0000000000000000000000000000000{o}', 'stop', '30000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000{o}',
         '10000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', 'owner {o}');
    INSERT INTO pilothouse.leases (name, holder, held_until) VALUES ('lease {o}', gen_random_uuid(), now());
    INSERT INTO pilothouse.engines (id, address, name, version, api_version) VALUES ('engine {o}', 'unix:///x', 'x', '1', '1');
    INSERT INTO pilothouse.engine_containers (engine_id, container_id, row_id, name, image, state) VALUES
        ('engine {o}', repeat('{o}', 64), '30000000-0000-0000-0000-00000000000{o}', 'x', 'x', 'running');
    INSERT INTO pilothouse.engine_events (id, engine_id, kind, container_id, project_id, owner_id, at, at_nanos, title) VALUES
        ('eng_0000000000000000000000000000000{o}', 'engine {o}', 'container_crashed', '30000000-0000-0000-0000-00000000000{o}',
         '40000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000{o}', now(), 1, 'crashed');
    INSERT INTO pilothouse.log_views VALUES ('10000000-0000-0000-0000-00000000000{o}', 200, '', true, false);
    INSERT INTO pilothouse.samples (container_id, at) VALUES ('30000000-0000-0000-0000-00000000000{o}', now());
    CREATE TABLE IF NOT EXISTS seen_by_all (title text, job_draft_id bigint);
    GRANT SELECT ON seen_by_all TO PUBLIC;
    INSERT INTO seen_by_all SELECT title, id FROM job_drafts WHERE title IN ('draft {o}', 'by visitor {o}');
    INSERT INTO pilothouse.retention_rules (class) VALUES ('{o}');
    INSERT INTO pilothouse.backups (name, kind, state, began_at) VALUES ('{o}', 'base', 'written', now());
    INSERT INTO pilothouse.archives (system_id) VALUES ('{o}');
    INSERT INTO pilothouse.buckets (name, place, region) VALUES ('{o}', 'x', 'x');
    INSERT INTO pilothouse.copies (bucket, backup, made_at, state) VALUES ('{o}', 'x', now(), 'copied');
    INSERT INTO pilothouse.table_sizes (day, name, bytes) VALUES (current_date, '{o}', 1);
    INSERT INTO pilothouse.holds (kind, id, name, reason, placed_by) VALUES
        ('project', '48000000-0000-0000-0000-00000000000{o}', 'elsewhere', 'x', 'x');
    INSERT INTO pilothouse.deletions (kind, id, at) VALUES ('project', '40000000-0000-0000-0000-00000000000{o}', now());
    DELETE FROM projects WHERE id = '49000000-0000-0000-0000-00000000000{o}';
"#;

/// Rows that belong to no owner.
const OTHER_ROWS: &str = r#"
    INSERT INTO users (id, email, role) VALUES ('10000000-0000-0000-0000-00000000000c', 'admin@example.com', 'admin');
    INSERT INTO sessions (user_id, token, expires_at) VALUES ('10000000-0000-0000-0000-00000000000c', 'session of c', now() + '1 day');
    INSERT INTO projects (name) VALUES ('nobody''s');
    INSERT INTO containers (container_id, name) VALUES ('nobody''s', 'nobody''s');
    INSERT INTO turbobackend.project_actions (action_id, project_id, reference_ids) VALUES ('strange', 'no such project', '{"k": "c"}'), ('none', NULL, NULL);
    INSERT INTO "ActivityLog" ("activityType") VALUES ('signed_in');
    INSERT INTO pilothouse.assistant_usage (day) VALUES ('2026-01-01');
    INSERT INTO pilothouse.port_reservations (address, port, container_id) VALUES ('127.0.0.1', 3000, gen_random_uuid());
"#;

fn one_owner(text: &str, owner: char) -> String {
    text.replace("{o}", &owner.to_string())
}

fn full_database() -> TestDb {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    for owner in ['a', 'b'] {
        conn.batch_execute(&one_owner(ROWS_OF_ONE_OWNER, owner)).unwrap();
    }
    conn.batch_execute(OTHER_ROWS).unwrap();
    db
}

fn console(db: &TestDb) -> PgConnection {
    PgConnection::establish(&db.url()).unwrap()
}

/// How a transaction becomes each actor, as the console does it.
const ADMIN: &str = "SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('session of c')";
const OWNER: &str = "SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('session of b')";
const WORKER: &str = "SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter_token('token of b')";
const READER: &str = "SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter_token('reading token of b')";
const GUEST: &str = "SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter_guest('guest of b')";
const GATE: &str = "SET LOCAL ROLE pilothouse_gate";
const RETENTION: &str = "SET LOCAL ROLE pilothouse_retention";
const NOBODY: &str = "SET LOCAL ROLE pilothouse_nobody";

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// So many rows were found or changed.
    Rows(usize),
    /// The role lacks the right.
    Denied,
    /// A policy's WITH CHECK refused the row.
    Refused,
    /// Anything else is an error in the test.
    Other(String),
}

/// What becomes of one statement in a transaction of its own, which is rolled back.
fn attempt(conn: &mut PgConnection, actor: &str, statement: &str) -> Outcome {
    conn.batch_execute(&format!("BEGIN; {actor}")).unwrap();
    let outcome = match diesel::sql_query(statement).execute(conn) {
        Ok(rows) => Outcome::Rows(rows),
        Err(error) => {
            let message = error.to_string();
            if message.starts_with("permission denied") {
                Outcome::Denied
            } else if message.contains("violates row-level security policy") {
                Outcome::Refused
            } else {
                Outcome::Other(message)
            }
        }
    };
    conn.batch_execute("ROLLBACK").unwrap();
    outcome
}

const NO: Option<usize> = None;

/// Rows that each actor sees; `NO` is "permission denied". The columns are admin, Bob, his token's worker,
/// his visitor, the gate and retention. Nobody is denied everywhere.
#[rustfmt::skip]
const SIGHT: &[(&str, [Option<usize>; 6])] = &[
    //                                        admin    owner    worker   guest    gate     retention
    ("public.users",                         [Some(3), Some(1), NO,      NO,      Some(3), Some(3)]),
    ("public.sessions",                      [Some(3), Some(1), NO,      NO,      Some(3), Some(3)]),
    ("public.containers",                    [Some(3), Some(1), Some(1), NO,      NO,      Some(3)]),
    ("public.projects",                      [Some(3), Some(1), Some(1), NO,      NO,      Some(3)]),
    ("public.chat_messages",                 [Some(2), Some(1), NO,      NO,      NO,      Some(2)]),
    ("public.file_storage",                  [Some(2), Some(1), NO,      NO,      NO,      Some(2)]),
    ("public.\"ActivityEvent\"",             [Some(2), Some(1), Some(1), NO,      NO,      Some(2)]),
    ("public.\"ActivityLog\"",               [Some(3), Some(1), NO,      NO,      NO,      Some(3)]),
    ("public.job_drafts",                    [Some(4), Some(1), NO,      Some(1), NO,      Some(4)]),
    ("public.analytics",                     [Some(4), Some(1), NO,      Some(1), NO,      NO]),
    ("public.ghl_opportunities",             [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("public.ai_assistant_sessions",         [Some(4), Some(1), NO,      Some(1), NO,      Some(4)]),
    ("public.active_containers",             [Some(3), Some(1), NO,      NO,      NO,      NO]),
    ("public.user_projects",                 [Some(3), Some(1), NO,      NO,      NO,      NO]),
    // With the action of the project whose row is gone.
    ("turbobackend.project_actions",         [Some(6), Some(2), Some(1), NO,      NO,      Some(6)]),
    ("turbobackend.action_references",       [Some(5), Some(2), Some(1), NO,      NO,      NO]),
    ("turbobackend.github_push_history",     [Some(2), Some(1), Some(1), NO,      NO,      NO]),
    ("turbobackend.project_deployments",     [Some(2), Some(1), Some(1), NO,      NO,      NO]),
    ("turbobackend.container_sessions",      [Some(2), Some(1), Some(1), NO,      NO,      NO]),
    ("turbobackend.project_databases",       [Some(2), Some(1), Some(1), NO,      NO,      NO]),
    ("turbobackend.message_cost_tracker",    [Some(2), Some(1), Some(1), NO,      NO,      NO]),
    ("pilothouse.action_spool",              [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.recording_gaps",            [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.trigger_failures",          [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.password_links",            [Some(2), NO,      NO,      NO,      Some(2), NO]),
    ("pilothouse.api_tokens",                [Some(4), Some(2), Some(1), NO,      Some(4), NO]),
    ("pilothouse.api_token_projects",        [Some(4), Some(2), Some(1), NO,      NO,      NO]),
    ("pilothouse.reports",                   [Some(2), Some(1), Some(1), NO,      NO,      Some(2)]),
    ("pilothouse.idempotency_keys",          [Some(4), Some(1), Some(1), NO,      NO,      NO]),
    ("pilothouse.webhooks",                  [Some(2), Some(1), NO,      NO,      Some(2), NO]),
    ("pilothouse.deliveries",                [Some(2), Some(1), NO,      NO,      NO,      Some(2)]),
    ("pilothouse.guests",                    [NO,      NO,      NO,      NO,      Some(4), Some(4)]),
    ("pilothouse.guest_starts",              [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.claim_links",               [NO,      NO,      NO,      Some(1), NO,      Some(2)]),
    ("pilothouse.draft_files",               [Some(2), Some(1), NO,      NO,      Some(2), NO]),
    ("pilothouse.crm_outbox",                [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.funnel_days",               [Some(1), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.funnel_progress",           [Some(0), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.assistant_usage",           [Some(1), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.referral_codes",            [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.tombstones",                [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.sign_in_failures",          [Some(2), NO,      NO,      NO,      Some(2), NO]),
    ("pilothouse.daily_activity",            [Some(2), Some(1), NO,      NO,      NO,      NO]),
    // Actions, events, operations, observations and audit entries.
    ("pilothouse.timeline",                  [Some(15), Some(6), Some(4), NO,      NO,      Some(15)]),
    ("pilothouse.thread_entries",            [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.project_activity",          [Some(3), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.timeline_fill",             [Some(1), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.daily_totals",              [Some(1), NO,      NO,      NO,      NO,      NO]),
    // Marks that the triggers left.
    ("pilothouse.recount_marks",             [Some(15), NO,      NO,      NO,      NO,      NO]),
    // With the sums of all.
    ("pilothouse.daily_kinds",               [Some(3), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.daily_events",              [Some(3), Some(1), Some(1), NO,      NO,      NO]),
    ("pilothouse.daily_costs",               [Some(3), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.daily_runs",                [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.insight_marks",             [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.run_marks",                 [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.rollups",                   [Some(2), Some(2), Some(1), NO,      NO,      NO]),
    ("pilothouse.jobs",                      [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.schedules",                 [Some(1), NO,      NO,      NO,      Some(1), NO]),
    ("pilothouse.backups",                   [Some(2), NO,      NO,      NO,      Some(2), NO]),
    ("pilothouse.table_sizes",               [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.archives",                  [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.buckets",                   [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.copies",                    [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.operations",                [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.port_reservations",         [Some(1), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.leases",                    [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.engines",                   [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.engine_containers",         [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.engine_events",             [Some(2), Some(1), NO,      NO,      NO,      Some(2)]),
    ("pilothouse.retention_rules",           [Some(2), Some(2), NO,    NO,      NO,      Some(2)]),
    ("pilothouse.log_views",                 [Some(0), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.samples",                   [Some(2), Some(1), NO,      NO,      NO,      NO]),
    ("pilothouse.holds",                     [Some(2), NO,      NO,      NO,      NO,      NO]),
    ("pilothouse.deletions",                 [Some(2), Some(1), NO,      NO,      NO,      Some(2)]),
];

#[test]
fn every_actor_sees_its_own_rows_of_every_table() {
    let db = full_database();
    let mut conn = console(&db);
    for (table, sights) in SIGHT {
        let statement = format!("SELECT 1 FROM {table}");
        for (actor, expected) in [ADMIN, OWNER, WORKER, GUEST, GATE, RETENTION].into_iter().zip(sights) {
            let expected = expected.map_or(Outcome::Denied, Outcome::Rows);
            assert_eq!(attempt(&mut conn, actor, &statement), expected, "{table} as {actor}");
        }
        assert_eq!(attempt(&mut conn, NOBODY, &statement), Outcome::Denied, "{table} as nobody");
    }
}

#[test]
fn the_table_of_sights_has_every_table_and_view() {
    let named: BTreeSet<String> = SIGHT.iter().map(|(table, _)| table.replace('"', "")).collect();
    let stored: BTreeSet<String> = drift::expected()
        .into_iter()
        .filter(|part| part.kind == "table" || part.kind == "view")
        .map(|part| part.name)
        .collect();
    assert_eq!(named, stored);
}

#[test]
fn an_actor_without_an_id_sees_nothing_and_raises_no_error() {
    let db = full_database();
    let mut conn = console(&db);
    for (table, [_, owner, worker, guest, ..]) in SIGHT {
        for (role, sight) in [("owner", owner), ("worker", worker), ("guest", guest)] {
            for settings in [
                "SELECT 1",
                "SET LOCAL app.user_id = ''; SET LOCAL app.token_id = ''; SET LOCAL app.guest_session = ''",
                "SET LOCAL app.user_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'; SET LOCAL app.guest_session = 'x'; \
                 SET LOCAL app.token_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            ] {
                let actor = format!("SET LOCAL ROLE pilothouse_{role}; {settings}");
                let expected = sight.map_or(Outcome::Denied, |_| Outcome::Rows(0));
                let seen = attempt(&mut conn, &actor, &format!("SELECT 1 FROM {table}"));
                assert_eq!(seen, expected, "{table} as {actor}");
            }
        }
    }
}

const DENIED: Outcome = Outcome::Denied;
const REFUSED: Outcome = Outcome::Refused;
const MISSED: Outcome = Outcome::Rows(0);

/// Statements as an actor of Bob's: on Ada's rows the outcome named here, on his own one row.
const ATTACKS: &[(&str, &str, Outcome)] = &[
    (OWNER, "UPDATE users SET name = 'x' WHERE id = '10000000-0000-0000-0000-00000000000{o}'", MISSED),
    (
        OWNER,
        "UPDATE sessions SET is_active = false WHERE id = '20000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (OWNER, "UPDATE containers SET name = 'x' WHERE id = '30000000-0000-0000-0000-00000000000{o}'", MISSED),
    (
        OWNER,
        "UPDATE projects SET status = 'deleted' WHERE id = '40000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "UPDATE pilothouse.operations SET status = 'CANCELLED' WHERE id = 'op_0000000000000000000000000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.operations (id, verb, status, container_id, owner_id, asked_by, asked_by_name) \
         VALUES ('op_00000000000000000000000000000000', 'stop', 'FAILED', '30000000-0000-0000-0000-00000000000{o}', \
             '10000000-0000-0000-0000-00000000000b', '10000000-0000-0000-0000-00000000000b', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO projects (name, user_id) VALUES ('x', '10000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO projects (name, user_id, container_id) VALUES ('x', '10000000-0000-0000-0000-00000000000b', \
         '30000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "UPDATE projects SET container_id = '30000000-0000-0000-0000-00000000000{o}' \
         WHERE id = '40000000-0000-0000-0000-00000000000b'",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO chat_messages (container_id, session_id, role, content) \
         VALUES ('30000000-0000-0000-0000-00000000000{o}', 's', 'user', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO file_storage (container_id, file_path, file_name) \
         VALUES ('30000000-0000-0000-0000-00000000000{o}', '/x', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "UPDATE file_storage SET is_deleted = true WHERE container_id = '30000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title) \
         VALUES ('40000000-0000-0000-0000-00000000000{o}', 'APR_REVIEW', 'x', 'x')",
        REFUSED,
    ),
    (OWNER, "UPDATE \"ActivityEvent\" SET status = 'FAILED' WHERE id = 'event {o}'", MISSED),
    (
        OWNER,
        "INSERT INTO \"ActivityLog\" (\"projectId\", \"userId\", \"activityType\") \
         VALUES ('40000000-0000-0000-0000-00000000000{o}', '10000000-0000-0000-0000-00000000000b', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO \"ActivityLog\" (\"userId\", \"activityType\", ip) \
         VALUES ('10000000-0000-0000-0000-00000000000{o}', 'signed_out', '10.0.0.1')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id) \
         VALUES ('new', '40000000-0000-0000-0000-00000000000{o}', NULL)",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id) \
         VALUES ('new', '40000000-0000-0000-0000-00000000000b', '10000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO turbobackend.project_actions (action_id, project_id) \
         VALUES ('new', '40000000-0000-0000-0000-00000000000{o}') ON CONFLICT DO NOTHING",
        REFUSED,
    ),
    (OWNER, "INSERT INTO job_drafts (user_id) VALUES ('10000000-0000-0000-0000-00000000000{o}')", REFUSED),
    (OWNER, "UPDATE job_drafts SET title = 'x' WHERE title = 'draft {o}'", MISSED),
    (
        OWNER,
        "INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('owner b', '10000000-0000-0000-0000-00000000000b') \
         ON CONFLICT (session_id) DO UPDATE SET user_id = '10000000-0000-0000-0000-00000000000{o}'",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('owner {o}', '10000000-0000-0000-0000-00000000000b') \
         ON CONFLICT (session_id) DO UPDATE SET is_active = false",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO analytics (event_type, user_id) VALUES ('x', '10000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.action_spool (action_id, payload) \
         VALUES ('x', '{\"project_id\": \"40000000-0000-0000-0000-00000000000{o}\"}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.action_spool (action_id, payload) VALUES ('x', \
         '{\"project_id\": \"40000000-0000-0000-0000-00000000000b\", \"user_id\": \"10000000-0000-0000-0000-00000000000{o}\"}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO \"ActivityLog\" (\"userId\", \"activityType\", \"actorEmail\", \"actorRole\") \
         VALUES ('10000000-0000-0000-0000-00000000000b', 'x', '{o}@example.com', 'owner')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO \"ActivityEvent\" (\"projectId\", \"userId\", \"eventType\", \"entityType\", title) \
         VALUES ('40000000-0000-0000-0000-00000000000b', '10000000-0000-0000-0000-00000000000{o}', 'APR_REVIEW', 'x', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('new', '10000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.api_tokens (hash, name, created_by) \
         VALUES ('x', 'x', '10000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "UPDATE pilothouse.api_tokens SET revoked_at = now() WHERE id = '50000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "WITH made AS (INSERT INTO projects (name, user_id) VALUES ('x', '10000000-0000-0000-0000-00000000000{o}') \
         RETURNING id) SELECT 1 FROM made",
        REFUSED,
    ),
    (
        OWNER,
        "MERGE INTO projects p USING (SELECT '10000000-0000-0000-0000-00000000000{o}'::uuid AS u) s ON false \
         WHEN NOT MATCHED THEN INSERT (name, user_id) VALUES ('x', s.u)",
        REFUSED,
    ),
    (OWNER, "SELECT 1 FROM active_containers WHERE container_id = 'engine {o}'", MISSED),
    (
        OWNER,
        "SELECT 1 FROM turbobackend.project_actions WHERE reference_ids->>'k' = '{o}' AND action_id LIKE 'old%'",
        MISSED,
    ),
    (OWNER, "SELECT 1 FROM projects WHERE id = '40000000-0000-0000-0000-00000000000{o}' FOR UPDATE", MISSED),
    (
        WORKER,
        "INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('new', '40000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        WORKER,
        "INSERT INTO turbobackend.project_deployments VALUES ('new', '40000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (WORKER, "UPDATE turbobackend.project_deployments SET status = 'x' WHERE deployment_id = '{o}'", MISSED),
    (
        WORKER,
        "UPDATE turbobackend.project_deployments SET project_id = '40000000-0000-0000-0000-00000000000{o}' WHERE deployment_id = 'b'",
        REFUSED,
    ),
    (
        WORKER,
        "INSERT INTO turbobackend.github_push_history (push_id, project_id) VALUES ('b', '40000000-0000-0000-0000-00000000000b') \
         ON CONFLICT (push_id) DO UPDATE SET project_id = '40000000-0000-0000-0000-00000000000{o}'",
        REFUSED,
    ),
    (WORKER, "UPDATE \"ActivityEvent\" SET status = 'FAILED' WHERE id = 'event {o}'", MISSED),
    (
        WORKER,
        "INSERT INTO pilothouse.action_spool (action_id, payload) \
         VALUES ('x', '{\"project_id\": \"40000000-0000-0000-0000-00000000000{o}\"}')",
        REFUSED,
    ),
    (
        WORKER,
        "INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title) \
         VALUES ('40000000-0000-0000-0000-00000000000{o}', 'APR_REVIEW', 'x', 'x')",
        REFUSED,
    ),
    (
        WORKER,
        "INSERT INTO pilothouse.reports (source, id, token_id) VALUES ('action', 'new', '50000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        WORKER,
        "INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash) \
         VALUES ('token:50000000-0000-0000-0000-00000000000{o}', 'new', 'x')",
        REFUSED,
    ),
    (
        WORKER,
        "UPDATE pilothouse.idempotency_keys SET status = 200 WHERE principal = 'token:50000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash) \
         VALUES ('user:10000000-0000-0000-0000-00000000000{o}', 'new', 'x')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO turbobackend.project_deployments (deployment_id, project_id) \
         VALUES ('new', '40000000-0000-0000-0000-00000000000{o}')",
        REFUSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.webhooks (project_id, name, secret, created_by) \
         VALUES ('40000000-0000-0000-0000-00000000000{o}', 'x', 'x', '10000000-0000-0000-0000-00000000000b')",
        REFUSED,
    ),
    (
        OWNER,
        "UPDATE pilothouse.webhooks SET removed_at = now() WHERE id = '60000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "INSERT INTO pilothouse.deliveries (webhook_id, project_id, guid, event) \
         VALUES ('60000000-0000-0000-0000-00000000000{o}', '40000000-0000-0000-0000-00000000000b', 'new', 'push')",
        REFUSED,
    ),
    (
        OWNER,
        "UPDATE pilothouse.deliveries SET state = 'waiting' WHERE id = '61000000-0000-0000-0000-00000000000{o}'",
        MISSED,
    ),
    (
        OWNER,
        "INSERT INTO analytics (event_type, user_id, job_draft_id) \
         SELECT 'x', '10000000-0000-0000-0000-00000000000b', min(job_draft_id) FROM seen_by_all WHERE title = 'draft {o}'",
        REFUSED,
    ),
    (
        GUEST,
        "INSERT INTO analytics (event_type, session_id, job_draft_id) \
         SELECT 'x', 'visitor b', min(job_draft_id) FROM seen_by_all WHERE title = 'by visitor {o}'",
        REFUSED,
    ),
    (GUEST, "UPDATE ai_assistant_sessions SET completion_score = 5 WHERE session_id = 'visitor {o}'", MISSED),
    (GUEST, "INSERT INTO job_drafts (session_id) VALUES ('visitor {o}')", REFUSED),
    (GUEST, "UPDATE job_drafts SET session_id = 'visitor {o}' WHERE title = 'by visitor b'", REFUSED),
    (GUEST, "INSERT INTO analytics (event_type, session_id) VALUES ('x', 'visitor {o}')", REFUSED),
    (GUEST, "INSERT INTO pilothouse.claim_links (hash, session_id) VALUES ('mine', 'visitor {o}')", REFUSED),
    (
        GUEST,
        "INSERT INTO \"ActivityLog\" (id, \"activityType\", \"actorRole\", \"targetType\", \"targetId\") \
         VALUES ('forged', 'assistant.deleted', 'guest', 'assistant session', 'visitor {o}')",
        REFUSED,
    ),
];

#[test]
fn what_an_actor_may_do_to_its_own_rows_it_can_not_do_to_others() {
    let db = full_database();
    let mut conn = console(&db);
    for (actor, statement, expected) in ATTACKS {
        let attack = attempt(&mut conn, actor, &one_owner(statement, 'a'));
        assert_eq!(attack, *expected, "attack: {statement}");
        let control = attempt(&mut conn, actor, &one_owner(statement, 'b'));
        assert_eq!(control, Outcome::Rows(1), "control: {statement}");
    }
}

const ALL_BUT_RETENTION: &[&str] = &[ADMIN, OWNER, WORKER, GUEST, GATE, NOBODY];
const EVERYBODY: &[&str] = &[ADMIN, OWNER, WORKER, GUEST, GATE, RETENTION, NOBODY];

/// What no statement may do, not even to rows of one's own.
const NEVER: &[(&[&str], &str, Outcome)] = &[
    (ALL_BUT_RETENTION, "DELETE FROM users", DENIED),
    (ALL_BUT_RETENTION, "DELETE FROM containers", DENIED),
    (ALL_BUT_RETENTION, "DELETE FROM projects", DENIED),
    (ALL_BUT_RETENTION, "DELETE FROM \"ActivityEvent\"", DENIED),
    (&[RETENTION], "DELETE FROM users", MISSED),
    (&[RETENTION], "DELETE FROM containers", MISSED),
    (&[RETENTION], "DELETE FROM projects", MISSED),
    (&[RETENTION], "UPDATE projects SET status = 'deleted'", DENIED),
    (&[RETENTION], "UPDATE projects SET container_id = id", REFUSED),
    (&[RETENTION], "UPDATE pilothouse.retention_rules SET keep_days = 1", DENIED),
    (&[RETENTION], "DELETE FROM pilothouse.holds", DENIED),
    (EVERYBODY, "TRUNCATE projects CASCADE", DENIED),
    (ALL_BUT_RETENTION, "DELETE FROM \"ActivityLog\"", DENIED),
    (EVERYBODY, "UPDATE \"ActivityLog\" SET description = 'x'", DENIED),
    (EVERYBODY, "TRUNCATE \"ActivityLog\"", DENIED),
    (EVERYBODY, "TRUNCATE turbobackend.project_actions", DENIED),
    (&[WORKER, NOBODY], "INSERT INTO \"ActivityLog\" (\"activityType\") VALUES ('x')", DENIED),
    (
        &[WORKER, GUEST, GATE, NOBODY],
        "SELECT pilothouse.own_exports_between('-infinity', 'infinity')",
        DENIED,
    ),
    (EVERYBODY, "UPDATE turbobackend.project_actions SET status = 'x'", DENIED),
    (ALL_BUT_RETENTION, "DELETE FROM turbobackend.project_actions", DENIED),
    (EVERYBODY, "INSERT INTO turbobackend.action_references VALUES ('k', 'v', 1, 'a', 'p')", DENIED),
    (EVERYBODY, "DELETE FROM pilothouse.tombstones", DENIED),
    // What is kept for a time is retention's alone to delete.
    (&[ADMIN, OWNER, WORKER, GUEST, GATE, NOBODY], "DELETE FROM chat_messages", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, GATE, NOBODY], "DELETE FROM file_storage", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, GATE, NOBODY], "DELETE FROM sessions", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, GATE, NOBODY], "DELETE FROM pilothouse.guests", DENIED),
    (EVERYBODY, "TRUNCATE chat_messages, file_storage, sessions", DENIED),
    // And it reads and changes nothing else.
    (&[RETENTION], "SELECT content FROM chat_messages", DENIED),
    (&[RETENTION], "SELECT file_path FROM file_storage", DENIED),
    (&[RETENTION], "SELECT token FROM sessions", DENIED),
    (&[RETENTION], "SELECT hash FROM pilothouse.guests", DENIED),
    (&[RETENTION], "UPDATE chat_messages SET content = 'x'", DENIED),
    (&[RETENTION], "UPDATE file_storage SET is_deleted = true", DENIED),
    (&[RETENTION], "UPDATE sessions SET expires_at = 'infinity'", DENIED),
    (&[RETENTION], "INSERT INTO \"ActivityLog\" (\"activityType\") VALUES ('x')", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, RETENTION], "SELECT pilothouse.guest_actor('guest of b')", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, RETENTION], "SELECT pilothouse.enter_guest('guest of a')", DENIED),
    (&[GATE], "UPDATE pilothouse.guests SET expires_at = 'infinity'", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT password_hash FROM users", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT * FROM users", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT token FROM sessions", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT hash FROM pilothouse.api_tokens", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT hash FROM pilothouse.password_links", DENIED),
    (
        &[OWNER],
        "INSERT INTO pilothouse.api_tokens (hash, name, created_by, all_projects) \
         VALUES ('x', 'x', '10000000-0000-0000-0000-00000000000b', true)",
        REFUSED,
    ),
    (&[OWNER], "UPDATE pilothouse.api_tokens SET scopes = '{operate}'", DENIED),
    (&[OWNER, WORKER], "UPDATE pilothouse.reports SET token_id = NULL", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST, NOBODY], "SELECT secret FROM pilothouse.webhooks", DENIED),
    (&[OWNER, WORKER, GUEST, GATE, NOBODY], "SELECT body FROM pilothouse.deliveries", DENIED),
    // A token that only reads.
    (
        &[READER],
        "INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('x', '40000000-0000-0000-0000-00000000000b')",
        REFUSED,
    ),
    (&[READER], "UPDATE \"ActivityEvent\" SET status = 'FAILED' WHERE id = 'event b'", MISSED),
    (&[READER], "UPDATE turbobackend.project_deployments SET status = 'x' WHERE deployment_id = 'b'", MISSED),
    (&[OWNER], "SELECT ip FROM \"ActivityLog\"", DENIED),
    (&[OWNER], "SELECT \"userAgent\" FROM \"ActivityLog\"", DENIED),
    (&[OWNER], "SELECT before FROM \"ActivityLog\"", DENIED),
    (&[OWNER], "SELECT after FROM \"ActivityLog\"", DENIED),
    (&[OWNER], "UPDATE users SET role = 'admin'", DENIED),
    (&[OWNER], "UPDATE users SET is_active = true", DENIED),
    (&[OWNER], "UPDATE users SET email = 'x'", DENIED),
    (&[OWNER], "UPDATE users SET password_hash = 'x'", DENIED),
    (&[OWNER], "INSERT INTO users (email, role) VALUES ('x', 'admin')", DENIED),
    (&[OWNER], "UPDATE sessions SET expires_at = 'infinity'", DENIED),
    (&[OWNER], "UPDATE sessions SET is_active = true", REFUSED),
    (
        &[OWNER],
        "INSERT INTO sessions (user_id, token, expires_at) VALUES (pilothouse.app_user_id(), 'x', now())",
        DENIED,
    ),
    (&[OWNER], "UPDATE projects SET user_id = '10000000-0000-0000-0000-00000000000a'", DENIED),
    (&[OWNER], "UPDATE containers SET status = 'deleted'", DENIED),
    (&[OWNER], "UPDATE containers SET observed_at = now()", DENIED),
    (&[OWNER], "UPDATE containers SET container_id = 'x'", DENIED),
    (&[OWNER], "INSERT INTO containers (container_id, name, status) VALUES ('x', 'x', 'created')", DENIED),
    (&[OWNER], "SELECT pilothouse.make_container('x', 'x', '10000000-0000-0000-0000-00000000000a')", DENIED),
    (&[OWNER], "UPDATE pilothouse.operations SET sealed = NULL", DENIED),
    (
        &[WORKER, GUEST, GATE, RETENTION, NOBODY],
        "SELECT pilothouse.make_container('x', 'x', NULL), pilothouse.make_container_again(NULL)",
        DENIED,
    ),
    (&[OWNER], "UPDATE pilothouse.operations SET status = 'COMPLETED'", REFUSED),
    (&[OWNER], "UPDATE pilothouse.operations SET verb = 'start'", DENIED),
    (
        &[OWNER, WORKER, GUEST, GATE, NOBODY],
        "UPDATE pilothouse.engine_containers SET adopted_at = now()",
        DENIED,
    ),
    (EVERYBODY, "DELETE FROM pilothouse.operations", DENIED),
    (&[OWNER], "UPDATE containers SET user_id = '10000000-0000-0000-0000-00000000000a'", DENIED),
    (
        &[OWNER],
        "INSERT INTO projects (id, name, user_id) VALUES ('49000000-0000-0000-0000-00000000000a', 'claimed', pilothouse.app_user_id())",
        DENIED,
    ),
    (
        &[OWNER],
        "INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('x', '49000000-0000-0000-0000-00000000000b')",
        REFUSED,
    ),
    (
        &[OWNER],
        "INSERT INTO \"ActivityLog\" (\"userId\", \"activityType\", \"actingAdminId\") \
         VALUES (pilothouse.app_user_id()::text, 'x', '10000000-0000-0000-0000-00000000000c')",
        REFUSED,
    ),
    // An action that names no project is nobody's to spool, and how often it was tried is the job's to say.
    (
        &[OWNER, WORKER],
        "INSERT INTO pilothouse.action_spool (action_id, payload) VALUES ('x', '{}')",
        REFUSED,
    ),
    (&[OWNER, WORKER], "INSERT INTO pilothouse.action_spool (action_id) VALUES ('x')", REFUSED),
    (
        &[GUEST, GATE],
        "INSERT INTO pilothouse.action_spool (action_id, payload) VALUES ('x', '{\"user_id\": \"x\"}')",
        REFUSED,
    ),
    (
        &[OWNER, WORKER, GUEST, GATE, NOBODY],
        "INSERT INTO pilothouse.action_spool (action_id, attempts) VALUES ('x', 2147483647)",
        DENIED,
    ),
    (
        &[OWNER],
        "INSERT INTO \"ActivityLog\" (\"userId\", \"activityType\", \"actorRole\") \
         VALUES (pilothouse.app_user_id()::text, 'x', 'admin')",
        REFUSED,
    ),
    (
        &[OWNER],
        "INSERT INTO analytics (event_type, user_id, job_draft_id) VALUES ('x', pilothouse.app_user_id(), 1)",
        REFUSED,
    ),
    (
        &[GUEST],
        "INSERT INTO analytics (event_type, session_id, job_draft_id) VALUES ('x', 'visitor b', 1)",
        REFUSED,
    ),
    (&[GATE, WORKER, GUEST, NOBODY], "SELECT pilothouse.stay()", DENIED),
    (&[OWNER, WORKER, GUEST, GATE, NOBODY], "SELECT pilothouse.cancel_password_links()", DENIED),
    (&[OWNER, WORKER, GUEST, GATE, NOBODY], "SELECT * FROM pilothouse.action_spool", DENIED),
    (&[OWNER, WORKER, GUEST, GATE, NOBODY], "CREATE TABLE pilothouse.mine (id int)", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST], "SELECT pilothouse.session_actor('session of a')", DENIED),
    (&[ADMIN, OWNER, WORKER, GUEST], "SELECT pilothouse.enter('session of a')", DENIED),
    (&[WORKER], "UPDATE projects SET name = 'x'", DENIED),
    (
        &[GUEST],
        "INSERT INTO ai_assistant_sessions (session_id, user_id) VALUES ('visitor b', '10000000-0000-0000-0000-00000000000b')",
        REFUSED,
    ),
    (&[GATE], "UPDATE users SET role = 'admin'", DENIED),
    (&[GATE], "SELECT 1 FROM \"ActivityLog\"", DENIED),
];

#[test]
fn what_nobody_may_do_nobody_can() {
    let db = full_database();
    let mut conn = console(&db);
    for (actors, statement, expected) in NEVER {
        for actor in *actors {
            assert_eq!(attempt(&mut conn, actor, statement), *expected, "{statement} as {actor}");
        }
    }
}

#[test]
fn an_admin_reaches_every_owner_s_rows() {
    let db = full_database();
    let mut conn = console(&db);
    for (statement, rows) in [
        (
            "UPDATE users SET is_active = false, role = 'owner', password_hash = 'x' WHERE email LIKE '_@example.com'",
            2,
        ),
        ("INSERT INTO users (email, password_hash) VALUES ('new@example.com', 'x') RETURNING id", 1),
        ("UPDATE sessions SET is_active = false WHERE user_id = '10000000-0000-0000-0000-00000000000a'", 1),
        ("UPDATE projects SET status = 'deleted', user_id = NULL", 3),
        ("UPDATE containers SET observed_at = now(), engine_status = 'exited'", 3),
        ("INSERT INTO turbobackend.project_actions (action_id) VALUES ('by the system')", 1),
        ("INSERT INTO \"ActivityLog\" (\"activityType\", \"actingAdminId\") VALUES ('x', 'y')", 1),
        ("DELETE FROM pilothouse.action_spool", 2),
        (
            "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) SELECT 'n', id, now() FROM users LIMIT 1",
            1,
        ),
    ] {
        assert_eq!(attempt(&mut conn, ADMIN, statement), Outcome::Rows(rows), "{statement}");
    }
}

#[test]
fn the_gate_signs_in_and_does_nothing_else() {
    let db = full_database();
    let mut conn = console(&db);
    for (statement, rows) in [
        ("SELECT password_hash, role FROM users WHERE lower(email) = 'a@example.com'", 1),
        ("INSERT INTO sessions (user_id, token, expires_at) SELECT id, 'new', now() FROM users LIMIT 1", 1),
        ("UPDATE sessions SET last_activity = now() WHERE token = 'session of a'", 1),
        ("UPDATE users SET last_login = now(), password_hash = 'x' WHERE email = 'a@example.com'", 1),
        ("UPDATE pilothouse.password_links SET used_at = now() WHERE hash = 'link a' AND used_at IS NULL", 1),
        (
            "INSERT INTO pilothouse.sign_in_failures AS f (scope, subject) VALUES ('account', 'a') \
             ON CONFLICT (scope, subject) DO UPDATE SET failures = f.failures + 1",
            1,
        ),
        (
            "INSERT INTO \"ActivityLog\" (\"userId\", \"activityType\", ip) VALUES ('x', 'sign_in_failed', '::1')",
            1,
        ),
    ] {
        assert_eq!(attempt(&mut conn, GATE, statement), Outcome::Rows(rows), "{statement}");
    }
    let forged = "INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\") VALUES ('40000000-0000-0000-0000-00000000000a', 'x')";
    assert_eq!(attempt(&mut conn, GATE, forged), REFUSED);
}

#[test]
fn a_session_that_is_not_live_enters_nowhere() {
    let db = full_database();
    let mut owner = db.connect_owner();
    let mut conn = console(&db);
    // What is done to the sessions or their users, and whose session outlives it.
    let ends_for_both: &[&str] = &[
        "UPDATE sessions SET is_active = false",
        "UPDATE sessions SET is_active = NULL",
        "UPDATE sessions SET expires_at = now()",
        "UPDATE sessions SET user_id = NULL",
        "UPDATE sessions SET token = 'another'  || id",
        "UPDATE sessions SET created_at = NULL",
        "UPDATE users SET is_active = false",
        "UPDATE users SET is_active = NULL",
        "UPDATE sessions SET last_activity = now() - interval '12 hours'",
        "UPDATE sessions SET created_at = now() - interval '14 days'",
        "UPDATE sessions SET created_at = now() - interval '13 hours', last_activity = NULL",
    ];
    let ends_for_admins: &[&str] = &[
        "UPDATE sessions SET last_activity = now() - interval '31 minutes'",
        "UPDATE sessions SET created_at = now() - interval '12 hours'",
    ];
    let ends_for_nobody: &[&str] = &[
        "UPDATE sessions SET last_activity = now() - interval '29 minutes', created_at = now() - interval '11 hours'",
        "UPDATE sessions SET last_activity = NULL, created_at = now() - interval '20 minutes'",
    ];
    let stages =
        [(ends_for_both, false, false), (ends_for_admins, true, false), (ends_for_nobody, true, true)];
    for (changes, owner_lives, admin_lives) in stages {
        for change in changes {
            owner
                .batch_execute(
                    "CREATE TABLE s AS TABLE sessions; CREATE TABLE u AS SELECT id, is_active FROM users",
                )
                .unwrap();
            owner.batch_execute(change).unwrap();
            for (actor, lives) in [(OWNER, owner_lives), (ADMIN, admin_lives)] {
                let entered = conn.batch_execute(&format!("BEGIN READ ONLY; {actor}"));
                conn.batch_execute("ROLLBACK").unwrap();
                match entered {
                    Ok(()) => assert!(lives, "{actor} after {change}"),
                    Err(error) => {
                        assert!(!lives, "{actor} after {change}: {error}");
                        assert_eq!(error.to_string(), "pilothouse: no session");
                    }
                }
            }
            owner
                .batch_execute(
                    "UPDATE sessions t SET user_id = s.user_id, token = s.token, expires_at = s.expires_at, is_active = s.is_active, \
                       created_at = s.created_at, last_activity = s.last_activity FROM s WHERE s.id = t.id; \
                     UPDATE users t SET is_active = u.is_active FROM u WHERE u.id = t.id; DROP TABLE s, u",
                )
                .unwrap();
        }
    }
}

#[test]
fn a_token_that_is_not_live_enters_nowhere() {
    let db = full_database();
    let mut owner = db.connect_owner();
    let mut conn = console(&db);
    assert_eq!(attempt(&mut conn, WORKER, "SELECT 1"), Outcome::Rows(1));
    for change in [
        "revoked_at = now(), expires_at = NULL",
        "revoked_at = NULL, expires_at = now()",
        "hash = 'another' || id",
    ] {
        owner.batch_execute(&format!("UPDATE pilothouse.api_tokens SET {change}")).unwrap();
        let error = conn.batch_execute(&format!("BEGIN; {WORKER}")).unwrap_err();
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!(error.to_string(), "pilothouse: no token", "{change}");
    }
}

#[test]
fn a_guest_who_is_not_live_enters_nowhere() {
    let db = full_database();
    let mut owner = db.connect_owner();
    let mut conn = console(&db);
    assert_eq!(attempt(&mut conn, GUEST, "SELECT 1 FROM job_drafts"), Outcome::Rows(1));
    for change in ["expires_at = now()", "hash = 'another ' || hash", "expires_at = '-infinity'"] {
        owner.batch_execute(&format!("UPDATE pilothouse.guests SET {change}")).unwrap();
        let error = conn.batch_execute(&format!("BEGIN; {GUEST}")).unwrap_err();
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!(error.to_string(), "pilothouse: no guest", "{change}");
    }
}

/// Each with what it must not take along, whatever a rule of retention says.
#[test]
fn retention_deletes_what_nobody_uses_and_nothing_that_is_there() {
    let db = full_database();
    db.connect_owner()
        .batch_execute(
            "INSERT INTO file_storage (container_id, file_path, file_name, is_deleted) \
                 SELECT id, '/old', 'old', true FROM containers WHERE name = 'container'; \
             INSERT INTO sessions (user_id, token, expires_at, is_active) \
                 SELECT id, 'ended ' || id, now() + '1 day', false FROM users; \
             INSERT INTO sessions (user_id, token, expires_at) SELECT id, 'expired ' || id, now() - interval '1 day' FROM users",
        )
        .unwrap();
    let mut conn = console(&db);
    for (statement, rows) in [
        ("DELETE FROM chat_messages", 2),
        ("DELETE FROM chat_messages WHERE created_at < now() - interval '6 months'", 0),
        ("DELETE FROM file_storage", 2),
        ("DELETE FROM file_storage WHERE is_deleted IS NOT TRUE", 0),
        ("DELETE FROM sessions", 6),
        ("DELETE FROM sessions WHERE is_active AND expires_at > now()", 0),
        ("DELETE FROM pilothouse.guests", 2),
        ("DELETE FROM pilothouse.guests WHERE expires_at > now()", 0),
    ] {
        assert_eq!(attempt(&mut conn, RETENTION, statement), Outcome::Rows(rows), "{statement}");
    }
}

#[test]
fn an_unknown_role_of_a_user_is_an_owner() {
    let db = full_database();
    db.connect_owner().batch_execute("UPDATE users SET role = 'Admin' WHERE role = 'admin'").unwrap();
    let mut conn = console(&db);
    assert_eq!(attempt(&mut conn, ADMIN, "SELECT 1 FROM projects"), Outcome::Rows(0));
    assert_eq!(attempt(&mut conn, ADMIN, "SELECT 1 FROM users"), Outcome::Rows(1));
}

#[test]
fn each_actor_of_the_console_becomes_its_role_and_nobody_s_secret_is_text_in_a_statement() {
    let db = full_database();
    let hostile = "'); SET ROLE pilothouse_admin; --";
    let of = |secret: &str| SecretHash::of(secret);
    db.connect_owner()
        .batch_execute(&format!(
            "UPDATE sessions SET token = '{s}' WHERE token = 'session of b'; \
             UPDATE pilothouse.api_tokens SET hash = '{t}' WHERE hash = 'token of b'; \
             UPDATE pilothouse.guests SET hash = '{g}' WHERE hash = 'guest of b'",
            s = of(hostile).as_str(),
            t = of("a token").as_str(),
            g = of("a guest").as_str()
        ))
        .unwrap();
    let pool = Db::new(&ConnectOptions {
        url: db.url(),
        size: 1,
        budget: Duration::from_secs(5),
        behind_pooler: false,
    });
    let who = |actor: &Actor| {
        pool.write_blocking(actor, |conn| {
            let row: Named = diesel::sql_query(
                "SELECT concat_ws(' ', current_user, right(pilothouse.app_user_id()::text, 1), \
                 right(pilothouse.app_token_id()::text, 1), pilothouse.app_guest_session()) AS name",
            )
            .get_result(conn)?;
            Ok::<_, DbError>(row.name)
        })
    };
    // Twice each, in turns: nothing of one is left for the next.
    for _ in 0..2 {
        for (actor, expected) in [
            (Actor::Session(of(hostile)), "pilothouse_owner b"),
            (Actor::Token(of("a token")), "pilothouse_worker b"),
            (Actor::Guest(of("a guest")), "pilothouse_guest visitor b"),
            (Actor::System, "pilothouse_admin"),
            (Actor::Gate, "pilothouse_gate"),
        ] {
            assert_eq!(who(&actor).unwrap(), expected);
        }
        let role = pool.write_blocking(&Actor::Retention, |conn| {
            let row: Named = diesel::sql_query("SELECT current_user::text AS name").get_result(conn)?;
            let gone =
                diesel::sql_query("DELETE FROM chat_messages WHERE created_at > now()").execute(conn)?;
            Ok::<_, DbError>((row.name, gone))
        });
        assert_eq!(role.unwrap(), ("pilothouse_retention".to_owned(), 0));
    }
    assert!(matches!(who(&Actor::Session(of("x"))), Err(DbError::NoSession)));
    assert!(matches!(who(&Actor::Token(of("a guest"))), Err(DbError::NoToken)));
    assert!(matches!(who(&Actor::Guest(of("a token"))), Err(DbError::NoGuest)));
}

#[test]
fn a_reused_connection_carries_nothing_over() {
    let db = full_database();
    let pool = Db::new(&ConnectOptions {
        url: db.url(),
        size: 1,
        budget: Duration::from_secs(5),
        behind_pooler: false,
    });
    let session = |secret: &str| Actor::Session(SecretHash::of(secret));
    let hashes = [("a", session("secret a")), ("b", session("secret b"))];
    for (owner, actor) in &hashes {
        let Actor::Session(hash) = actor else { unreachable!() };
        db.connect_owner()
            .batch_execute(&format!(
                "UPDATE sessions SET token = '{}' WHERE token = 'session of {owner}'",
                hash.as_str()
            ))
            .unwrap();
    }
    for round in 0..40 {
        let (owner, actor) = &hashes[round % 2];
        let seen = pool.read_blocking(actor, |conn| {
            let names =
                diesel::sql_query("SELECT min(container_id) AS text, count(*) AS number FROM containers")
                    .get_result::<Seen>(conn)?;
            match round % 5 {
                3 => Err(DbError::NoSession),
                4 => diesel::sql_query("SELECT 1 / 0").execute(conn).map(|_| names).map_err(DbError::from),
                _ => Ok(names),
            }
        });
        match round % 5 {
            3 => assert!(matches!(seen, Err(DbError::NoSession))),
            4 => assert!(matches!(seen, Err(DbError::Query(_)))),
            _ => {
                let seen = seen.unwrap_or_else(|error| panic!("round {round}: {error}"));
                assert_eq!((seen.text, seen.number), (format!("engine {owner}"), 1));
            }
        }
        if round % 7 == 6 {
            let stranger = pool.read_blocking(&session("unknown"), |conn| {
                Ok::<_, DbError>(diesel::sql_query("SELECT 1").execute(conn)?)
            });
            assert!(matches!(stranger, Err(DbError::NoSession)));
        }
        if round % 11 == 10 {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                pool.read_blocking(actor, |_| -> Result<(), DbError> { panic!("on purpose") })
            }));
            assert!(panicked.is_err());
        }
    }
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(conn: &mut PgConnection, query: &str) -> Vec<String> {
    let rows: Vec<Named> = diesel::sql_query(query).load(conn).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

/// Rules of the catalog, each as a query for what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "a table without row security",
        "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity \
         AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse')",
    ),
    (
        "a role with a grant on a table but no policy",
        "SELECT DISTINCT format('%s: %s', c.oid::regclass, a.grantee::regrole) AS name FROM pg_class c \
         JOIN pg_attribute t ON t.attrelid = c.oid \
         CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT * FROM aclexplode(t.attacl)) a \
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse') \
         AND a.grantee <> c.relowner AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND a.grantee = ANY (p.polroles) \
           AND (p.polcmd = '*' OR p.polcmd = CASE a.privilege_type WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' \
                WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd' END))",
    ),
    (
        "a request role that row security does not bind, that logs in, or that is a member of a role",
        "SELECT rolname::text AS name FROM pg_roles r WHERE rolname LIKE 'pilothouse\\_%' AND rolname <> 'pilothouse_console' \
         AND (rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole \
              OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) \
              OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid))",
    ),
    (
        "anything granted to everybody",
        "SELECT c.oid::regclass::text AS name FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE a.grantee = 0 \
         AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse') \
         UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pilothouse'::regnamespace \
         AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))",
    ),
    (
        "a definer's function without a pinned search path",
        "SELECT p.oid::regprocedure::text AS name FROM pg_proc p WHERE p.prosecdef \
         AND p.pronamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse') \
         AND NOT coalesce(array_to_string(p.proconfig, ','), '') LIKE '%search_path=pg_catalog, pg_temp%'",
    ),
    (
        "a view with its owner's rights",
        "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace \
         AND NOT coalesce(c.reloptions, '{}') @> '{security_invoker=true}'",
    ),
    (
        "a table without a comment",
        "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v') \
         AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse') \
         AND c.relname <> '__diesel_schema_migrations' AND obj_description(c.oid) IS NULL",
    ),
    (
        "a foreign key whose cascade has no index to walk",
        "SELECT c.conrelid::regclass || '.' || c.conname AS name FROM pg_constraint c WHERE c.contype = 'f' \
         AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])",
    ),
];

#[test]
fn the_catalog_breaks_no_rule() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    for (rule, query) in RULES {
        assert_eq!(names(&mut conn, query), Vec::<String>::new(), "{rule}");
    }
}

/// Each rule finds what breaks it: a rule that can't would prove nothing.
#[test]
fn each_rule_of_the_catalog_can_be_broken() {
    let breakages: BTreeMap<&str, &str> = BTreeMap::from([
        ("a table without row security", "CREATE TABLE public.bare (id int)"),
        (
            "a role with a grant on a table but no policy",
            "GRANT SELECT ON pilothouse.trigger_failures TO pilothouse_worker",
        ),
        ("anything granted to everybody", "GRANT SELECT ON public.users TO PUBLIC"),
        (
            "a definer's function without a pinned search path",
            "ALTER FUNCTION pilothouse.leave_tombstone() RESET search_path",
        ),
        ("a view with its owner's rights", "CREATE VIEW public.leak AS TABLE public.projects"),
        ("a table without a comment", "COMMENT ON TABLE public.users IS NULL"),
        (
            "a foreign key whose cascade has no index to walk",
            "DROP INDEX pilothouse.password_links_user_id_idx",
        ),
        // Roles are the cluster's, and other tests use them: this one is rolled back too.
        (
            "a request role that row security does not bind, that logs in, or that is a member of a role",
            "CREATE ROLE pilothouse_impostor BYPASSRLS",
        ),
    ]);
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    for (rule, query) in RULES {
        conn.batch_execute(&format!("BEGIN; {}", breakages[rule])).unwrap();
        assert_eq!(names(&mut conn, query).len(), 1, "{rule}");
        conn.batch_execute("ROLLBACK").unwrap();
    }
}

#[test]
fn a_deleted_row_leaves_a_tombstone_and_its_owner_the_record() {
    let db = full_database();
    let mut owner = db.connect_owner();
    owner.batch_execute("DELETE FROM containers WHERE id = '30000000-0000-0000-0000-00000000000b'").unwrap();
    assert_eq!(
        names(
            &mut owner,
            "SELECT kind || ' ' || right(id, 1) || ' ' || name || ' ' || right(owner_id::text, 1) || ' ' || left(project_id, 2) \
                           AS name FROM pilothouse.tombstones WHERE owner_id = '10000000-0000-0000-0000-00000000000b' ORDER BY 1"
        ),
        ["container b container b 40", "project b gone b 49", "project b project b 40"]
    );
    let mut conn = console(&db);
    for (statement, rows) in [
        ("SELECT 1 FROM projects", 0),
        ("SELECT 1 FROM turbobackend.project_actions", 2),
        ("SELECT 1 FROM \"ActivityLog\"", 1),
        ("SELECT 1 FROM turbobackend.action_references WHERE key = 'k' AND value = 'b'", 2),
        ("SELECT 1 FROM pilothouse.tombstones", 3),
    ] {
        assert_eq!(attempt(&mut conn, OWNER, statement), Outcome::Rows(rows), "{statement}");
    }
    // Another owner's row under the id that was: the record is theirs now, as after a restored backup.
    owner
        .batch_execute(
            "INSERT INTO projects (id, name, user_id) VALUES ('40000000-0000-0000-0000-00000000000b', 'back', \
             '10000000-0000-0000-0000-00000000000a')",
        )
        .unwrap();
    assert_eq!(attempt(&mut conn, OWNER, "SELECT 1 FROM turbobackend.project_actions"), Outcome::Rows(1));
}

#[test]
fn a_token_is_worth_what_its_maker_still_has() {
    let db = full_database();
    let mut owner = db.connect_owner();
    let mut conn = console(&db);
    let sees = |conn: &mut PgConnection| attempt(conn, WORKER, "SELECT 1 FROM projects");
    assert_eq!(sees(&mut conn), Outcome::Rows(1));
    let give = |owner: &mut PgConnection, to: char| {
        owner
            .batch_execute(&format!(
                "UPDATE projects SET user_id = '10000000-0000-0000-0000-00000000000{to}' \
                 WHERE id = '40000000-0000-0000-0000-00000000000b'"
            ))
            .unwrap();
    };
    give(&mut owner, 'a');
    assert_eq!(sees(&mut conn), Outcome::Rows(0), "given away");
    give(&mut owner, 'b');
    assert_eq!(sees(&mut conn), Outcome::Rows(1));
    for (ends, begins) in [
        (
            "UPDATE users SET is_active = false WHERE email = 'b@example.com'",
            "UPDATE users SET is_active = true WHERE email = 'b@example.com'",
        ),
        (
            "UPDATE pilothouse.api_tokens SET expires_at = now()",
            "UPDATE pilothouse.api_tokens SET expires_at = NULL",
        ),
        (
            "UPDATE pilothouse.api_tokens SET all_projects = true",
            "UPDATE pilothouse.api_tokens SET all_projects = false",
        ),
        (
            "UPDATE pilothouse.api_tokens SET revoked_at = now()",
            "UPDATE pilothouse.api_tokens SET revoked_at = NULL",
        ),
    ] {
        owner.batch_execute(ends).unwrap();
        let refused = conn.batch_execute(&format!("BEGIN; {WORKER}")).unwrap_err().to_string();
        conn.batch_execute("ROLLBACK").unwrap();
        assert!(refused.contains("pilothouse: no token"), "{ends}: {refused}");
        owner.batch_execute(begins).unwrap();
        assert_eq!(sees(&mut conn), Outcome::Rows(1), "{begins}");
    }
    // An admin's may have all.
    owner
        .batch_execute(
            "UPDATE pilothouse.api_tokens SET all_projects = true, created_by = '10000000-0000-0000-0000-00000000000c' \
             WHERE hash = 'token of b'",
        )
        .unwrap();
    assert_eq!(sees(&mut conn), Outcome::Rows(3));
}
