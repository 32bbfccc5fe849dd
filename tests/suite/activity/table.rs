//! The timeline's one table: what its triggers make of what workers write, and what jobs do for it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::activity::changes::Seen;
use pilothouse::activity::upkeep::{Deed, STEPS};
use pilothouse::activity::{Outcome, Scope, fill};
use pilothouse::db::{Actor, DbError};

use super::world::{NOON, World, filter, keys};

/// A text that no compression makes short: with it an entry fits into its source's indexes and into none of ours.
const ENDLESS: &str = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 83) n)";

fn differences(world: &mut World) -> Vec<i64> {
    STEPS.iter().map(|step| step.run(&mut world.conn, Deed::Look).unwrap()).collect()
}

#[test]
fn one_row_that_can_not_be_written_costs_the_others_nothing_and_is_a_gap_until_it_can() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, status, created_at) VALUES \
         ('before', '{shop}', 'success', {NOON}), ({ENDLESS}, NULL, repeat('x', 40), {NOON}), \
         ('after', '{shop}', 'success', {NOON})"
    ));
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[])).entries), ["before", "after"]);
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 3, "nothing is refused");
    let page = world.page(&admin, Scope::Everything, &filter(&[]));
    assert_eq!((page.gaps.len(), page.gaps[0].is_kept), (1, true));
    assert_eq!(fill::state(&mut world.conn).unwrap().unwritten, 1);
    assert!(world.count("(SELECT failures FROM pilothouse.trigger_failures)") >= 1);
    world.rebuild_timeline();
    assert_eq!(fill::state(&mut world.conn).unwrap().unwritten, 1, "it still can't be");
    world.execute("UPDATE turbobackend.project_actions SET status = NULL WHERE length(action_id) > 2000");
    world.rebuild_timeline();
    assert_eq!(fill::state(&mut world.conn).unwrap().unwritten, 0);
    assert_eq!(world.page(&admin, Scope::Everything, &filter(&[])).entries.len(), 3);
    assert_eq!(world.page(&admin, Scope::Everything, &filter(&[])).gaps, []);
}

#[test]
fn whatever_is_changed_or_taken_away_in_a_source_is_so_in_the_timeline() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, status, created_at, reference_ids) \
         SELECT 'a' || n, '{shop}', 'running', {NOON} + n, '{{\"deployment_id\": \"d1\"}}' FROM generate_series(1, 6) n"
    ));
    world.event("e", shop, NOON, "IN_PROGRESS", "NULL");
    world.audit("l", Some(shop), NOON - 1, "");
    world.execute(
        "UPDATE turbobackend.project_actions SET status = 'Failed', reference_ids = '{\"deployment_id\": \"d2\"}' WHERE action_id = 'a2'; \
         UPDATE turbobackend.project_actions SET action_id = 'z3' WHERE action_id = 'a3'; \
         UPDATE turbobackend.project_actions SET created_at = 1 WHERE action_id = 'a4'; \
         DELETE FROM turbobackend.project_actions WHERE action_id IN ('a5', 'a6')",
    );
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    assert_eq!(keys(&page.entries), ["z3", "a1", "a2", "event:e", "audit:l", "a4"]);
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[("status", "failed")])).entries), ["a2"]);
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[("ref", "deployment_id:d2")])).entries), ["a2"]);
    assert_eq!(
        keys(&world.page(&ada, Scope::Own, &filter(&[("ref", "deployment_id:d1")])).entries),
        ["z3", "a1", "a4"]
    );
    assert_eq!(differences(&mut world), [0; 14]);
    world.execute("TRUNCATE turbobackend.project_actions; TRUNCATE \"ActivityEvent\"");
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[])).entries), ["audit:l"]);
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.action_references)"), 0);
    assert_eq!(differences(&mut world), [0; 14]);
}

#[test]
fn an_edit_keeps_when_a_record_was_received_and_where_it_stands() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.action("ahead", shop, 4_000_000_000_000, "", "");
    let stands = "(SELECT at FROM pilothouse.timeline WHERE id = 'ahead')";
    let before = world.count(stands);
    assert!(before < 4_000_000_000_000 - 1, "it stands where it was received");
    world.execute("SELECT pg_sleep(0.01); UPDATE turbobackend.project_actions SET status = 'done'");
    assert_eq!(world.count(stands), before);
    assert_eq!(
        world.count("(SELECT told_at FROM pilothouse.timeline WHERE id = 'ahead')"),
        4_000_000_000_000
    );
}

#[test]
fn a_project_takes_its_entries_along_when_it_changes_hands_and_when_it_comes_late() {
    let mut world = World::new();
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let shop = world.project(&ada, "shop");
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) \
         SELECT 'a' || n, '{shop}', {NOON} + n FROM generate_series(1, 6500) n"
    ));
    world.execute(&format!("UPDATE projects SET user_id = '{}' WHERE id = '{shop}'", bob.id));
    assert_eq!(world.page(&ada, Scope::Own, &filter(&[])).entries.len(), 0, "row security decides at once");
    assert_eq!(world.page(&bob, Scope::Project(shop), &filter(&[])).entries.len(), 50);
    let moved = "(SELECT count(*) FROM pilothouse.timeline t JOIN projects p ON p.id = t.project_id WHERE t.owner_id = p.user_id)";
    assert_eq!(world.count(moved), 5_000);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.jobs WHERE kind = 'move_entries')"), 1);
    let rest = world
        .db
        .write_blocking(&Actor::System, |conn| fill::move_entries(conn, shop, 5_000).map_err(DbError::from));
    assert_eq!(rest.unwrap(), 1_500);
    assert_eq!(world.count(moved), 6_500);

    let late = "40000000-0000-0000-0000-00000000000f";
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) VALUES ('early', '{late}', 1); \
         INSERT INTO projects (id, name, user_id) VALUES ('{late}', 'late', '{}')",
        ada.id
    ));
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[])).entries), ["early"]);
    assert_eq!(differences(&mut world), [0; 14]);
}

#[test]
fn a_transaction_that_commits_late_is_told_then_and_nothing_is_told_twice() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.action("known", shop, NOON, "", "");
    let mut seen = Seen::now(&mut world.conn).unwrap();
    let insert = |id: &str| {
        format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) VALUES ('{id}', '{shop}', {NOON})"
        )
    };
    let (mut early, mut late) = (world.connect(), world.connect());
    early.batch_execute(&format!("BEGIN; {}", insert("began first"))).unwrap();
    late.batch_execute(&insert("committed first")).unwrap();
    let told = |seen: &mut Seen, world: &mut World| {
        seen.since(&mut world.conn).unwrap().unwrap().into_iter().map(|change| change.id).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut seen, &mut world), ["committed first"]);
    assert_eq!(told(&mut seen, &mut world), [""; 0]);
    early.batch_execute("COMMIT").unwrap();
    assert_eq!(told(&mut seen, &mut world), ["began first"]);
    assert_eq!(told(&mut seen, &mut world), [""; 0]);
    world.execute("UPDATE turbobackend.project_actions SET status = 'done' WHERE action_id = 'known'");
    assert_eq!(told(&mut seen, &mut world), ["known"]);
    world.execute("DELETE FROM pilothouse.timeline");
    world.rebuild_timeline();
    assert_eq!(told(&mut seen, &mut world), [""; 0], "what is mended did not change");
}

#[test]
fn older_records_are_taken_in_newest_first_beside_a_writer_and_pages_say_what_is_missing() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    world.execute(&format!(
        "SET session_replication_role = replica; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, created_at, reference_ids) \
         SELECT 'a' || n, '{shop}', {NOON} + n / 7, '{{\"n\": 1}}' FROM generate_series(1, 4000) n; \
         INSERT INTO turbobackend.action_references SELECT 'n', '1', created_at, action_id, project_id FROM turbobackend.project_actions; \
         INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('undated', '{shop}'); \
         INSERT INTO turbobackend.project_actions (action_id, status, created_at) VALUES ({ENDLESS}, repeat('x', 40), {NOON}); \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         SELECT 'e' || n, '{shop}', 'APR_REVIEW', 'x', 't', 'COMPLETED', timestamp '2025-01-01' + n * interval '1 second' FROM generate_series(1, 700) n; \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"createdAt\") \
         SELECT 'l' || n, '{shop}', 'x', CASE WHEN n > 1 THEN timestamp '2025-01-01' + n * interval '1 second' END FROM generate_series(1, 700) n; \
         SET session_replication_role = origin; \
         INSERT INTO pilothouse.timeline_fill (source, before_at) \
         VALUES ('action', '9223372036854775807'), ('audit', 'infinity'), ('event', 'infinity')"
    ));
    let step = |world: &World| {
        world
            .db
            .write_blocking(&Actor::System, |conn| fill::take_in(conn, 300).map_err(DbError::from))
            .unwrap()
    };
    assert!(step(&world));
    let page = world.page(&ada, Scope::Project(shop), &filter(&[]));
    assert_eq!(page.entries.len(), 50, "the newest are there first");
    assert_eq!(page.entries[0].id(), "a4000");
    let last = world.walk(&admin, Scope::Everything, &filter(&[])).pop().unwrap();
    assert!(
        last.gaps.iter().any(|gap| gap.is_kept),
        "and the end says that older ones are not: {:?}",
        last.gaps
    );
    assert!(fill::state(&mut world.conn).unwrap().is_filling);
    let mut writer = world.connect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..300 {
                writer
                    .batch_execute(&format!(
                        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) VALUES ('w{n}', '{shop}', {NOON} - {n}); \
                         UPDATE turbobackend.project_actions SET status = 'failed' WHERE action_id = 'a{}'; \
                         DELETE FROM turbobackend.project_actions WHERE action_id = 'a{}'; \
                         DELETE FROM \"ActivityEvent\" WHERE id = 'e{n}'",
                        n * 13 + 1,
                        n * 13 + 2
                    ))
                    .unwrap();
            }
        });
        while step(&world) {}
    });
    let state = fill::state(&mut world.conn).unwrap();
    assert_eq!(
        (state.is_filling, state.unwritten),
        (false, 1),
        "one odd record holds nothing up, and is told"
    );
    world.execute("DELETE FROM turbobackend.project_actions WHERE length(action_id) > 2000");
    assert_eq!(differences(&mut world), [0; 14]);
    assert!(world.count("(SELECT count(*) FROM pilothouse.timeline WHERE xid = '0')") > 4_000);
}

#[test]
fn the_database_and_the_console_read_a_status_alike() {
    let mut world = World::new();
    for word in [
        "success",
        "Succeeded",
        "COMPLETED",
        "ok",
        "done",
        "failed",
        "FAILURE",
        "error",
        "running",
        "IN_PROGRESS",
        "pending",
        "queued",
        "started",
        "superseded",
        "",
        "Größe",
    ] {
        let stored: Option<String> =
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(
                &format!("pilothouse.outcome_of(lower('{word}' COLLATE \"C\"))"),
            ))
            .get_result(&mut world.conn)
            .unwrap();
        let expected = match pilothouse::activity::Status::from_stored(word).outcome() {
            Outcome::Good => Some("good"),
            Outcome::Bad => Some("bad"),
            Outcome::Busy => Some("busy"),
            Outcome::Unknown => None,
        };
        assert_eq!(stored.as_deref(), expected, "{word}");
    }
}

#[test]
fn a_word_that_no_index_holds_whole_is_found_all_the_same() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let long = "größe ".repeat(150);
    world.action("long", shop, NOON, ", action_type", &format!(", '{long}'"));
    world.action("longer", shop, NOON, ", action_type", &format!(", '{long}!'"));
    assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&[("type", &long)])).entries), ["long"]);
}
