//! The statements behind every page walk an index, under row security too. Plans, not times.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::activity::timeline::Known;
use pilothouse::activity::{Filter, Scope, lookup, timeline};
use pilothouse::chat::{conversations, messages, search};
use pilothouse::containers::queries as containers;
use pilothouse::db::cursor::{PageStart, TimePosition};
use pilothouse::db::statement::Statement;
use pilothouse::files::Directory;
use pilothouse::files::listing::{self, Ask};
use pilothouse::projects::queries as projects;
use pilothouse::search::{Kind, statement_for};

use crate::support::db::TestDb;

const ROWS: &str = r#"
    INSERT INTO users (id, email, role) VALUES
        ('10000000-0000-0000-0000-00000000000a', 'a@example.com', 'owner'),
        ('10000000-0000-0000-0000-00000000000c', 'c@example.com', 'admin');
    INSERT INTO sessions (user_id, token, expires_at) SELECT id, role, now() + '1 day' FROM users;
    INSERT INTO projects (id, name, user_id)
        SELECT ('40000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'p', '10000000-0000-0000-0000-00000000000a'
        FROM generate_series(1, 100) n;
    INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, 5000);
    INSERT INTO turbobackend.project_actions
        SELECT 'a' || n, '40000000-0000-0000-0000-' || lpad((n % 100)::text, 12, '0'), 'u' || n % 1000, 'r' || n, 'deployment', 'd',
               CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'success' END, 'production',
               jsonb_build_object('deployment_id', 'd' || n, 'branch_name', 'main'), 1700000000000 + n
        FROM generate_series(1, 30000) n;
    INSERT INTO "ActivityEvent" (id, "projectId", "eventType", "entityType", title, status, "createdAt")
        SELECT 'e' || n, '40000000-0000-0000-0000-' || lpad((1 + n % 99)::text, 12, '0'), 'APR_REVIEW', 'x', 'x',
               CASE WHEN n % 200 = 0 THEN 'IN_PROGRESS' ELSE 'COMPLETED' END::"ActivityEventStatus",
               timestamp '2026-01-01' + n * interval '1 second'
        FROM generate_series(1, 20000) n;
    INSERT INTO "ActivityLog" ("projectId", "userId", "activityType", "createdAt")
        SELECT '40000000-0000-0000-0000-' || lpad((1 + n % 99)::text, 12, '0'), 'u' || n % 1000, 'x',
               timestamp '2026-01-01' + n * interval '1 second'
        FROM generate_series(1, 20000) n;
    INSERT INTO pilothouse.daily_activity
        SELECT id_text, date '2025-11-01' + n, '{1,2}', '{1,1}', '{0,0}' FROM projects, generate_series(1, 20) n WHERE user_id IS NOT NULL;
    INSERT INTO pilothouse.daily_totals SELECT date '2020-11-01' + n, '{1,2}', '{1,1}', '{0,0}' FROM generate_series(1, 2000) n;
    ANALYZE;
"#;

/// As on the console's own connections.
const GENERIC: &str = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL random_page_cost = 1";

/// Twenty thousand projects and containers, of which Ada has some; a few of them come without a time, or an odd one.
const LISTED: &str = "
    INSERT INTO projects (name, user_id, status, updated_at)
        SELECT 'Project ' || n, CASE WHEN n % 20 = 0 THEN '10000000-0000-0000-0000-00000000000a'::uuid END,
               CASE WHEN n % 50 = 0 THEN 'archived' ELSE 'active' END,
               CASE WHEN n % 97 = 0 THEN NULL WHEN n % 89 = 0 THEN 'infinity' ELSE timestamptz '2026-01-01' + n * 7919 % 20011 * interval '1 minute' END
        FROM generate_series(1, 20000) n;
    INSERT INTO containers (container_id, name, status, user_id, created_at)
        SELECT md5(n::text), 'Container ' || n, 'running', CASE WHEN n % 20 = 0 THEN '10000000-0000-0000-0000-00000000000a'::uuid END,
               CASE WHEN n % 97 = 0 THEN NULL ELSE timestamptz '2026-01-01' + n * 7919 % 20011 * interval '1 minute' END
        FROM generate_series(1, 20000) n;
    UPDATE pilothouse.project_activity SET at = 1700000000000 + abs(hashtext(project_id::text)) WHERE at = 0;
    ANALYZE;
";

/// Neither is a whole table read nor are the rows sorted; what each row looks up beside is its own.
fn assert_walks(plan: &str, what: &str) {
    let rows = plan.split("SubPlan").next().unwrap();
    for line in rows.lines().map(|line| line.trim_start_matches([' ', '-', '>'])) {
        for table in ["projects", "containers", "project_activity", "timeline"] {
            assert!(!line.starts_with(&format!("Seq Scan on {table}")), "{what}\n{plan}");
        }
        assert!(!line.starts_with("Sort"), "{what}\n{plan}");
    }
}

/// An owner's rows are few, and a sort of them may look cheaper than walking an index. What is asked of theirs is whether
/// an index can answer in order: if none can, the planner sorts all the same.
const UNTEMPTED: &str =
    "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off;";

#[test]
fn every_order_of_a_list_walks_an_index() {
    let db = TestDb::new();
    db.connect_owner().batch_execute(&format!("{ROWS}{LISTED}")).unwrap();
    let conn = &mut PgConnection::establish(&db.url()).unwrap();
    for (actor, settings) in [("owner", UNTEMPTED), ("admin", "")] {
        let begin = format!(
            "BEGIN READ ONLY; {GENERIC}; {settings} SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('{actor}')"
        );
        for sort in [projects::Sort::Changed, projects::Sort::Name, projects::Sort::Active] {
            conn.batch_execute(&begin).unwrap();
            let filter = projects::Filter { sort, ..projects::Filter::default() };
            let first = projects::page(conn, &filter, &PageStart::Start, 50).unwrap();
            assert_eq!(first.rows.len(), 50, "{actor}, {sort:?}");
            let position = first.rows.last().unwrap().position(sort);
            for from in [PageStart::Start, PageStart::Beyond(position.clone()), PageStart::Back(position)] {
                let plan = projects::plan_of_page(conn, &filter, &from, 50).unwrap().join("\n");
                assert_walks(&plan, &format!("projects of {actor}, {sort:?}, {from:?}"));
            }
            conn.batch_execute("ROLLBACK").unwrap();
        }
        for sort in [containers::Sort::Newest, containers::Sort::Name] {
            conn.batch_execute(&begin).unwrap();
            let filter = containers::Filter { sort, ..containers::Filter::default() };
            let first = containers::page(conn, &filter, &PageStart::Start, 50).unwrap();
            assert_eq!(first.rows.len(), 50, "{actor}, {sort:?}");
            let position = first.rows.last().unwrap().position(sort);
            for from in [PageStart::Start, PageStart::Beyond(position.clone()), PageStart::Back(position)] {
                let plan = containers::plan_of_page(conn, &filter, &from, 50).unwrap().join("\n");
                assert_walks(&plan, &format!("containers of {actor}, {sort:?}, {from:?}"));
            }
            conn.batch_execute("ROLLBACK").unwrap();
        }
    }
}

#[test]
fn whether_anything_goes_on_is_asked_of_what_goes_on_alone() {
    let db = TestDb::new();
    db.connect_owner().batch_execute(ROWS).unwrap();
    let conn = &mut PgConnection::establish(&db.url()).unwrap();
    let shop = "40000000-0000-0000-0000-000000000007".parse().unwrap();
    let filter = Filter::none(chrono_tz::UTC);
    for (actor, scope) in
        [("owner", Scope::Project(shop)), ("owner", Scope::Own), ("admin", Scope::Everything)]
    {
        conn.batch_execute(&format!(
            "BEGIN READ ONLY; {GENERIC}; SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('{actor}')"
        ))
        .unwrap();
        let plan =
            timeline::plan_of_page(conn, scope, &filter, &Known::default(), Some(0)).unwrap().join("\n");
        conn.batch_execute("ROLLBACK").unwrap();
        assert!(plan.contains("_busy_idx"), "{scope:?}\n{plan}");
    }
}

/// What the search box asks, at a size where reading a whole table would show.
#[test]
fn a_search_reads_no_whole_table() {
    let db = TestDb::new();
    let owner = &mut db.connect_owner();
    owner.batch_execute(ROWS).unwrap();
    owner
        .batch_execute(
            "INSERT INTO projects (name, user_id) SELECT 'project ' || n, '10000000-0000-0000-0000-00000000000c' FROM generate_series(1, 20000) n; \
             INSERT INTO containers (container_id, name) SELECT md5(n::text), 'container ' || n FROM generate_series(1, 20000) n; \
             INSERT INTO users (email, name) SELECT n || '@b.test', 'user ' || n FROM generate_series(1, 20000) n; \
             ANALYZE",
        )
        .unwrap();
    let mut conn = PgConnection::establish(&db.url()).unwrap();
    let mut asked = 0;
    for actor in ["owner", "admin"] {
        let begin = format!(
            "BEGIN READ ONLY; {GENERIC}; SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('{actor}')"
        );
        for text in ["project 29", "d7", "main", "nothing is called this"] {
            let names = Kind::ALL.iter().filter_map(|kind| Some((*kind, statement_for(*kind, text)?)));
            let mut plans: Vec<(String, String)> = Vec::new();
            conn.batch_execute(&begin).unwrap();
            for (kind, statement) in names {
                plans.push((format!("{kind:?}"), statement.explain(&mut conn).unwrap().join("\n")));
            }
            let references = lookup::statement_for(text, actor == "admin");
            plans.push(("references".to_owned(), references.explain(&mut conn).unwrap().join("\n")));
            conn.batch_execute("ROLLBACK").unwrap();
            for (what, plan) in plans {
                for table in ["projects", "containers", "users", "action_references", "project_actions"] {
                    let whole = format!("Seq Scan on {table}");
                    assert!(!plan.contains(&whole), "{actor} searches {what} for {text:?}:\n{plan}");
                }
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 2 * 4 * 4);
}

const TALK: &str = r"
    INSERT INTO containers (id, container_id, name, user_id)
        SELECT ('50000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'c' || n, 'c', '10000000-0000-0000-0000-00000000000a'
        FROM generate_series(1, 20) n;
    INSERT INTO chat_messages (id, container_id, session_id, role, content, created_at)
        SELECT ('70000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid,
               ('50000000-0000-0000-0000-' || lpad((1 + n % 20)::text, 12, '0'))::uuid,
               's' || CASE WHEN n % 2 = 0 THEN 0 ELSE n % 300 END, 'user', 'm',
               timestamptz '2026-01-01' + n * interval '1 second' FROM generate_series(1, 40000) n;
    INSERT INTO file_storage (container_id, file_path, file_name, file_size)
        SELECT ('50000000-0000-0000-0000-' || lpad((1 + n % 20)::text, 12, '0'))::uuid,
               'd' || n % 500 || '/f' || n, 'f', n FROM generate_series(1, 40000) n;
    INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, message_id)
        SELECT 'c' || n, '40000000-0000-0000-0000-' || lpad((1 + n % 99)::text, 12, '0'),
               '70000000-0000-0000-0000-' || lpad(n::text, 12, '0') FROM generate_series(1, 40000) n;
    ANALYZE;
";

/// How the statement ran: its plan with what each step read.
fn explained<R>(conn: &mut PgConnection, actor: &str, statement: &Statement<R>) -> String {
    conn.batch_execute(&format!(
        "BEGIN READ ONLY; {GENERIC}; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; \
         SET LOCAL ROLE pilothouse_nobody; SELECT pilothouse.enter('{actor}')"
    ))
    .unwrap();
    let lines = statement.explain(conn).unwrap();
    conn.batch_execute("ROLLBACK").unwrap();
    lines.join("\n")
}

/// Pages that all of a statement touched: the first line of the plan tells.
fn pages_touched(plan: &str) -> u64 {
    let buffers = plan.lines().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
    buffers
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("hit=").or_else(|| word.strip_prefix("read=")))
        .map(|number| number.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn chat_and_files_walk_their_indexes_and_touch_what_a_page_shows() {
    let db = TestDb::new();
    db.connect_owner().batch_execute(&format!("{ROWS}{TALK}")).unwrap();
    let conn = &mut PgConnection::establish(&db.url()).unwrap();
    let container = "50000000-0000-0000-0000-000000000001".parse().unwrap();
    let middle = TimePosition { at: "2026-01-01T03:00:00Z".parse().unwrap(), id: uuid::Uuid::nil() };
    let ask = |directory: &str| Ask { directory: Directory::new(directory), ..Ask::default() };
    for actor in ["owner", "admin"] {
        // 2,000 messages in 16 conversations, half of them in one.
        for from in [PageStart::Start, PageStart::Beyond(middle), PageStart::Back(middle)] {
            let plan = explained(conn, actor, &conversations::statement(container, &from, 50));
            assert!(plan.contains("chat_messages_conversation_idx"), "{actor}, {from:?}\n{plan}");
            assert!(pages_touched(&plan) < 1_200, "{actor}, {from:?}: {}\n{plan}", pages_touched(&plan));
            let plan = explained(conn, actor, &messages::statement(container, "s0", &from, 50));
            assert!(plan.contains("chat_messages_conversation_idx"), "{actor}, {from:?}\n{plan}");
            assert!(plan.contains("message_cost_tracker_message_idx"), "{actor}, {from:?}\n{plan}");
            // The position is a bound of the index, not a filter on all that lies before it.
            let bound = plan.lines().any(|line| line.contains("Index Cond") && line.contains("ROW("));
            assert!(bound || from == PageStart::Start, "{actor}, {from:?}\n{plan}");
            assert!(pages_touched(&plan) < 300, "{actor}, {from:?}: {}\n{plan}", pages_touched(&plan));
        }
        let plan = explained(conn, actor, &search::statement(container, "nothing", Some(&middle), 50));
        assert!(plan.contains("chat_messages_newest_idx"), "{actor}\n{plan}");
        let plan = explained(conn, actor, &listing::statement(container, &ask("d20"), &PageStart::Start, 50));
        assert!(plan.contains("file_storage_path_idx"), "{actor}\n{plan}");
        assert!(pages_touched(&plan) < 200, "{actor}: {}\n{plan}", pages_touched(&plan));
        let plan = explained(conn, actor, &listing::statement(container, &ask(""), &PageStart::Start, 50));
        assert!(!plan.contains("Seq Scan on file_storage"), "{actor}\n{plan}");
    }
}
