//! The demo's life in a real database. What it tells is tested where it is told.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::app::App;
use pilothouse::config::Config;
use pilothouse::db::schema::{activity_events, containers, project_actions, projects, users};
use pilothouse::db::{Actor, ConnectOptions, Db, DbError};
use pilothouse::demo::{self, Summary};

use crate::support::db::TestDb;

fn create(db: &TestDb) -> Summary {
    let options =
        ConnectOptions { url: db.url(), size: 1, budget: Duration::from_secs(10), behind_pooler: false };
    let app = App::new(Config::from_values(HashMap::new()).unwrap(), Db::new(&options));
    let now: DateTime<Utc> = "2026-11-20T15:04:05.678Z".parse().unwrap();
    app.db
        .write_blocking(&Actor::System, |conn| demo::create(conn, now, "a hash").map_err(DbError::from))
        .unwrap()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(conn: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Count>(conn).unwrap().count
}

#[test]
fn the_demo_is_created_once() {
    let db = TestDb::new();
    let conn = &mut db.connect_owner();
    assert!(!demo::exists(conn).unwrap());
    let first = create(&db);
    assert!(demo::exists(conn).unwrap());
    assert_eq!((first.users, first.projects), (3, 9));
    let stored = project_actions::table.count().get_result::<i64>(conn).unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), first.actions);
    assert_eq!(create(&db), Summary::default());
    assert_eq!(project_actions::table.count().get_result::<i64>(conn).unwrap(), stored);
}

#[test]
fn the_demo_does_not_mix_with_a_user_who_has_one_of_its_addresses() {
    let db = TestDb::new();
    let conn = &mut db.connect_owner();
    diesel::insert_into(users::table).values(users::email.eq("grace@demo.test")).execute(conn).unwrap();
    assert_eq!(create(&db), Summary::default());
    assert_eq!(projects::table.count().get_result::<i64>(conn).unwrap(), 0);
}

#[test]
fn the_demo_stands_in_the_tables_as_pages_read_it() {
    let db = TestDb::new();
    create(&db);
    let conn = &mut db.connect_owner();
    let people: Vec<(String, Option<String>, String)> = users::table
        .inner_join(projects::table.on(projects::user_id.eq(users::id.nullable())))
        .group_by((users::email, users::name, users::role))
        .order(users::email)
        .select((users::email, users::name, users::role))
        .load(conn)
        .unwrap();
    let expected = [("ada@demo.test", "Ada Lovelace", "owner"), ("grace@demo.test", "Grace Hopper", "owner")];
    let people: Vec<_> =
        people.iter().map(|(a, b, c)| (a.as_str(), b.as_deref().unwrap(), c.as_str())).collect();
    assert_eq!(people, expected);

    // From the push that broke it to the fix, whose cause the crash is.
    let thread = "SELECT count(*) FROM pilothouse.thread_entries e JOIN pilothouse.timeline t USING (source, id) \
         WHERE t.kind IN ('deployment', 'container_crashed', 'github_push') AND e.root = ( \
             SELECT c.root FROM pilothouse.thread_entries c WHERE c.source = 'engine' AND c.is_inferred)";
    assert_eq!(count(conn, thread), 4, "what followed the first push");

    let observed = containers::table.filter(containers::observed_at.is_not_null()).count();
    assert_eq!(observed.get_result::<i64>(conn).unwrap(), 0, "no engine was asked");
    // Times without zone must read as the same moment as those with.
    let newest: chrono::NaiveDateTime = activity_events::table
        .select(diesel::dsl::max(activity_events::updated_at).assume_not_null())
        .get_result(conn)
        .unwrap();
    assert_eq!(newest.and_utc().to_rfc3339(), "2026-11-20T15:04:00.678+00:00");
    assert_eq!(count(conn, "SELECT count(*) FROM \"ActivityEvent\" WHERE status = 'IN_PROGRESS'"), 2);
    assert_eq!(count(conn, "SELECT count(*) FROM projects WHERE status = 'archived'"), 1);
    assert_eq!(count(conn, "SELECT count(*) FROM projects WHERE container_id IS NULL"), 1);
    assert_eq!(count(conn, "SELECT count(*) FROM turbobackend.message_cost_tracker WHERE cost_usd <= 0"), 0);
}

#[test]
fn chat_and_files_of_the_demo_hang_together_in_the_tables() {
    let db = TestDb::new();
    create(&db);
    let conn = &mut db.connect_owner();
    // Each counts rows that must not be there.
    for (what, lonely) in [
        (
            "deployments that no push of their commit came before",
            "turbobackend.project_deployments d WHERE NOT EXISTS (SELECT 1 FROM turbobackend.github_push_history p \
             WHERE p.project_id = d.project_id AND p.commit_sha = d.commit_sha AND p.created_at <= d.created_at)",
        ),
        (
            "failed deployments that no later push and success answer",
            "turbobackend.project_deployments d WHERE d.status = 'failed' AND NOT EXISTS (SELECT 1 \
             FROM turbobackend.project_deployments r JOIN turbobackend.github_push_history p USING (project_id, commit_sha) \
             WHERE r.project_id = d.project_id AND r.status = 'success' AND p.created_at > d.finished_at \
             AND r.created_at >= p.created_at)",
        ),
        (
            "costs without their message",
            "turbobackend.message_cost_tracker c WHERE NOT EXISTS (SELECT 1 FROM chat_messages m \
             WHERE m.id::text = c.message_id AND m.metadata->>'request_id' = c.request_id)",
        ),
        (
            "pushes whose prompt is not there",
            "turbobackend.action_references r WHERE key = 'chat_message_id' AND NOT EXISTS (SELECT 1 FROM chat_messages m \
             WHERE m.id::text = r.value)",
        ),
        (
            "files that no push names",
            "file_storage f JOIN projects p USING (container_id) WHERE NOT EXISTS (SELECT 1 \
             FROM turbobackend.github_push_history h WHERE h.project_id = p.id_text AND h.files ? f.file_path)",
        ),
        (
            "messages of other owners' conversations",
            "(SELECT 1 FROM chat_messages m JOIN containers c ON c.id = m.container_id WHERE session_id <> '' \
             GROUP BY session_id HAVING count(DISTINCT c.user_id) > 1) x",
        ),
    ] {
        assert_eq!(count(conn, &format!("SELECT count(*) FROM {lonely}")), 0, "{what}");
    }
    assert!(
        count(
            conn,
            "SELECT count(DISTINCT c.user_id) FROM chat_messages m JOIN containers c ON c.id = m.container_id"
        ) > 1
    );
    assert!(count(conn, "SELECT count(*) FROM file_storage WHERE is_deleted") > 0);
    assert!(
        count(conn, "SELECT count(*) FROM turbobackend.action_references WHERE key = 'chat_message_id'") > 0
    );
}

#[test]
fn the_demo_s_references_are_found_by_key_and_value() {
    let db = TestDb::new();
    create(&db);
    let conn = &mut db.connect_owner();
    for (key, table, id) in [
        ("github_push_id", "github_push_history", "push_id"),
        ("deployment_id", "project_deployments", "deployment_id"),
        ("container_session_id", "container_sessions", "session_id"),
        ("database_id", "project_databases", "database_id"),
        ("container_id", "public.containers", "container_id"),
        ("caused_by", "project_actions", "action_id"),
    ] {
        let all = format!("SELECT count(*) FROM turbobackend.action_references WHERE key = '{key}'");
        let table = if table.contains('.') { table.to_owned() } else { format!("turbobackend.{table}") };
        // A cause that is no action says so: the crash stands in another table.
        let dangling =
            format!("{all} AND value NOT LIKE 'engine:%' AND value NOT IN (SELECT {id} FROM {table})");
        assert!(count(conn, &all) > 0, "{key}");
        assert_eq!(count(conn, &dangling), 0, "{key}");
    }
    let types: Vec<String> = diesel::sql_query(
        "SELECT DISTINCT action_type AS text FROM turbobackend.project_actions WHERE action_type IS NOT NULL",
    )
    .load::<OneText>(conn)
    .unwrap()
    .into_iter()
    .map(|row| row.text)
    .collect();
    assert!(types.iter().any(|text| text == "feature_flag_toggled"), "{types:?}");
}

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = Text)]
    text: String,
}
