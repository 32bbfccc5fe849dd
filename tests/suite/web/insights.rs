//! The pages of insights.

use pilothouse::{activity, insights};

use crate::support::console::Console;

fn count(console: &Console) {
    activity::rollup::keep(&console.app.db).unwrap();
    insights::rollup::keep(&console.app.db, || false).unwrap();
}

#[test]
fn a_project_shows_how_much_how_well_and_how_long_and_what_is_slower_than_usual() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop");
    let address = format!("/projects/{project}/insights");
    assert!(owner.get(&address).expect(200).body.contains("Nothing is counted yet"));
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
         SELECT 'e' || n, '{project}', 'APR_REVIEW', 'x', 'Review ' || n, \
                CASE n WHEN 3 THEN 'FAILED' ELSE 'COMPLETED' END::\"ActivityEventStatus\", 1000 + n, (now() - n * interval '1 hour') AT TIME ZONE 'UTC' \
         FROM generate_series(1, 19) n; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         VALUES ('now', '{project}', 'APR_REVIEW', 'x', 'Review now', 'IN_PROGRESS', (now() - interval '10 minutes') AT TIME ZONE 'UTC'); \
         INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, model, cost_usd, created_at) \
         VALUES ('c', '{project}', '=evil', 1.25, floor(extract(epoch FROM now()) * 1000))"
    ));
    count(&console);
    let page = owner.get(&address).expect(200);
    assert!(page.body.contains("Review 19") && page.body.contains("/events/e19"), "the slowest is linked");
    assert!(page.body.contains("$1.25") && page.body.contains("5.0 %"), "{}", page.body);
    assert!(
        page.body.contains("Running now") && !page.body.contains("slower than usual"),
        "19 are not enough"
    );
    let timeline = format!("/projects/{project}/activity");
    assert!(!owner.get(&timeline).expect(200).body.contains("slower than usual"), "19 are not enough");
    console.sql("UPDATE \"ActivityEvent\" SET status = 'COMPLETED' WHERE id = 'e1'");
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, duration, \"createdAt\") \
         VALUES ('e20', '{project}', 'APR_REVIEW', 'x', 'Review 20', 'COMPLETED', 900, (now() - interval '2 hours') AT TIME ZONE 'UTC')"
    ));
    count(&console);
    for (who, address) in [(&owner, address.as_str()), (&owner, "/insights"), (&admin, "/insights")] {
        let body = who.get(address).expect(200).body;
        assert!(body.contains("slower than usual") && body.contains("longer than 95 of 100"), "{address}");
    }
    // So does every list of what runs, and the event itself.
    let own = format!("/projects/{project}");
    for (who, address) in [
        (&owner, "/"),
        (&admin, "/"),
        (&owner, own.as_str()),
        (&owner, &format!("{own}/activity")),
        (&admin, "/activity"),
        (&owner, "/events/now"),
    ] {
        let body = who.get(address).expect(200).body;
        assert!(body.contains("slower than usual") && !body.contains("data-usual"), "{address}: {body}");
    }

    // What is not slow yet says from when on it will be.
    console.sql("UPDATE \"ActivityEvent\" SET duration = 3600000 WHERE duration IS NOT NULL");
    count(&console);
    let body = owner.get(&timeline).expect(200).body;
    assert!(!body.contains("slower than usual") && body.contains("data-usual=\"3"), "{body}");
    console.sql("UPDATE \"ActivityEvent\" SET duration = 900 WHERE duration IS NOT NULL");

    // Files say the same, and run nothing in a spreadsheet.
    let types = owner.get("/insights?table=types&format=csv").expect(200);
    assert!(types.header("content-disposition").contains("pilothouse-insights-types-"));
    assert!(
        types.body.contains("\"APR_REVIEW\"") && types.body.contains("\"21\",\"1\",\"20\""),
        "{}",
        types.body
    );
    let costs = owner.get("/insights?table=costs").expect(200);
    assert!(costs.body.contains("\"'=evil\",\"1\",\"0\",\"1250000\""), "{}", costs.body);
    let days = owner.get("/insights?table=days&format=jsonl").expect(200);
    assert!(days.body.lines().all(|line| line.starts_with("{\"day\":")), "{}", days.body);
    assert!(owner.get("/insights?table=x").expect(400).body.contains("There is no table"));

    // A filter that nothing matches says so; days that make no sense are named; a project leads to its page.
    let nothing = owner.get("/insights?environment=moon&from=2001-01-01&to=2001-01-31").expect(200);
    assert!(nothing.body.contains("Nothing happened on these days"));
    assert!(owner.get("/insights?from=tomorrow").expect(400).body.contains("from is no day"));
    let chosen = owner.get(&format!("/insights?project={project}&from=2026-01-01")).expect(303);
    assert_eq!(chosen.location(), format!("{address}?from=2026-01-01"));
    owner.get("/insights?project=x").expect(404);
}
