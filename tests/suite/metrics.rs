//! What `/metrics` says, to whom, and that rules and dashboard ask for nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::console::Console;

/// The names of what is counted, without what a histogram or a counter adds.
fn names(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("pilothouse_")
        .map(|(at, _)| text[at..].split(|c| !is_word(c)).next().unwrap_or_default())
        .map(|name| {
            let endings = ["_bucket", "_sum", "_count", "_total"];
            endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
        })
        .collect()
}

#[test]
fn figures_are_in_prometheus_format_with_labels_out_of_closed_lists() {
    let console = Console::start();
    let admin = console.admin();
    admin.get("/projects").expect(200);
    admin.get("/projects/00000000-0000-4000-8000-000000000000").expect(404);
    admin.get("/no/such/page").expect(404);
    console.sql(
        "INSERT INTO pilothouse.backups (name, kind, state, began_at, proven_at) VALUES \
             ('a', 'base', 'proven', now() - interval '1 hour', now() - interval '30 minutes'); \
         INSERT INTO pilothouse.schedules (kind, pattern, next_at, due_since) VALUES ('retain', '@daily', now(), now() - interval '1 hour')",
    );
    let text = console.anonymous().get("/metrics").expect(200).body;
    for expected in [
        "pilothouse_http_requests_total{method=\"GET\",route=\"/projects\",status=\"200\"} 1",
        "route=\"/projects/{id}\",status=\"404\"} 1",
        "route=\"none\",status=\"404\"} 1",
        "pilothouse_http_request_duration_seconds_bucket{le=\"+Inf\",method=\"GET\",route=\"/projects\"} 1",
        "pilothouse_database_up 1.0",
        "pilothouse_backup_proof_age_seconds 18",
        "pilothouse_duty_overdue_seconds{duty=\"retain\"} 36",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("00000000-0000") && !text.contains("no/such"), "{text}");
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    let types: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "each once: {types:?}");
}

#[test]
fn figures_are_for_this_machine_or_for_whoever_has_the_token() {
    let console = Console::start();
    let visitor = console.anonymous();
    for header in ["x-forwarded-for", "via", "x-real-ip"] {
        let request = visitor.request(reqwest::Method::GET, "/metrics").header(header, "198.51.100.7");
        visitor.send(request).expect(404);
    }
    let console = Console::with(&[("PILOTHOUSE_METRICS_TOKEN", "a token of the scraper")]);
    let visitor = console.anonymous();
    visitor.get("/metrics").expect(401);
    let with = |token: &str| {
        let request =
            visitor.request(reqwest::Method::GET, "/metrics").header("x-forwarded-for", "198.51.100.7");
        visitor.send(request.header("authorization", format!("Bearer {token}")))
    };
    with("another token").expect(401);
    assert!(with("a token of the scraper").expect(200).body.contains("pilothouse_streams"));
}

#[test]
fn rules_and_dashboard_ask_for_figures_that_there_are_and_the_handbook_explains_every_alert() {
    let console = Console::start();
    console.sql(
        "INSERT INTO pilothouse.archives (system_id, archived_until) VALUES ('1', now()); \
         INSERT INTO pilothouse.backups (name, kind, state, began_at, proven_at) VALUES ('a', 'base', 'proven', now(), now()); \
         INSERT INTO pilothouse.buckets (name, place, region) VALUES ('far', 'x', 'x'); \
         INSERT INTO pilothouse.jobs (kind) VALUES ('waits'); \
         INSERT INTO pilothouse.schedules (kind, pattern, next_at, last_success_at) \
             VALUES ('end_silent_events', '@daily', now() + interval '1 day', now())",
    );
    console.admin().get("/").expect(200);
    let told = || console.anonymous().get("/metrics").expect(200).body;
    // Its jobs take a bucket away that is not configured.
    let mut known = names(&told());
    let _runner = pilothouse::jobs::start(console.app.clone());
    while !told().contains("pilothouse_errand_age_seconds{") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    known.extend(names(&told()));
    let read = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
    };
    let (rules, dashboard, handbook) = (read("alerts.yml"), read("dashboard.json"), read("operations.md"));
    for text in [&rules, &dashboard] {
        let asked = names(text);
        assert!(asked.len() > 8 && asked.is_subset(&known), "{:?}", asked.difference(&known));
    }
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    // Where Debian's package prometheus is.
    match std::process::Command::new("promtool").args(["check", "rules", "docs/alerts.yml"]).output() {
        Ok(told) => assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr)),
        Err(_) => eprintln!("promtool is not installed: the rules are held against the figures alone"),
    }
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(handbook.contains(&format!("| {alert} |")), "{alert} is not explained");
    }
}
