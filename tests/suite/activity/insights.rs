//! Insights say what a count over the rows says, whenever and however those came in, at the same cost at any number.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::activity::rollup as activity_rollup;
use pilothouse::db::DbError;
use pilothouse::db::ids::ProjectId;
use pilothouse::insights::queries::{self, Activity};
use pilothouse::insights::{Question, Range, Scope, rollup, runs};

use super::world::{NOON, Person, World};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(NOON).unwrap()
}

fn question(scope: Scope, zone: Tz, environment: Option<&str>) -> Question {
    let range = Range::parse(Some("2025-11-01"), Some("2025-11-30"), now(), zone).unwrap();
    Question { scope, range, environment: environment.map(str::to_owned) }
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    entries: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    timed: i64,
    #[diesel(sql_type = BigInt)]
    p50: i64,
    #[diesel(sql_type = BigInt)]
    p95: i64,
    #[diesel(sql_type = BigInt)]
    slowest: i64,
}

impl World {
    fn count_insights(&self) {
        activity_rollup::keep(&self.db).unwrap();
        rollup::keep(&self.db, || false).unwrap();
    }

    fn insights(&self, who: &Person, question: &Question) -> Activity {
        let question = question.clone();
        let read = move |conn: &mut PgConnection| queries::activity(conn, &question).map_err(DbError::from);
        self.db.read_blocking(&who.actor, read).unwrap()
    }

    /// What the rows themselves say: of types, of days, and of hours of the week, each in the zone.
    fn hold_against_rows(&mut self, who: &Person, question: &Question) -> i64 {
        let told = self.insights(who, question);
        let (from, until) = question.range.bounds();
        let mut rows = format!("FROM pilothouse.timeline t WHERE t.at >= {from} AND t.at < {until}");
        if let Scope::Project(id) = question.scope {
            rows.extend([" AND t.project_id = '", &id.to_string(), "'"]);
        }
        if let Some(environment) = &question.environment {
            rows.extend([" AND coalesce(t.environment, '') = '", environment, "'"]);
        }
        let raw: Vec<Raw> = diesel::sql_query(format!(
            "SELECT coalesce(t.kind, '') AS kind, count(*) AS entries, count(*) FILTER (WHERE t.outcome = 'bad') AS failed, \
                 count(t.duration) AS timed, \
                 coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY t.duration), -1)::bigint AS p50, \
                 coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY t.duration), -1)::bigint AS p95, \
                 coalesce(max(t.duration), -1)::bigint AS slowest {rows} GROUP BY 1"
        ))
        .load(&mut self.conn)
        .unwrap();
        assert_eq!(told.kinds.len(), raw.len(), "{question:?}");
        for raw in &raw {
            let kind = told.kinds.iter().find(|kind| kind.kind == raw.kind).unwrap();
            assert_eq!(
                (kind.entries, kind.failed, kind.timed),
                (raw.entries, raw.failed, raw.timed),
                "{} {question:?}",
                raw.kind
            );
            assert_eq!(kind.by_day.iter().sum::<i64>(), raw.entries);
            assert_eq!(kind.failed_by_day.iter().sum::<i64>(), raw.failed);
            for (told, raw) in [(kind.p50, raw.p50), (kind.p95, raw.p95)] {
                let told = told.unwrap_or(-1);
                assert!((told - raw).abs() * 100 <= raw.abs() * 5 + 100, "{told} for {raw} of {}", kind.kind);
            }
            assert_eq!(kind.slowest.as_ref().map_or(-1, |slowest| slowest.ms), raw.slowest);
        }
        let zone = question.range.zone.name();
        let local = format!("(to_timestamp(t.at / 1000.0) AT TIME ZONE '{zone}')");
        let grouped = |conn: &mut PgConnection, by: &str| -> BTreeMap<String, i64> {
            #[derive(QueryableByName)]
            struct Group {
                #[diesel(sql_type = Text)]
                name: String,
                #[diesel(sql_type = BigInt)]
                entries: i64,
            }
            let groups: Vec<Group> =
                diesel::sql_query(format!("SELECT {by} AS name, count(*) AS entries {rows} GROUP BY 1"))
                    .load(conn)
                    .unwrap();
            groups.into_iter().map(|group| (group.name, group.entries)).collect()
        };
        let days = told.days.iter().filter(|(_, entries, _)| *entries > 0);
        let days: BTreeMap<String, i64> = days.map(|(day, entries, _)| (day.to_string(), *entries)).collect();
        assert_eq!(days, grouped(&mut self.conn, &format!("{local}::date::text")), "{question:?}");
        let mut hours = BTreeMap::new();
        for (day, counts) in (1..).zip(&told.hours) {
            for (hour, entries) in counts.iter().enumerate().filter(|(_, entries)| **entries > 0) {
                hours.insert(format!("{day} {hour:02}"), *entries);
            }
        }
        assert_eq!(hours, grouped(&mut self.conn, &format!("to_char({local}, 'ID HH24')")), "{question:?}");
        told.kinds.iter().map(|kind| kind.entries).sum()
    }

    fn hold_all_against_rows(&mut self, admin: &Person, shop: ProjectId) -> i64 {
        let mut sum = 0;
        for zone in [Tz::UTC, Tz::America__New_York, Tz::Asia__Kathmandu] {
            for scope in [Scope::Project(shop), Scope::Everything] {
                self.hold_against_rows(admin, &question(scope, zone, Some("staging")));
                sum = self.hold_against_rows(admin, &question(scope, zone, None));
            }
        }
        sum
    }

    fn cost(&self, who: &Person, scope: Scope) -> Vec<(String, i64, i64)> {
        let asked = question(scope, Tz::UTC, None);
        let read = move |conn: &mut PgConnection| queries::costs(conn, &asked).map_err(DbError::from);
        let costs = self.db.read_blocking(&who.actor, read).unwrap();
        let by_day: i64 = costs.days.iter().map(|(_, cost)| cost).sum();
        assert_eq!(by_day, costs.models.iter().map(|model| model.micro_usd).sum::<i64>());
        costs.models.into_iter().map(|model| (model.model, model.messages, model.micro_usd)).collect()
    }
}

/// Ada's project beside somebody else's and nobody's, with rows of every source on either side of midnights.
fn filled() -> (World, Person, Person, ProjectId) {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    let other = world.project(&admin, "other");
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, environment, created_at) \
         SELECT 'a' || n, CASE n % 4 WHEN 0 THEN '{other}' WHEN 1 THEN NULL ELSE '{shop}' END, \
                CASE n % 3 WHEN 0 THEN 'deployment' WHEN 1 THEN 'github_push' END, \
                CASE n % 7 WHEN 0 THEN 'failed' WHEN 1 THEN 'Error' ELSE 'success' END, \
                CASE n % 2 WHEN 0 THEN 'staging' END, {NOON} - n * 1700000 FROM generate_series(0, 900) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
         SELECT 'e' || n, '{shop}', CASE n % 2 WHEN 0 THEN 'APR_REVIEW' ELSE 'INDEXING_STARTED' END::\"ActivityEventType\", 'x', 'Event ' || n, \
                CASE n % 5 WHEN 0 THEN 'FAILED' ELSE 'COMPLETED' END::\"ActivityEventStatus\", (n * n * 977) % 500000, \
                timestamp '2025-11-20 00:14:59.999' - n * interval '3 hours 7 minutes' FROM generate_series(0, 200) n; \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\", \"createdAt\") \
         SELECT CASE n % 2 WHEN 0 THEN '{shop}' END, 'project.updated', timestamp '2025-11-19' + n * interval '5 minutes' \
         FROM generate_series(0, 50) n; \
         INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, model, input_tokens, output_tokens, cost_usd, created_at) \
         SELECT 'c' || n, CASE n % 3 WHEN 0 THEN '{other}' ELSE '{shop}' END, CASE n % 2 WHEN 0 THEN 'large' ELSE 'small' END, \
                100, 20, 0.0125, {NOON} - n * 3600000 FROM generate_series(0, 99) n"
    ));
    (world, ada, admin, shop)
}

#[test]
fn insights_equal_a_count_over_the_rows_late_and_changed_ones_included() {
    let (mut world, ada, admin, shop) = filled();
    let bob = world.owner("bob");
    world.count_insights();
    let before = world.hold_all_against_rows(&admin, shop);
    assert!(before > 1_000, "{before}");
    // Owners: their own alone, together and project by project.
    world.hold_against_rows(&ada, &question(Scope::Project(shop), Tz::UTC, None));
    let of = |who: &Person, scope| world.insights(who, &question(scope, Tz::UTC, None)).kinds;
    assert_eq!(of(&ada, Scope::Own), of(&ada, Scope::Project(shop)));
    assert!(of(&bob, Scope::Own).is_empty() && of(&bob, Scope::Project(shop)).is_empty());
    assert!(of(&ada, Scope::Everything).is_empty(), "sums of the instance are the admins'");
    assert_eq!(
        world.cost(&admin, Scope::Everything),
        [("large".into(), 50, 625_000), ("small".into(), 50, 625_000)]
    );
    assert_eq!(world.cost(&ada, Scope::Own), [("large".into(), 33, 412_500), ("small".into(), 33, 412_500)]);
    assert!(world.cost(&bob, Scope::Own).is_empty());

    // A late row, one whose outcome and duration are known later, one that moves and changes its type, and purges.
    world.action("late", shop, NOON - 400 * 3_600_000, ", status, action_type", ", 'failed', 'rare'");
    world.execute(&format!(
        "UPDATE \"ActivityEvent\" SET status = 'FAILED', duration = 999999 WHERE id = 'e7'; \
         UPDATE turbobackend.project_actions SET created_at = created_at - 86400000, action_type = 'rare', environment = 'staging' \
         WHERE action_id IN ('a6', 'a10'); \
         DELETE FROM turbobackend.project_actions WHERE action_id IN ('a2', 'a3', 'a4', 'a5'); \
         DELETE FROM \"ActivityLog\" WHERE \"projectId\" IS NULL; \
         DELETE FROM \"ActivityEvent\" WHERE \"eventType\" = 'INDEXING_STARTED' AND id < 'e15'; \
         UPDATE turbobackend.message_cost_tracker SET model = 'large', created_at = created_at - 86400000 WHERE cost_id = 'c1'; \
         DELETE FROM turbobackend.message_cost_tracker WHERE cost_id IN ('c2', 'c4'); \
         INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, model, cost_usd, created_at) VALUES \
             ('nan', '{shop}', 'odd', 'NaN', {NOON}), ('none', NULL, NULL, NULL, {NOON}), ('never', '{shop}', 'large', 1, NULL)"
    ));
    world.count_insights();
    world.hold_all_against_rows(&admin, shop);
    assert_eq!(
        world.cost(&admin, Scope::Everything),
        [
            ("large".into(), 49, 612_500),
            ("small".into(), 49, 612_500),
            (String::new(), 1, 0),
            ("odd".into(), 1, 0)
        ]
    );
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.insight_marks)"), 0);

    // What no mark told of is found once a day, and what is cleared is cleared here.
    world.execute(
        "DELETE FROM pilothouse.daily_kinds WHERE kind = 'deployment'; \
         UPDATE pilothouse.daily_costs SET micro_usd = '{7}', quarters = '{7}', messages = '{7}', tokens = '{7}'; \
         UPDATE pilothouse.rollups SET recounted_at = now() - interval '25 hours' WHERE name = 'insights'; \
         TRUNCATE \"ActivityLog\"",
    );
    world.count_insights();
    world.hold_all_against_rows(&admin, shop);
    assert_eq!(world.cost(&admin, Scope::Everything).len(), 4);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.trigger_failures)"), 0);
}

#[test]
fn crashes_and_uptime_are_those_of_the_runs() {
    let (mut world, ada, admin, _) = filled();
    let day = 86_400_000;
    let at = |days: i64, hours: i64| NOON - 12 * 3_600_000 + days * day + hours * 3_600_000;
    world.execute(&format!(
        "INSERT INTO containers (id, container_id, name, status, user_id, created_at) VALUES \
             ('30000000-0000-0000-0000-000000000001', 'one', 'one', 'running', '{0}', to_timestamp({1} / 1000)), \
             ('30000000-0000-0000-0000-000000000002', 'two', 'two', 'stopped', NULL, to_timestamp({1} / 1000)); \
         INSERT INTO turbobackend.container_sessions (session_id, container_id, status, created_at, ended_at) VALUES \
             ('r1', 'one', 'failed', {2}, {3}), ('r2', 'one', 'stopped', {3}, NULL), ('r3', 'one', 'running', {4}, NULL), \
             ('r4', 'two', 'failed', {2}, {5})",
        ada.id,
        at(-5, 0),
        at(-4, 0),
        at(-2, 6),
        at(-1, 0),
        at(-4, 1),
    ));
    let read = |world: &World, who: &Person, scope, zone| {
        let asked = question(scope, zone, None);
        let read =
            move |conn: &mut PgConnection| runs::containers(conn, &asked, now()).map_err(DbError::from);
        let found = world.db.read_blocking(&who.actor, read).unwrap();
        let row = |runs: runs::ContainerRuns| {
            (runs.name, runs.begun, runs.crashed, runs.up_ms / 3_600_000, runs.known_ms / 3_600_000)
        };
        found.into_iter().map(row).collect::<Vec<_>>()
    };
    world.count_insights();
    // Two days and six hours until it crashed, eighteen until somebody started it again, thirty-six until now.
    let one = ("one".to_owned(), 3, 1, 54 + 18 + 36, 5 * 24 + 12);
    let two = ("two".to_owned(), 1, 1, 1, 5 * 24 + 12);
    for zone in [Tz::UTC, Tz::Asia__Kathmandu] {
        assert_eq!(read(&world, &admin, Scope::Everything, zone), [one.clone(), two.clone()], "{zone}");
    }
    assert_eq!(read(&world, &ada, Scope::Own, Tz::UTC), [one]);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.daily_runs WHERE is_whole)"), 1);
    // Its end is told late, and one run never was.
    world.execute(&format!(
        "UPDATE turbobackend.container_sessions SET ended_at = {} WHERE session_id = 'r2'; \
         DELETE FROM turbobackend.container_sessions WHERE session_id = 'r4'",
        at(-2, 8)
    ));
    world.count_insights();
    let one = ("one".to_owned(), 3, 1, 54 + 2 + 36, 5 * 24 + 12);
    assert_eq!(read(&world, &admin, Scope::Everything, Tz::UTC), [one]);
}

/// Pages of tables and indexes that the statements of the page touch.
fn buffers(world: &World, who: &Person, scope: Scope) -> u64 {
    let asked = question(scope, Tz::UTC, None);
    let explained = || {
        world.db.read_blocking(&who.actor, |conn| {
            Ok::<_, DbError>([
                queries::counts(&asked).explain(conn)?,
                runs::statement(&asked, now()).explain(conn)?,
            ])
        })
    };
    // The first to read a row after a change has more to do.
    explained().unwrap();
    let touched = explained().unwrap().map(|plan| {
        assert!(!plan.join("\n").contains("on timeline"), "{plan:?}");
        let total = plan.iter().find(|line| line.trim_start().starts_with("Buffers:")).unwrap();
        let shared = total.split(" dirtied").next().unwrap().split(", temp").next().unwrap();
        shared.split(&[' ', '=', ','][..]).filter_map(|word| word.parse::<u64>().ok()).sum::<u64>()
    });
    touched.into_iter().sum()
}

#[test]
fn a_page_costs_the_same_however_many_rows_were_counted() {
    let (mut world, ada, admin, shop) = filled();
    world.count_insights();
    world.execute("VACUUM ANALYZE pilothouse.daily_kinds");
    let asked = [(&ada, Scope::Project(shop)), (&ada, Scope::Own), (&admin, Scope::Everything)];
    let few = asked.map(|(who, scope)| buffers(&world, who, scope));
    // Twenty times as many, in the same quarters of an hour.
    world.execute(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, environment, created_at) \
         SELECT a.action_id || '-' || n, a.project_id, a.action_type, a.status, a.environment, a.created_at \
         FROM turbobackend.project_actions a, generate_series(1, 20) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
         SELECT e.id || '-' || n, e.\"projectId\", e.\"eventType\", e.\"entityType\", e.title, e.status, e.duration, e.\"createdAt\" \
         FROM \"ActivityEvent\" e, generate_series(1, 20) n",
    );
    world.count_insights();
    world.execute("VACUUM FULL ANALYZE pilothouse.daily_kinds");
    for ((who, scope), few) in asked.into_iter().zip(few) {
        let many = buffers(&world, who, scope);
        assert!(many <= few + few / 4 + 20, "{scope:?}: {few} buffers for few rows, {many} for many");
        assert!(many < 600, "{scope:?}: {many} buffers");
    }
    world.hold_against_rows(&admin, &question(Scope::Everything, Tz::UTC, None));
}
