//! Times that PostgreSQL holds and no calendar page does: `infinity`, and years before 1 and after 9999.

use std::collections::BTreeSet;

use pilothouse::activity::rollup;

use crate::routes::{Scene, call, table::routes};
use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

const ODD: [&str; 4] = ["infinity", "-infinity", "294276-12-31 23:59:59", "4713-01-01 00:00:00 BC"];

/// A row in each table that has a time and that no page of [`Scene`] filled.
fn fill_tables(console: &Console, scene: &Scene) {
    let sql = "UPDATE projects SET container_id = 'CONTAINER' WHERE id = 'PROJECT'; \
         INSERT INTO file_storage (container_id, file_path, file_name, file_size) \
             VALUES ('CONTAINER', 'src/app.ts', 'app.ts', -9223372036854775808), ('CONTAINER', 'b', 'b', 9223372036854775807), \
                    ('CONTAINER', 'c', 'c', 9223372036854775807); \
         INSERT INTO chat_messages (id, container_id, session_id, role, content) \
             VALUES (md5('PROJECT')::uuid, 'CONTAINER', 'talk', 'user', 'words to find'), \
                    (md5('PROJECT2')::uuid, 'CONTAINER', 'talk', 'assistant', 'other words'); \
         INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, message_id, input_tokens, output_tokens, cost_usd, created_at) \
             VALUES ('cost PROJECT', 'PROJECT', md5('PROJECT')::uuid::text, 9223372036854775807, -9223372036854775808, 'NaN', 9223372036854775807); \
         INSERT INTO pilothouse.tombstones (kind, id, name, owner_id) VALUES ('project', gen_random_uuid()::text, 'gone', 'USER'); \
         INSERT INTO pilothouse.recording_gaps (from_ms, to_ms, lost, reason) VALUES (-9223372036854775808, 9223372036854775807, 9223372036854775807, 'why'); \
         INSERT INTO pilothouse.jobs (kind) VALUES ('waits'); \
         INSERT INTO pilothouse.schedules (kind, pattern, next_at, due_since, last_success_at, failing_since) \
             VALUES ('odd', '@daily', now(), now(), now(), now()), ('fine', '@daily', now(), NULL, now(), NULL); \
         INSERT INTO pilothouse.action_spool (action_id, payload) VALUES ('s PROJECT', '{}'); \
         INSERT INTO pilothouse.trigger_failures (trigger_name) VALUES ('x PROJECT'); \
         INSERT INTO pilothouse.sign_in_failures (scope, subject) VALUES ('address', '127.0.0.1') ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.api_tokens (hash, name) VALUES ('PROJECT', 'x'); \
         INSERT INTO pilothouse.reports (source, id) VALUES ('action', 'PROJECT'); \
         INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash) VALUES ('PROJECT', 'x', 'x'); \
         INSERT INTO pilothouse.guests VALUES ('PROJECT', 'PROJECT', now()); \
         INSERT INTO pilothouse.leases (name, holder, held_until) VALUES ('odd', gen_random_uuid(), now()); \
         INSERT INTO job_drafts (title) VALUES ('x'); INSERT INTO analytics (event_type) VALUES ('x'); \
         INSERT INTO ghl_opportunities (name) VALUES ('x'); INSERT INTO ai_assistant_sessions (session_id) VALUES ('PROJECT'); \
         INSERT INTO pilothouse.port_reservations (address, port, container_id) VALUES ('127.0.0.1', 3000, 'CONTAINER'); \
         INSERT INTO pilothouse.samples (container_id, at, cpu) VALUES ('CONTAINER', now(), 1); \
         INSERT INTO pilothouse.guest_starts (address) VALUES ('127.0.0.1'); \
         INSERT INTO pilothouse.referral_codes (code, user_id) VALUES ('odd', 'USER') ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.funnel_days VALUES (now(), '*', '*', 'session_started', 0, 1) ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.funnel_progress VALUES ('funnel', now()) ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.crm_outbox (draft_id, user_id) SELECT id, gen_random_uuid() FROM job_drafts LIMIT 1 ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.draft_files (id, draft_id, kind, hash, title, content) \
             SELECT gen_random_uuid(), id, 'wireframe', 'odd', 'odd', '{}' FROM job_drafts LIMIT 1 ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.retention_rules (class, keep_days) VALUES ('chat', 180) ON CONFLICT DO NOTHING; \
         INSERT INTO pilothouse.deletions VALUES ('file', gen_random_uuid(), now()); \
         INSERT INTO pilothouse.backups (name, kind, state, began_at) VALUES ('odd', 'base', 'written', now()); \
         INSERT INTO pilothouse.archives (system_id) VALUES ('odd'); \
         INSERT INTO pilothouse.buckets (name, place, region) VALUES ('odd', 'odd', 'odd'); \
         INSERT INTO pilothouse.copies (bucket, backup, made_at, state) VALUES ('odd', 'odd', now(), 'copied'); \
         INSERT INTO pilothouse.table_sizes (day, name, bytes) VALUES (now(), 'odd', 1); \
         INSERT INTO pilothouse.assistant_usage (day) VALUES (now()) ON CONFLICT DO NOTHING";
    console.sql(&scene.fill(sql));
}

/// Writes `value` into each time of each row, past every trigger. Sessions that are used here stay alive.
fn write_everywhere(console: &Console, value: &str) {
    let written = format!(
        "DO $$ DECLARE c record; n bigint; BEGIN \
         SET LOCAL session_replication_role = replica; \
         FOR c IN SELECT a.attrelid::regclass AS t, a.attname AS name FROM pg_attribute a \
                JOIN pg_class r ON r.oid = a.attrelid AND r.relkind = 'r' \
                JOIN pg_namespace s ON s.oid = r.relnamespace AND s.nspname IN ('public', 'turbobackend', 'pilothouse') \
                WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relname <> '__diesel_schema_migrations' \
                  AND a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype) LOOP \
            IF c.t::text = 'sessions' AND '{value}' LIKE ANY ('{{-%,%BC}}') THEN CONTINUE; END IF; \
            EXECUTE format('UPDATE %s SET %I = (%L::timestamp)::text::%s', c.t, c.name, '{value}', \
                CASE WHEN c.t::text LIKE '%daily_%' THEN 'date' ELSE 'timestamp' END); \
            GET DIAGNOSTICS n = ROW_COUNT; \
            IF n = 0 THEN RAISE EXCEPTION 'no row in % has %', c.t, c.name; END IF; \
         END LOOP; END $$"
    );
    console.sql(&written);
}

#[test]
fn no_time_in_any_column_takes_a_page_away() {
    let console = Console::start();
    let (scene, admin) = (Scene::set(&console), console.admin());
    fill_tables(&console, &scene);
    // The job that counts days takes and renews these.
    let days = scene.fill(
        "TRUNCATE pilothouse.recount_marks, pilothouse.daily_activity, pilothouse.daily_totals, pilothouse.insight_marks, \
             pilothouse.daily_kinds, pilothouse.daily_events, pilothouse.daily_costs, pilothouse.run_marks, pilothouse.daily_runs; \
         INSERT INTO pilothouse.insight_marks VALUES ('PROJECT', now()); \
         INSERT INTO pilothouse.daily_kinds VALUES ('p:PROJECT', now(), 'x', '', '{1}', '{1}', '{0}', '{1}', '{1}', '{1}', '{0000000000000000001 action:x}'); \
         INSERT INTO pilothouse.daily_events VALUES ('p:PROJECT', now(), 'x', 'y', '{1}', '{1}', '{1}', '{1}', '{1}'); \
         INSERT INTO pilothouse.daily_costs VALUES ('p:PROJECT', now(), 'x', '{1}', '{1}', '{1}', '{1}'); \
         INSERT INTO pilothouse.run_marks VALUES ('x', now()); \
         INSERT INTO pilothouse.daily_runs VALUES ('x', now(), false, '{1}', '{1}', '{1}', '{1}'); \
         INSERT INTO pilothouse.recount_marks VALUES ('PROJECT', now()); \
         INSERT INTO pilothouse.daily_activity VALUES ('PROJECT', now(), '{1}', '{1}', '{1}'); \
         INSERT INTO pilothouse.daily_totals VALUES (now(), '{1}', '{1}', '{1}')",
    );
    for value in ODD {
        console.sql(&days);
        write_everywhere(&console, value);
        for route in routes().filter(|route| route.method == "GET" || route.pattern.ends_with("/export")) {
            for (person, expected) in [(&scene.owner, route.owner), (&admin, route.admin)] {
                // Nobody may start many exports within a minute.
                console.sql("DELETE FROM \"ActivityLog\" WHERE \"activityType\" = 'data.exported'");
                let answer = call(person, &route, &scene, &scene.fill(route.example));
                assert!(
                    answer.status < 500 || expected == "503",
                    "{value}: {}\n{}",
                    answer.what,
                    answer.body
                );
                // A link that ended long ago is no page.
                if !route.pattern.contains("/passwords/") {
                    let (status, _) = expected.split_once(' ').unwrap_or((expected, ""));
                    assert_eq!(answer.status.to_string(), status, "{value}: {}", answer.what);
                }
            }
        }
        for sort in [
            "/projects?sort=changed",
            "/projects?sort=active",
            "/users?sort=newest",
            "/users?sort=signed-in",
            "/projects/PROJECT/chat?session=talk",
            "/projects/PROJECT/chat?q=words",
            "/projects/PROJECT/files?sort=changed",
            "/projects/PROJECT/files?sort=size",
            "/search?q=shop",
        ] {
            admin.get(&scene.fill(sort)).expect(200);
        }
        rollup::keep(&console.app.db).unwrap();
    }
}

/// Walks both ways; each row comes up exactly once.
fn walks(person: &Person, start: &str, expected: usize) {
    let rows = |page: &Answer| {
        let rows = page.texts("main tbody tr");
        rows.into_iter().map(|row| row.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (there, last) = person.walk(start, "next", rows);
    let unique: BTreeSet<_> = there.iter().collect();
    assert_eq!((there.len(), unique.len()), (expected, expected), "{start}: {there:?}");
    let (mut back, _) = person.walk(&last, "prev", rows);
    back.reverse();
    assert_eq!(back, there, "{start}");
}

#[test]
fn lists_page_through_times_beyond_the_calendar_without_losing_or_doubling_a_row() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    console.sql(&format!(
        "SET session_replication_role = replica; \
         INSERT INTO projects (name, user_id, updated_at) \
         SELECT 'p' || n || '_' || k, '{id}', t FROM (VALUES (1, 'infinity'::timestamptz), (2, '-infinity'), \
             (3, '294276-12-31'), (4, '4713-01-01 BC'), (5, NULL), (6, now()), (7, '9999-12-31 23:59:59.999999+00'), \
             (8, '0001-01-01')) v (n, t), generate_series(1, 6) k; \
         INSERT INTO containers (container_id, name, user_id, created_at) \
         SELECT name, name, user_id, updated_at FROM projects; \
         INSERT INTO users (email, name, created_at, last_login) \
         SELECT name || '@x.test', name, updated_at, updated_at FROM projects; \
         UPDATE users SET name = 'u' || id; SET session_replication_role = origin",
        id = owner.id
    ));
    let users = usize::try_from(console.count("users")).unwrap();
    for limit in [1, 5, 7] {
        walks(&owner, &format!("/projects?sort=changed&limit={limit}"), 48);
        walks(&owner, &format!("/containers?limit={limit}"), 48);
        walks(&admin, &format!("/users?sort=newest&limit={limit}"), users);
        walks(&admin, &format!("/users?sort=signed-in&limit={limit}"), users);
    }
    let shown = admin.get("/users?sort=signed-in").expect(200).text("main tbody");
    assert!(shown.contains("31 Dec 9999"), "{shown}");
}

#[test]
fn a_row_whose_version_lies_beyond_the_calendar_can_still_be_edited_once() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop");
    for value in ODD {
        console.sql(&format!(
            "SET session_replication_role = replica; UPDATE projects SET updated_at = '{value}'; \
             UPDATE users SET updated_at = '{value}', created_at = '{value}', last_login = '{value}'; \
             SET session_replication_role = origin"
        ));
        let path = format!("/projects/{project}");
        let seen = owner.get(&format!("{path}/settings")).expect(200).attribute("[name=updated_at]", "value");
        owner.post(&path, &[("name", value), ("updated_at", &seen)]).expect(303);
        owner.post(&path, &[("name", "late"), ("updated_at", &seen)]).expect(409);
        let user = format!("/users/{}", owner.id);
        let seen = admin.get(&user).expect(200).attribute("[name=updated_at]", "value");
        let as_typed =
            [("email", owner.email.as_str()), ("name", value), ("role", "owner"), ("updated_at", &seen)];
        admin.post(&user, &as_typed).expect(303);
        let late =
            [("email", owner.email.as_str()), ("name", "late"), ("role", "owner"), ("updated_at", &seen)];
        admin.post(&user, &late).expect(409);
    }
}

#[test]
fn a_session_without_an_end_is_listed_and_a_visit_of_tomorrow_is_none() {
    let console = Console::start();
    let owner = console.owner();
    let other = console.sign_in_as(&owner.id);
    console.sql(&format!(
        "UPDATE sessions SET expires_at = 'infinity', created_at = now() - interval '1 hour', last_activity = 'infinity' \
         WHERE id = '{}'",
        other.session
    ));
    for value in ["infinity", "294276-12-31"] {
        console.sql(&format!("UPDATE sessions SET expires_at = '{value}' WHERE id = '{}'", other.session));
        let page = owner.get("/account/sessions").expect(200);
        assert_eq!(page.texts("main form[action$=revoke]").len(), 1, "{}", page.body);
        owner.get("/").expect(200);
        console.sql(&format!("UPDATE sessions SET created_at = '{value}' WHERE id = '{}'", other.session));
        owner.get("/account/sessions").expect(200);
    }
}
