//! The feed and the counts of seed 003, for people and programs.

use chrono::{DateTime, Utc};
use pilothouse::{activity, insights};
use serde_json::{Map, Value, json};

use super::Program;
use crate::support::console::Console;

#[test]
fn the_feed_pages_through_every_event_that_its_reader_sees_once() {
    let console = Console::start();
    let (ada, grace, admin) = (console.owner(), console.owner(), console.admin());
    let (shop, blog, hers) =
        (console.project(&ada, "shop"), console.project(&ada, "blog"), console.project(&grace, "hers"));
    for (project, n) in [(&shop, 23), (&blog, 11), (&hers, 7)] {
        console.sql(&format!(
            "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
             SELECT '{project} ' || n, '{project}', CASE WHEN n % 2 = 0 THEN 'APR_REVIEW' ELSE 'APR_FAILED' END::\"ActivityEventType\", 'x', 'x', \
                 CASE WHEN n % 2 = 0 THEN 'COMPLETED' ELSE 'FAILED' END::\"ActivityEventStatus\", n * 100, \
                 timezone('UTC', now()) - (n / 3) * interval '1 minute' FROM generate_series(1, {n}) n"
        ));
    }
    // Operations stand among a timeline's events, and are none; what a program calls like one is.
    console.sql(&format!(
        "INSERT INTO pilothouse.operations (id, verb, project_id, owner_id, asked_by, asked_by_name) \
         SELECT 'op_' || md5(n::text), 'stop', '{shop}', '{0}', '{0}', 'Ada' FROM generate_series(1, 20) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status) \
         VALUES ('op_reported', '{shop}', 'APR_FAILED', 'x', 'x', 'FAILED')",
        ada.id
    ));
    let ci = Program::of(&console, &ada, &shop, "read");
    console.sql(&format!("INSERT INTO pilothouse.api_token_projects VALUES ('{}', '{blog}')", ci.id));
    let walk = |get: &dyn Fn(&str) -> crate::support::answer::Answer, query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&format!("/api/activity/feed?limit=5{query}{cursor}")).expect(200).json();
            seen.extend(
                page["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["id"].as_str().unwrap().to_owned()),
            );
            assert_eq!(page["pagination"]["has_more"], !page["pagination"]["next_cursor"].is_null());
            let Some(next) = page["pagination"]["next_cursor"].as_str() else { return seen };
            cursor = format!("&cursor={next}");
        }
    };
    let stored = |of: &[&String]| {
        let list = of.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
        let all = console.text(&format!(
            "SELECT string_agg(id, '|' ORDER BY at DESC, id COLLATE \"C\" DESC) FROM pilothouse.timeline \
             WHERE source = 'event' AND kind <> 'CONTAINER_STOP' AND project_id::text IN ({list})"
        ));
        all.split('|').map(str::to_owned).collect::<Vec<_>>()
    };
    let both = stored(&[&shop, &blog]);
    assert_eq!(walk(&|path| ada.get(path), ""), both);
    assert_eq!(walk(&|path| ci.get(path), ""), both, "a token of several projects");
    assert_eq!(walk(&|path| admin.get(path), ""), stored(&[&shop, &blog, &hers]));
    assert_eq!(walk(&|path| ci.get(path), &format!("&projectId={blog}")), stored(&[&blog]));
    assert_eq!(walk(&|path| ada.get(path), "&eventType=APR_REVIEW&status=COMPLETED").len(), 11 + 5);
    assert!(walk(&|path| ada.get(path), "&from=2020-01-01&to=2020-02-01").is_empty());
    ada.get(&format!("/api/activity/feed?projectId={hers}")).expect(404);
    ci.get(&format!("/api/insights/codebase?projectId={hers}")).expect(404);
    for bad in [
        "limit=0",
        "cursor=x",
        "status=DONE",
        "eventType=BREWING",
        "from=noon",
        "from=2020-02-01&to=2020-01-01",
    ] {
        ada.get(&format!("/api/activity/feed?{bad}")).expect(400);
    }
    for bad in ["days=0", "days=x", "days=100000"] {
        ada.get(&format!("/api/insights/codebase?{bad}")).expect(400);
    }
}

/// The insights that the rows themselves give, of these projects, since the quarter of an hour `days` ago.
fn of_rows(console: &Console, projects: &[&String], days: i64) -> [Value; 2] {
    let list = projects.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    ["\"eventType\"", "status"].map(|by| {
        let told = console.text(&format!(
            "SELECT coalesce(json_object_agg(word, n), '{{}}')::text FROM (SELECT {by} AS word, count(*) AS n FROM \"ActivityEvent\" \
             WHERE \"projectId\" IN ({list}) AND \"createdAt\" >= date_bin('15 minutes', timezone('UTC', now()) - interval '{days} days', \
                 timestamp '2000-01-01') GROUP BY 1) x"
        ));
        serde_json::from_str(&told).unwrap()
    })
}

#[test]
fn counts_of_events_equal_the_rows_late_and_changed_ones_included() {
    let console = Console::start();
    let (ada, grace, admin) = (console.owner(), console.owner(), console.admin());
    let (shop, blog, hers) =
        (console.project(&ada, "shop"), console.project(&ada, "blog"), console.project(&grace, "hers"));
    let ci = Program::of(&console, &ada, &shop, "read");
    let all = Program::of(&console, &admin, &shop, "read");
    console.sql(&format!("UPDATE pilothouse.api_tokens SET all_projects = true WHERE id = '{}'", all.id));
    assert!(ci.get("/api/insights/codebase").expect(200).json()["asOf"].is_null(), "nothing is counted yet");
    for (project, n) in [(&shop, 230), (&blog, 110), (&hers, 70)] {
        console.sql(&format!(
            "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
             SELECT '{project} ' || n, '{project}', CASE WHEN n % 2 = 0 THEN 'APR_REVIEW' ELSE 'APR_FAILED' END::\"ActivityEventType\", 'x', 'x', \
                 CASE WHEN n % 3 = 0 THEN 'COMPLETED' ELSE 'FAILED' END::\"ActivityEventStatus\", CASE WHEN n % 5 > 0 THEN n * 100 END, \
                 timezone('UTC', now()) - n * interval '97 minutes' FROM generate_series(1, {n}) n; \
             INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, created_at) \
             VALUES ('a{project}', '{project}', 'APR_REVIEW', 'FAILED', floor(extract(epoch FROM now()) * 1000))"
        ));
    }
    let equal = || {
        activity::rollup::keep(&console.app.db).unwrap();
        insights::rollup::keep(&console.app.db, || false).unwrap();
        let mine = [&shop, &blog];
        let every = [&shop, &blog, &hers];
        for (days, query) in [(1, "days=1"), (7, "days=7"), (30, "")] {
            let ask = |path: &str| format!("/api/insights/codebase?{query}{path}");
            let of_blog = ask(&format!("&projectId={blog}"));
            for (answer, projects) in [
                (ada.get(&ask("")), &mine[..]),
                (admin.get(&ask("")), &every[..]),
                (ci.get(&ask("")), &[&shop][..]),
                (all.get(&ask("")), &every[..]),
                (ada.get(&of_blog), &[&blog][..]),
                (all.get(&of_blog), &[&blog][..]),
            ] {
                let told = answer.expect(200).json();
                let counted = of_rows(&console, projects, days);
                assert_eq!(
                    [told["totals"].clone(), told["byStatus"].clone()],
                    counted,
                    "{query} {projects:?}"
                );
            }
        }
    };
    equal();
    let told = ci.get("/api/insights/codebase").expect(200).json();
    let as_of: DateTime<Utc> = told["asOf"].as_str().unwrap().parse().unwrap();
    assert!(as_of <= Utc::now());
    // 115 reviews, every fifth without a duration; the middle and the 95th of a hundred to 5 %.
    let review = &told["durations"]["APR_REVIEW"];
    assert_eq!(review["count"], 92);
    for (name, exact) in [("p50", 11_400), ("p95", 21_800)] {
        let told = review[name].as_i64().unwrap();
        assert!((told - exact).abs() * 20 <= exact, "{name}: {told} for {exact}");
    }
    // One that came late, some that ended otherwise or later, one that moved to another day, and purges.
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         VALUES ('late', '{shop}', 'INDEXING_STARTED', 'x', 'x', 'IN_PROGRESS', timezone('UTC', now()) - interval '9 days'); \
         UPDATE \"ActivityEvent\" SET status = 'COMPLETED', duration = 5 WHERE id LIKE '% 1_'; \
         UPDATE \"ActivityEvent\" SET \"createdAt\" = \"createdAt\" - interval '3 days', \"eventType\" = 'APR_REVIEW' WHERE id LIKE '% 3'; \
         DELETE FROM \"ActivityEvent\" WHERE id LIKE '% 2_'; DELETE FROM \"ActivityEvent\" WHERE \"projectId\" = '{hers}'"
    ));
    equal();
    let nothing = grace.get("/api/insights/codebase").expect(200).json();
    assert_eq!(nothing["totals"], Value::Object(Map::new()));
    assert_eq!(nothing["durations"], json!({}));
    // Counts are all that is read.
    let plan = console
        .app
        .db
        .read_blocking(&pilothouse::db::Actor::System, |conn| {
            let reach = pilothouse::reports::feed::Reach::Everything;
            Ok::<_, pilothouse::db::DbError>(pilothouse::reports::insights::counts(reach, 0).explain(conn)?)
        })
        .unwrap()
        .join("\n");
    assert!(plan.contains("daily_events") && !plan.contains("timeline"), "{plan}");
}
