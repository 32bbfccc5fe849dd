//! Rows that came while no trigger fired: told, and mended.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use pilothouse::activity::upkeep::{self, Deed};
use pilothouse::postgres::CONSOLE_LOGIN;

use crate::installing::{program, said};
use crate::support::console::Console;
use crate::support::db::TestDb;

/// More than one batch, with what only an odd worker would write.
const ROWS: &str = "
    INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids)
        SELECT 'many ' || n, 'p', 1700000000000 + n, jsonb_build_object('deployment_id', 'd' || n % 100, 'n', n)
        FROM generate_series(1, 12000) n;
    INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids) VALUES
        ('', NULL, NULL, '{\"k\": \"v\"}'), ('array', 'p', 1, '[1]'), ('none', 'p', 1, NULL),
        ('odd', 'p', -5, '{\"\": \"\", \"k\": {\"deep\": 1}, \"yes\": true}'), ('größe İ', 'p', 2, '{\"k\": \"ı\"}');
    INSERT INTO turbobackend.project_actions (action_id, reference_ids) VALUES
        ('long', jsonb_build_object('k', repeat('x', 5000)));";

/// What happens to them later, without a trigger.
const CHANGES: &str = "
    DELETE FROM turbobackend.project_actions WHERE action_id IN ('many 7', 'odd');
    UPDATE turbobackend.project_actions SET project_id = 'q' WHERE action_id = 'many 8';
    UPDATE turbobackend.project_actions SET reference_ids = '{\"k\": \"new\"}' WHERE action_id = 'many 9';
    UPDATE turbobackend.project_actions SET created_at = 5 WHERE action_id = 'many 10';";

fn in_silence(conn: &mut PgConnection, statements: &str) {
    conn.batch_execute(&format!("SET session_replication_role = replica; {statements}")).unwrap();
    conn.batch_execute("SET session_replication_role = origin").unwrap();
}

#[derive(QueryableByName, PartialEq, Eq, Debug)]
struct Row {
    #[diesel(sql_type = Text)]
    answer: String,
}

fn references(conn: &mut PgConnection) -> Vec<Row> {
    diesel::sql_query("SELECT r::text AS answer FROM turbobackend.action_references r ORDER BY 1")
        .load(conn)
        .unwrap()
}

/// All of the timeline but when it was written.
fn entries(conn: &mut PgConnection) -> Vec<Row> {
    diesel::sql_query(
        "SELECT (to_jsonb(t) - '{received_at,xid}'::text[])::text AS answer FROM pilothouse.timeline t ORDER BY t.source, t.id",
    )
    .load(conn)
    .unwrap()
}

fn found(conn: &mut PgConnection, deed: Deed) -> Vec<i64> {
    upkeep::STEPS.iter().map(|step| step.run(conn, deed).unwrap()).collect()
}

#[test]
fn what_no_trigger_saw_is_mended_to_what_the_triggers_would_have_made() {
    let (seen, unseen) = (TestDb::new(), TestDb::new());
    let (mut by_triggers, mut conn) = (seen.connect_owner(), unseen.connect_owner());
    let undated = "SET created_at = 1 WHERE action_id IN ('', 'long')";
    by_triggers.batch_execute(ROWS).unwrap();
    in_silence(&mut conn, ROWS);
    for conn in [&mut by_triggers, &mut conn] {
        in_silence(conn, "DELETE FROM turbobackend.action_references WHERE action_id IN ('', 'long')");
        in_silence(conn, &format!("UPDATE turbobackend.project_actions {undated}"));
    }
    assert_eq!(found(&mut conn, Deed::Look), [12_006, 0, 0, 0, 0, 0, 12_004, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(found(&mut by_triggers, Deed::Mend), [2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(found(&mut conn, Deed::Mend), [12_006, 0, 0, 0, 0, 0, 12_004, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(found(&mut conn, Deed::Look), [0; 14]);
    assert_eq!(entries(&mut conn), entries(&mut by_triggers));
    assert_eq!(references(&mut conn), references(&mut by_triggers));

    by_triggers.batch_execute(CHANGES).unwrap();
    in_silence(&mut conn, CHANGES);
    let differences = found(&mut conn, Deed::Look);
    assert_eq!(differences[..6], [3, 0, 0, 2, 0, 0]);
    assert!(differences[6] == 2 && differences[7] > 5, "{differences:?}");
    found(&mut conn, Deed::Mend);
    assert_eq!(found(&mut conn, Deed::Look), [0; 14]);
    assert_eq!(references(&mut conn), references(&mut by_triggers));
    assert_eq!(entries(&mut conn), entries(&mut by_triggers));
}

#[test]
fn somebody_who_came_back_without_a_trigger_has_no_tombstone() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    let ada = "INSERT INTO users (id, email) VALUES ('a0000000-0000-0000-0000-000000000001', 'a@b.test')";
    let rest = "INSERT INTO containers (id, container_id, name) VALUES ('c0000000-0000-0000-0000-000000000001', 'c', 'c'); \
                INSERT INTO projects (id, name) VALUES ('b0000000-0000-0000-0000-000000000001', 'p')";
    conn.batch_execute(&format!(
        "{ada}; {rest}; DELETE FROM projects; DELETE FROM containers; DELETE FROM users"
    ))
    .unwrap();
    conn.batch_execute("INSERT INTO pilothouse.tombstones (kind, id) VALUES ('container', 'no uuid')")
        .unwrap();
    in_silence(&mut conn, &format!("{ada}; {rest}"));
    assert_eq!(found(&mut conn, Deed::Look), [0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(found(&mut conn, Deed::Mend), [0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(found(&mut conn, Deed::Look), [0; 14]);
}

#[test]
fn operations_and_what_an_engine_saw_are_mended_and_are_no_events_that_are_gone() {
    const ROWS: &str = "INSERT INTO pilothouse.operations (id, verb, container_name, asked_by_name) \
            VALUES ('op_00000000000000000000000000000001', 'start', 'shop', 'Ada'); \
        INSERT INTO pilothouse.engine_events (id, engine_id, kind, at, at_nanos, title) \
            VALUES ('eng_00000000000000000000000000000001', 'e', 'container_crashed', now(), 1, 'shop crashed')";
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    in_silence(&mut conn, ROWS);
    assert_eq!(found(&mut conn, Deed::Mend)[10..], [1, 1, 0, 0]);
    assert_eq!(found(&mut conn, Deed::Look), [0; 14]);
    conn.batch_execute("TRUNCATE \"ActivityEvent\"").unwrap();
    assert_eq!(found(&mut conn, Deed::Look), [0; 14], "they are none of its rows");
    in_silence(&mut conn, "DELETE FROM pilothouse.operations; DELETE FROM pilothouse.engine_events");
    let differences = found(&mut conn, Deed::Mend);
    assert_eq!((differences[4], differences[12]), (1, 1));
    assert_eq!(found(&mut conn, Deed::Look), [0; 14]);
}

#[test]
fn mending_beside_people_who_write_loses_and_invents_nothing() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    in_silence(&mut conn, ROWS);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut conn = db.connect_owner();
            for n in 1..400 {
                let id = n * 29;
                conn.batch_execute(&format!(
                    "UPDATE turbobackend.project_actions SET reference_ids = '{{\"k\": \"w{n}\"}}' WHERE action_id = 'many {id}'; \
                     DELETE FROM turbobackend.project_actions WHERE action_id = 'many {}'",
                    id + 1
                ))
                .unwrap();
            }
        });
        found(&mut conn, Deed::Mend);
        writer.join().unwrap();
    });
    let left = found(&mut conn, Deed::Look);
    assert_eq!(left, [0; 14]);
}

#[test]
fn the_doctor_counts_them_and_names_the_command_that_mends_them() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "INSERT INTO projects (id, name) VALUES ('b0000000-0000-0000-0000-000000000001', 'p')",
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let output = program(&db, CONSOLE_LOGIN, "postgres").args(arguments).output().unwrap();
        (output.status.code(), said(&output))
    };
    assert_eq!(
        run(&["timeline", "check"]),
        (Some(0), "Everything is as the triggers would have it.\n".to_owned())
    );
    assert!(run(&["doctor"]).1.contains("ok    rows: "));
    // Old by their time, new by their place.
    in_silence(
        &mut conn,
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids) \
         SELECT 'act' || n, 'b0000000-0000-0000-0000-000000000001', 1500000000000 + n, '{\"deployment_id\": \"d1\"}' \
         FROM generate_series(1, 3) n; \
         INSERT INTO turbobackend.project_actions (action_id) VALUES ('undated')",
    );
    let (code, told) = run(&["doctor"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("FAIL  rows: 4 actions came") && told.contains("`pilothouse timeline rebuild`"),
        "{told}"
    );
    assert!(told.contains("note  rows: 1 actions or audit entries have no time"), "{told}");
    let (code, told) = run(&["timeline", "check"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with("4 actions that the timeline lacks") && told.contains("timeline rebuild"),
        "{told}"
    );
    let (code, told) = run(&["timeline", "rebuild"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(run(&["timeline", "check"]).0, Some(0));
    assert_eq!(run(&["doctor"]).0, Some(0));

    let url = db.url();
    let console = Console::on(db, &url);
    console.admin().get("/references/deployment_id/d1").expect(200);
    pilothouse::activity::rollup::keep(&console.app.db).unwrap();
    assert!(
        console.holds("(SELECT sum(entries[1]) >= 3 FROM pilothouse.daily_totals WHERE day = '2017-07-14')")
    );
}
