//! What heat maps and charts show is what the timeline holds, whenever and however it came in.

use chrono::NaiveDate;
use chrono_tz::Tz;
use pilothouse::activity::daily::{self, Daily, Span};
use pilothouse::activity::filter::first_ms;
use pilothouse::activity::rollup::{self, Kept};
use pilothouse::db::DbError;
use pilothouse::db::ids::ProjectId;

use super::world::{NOON, Person, World};

const HOUR: i64 = 3_600_000;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn span(zone: Tz) -> Span {
    Span { first: day("2025-11-01"), last: day("2025-11-30"), zone }
}

impl World {
    fn counted(&self, who: &Person, project: ProjectId, zone: Tz) -> Daily {
        let read = |conn: &mut _| daily::of_project(conn, project, &span(zone)).map_err(DbError::from);
        self.db.read_blocking(&who.actor, read).unwrap()
    }

    fn total(&self, who: &Person, zone: Tz) -> Daily {
        let read = |conn: &mut _| daily::of_everything(conn, &span(zone)).map_err(DbError::from);
        self.db.read_blocking(&who.actor, read).unwrap()
    }

    fn rows_of_day(&mut self, date: NaiveDate, zone: Tz, project: Option<ProjectId>) -> (i64, i64) {
        let (from, until) = (first_ms(date, zone), first_ms(date.succ_opt().unwrap(), zone));
        let of = |column: &str| project.map_or("true".to_owned(), |id| format!("{column} = '{id}'"));
        let time = |column: &str| {
            let at = |ms: i64| format!("timestamp 'epoch' + {ms} * interval '1 millisecond'");
            format!("{column} >= {} AND {column} < {}", at(from), at(until))
        };
        let sql = format!(
            "(SELECT count(*) * 1000000 + count(*) FILTER (WHERE failed) FROM ( \
             SELECT lower(status) IN ('failed', 'failure', 'error') AS failed FROM turbobackend.project_actions \
                 WHERE created_at >= {from} AND created_at < {until} AND {} \
             UNION ALL SELECT status = 'FAILED' FROM \"ActivityEvent\" WHERE {} AND {} \
             UNION ALL SELECT false FROM \"ActivityLog\" WHERE {} AND {}) x)",
            of("project_id"),
            time("\"createdAt\""),
            of("\"projectId\""),
            time("\"createdAt\""),
            of("\"projectId\""),
        );
        let both = self.count(&sql);
        (both / 1_000_000, both % 1_000_000)
    }

    /// Each day of each zone holds what the tables hold, for a project and for all.
    fn check(&mut self, who: &Person, project: ProjectId) -> i64 {
        let mut sum = 0;
        for zone in [Tz::UTC, Tz::America__New_York, Tz::Asia__Kathmandu] {
            for (counted, of) in
                [(self.counted(who, project, zone), Some(project)), (self.total(who, zone), None)]
            {
                assert_eq!(counted.days.len(), 30);
                assert!(counted.as_of.is_some());
                for count in &counted.days {
                    let rows = self.rows_of_day(count.date, zone, of);
                    assert_eq!((count.entries, count.failed), rows, "{:?} {zone} {of:?}", count.date);
                }
                sum = counted.days.iter().map(|day| day.entries).sum();
            }
        }
        sum
    }

    fn keep(&self) {
        assert_eq!(rollup::keep(&self.db).unwrap(), Kept::Complete);
    }
}

/// Ada's project with rows of every source around midnights, beside somebody else's and nobody's.
fn filled() -> (World, Person, Person, ProjectId) {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    let other = world.project(&admin, "other");
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, status, created_at) \
         SELECT 'a' || n, CASE n % 4 WHEN 0 THEN '{other}' WHEN 1 THEN NULL ELSE '{shop}' END, \
                CASE n % 7 WHEN 0 THEN 'failed' WHEN 1 THEN 'Error' ELSE 'success' END, {NOON} - n * 1700000 \
         FROM generate_series(0, 900) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         SELECT 'e' || n, '{shop}', 'APR_REVIEW', 'x', 'x', \
                CASE n % 5 WHEN 0 THEN 'FAILED' ELSE 'COMPLETED' END::\"ActivityEventStatus\", \
                timestamp '2025-11-20 00:14:59.999' - n * interval '3 hours 7 minutes' FROM generate_series(0, 100) n; \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\", \"createdAt\") \
         SELECT CASE n % 2 WHEN 0 THEN '{shop}' END, 'x', timestamp '2025-11-19' + n * interval '5 minutes' \
         FROM generate_series(0, 50) n"
    ));
    (world, ada, admin, shop)
}

#[test]
fn every_day_holds_what_the_tables_hold_in_every_zone() {
    let (mut world, _, admin, shop) = filled();
    assert_eq!(world.counted(&admin, shop, Tz::UTC).as_of, None, "nothing is counted yet");
    world.keep();
    assert!(world.check(&admin, shop) > 500);
}

#[test]
fn late_moved_and_deleted_rows_are_counted_where_they_belong() {
    let (mut world, _, admin, shop) = filled();
    world.keep();
    let before = world.check(&admin, shop);
    // A worker's old row, one whose outcome is known later, one that moves to another day, and a purge.
    world.action("late", shop, NOON - 300 * HOUR, ", status", ", 'failed'");
    world.execute(
        "UPDATE \"ActivityEvent\" SET status = 'FAILED' WHERE id = 'e7'; \
         UPDATE turbobackend.project_actions SET created_at = created_at - 86400000 WHERE action_id = 'a6'; \
         DELETE FROM turbobackend.project_actions WHERE action_id IN ('a2', 'a3', 'a4', 'a5'); \
         DELETE FROM \"ActivityLog\" WHERE \"projectId\" IS NULL",
    );
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.recount_marks)"), 9);
    world.keep();
    assert_eq!(world.check(&admin, shop), before + 1 - 4 - 25);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.recount_marks)"), 0);
    world.execute("TRUNCATE \"ActivityLog\"");
    world.keep();
    world.check(&admin, shop);
}

#[test]
fn an_import_of_old_times_is_counted_in_batches() {
    let (mut world, _, admin, shop) = filled();
    world.keep();
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) \
         SELECT 'old' || n, '{shop}', {NOON} - n * 86400000::bigint FROM generate_series(1, 6000) n"
    ));
    world.keep();
    world.check(&admin, shop);
    assert_eq!(
        world.count(
            "(SELECT sum(n) FROM pilothouse.daily_activity, unnest(entries) n) \
             - (SELECT count(*) FROM turbobackend.project_actions) \
             - (SELECT count(*) FROM \"ActivityEvent\") - (SELECT count(*) FROM \"ActivityLog\")"
        ),
        0
    );
}

#[test]
fn times_that_no_page_can_show_are_kept_out_and_break_nothing() {
    let (mut world, _, admin, shop) = filled();
    for (id, at) in [("max", i64::MAX), ("min", i64::MIN), ("zero", 0), ("seconds", 1_763_640_000)] {
        world.action(id, shop, at, "", "");
    }
    world.execute(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, \"createdAt\") VALUES \
         ('in', '{shop}', 'APR_REVIEW', 'x', 'x', 'infinity'), ('out', '{shop}', 'APR_REVIEW', 'x', 'x', '-infinity'); \
         INSERT INTO \"ActivityLog\" (\"activityType\", \"createdAt\") VALUES ('x', '-infinity')"
    ));
    world.keep();
    world.check(&admin, shop);
    world.execute("UPDATE turbobackend.project_actions SET created_at = NULL WHERE action_id = 'max'");
    world.execute("DELETE FROM turbobackend.project_actions WHERE created_at < 1000");
    world.execute("UPDATE \"ActivityEvent\" SET \"createdAt\" = '2025-11-02' WHERE id = 'in'");
    world.keep();
    world.check(&admin, shop);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.trigger_failures)"), 0);
}

#[test]
fn what_no_mark_told_of_is_found_by_the_daily_recount() {
    let (mut world, _, admin, shop) = filled();
    world.keep();
    world.execute(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at) VALUES ('restored', '{shop}', {NOON}); \
         DELETE FROM turbobackend.project_actions WHERE action_id LIKE 'a1%'; \
         DELETE FROM pilothouse.recount_marks; \
         UPDATE pilothouse.rollups SET recounted_at = now() - interval '25 hours'"
    ));
    world.keep();
    world.check(&admin, shop);
}

#[test]
fn owners_see_their_own_days_alone() {
    let (mut world, ada, _, shop) = filled();
    let bob = world.owner("bob");
    world.keep();
    let sum = |daily: &Daily| daily.days.iter().map(|day| day.entries).sum::<i64>();
    assert!(sum(&world.counted(&ada, shop, Tz::UTC)) > 100);
    assert_eq!(sum(&world.counted(&bob, shop, Tz::UTC)), 0);
    let all = world
        .db
        .read_blocking(&ada.actor, |conn| daily::of_everything(conn, &span(Tz::UTC)).map_err(DbError::from));
    assert!(all.is_err(), "an owner may not read the instance's sums");
}

#[test]
fn two_instances_do_not_count_at_once_and_nothing_is_counted_twice() {
    let (mut world, _, admin, shop) = filled();
    world.execute("BEGIN; SELECT pg_advisory_xact_lock(x'726f6c6c75703030'::bigint)");
    assert_eq!(rollup::keep(&world.db).unwrap(), Kept::Elsewhere);
    assert_eq!(world.counted(&admin, shop, Tz::UTC).as_of, None);
    world.execute("COMMIT");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| rollup::keep(&world.db).unwrap());
        }
    });
    world.keep();
    world.check(&admin, shop);
}
