//! Whether requests can be served, asked by machines.

use std::time::Duration;

use reqwest::Method;

use crate::support::console::Console;

#[test]
fn a_crowd_that_asks_for_readiness_costs_one_question() {
    let (console, wire) = Console::wired();
    console.anonymous().get("/readyz").expect(200);
    let of_one = wire.trips();
    assert!(of_one > 0);
    std::thread::sleep(Duration::from_secs(2));
    wire.trips();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(console.anonymous().get("/readyz").status, 200));
        }
    });
    assert!(wire.trips() <= of_one, "fifty ask as much as one");
    console.app.draining.begin();
    assert_eq!(console.anonymous().get("/readyz").expect(503).json()["status"], "stopping");
}

#[test]
fn a_good_answer_is_kept_for_two_seconds_and_a_bad_one_for_a_quarter() {
    let console = Console::start();
    let anybody = console.anonymous();
    anybody.get("/readyz").expect(200);
    console.sql("ALTER TABLE file_storage RENAME COLUMN file_path TO place");
    let until_told = (0..200).take_while(|_| {
        std::thread::sleep(Duration::from_millis(20));
        anybody.get("/readyz").status == 200
    });
    assert!(until_told.count() < 150);
    let told = anybody.get("/readyz").expect(503);
    assert!(!told.header("retry-after").is_empty());
    console.sql("ALTER TABLE file_storage RENAME COLUMN place TO file_path");
    std::thread::sleep(Duration::from_millis(250));
    anybody.get("/readyz").expect(200);
}

#[test]
fn what_is_wrong_with_the_database_is_told_to_this_machine_and_to_admins() {
    let console = Console::start();
    let (owner, admin, nobody) = (console.owner(), console.admin(), console.anonymous());
    console.sql("ALTER TABLE file_storage RENAME COLUMN file_path TO place");
    let here = nobody.get("/readyz").expect(503).json();
    assert!(here["schema_drift"].to_string().contains("file_path"), "{here}");
    assert_eq!(here["pending_migrations"].to_string(), "[]");
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-proto"] {
        let through_a_proxy = |person: &crate::support::console::Person| {
            let request = person.request(Method::GET, "/readyz").header(header, "198.51.100.7");
            person.send(request).expect(503).json()
        };
        let told = [&nobody, &owner].map(|person| through_a_proxy(person).to_string());
        assert_eq!(told, [r#"{"status":"unavailable"}"#; 2], "{header}");
        assert_eq!(through_a_proxy(&admin), here, "{header}");
    }
}

#[test]
fn a_missing_index_and_a_missing_database_are_told_as_before() {
    let console = Console::start();
    console.sql("DROP INDEX turbobackend.project_actions_time_idx");
    let ready = console.anonymous().get("/readyz").expect(200).json();
    assert_eq!(ready["status"], "ready");
    assert!(ready["schema_drift"].to_string().contains("project_actions_time_idx"), "{ready}");

    let nowhere = Console::looking_at("postgres://nobody@127.0.0.1:1/nothing");
    let ready = nowhere.anonymous().get("/readyz").expect(503).json();
    assert_eq!(ready["database"], "unreachable or not migrated");
}
