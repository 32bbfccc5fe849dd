//! What workers write that nobody expects: pages must show it as it is.

use serde_json::json;

use super::cast::Project;
use super::rows::Action;
use super::world::{DAY, HOUR, MINUTE, World};

/// Adds odd rows to a life that is told already.
pub(super) fn add(world: &mut World, projects: &[Project]) {
    let [shop, docs, ..] = projects else { return };
    let days = |days: i64| world.now - days * DAY - 3 * HOUR;
    let (first, second, third) = (days(2), days(9), days(15));

    let mut thread = world.thread(shop, first);
    world.act(
        &mut thread,
        ("feature_flag_toggled", "Turned \u{201c}new-checkout\u{201d} on for 5 % of visitors".to_owned()),
        ("skipped_by_policy", "qa-7"),
        json!({ "flag": "new-checkout", "share": 0.05, "regions": ["eu", "us"], "previous": null }),
    );
    let mut thread = world.thread(docs, second);
    let name = "<script>alert(1)</script>";
    world.act(
        &mut thread,
        ("database_created", format!("Database '{name}' created with 0 tables")),
        ("failed", "development"),
        json!({ "database_name": name, "branch_name": "feature/\"quotes\" & <b>bold</b>" }),
    );
    let mut thread = world.thread(docs, third);
    let long = "node_modules/".repeat(15) + "index.js";
    world.push(&mut thread, "main", "Vendor a package <img src=x onerror=alert(1)>", &[&long]);

    // Turned-around text in chat: "gpj.exe" reads as "exe.jpg" where nothing isolates it.
    let thread = world.thread(shop, first + 5 * MINUTE);
    world.say(
        &thread,
        "chat_odd",
        "user",
        "Why is invoice\u{202e}gpj.exe\u{202c} in the uploads folder?".to_owned(),
    );
    world.say(&thread, "chat_odd", "user", format!("{name} {}", "W".repeat(200)));

    // Nobody knows these projects; only admins see them.
    for (project, user) in [("project_123", None), ("00000000-0000-4000-8000-00000000dead", Some("user_456"))]
    {
        let (action_id, request_id) = (world.id("act"), world.id("req"));
        world.rows.actions.push(Action {
            action_id,
            project_id: project.to_owned(),
            user_id: user.map(str::to_owned),
            request_id: Some(request_id),
            action_type: "deployment".to_owned(),
            action_details: "Deployed to production: https://orphan.apps.demo.test".to_owned(),
            status: "success",
            environment: "production",
            reference_ids: json!({ "app_name": "orphan" }),
            created_at: third,
        });
    }
}
