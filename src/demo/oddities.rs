//! What workers write that nobody expects: pages must show it as it is.

use serde_json::json;

use super::cast::Project;
use super::rows::Action;
use super::world::{DAY, HOUR, MINUTE, SECOND, World};

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

    odd_files(world, shop, docs);
    odd_talk(world, shop, first);
    world.long_conversation(shop);

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

/// Names that pages have to show as they are, many files in one directory, and some that are gone again.
fn odd_files(world: &mut World, shop: &Project, docs: &Project) {
    let long = format!("docs/{}.md", "n".repeat(300));
    let uploads = [
        "uploads/<img src=x onerror=alert(1)>.png",
        "uploads/=HYPERLINK(\"http://evil.example\",\"Invoice\").csv",
        "uploads/invoice\u{202e}gpj.exe",
        "uploads/🦀 crab & co.md",
        "../../etc/passwd",
        "src//double.ts",
        "src\\windows\\path.ts",
        "uploads/line\nbreak.txt",
        "uploads",
        &long,
    ];
    let mut thread = world.thread(shop, world.now - 11 * DAY - 4 * HOUR);
    world.push(&mut thread, "main", "Keep what visitors upload", &uploads);
    world.deploy(&mut thread, "production", None);
    world.pass(&mut thread, 5 * MINUTE, 20 * MINUTE);
    world.push(&mut thread, "main", "Remove uploads that nobody uses", &uploads[1..3]);
    world.deploy(&mut thread, "production", None);

    let pages: Vec<String> = (1..=180).map(|n| format!("content/handbook/page-{n:03}.md")).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let mut thread = world.thread(docs, world.now - 25 * DAY - 5 * HOUR);
    world.push(&mut thread, "main", "Bring over the old handbook", &pages);
    world.deploy(&mut thread, "production", None);
}

/// Chat that tries what a careless page would run, and messages of writers that nobody knows.
fn odd_talk(world: &mut World, project: &Project, at: i64) {
    const HOSTILE: &str = "# <script>alert(1)</script>\n\nSee [the docs](javascript:alert(1)), \
        [this](data:text/html,<script>alert(1)</script>) or <a href=\"https://evil.example\" style=\"position:fixed\">here</a>.\n\n\
        ![A photo](https://tracker.demo.test/pixel.png?who=you) <img src=x onerror=alert(1)>\n\n\
        > > > > > > deep\n\n###### small\n\n# large again\n\n| wide | table |\n|---|---|\n\
        | WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW | <b>x</b> |\n\n```html\n</code></pre><script>alert(1)</script>\n```\n{{7*7}}";
    let mut thread = world.thread(project, at + 5 * MINUTE);
    // Turned-around text in chat: "gpj.exe" reads as "exe.jpg" where nothing isolates it.
    let question = "Why is invoice\u{202e}gpj.exe\u{202c} in the uploads folder?".to_owned();
    let attached = json!([
        { "name": "invoice\u{202e}gpj.exe", "size": 48_128, "type": "image/jpeg", "url": "javascript:alert(1)" },
        { "name": "<img src=x onerror=alert(1)>", "url": "data:text/html,x" },
        "just-a-name.txt",
        { "id": 7 },
    ]);
    let wide = format!("<script>alert(1)</script> {}", "W".repeat(200));
    for (role, said, attachments) in [
        ("system", "You build what you are asked for, and nothing else.".to_owned(), json!([])),
        ("user", question, attached),
        ("assistant", HOSTILE.to_owned(), json!([])),
        ("user", wide, json!({ "name": "alone.png", "size": 1_200 })),
        ("tool", "{\"exit_code\": 0, \"output\": \"removed 2 files\"}".to_owned(), json!(null)),
    ] {
        world.say(&thread, "chat_odd", role, (said, attachments));
        world.pass(&mut thread, 5 * SECOND, MINUTE);
    }
    for said in ["A note that belongs to no conversation.", "Another one."] {
        world.say(&thread, "", "user", (said.to_owned(), json!([])));
        world.pass(&mut thread, MINUTE, HOUR);
    }
}
