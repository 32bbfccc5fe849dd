//! What a page costs does not depend on where it lies: plans and buffers, not clocks.

use diesel::prelude::*;
use pilothouse::activity::timeline::Known;
use pilothouse::activity::{Direction, Filter, Scope, Source, TimelineCursor};
use pilothouse::activity::{deployed, detail, thread, timeline, whole_thread};
use pilothouse::db::DbError;

use super::world::{NOON, Person, World, filter};

/// Forty projects of one owner among others, thirty thousand actions, ten thousand events and entries.
fn seeded(world: &mut World) -> (Person, Person, pilothouse::db::ids::ProjectId) {
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    world.execute(&format!(
        "INSERT INTO projects (name, user_id) SELECT 'p' || n, '{0}' FROM generate_series(1, 39) n; \
         INSERT INTO projects (name) SELECT 'other' || n FROM generate_series(1, 200) n; \
         CREATE TEMP TABLE place AS SELECT id_text, row_number() OVER (ORDER BY user_id NULLS LAST, id) - 1 AS n FROM projects; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, status, environment, reference_ids, created_at) \
         SELECT 'a' || g, p.id_text, '{0}', CASE WHEN g % 3 = 0 THEN 'deployment' ELSE 'github_push' END, 'success', 'production', \
                jsonb_build_object('branch_name', 'main', 'commit_sha', md5(g::text)), {NOON} - g * 1000 \
         FROM generate_series(1, 30000) g JOIN place p ON p.n = g % 240; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         SELECT 'e' || g, p.id_text, 'APR_REVIEW', 'x', 'x', 'COMPLETED', timestamp 'epoch' + ({NOON} - g * 3000) * interval '1 millisecond' \
         FROM generate_series(1, 10000) g JOIN place p ON p.n = g % 240; \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\", \"createdAt\") \
         SELECT p.id_text, 'project.updated', timestamp 'epoch' + ({NOON} - g * 3000) * interval '1 millisecond' \
         FROM generate_series(1, 10000) g JOIN place p ON p.n = g % 240; \
         ANALYZE",
        ada.id
    ));
    (ada, admin, shop)
}

/// The plan of the page that `filter` asks for, and the buffers that it touched.
fn explained(world: &World, person: &Person, scope: Scope, filter: &Filter) -> (String, u64) {
    // With so few rows, reading a whole table may look cheap, be it to filter or to join it.
    explained_without(&["seqscan", "hashjoin", "mergejoin"], world, person, scope, filter)
}

fn explained_without(
    ways: &[&str],
    world: &World,
    person: &Person,
    scope: Scope,
    filter: &Filter,
) -> (String, u64) {
    let plan = world
        .db
        .read_blocking(&person.actor, |conn| {
            for way in ways {
                diesel::sql_query(format!("SET LOCAL enable_{way} = off")).execute(conn)?;
            }
            timeline::plan_of_page(conn, scope, filter, &Known::default(), None).map_err(DbError::from)
        })
        .unwrap();
    let total = plan.iter().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
    let hits = total.split(&[' ', '='][..]).filter_map(|word| word.parse::<u64>().ok()).sum();
    (plan.join("\n"), hits)
}

fn before(ms: i64) -> (Direction, TimelineCursor) {
    (Direction::Before, format!("{ms}.a.a1").parse().unwrap())
}

#[test]
fn no_page_reads_a_whole_table_and_a_deep_one_costs_what_the_first_does() {
    let mut world = World::new();
    let (ada, admin, shop) = seeded(&mut world);
    let commit = "ref";
    let cases: [(&Person, Scope, Filter); 7] = [
        (&ada, Scope::Own, filter(&[])),
        (&ada, Scope::Project(shop), filter(&[])),
        (&admin, Scope::Everything, filter(&[])),
        (&admin, Scope::Everything, filter(&[("type", "deployment")])),
        (&admin, Scope::Everything, filter(&[(commit, "branch_name:main")])),
        (&ada, Scope::Project(shop), filter(&[(commit, "branch_name:main")])),
        (&ada, Scope::Own, filter(&[(commit, "branch_name:main")])),
    ];
    for (person, scope, filter) in cases {
        let (plan, first) = explained(&world, person, scope, &filter);
        for table in ["project_actions", "\"ActivityEvent\"", "\"ActivityLog\"", "action_references"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{scope:?} {filter:?}\n{plan}");
        }
        // Measured: 80 to 1,600. One that walks a whole branch touches hundreds of thousands.
        assert!(first < 2_500, "{scope:?} {filter:?}: {first} buffers\n{plan}");
        let deep = Filter { position: Some(before(NOON - 24_000_000)), ..filter.clone() };
        assert!(!timeline_of(&world, person, scope, &deep).is_empty(), "the deep page must hold something");
        let (plan, buffers) = explained(&world, person, scope, &deep);
        assert!(
            buffers <= first * 2 + 200,
            "{scope:?} {filter:?}: {first} buffers at first, then {buffers}\n{plan}"
        );
    }
}

fn timeline_of(world: &World, person: &Person, scope: Scope, filter: &Filter) -> Vec<String> {
    let page = world
        .db
        .read_blocking(&person.actor, |conn| {
            timeline::page(conn, scope, filter, &Known::default(), NOON).map_err(DbError::from)
        })
        .unwrap();
    page.entries.iter().map(pilothouse::activity::Entry::key).collect()
}

#[test]
fn a_type_of_one_source_does_not_search_the_others() {
    let mut world = World::new();
    let (_, admin, _) = seeded(&mut world);
    let (plan, _) = explained(&world, &admin, Scope::Everything, &filter(&[("type", "deployment")]));
    assert!(!plan.contains("ActivityEvent") && !plan.contains("ActivityLog"), "{plan}");
    let (plan, _) = explained(&world, &admin, Scope::Everything, &filter(&[("type", "APR_REVIEW")]));
    assert!(!plan.contains("project_actions") && !plan.contains("ActivityLog"), "{plan}");
}

/// Twenty thousand actions of one project, a few of which hold words that nothing else does.
fn with_rare_words(world: &mut World, shop: pilothouse::db::ids::ProjectId) {
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, status, created_at) \
         SELECT 'r' || g, '{shop}', CASE WHEN g % 5000 = 7 THEN 'rare-actor' ELSE 'common-actor' END, \
                CASE WHEN g % 5000 = 3 THEN 'database_created' ELSE 'deployment' END, \
                CASE WHEN g % 5000 = 5 THEN 'cancelled' WHEN g % 5000 = 9 THEN 'running' ELSE 'success' END, {NOON} - g * 1000 \
         FROM generate_series(1, 20000) g; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         SELECT 'f' || g, '{shop}', 'APR_REVIEW', 'x', 'x', 'COMPLETED', timestamp 'epoch' + ({NOON} - g * 3000) * interval '1 millisecond' \
         FROM generate_series(1, 8000) g; \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"userId\", \"activityType\", \"createdAt\") \
         SELECT '{shop}', 'common-actor', 'project.updated', timestamp 'epoch' + ({NOON} - g * 3000) * interval '1 millisecond' \
         FROM generate_series(1, 8000) g; \
         ANALYZE"
    ));
}

/// The most rows that one step of a plan passed on at once.
fn most_rows(plan: &str) -> u64 {
    plan.lines()
        .filter_map(|line| line.split_once("actual rows=")?.1.split(' ').next()?.parse::<u64>().ok())
        .max()
        .unwrap_or(0)
}

/// The most rows that one step of a plan read in vain.
fn most_in_vain(plan: &str) -> u64 {
    plan.lines()
        .filter_map(|line| line.trim().strip_prefix("Rows Removed by Filter: ")?.parse::<u64>().ok())
        .max()
        .unwrap_or(0)
}

#[test]
fn a_word_that_is_rare_costs_no_walk_whoever_asks_for_it() {
    let mut world = World::new();
    let (ada, admin, shop) = seeded(&mut world);
    with_rare_words(&mut world, shop);
    for (name, word) in [
        ("type", "database_created"),
        ("status", "cancelled"),
        ("status", "running"),
        ("actor", "rare-actor"),
    ] {
        for (person, scope) in [
            (&ada, Scope::Project(shop)),
            (&ada, Scope::Own),
            (&admin, Scope::Project(shop)),
            (&admin, Scope::Everything),
        ] {
            let filter = filter(&[(name, word)]);
            assert_eq!(timeline_of(&world, person, scope, &filter).len(), 4, "{name} {word} {scope:?}");
            let (plan, buffers) = explained(&world, person, scope, &filter);
            for table in ["project_actions", "\"ActivityEvent\"", "\"ActivityLog\""] {
                assert!(!plan.contains(&format!("Seq Scan on {table}")), "{name} {word} {scope:?}\n{plan}");
            }
            assert!(most_in_vain(&plan) < 300, "{name} {word} {scope:?}\n{plan}");
            // Measured: 30 to 900. One that walks the project touches thousands.
            assert!(buffers < 1_500, "{name} {word} {scope:?}: {buffers} buffers\n{plan}");
        }
    }
    // The check can fail: a word in no index of its project's walks the project.
    let (plan, _) = explained(&world, &ada, Scope::Project(shop), &filter(&[("environment", "nowhere")]));
    assert!(most_in_vain(&plan) > 300, "{plan}");
}

#[test]
fn a_project_that_is_larger_than_all_others_together_is_walked_in_order_too() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    // The planner expects nine rows of a project, and one source after the other has thousands.
    world.execute(&format!(
        "INSERT INTO projects (name) SELECT 'other' || n FROM generate_series(1, 1500) n; \
         CREATE TEMP TABLE place AS SELECT id FROM (SELECT id_text AS id, random() AS at FROM projects, generate_series(1, 6) \
             UNION ALL SELECT '{shop}', random() FROM generate_series(1, 5000)) scattered ORDER BY at; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, action_details, created_at) \
         SELECT 'a' || row_number() OVER (), id, 'deployment', 'success', repeat('x', 700), {NOON} - row_number() OVER () * 1000 FROM place; \
         INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         SELECT id, 'APR_REVIEW', 'x', 'x', 'COMPLETED', timestamp 'epoch' + ({NOON} - row_number() OVER () * 1000) * interval '1 millisecond' \
         FROM place; \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\", \"createdAt\") \
         SELECT id, 'project.updated', timestamp 'epoch' + ({NOON} - row_number() OVER () * 1000) * interval '1 millisecond' \
         FROM place; \
         ANALYZE"
    ));
    for (person, scope) in [(&ada, Scope::Project(shop)), (&ada, Scope::Own), (&admin, Scope::Project(shop))]
    {
        for pairs in [
            &[][..],
            &[("type", "deployment")],
            &[("type", "-push")],
            &[("status", "-failed")],
            &[("actor", "-nobody")],
            &[("source", "event")],
            &[("source", "audit")],
        ] {
            let (plan, buffers) = explained(&world, person, scope, &filter(pairs));
            // A page of each source and a bit; what is sorted is no more.
            assert!(most_rows(&plan) < 500, "{scope:?} {pairs:?}\n{plan}");
            // Measured: 60 to 330. Reading the project touches its thousand pages.
            assert!(buffers < 700, "{scope:?} {pairs:?}: {buffers} buffers\n{plan}");
        }
    }
    // The check can fail: what no index leads through in order is read whole.
    let unordered = ["seqscan", "indexscan", "indexonlyscan"];
    let (plan, buffers) = explained_without(&unordered, &world, &ada, Scope::Project(shop), &filter(&[]));
    assert!(buffers > 700, "{buffers} buffers\n{plan}");
}

#[test]
fn what_belongs_to_a_record_is_found_without_reading_all_that_has_such_a_reference() {
    let mut world = World::new();
    let (ada, admin, shop) = seeded(&mut world);
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, reference_ids, created_at) \
         SELECT 't' || g, '{shop}', 'deployment', 'success', \
                jsonb_build_object('commit_sha', md5('t' || g / 2), 'deployment_id', 'd' || g / 2, 'caused_by', 't' || g - 1), {NOON} - g * 1000 \
         FROM generate_series(1, 20000) g; ANALYZE"
    ));
    for person in [&ada, &admin] {
        let plan = world
            .db
            .read_blocking(&person.actor, |conn| {
                diesel::sql_query("SET LOCAL enable_seqscan = off").execute(conn)?;
                let found = detail::action(conn, "t10000")?.expect("the action");
                assert!(!found.thread.causes.is_empty() && !found.thread.effects.is_empty());
                thread::plan_of_thread(conn, &found.entry).map_err(DbError::from)
            })
            .unwrap()
            .join("\n");
        for table in ["project_actions", "\"ActivityEvent\"", "\"ActivityLog\"", "action_references"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
        }
        assert!(most_in_vain(&plan) < 300, "{plan}");
        assert!(most_rows(&plan) < 500, "{plan}");
    }
}

#[test]
fn what_runs_where_is_told_by_the_newest_thousand_deployments_alone() {
    let mut world = World::new();
    let (ada, admin, shop) = seeded(&mut world);
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, environment, created_at) \
         SELECT 't' || g, '{shop}', 'deployment', CASE WHEN g % 3 = 0 THEN 'failed' ELSE 'success' END, \
                CASE WHEN g % 2 = 0 THEN 'production' ELSE 'staging' END, {NOON} - g * 1000 \
         FROM generate_series(1, 20000) g; ANALYZE"
    ));
    for person in [&ada, &admin] {
        let plan = world
            .db
            .read_blocking(&person.actor, |conn| {
                diesel::sql_query("SET LOCAL enable_seqscan = off").execute(conn)?;
                deployed::plan(conn, shop).map_err(DbError::from)
            })
            .unwrap()
            .join("\n");
        assert!(plan.contains("timeline_project_kind_idx"), "{plan}");
        assert!(most_rows(&plan) <= 1_000, "{plan}");
    }
}

/// A thread of ten thousand, as a chain and as a fan, among thirty thousand others.
#[test]
fn a_page_of_a_thread_walks_an_index_and_costs_the_same_wherever_it_lies() {
    let mut world = World::new();
    let (ada, admin, shop) = seeded(&mut world);
    for (shape, cause) in [("chain", "CASE WHEN n = 1 THEN 'a7' ELSE 'chain' || n - 1 END"), ("fan", "'a8'")]
    {
        world.execute(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, request_id, reference_ids, created_at) \
             SELECT '{shape}' || n, '{shop}', 'x', 'r{shape}' || n, jsonb_build_object('caused_by', {cause}), {NOON} + n * 1000 \
             FROM generate_series(1, 10000) n"
        ));
    }
    world.execute("ANALYZE");
    for (person, shape) in [(&ada, "chain"), (&ada, "fan"), (&admin, "chain"), (&admin, "fan")] {
        let mut first = 0;
        for deep in [None, Some((Direction::After, format!("{}.a.x", NOON + 9_000_000).parse().unwrap()))] {
            let plan = world
                .db
                .read_blocking(&person.actor, |conn| {
                    whole_thread::plan_of_page(conn, Source::Action, &format!("{shape}9000"), deep.as_ref())
                        .map_err(DbError::from)
                })
                .unwrap();
            let total = plan.iter().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
            let buffers: u64 = total.split(&[' ', '='][..]).filter_map(|word| word.parse::<u64>().ok()).sum();
            let plan = plan.join("\n");
            for table in ["thread_entries", "timeline"] {
                assert!(!plan.contains(&format!("Seq Scan on {table}")), "{shape}\n{plan}");
            }
            assert!(buffers < 2_500, "{shape}: {buffers} buffers\n{plan}");
            assert!(first == 0 || buffers <= first * 2 + 200, "{shape}: {first}, then {buffers}\n{plan}");
            first = buffers;
        }
    }
}
