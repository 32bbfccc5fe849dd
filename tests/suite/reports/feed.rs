//! The feed and the counts of seed 003, for people and programs.

use serde_json::json;

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
             WHERE source = 'event' AND project_id::text IN ({list})"
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
    let insights = ci.get("/api/insights/codebase?days=7").expect(200).json();
    assert_eq!(insights["totals"], json!({"APR_FAILED": 12 + 6, "APR_REVIEW": 11 + 5}));
    assert_eq!(insights["byStatus"], json!({"COMPLETED": 16, "FAILED": 18}));
    assert_eq!(insights["durations"]["APR_REVIEW"], json!({"count": 16, "p50": 800, "p95": 2200}));
    assert!(insights["asOf"].as_str().unwrap().ends_with('Z'));
    for bad in ["days=0", "days=x", "days=100000"] {
        ada.get(&format!("/api/insights/codebase?{bad}")).expect(400);
    }
}
