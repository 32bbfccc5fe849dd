//! What containers use, and when they ran.

use super::{Scene, until};
use crate::support::engine::PATIENT;

#[test]
fn what_a_container_uses_is_sampled_and_shown_and_one_that_does_not_run_has_a_dash() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.container("trap 'exit 0' TERM; while true; do :; done");
    let (idle, _) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    let samples = format!("pilothouse.samples WHERE container_id = '{row}'");
    until("it is sampled twice", || scene.console.count(&format!("{samples} AND cpu > 10")) > 0);
    assert!(
        scene.console.holds(&format!(
            "(SELECT bool_and(memory > 0 AND processes >= 1 AND received IS NULL) FROM {samples})"
        )),
        "it has no network, and so no figure of one"
    );
    assert_eq!(scene.console.count(&format!("pilothouse.samples WHERE container_id = '{idle}'")), 0);

    let path = format!("/containers/{row}/figures");
    let page = scene.owner.get(&path).expect(200);
    let now = page.text("dl.figures");
    assert!(now.contains('%') && now.contains("of ") && now.contains("Network—"), "{now}");
    let drawn = |chart: &str| page.has(&format!("svg[aria-labelledby^={chart}] path"));
    assert!(drawn("cpu") && drawn("memory") && drawn("processes") && !drawn("network"));
    assert!(!page.texts(".chart-table tbody tr").is_empty());
    assert!(page.has("line.mark"), "its start is marked");
    scene.console.owner().get(&path).expect(404);
    for hours in ["1", "6", "24", "168", "720", "8760"] {
        scene.admin.get(&format!("{path}?hours={hours}")).expect(200);
    }
    scene.owner.get(&format!("{path}?hours=2")).expect(400);
    let none = scene.owner.get(&format!("/containers/{idle}/figures")).expect(200);
    assert!(none.text("main").contains("There is no figure") && !none.has("svg path"));
    scene.engine.outside(&["rm", "-f", &id]);
}

#[test]
fn samples_are_thinned_out_after_a_day_and_after_a_week_and_forgotten_after_a_year() {
    let console = crate::support::console::Console::start();
    console.sql(
        "INSERT INTO pilothouse.samples (container_id, at) \
         SELECT '30000000-0000-0000-0000-00000000000a'::uuid, date_trunc('hour', now()) - interval '2 days' + n * interval '30 seconds' \
         FROM generate_series(0, 19) n \
         UNION ALL SELECT '30000000-0000-0000-0000-00000000000a'::uuid, date_trunc('hour', now()) - interval '12 days' + n * interval '5 minutes' \
         FROM generate_series(0, 23) n \
         UNION ALL SELECT '30000000-0000-0000-0000-00000000000a'::uuid, now() - n * interval '365 days' FROM generate_series(1, 2) n \
         UNION ALL SELECT '30000000-0000-0000-0000-00000000000a'::uuid, now() - n * interval '30 seconds' FROM generate_series(0, 19) n",
    );
    let prune = || {
        console.app.db.write_blocking(&pilothouse::db::Actor::System, |conn| {
            pilothouse::figures::prune(conn).map_err(pilothouse::db::DbError::from)
        })
    };
    assert!(!prune().unwrap());
    for (from, until, kept, why) in [
        ("1000 days", "366 days", 0, "nothing is kept longer than a year"),
        ("366 days", "30 days", 1, "what is a year old"),
        ("30 days", "8 days", 2, "one in an hour"),
        ("8 days", "1 day", 2, "one in five minutes"),
        ("1 day", "0 days", 20, "each of them"),
    ] {
        let between = format!("at >= now() - interval '{from}' AND at < now() - interval '{until}'");
        let between = between.replace("at < now() - interval '0 days'", "true");
        assert_eq!(console.count(&format!("pilothouse.samples WHERE {between}")), kept, "{why}");
    }
}

#[test]
fn each_run_is_in_the_strip_and_in_the_table_behind_it() {
    let console = crate::support::console::Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let row = console.container(&owner, "shop-web");
    console.sql(&format!(
        "UPDATE containers SET container_id = 'abc', status = 'running' WHERE id = '{row}'; \
         INSERT INTO turbobackend.container_sessions (session_id, container_id, status, exit_code, created_at, ended_at) \
         SELECT 'r' || n, 'abc', CASE n WHEN 2 THEN 'failed' WHEN 0 THEN 'running' ELSE 'stopped' END, CASE n WHEN 2 THEN 137 ELSE 0 END, \
             (extract(epoch FROM now()) * 1000)::bigint - n::bigint * 86400000 - 3600000, \
             CASE WHEN n > 0 THEN (extract(epoch FROM now()) * 1000)::bigint - n::bigint * 86400000 END \
         FROM generate_series(0, 40, 2) n"
    ));
    let page = owner.get(&format!("/containers/{row}")).expect(200);
    assert_eq!(page.select(".strip rect.bar").len(), 15, "those of thirty days");
    assert_eq!(page.select(".strip rect.bar-bad").len(), 1);
    assert!(page.text(".strip figcaption").starts_with("15 runs in the last 30 days, 1 of them failed"));
    let table =
        owner.get(&page.attribute(&format!("main a[href='/containers/{row}/runs']"), "href")).expect(200);
    let rows = table.texts(".list tbody tr");
    assert_eq!(rows.len(), 15);
    assert!(rows[0].contains("1 h 0 m") && rows[1].contains("137"), "{rows:?}");
    stranger.get(&format!("/containers/{row}/runs")).expect(404);
}
