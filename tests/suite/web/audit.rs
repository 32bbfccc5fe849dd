//! The audit log's pages, and what owners see of an admin's acts.

use reqwest::Method;

use crate::support::console::{Console, Person};
use crate::support::person::{as_form, encoded};

/// Part of the address, fields, and the verb that tells of it.
type Act<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn entry_of(console: &Console, act: &str) -> String {
    console.text(&format!(
        "SELECT id FROM \"ActivityLog\" WHERE \"activityType\" = '{act}' ORDER BY \"createdAt\" DESC LIMIT 1"
    ))
}

/// Field, before and after, as the page of the newest `act` shows them.
fn changes(console: &Console, admin: &Person, act: &str) -> Vec<Vec<String>> {
    let page = admin.get(&format!("/audit/{}", entry_of(console, act))).expect(200);
    let cells = page.texts("table.changes tbody :is(th, td)");
    let columns = page.texts("table.changes thead th").len().max(1);
    cells.chunks(columns).map(<[String]>::to_vec).collect()
}

#[test]
fn an_entry_says_who_from_where_on_what_and_shows_each_changed_field() {
    let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let (admin, owner) = (console.admin(), console.owner());
    let project = console.project(&owner, "shop");
    let settings = r#"{"build": {"command": "make", "jobs": 2}, "api_key": "hunter2"}"#;
    let fields = encoded(&[("name", "store"), ("settings", settings)]);
    let request = as_form(admin.own_post(&format!("/projects/{project}")), &fields);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    admin
        .send(request.header("x-forwarded-for", "203.0.113.9, 198.51.100.7").header("user-agent", agent))
        .expect(303);

    assert_eq!(
        changes(&console, &admin, "project.updated"),
        [
            ["name", "shop", "store"],
            ["settings.build.jobs", "—", "2"],
            ["settings.build.command", "—", "make"],
            ["settings.api_key", "—", "[hidden]"],
        ]
    );
    let page = admin.get(&format!("/audit/{}", entry_of(&console, "project.updated"))).expect(200);
    let aside = page.text("aside");
    for told in
        ["The admin", admin.email.as_str(), "admin", "198.51.100.7", "Firefox", "store", project.as_str()]
    {
        assert!(aside.contains(told), "{told}: {aside}");
    }
    assert!(page.attributes("aside a", "href").contains(&format!("/projects/{project}")));
    assert!(page.text("details.raw pre").contains("\"command\": \"make\""), "JSON as JSON");
    assert!(!page.body.contains("hunter2"));
    assert!(!console.holds("EXISTS (SELECT 1 FROM \"ActivityLog\" l WHERE l::text LIKE '%hunter2%')"));

    let fields = [
        ("name", "store"),
        ("settings", r#"{"build": {"command": "just", "jobs": 2}, "api_key": "hunter3"}"#),
    ];
    admin.post(&format!("/projects/{project}"), &fields).expect(303);
    assert_eq!(
        changes(&console, &admin, "project.updated"),
        [["settings.build.command", "make", "just"], ["settings.api_key", "[hidden]", "[hidden, changed]"]]
    );
}

#[test]
fn what_has_no_before_shows_no_column_for_it_and_a_password_no_table() {
    let console = Console::start();
    let admin = console.admin();
    admin.post("/users", &[("email", "new@x.test"), ("name", "New"), ("role", "owner")]).expect(303);
    assert_eq!(
        changes(&console, &admin, "user.created"),
        [["name", "New"], ["role", "owner"], ["email", "new@x.test"]]
    );
    let page = admin.get(&format!("/audit/{}", entry_of(&console, "password.link_made"))).expect(200);
    assert!(!page.has("table.changes") && page.text("main").contains("No field is on record"));
    assert!(
        page.text("main").contains("What led to it") || page.text("main").contains("What followed"),
        "same request"
    );
}

#[test]
fn whatever_other_programs_wrote_is_shown() {
    let console = Console::start();
    let admin = console.admin();
    let rows = [
        ("odd", "'LOGIN', '[1, 2]', '\"x\"'"),
        ("deep", "'x', NULL, ('{\"a\":' || repeat('[', 900) || repeat(']', 900) || '}')::jsonb"),
        ("hostile", "'<script>', '{\"<b>\": \"<img src=x>\"}', '{\"<b>\": \"=1\", \"\": null}'"),
        ("bare", "'', NULL, NULL"),
    ];
    for (id, values) in rows {
        console.sql(&format!(
            "INSERT INTO \"ActivityLog\" (id, \"activityType\", before, after) VALUES ('{id}', {values})"
        ));
        let page = admin.get(&format!("/audit/{id}")).expect(200);
        assert!(!page.has("main img") && !page.has("main script"), "{id}");
    }
    assert!(admin.get("/audit").expect(200).text("main").contains("LOGIN"));
    let lines = admin.post("/audit/export", &[("format", "jsonl")]).expect(200);
    assert_eq!(lines.body.lines().count(), 4);
}

#[test]
fn the_log_is_filtered_by_act_person_day_and_target() {
    let console = Console::start();
    let (admin, other, owner) = (console.admin(), console.admin(), console.owner());
    let (shop, blog) = (console.project(&owner, "shop"), console.project(&owner, "blog"));
    admin.post(&format!("/projects/{shop}/archive"), &[]).expect(303);
    admin.post(&format!("/projects/{blog}/archive"), &[]).expect(303);
    other.post(&format!("/projects/{blog}/unarchive"), &[]).expect(303);
    console.sql(
        "INSERT INTO \"ActivityLog\" (id, \"userId\", \"activityType\", \"actorName\", \"createdAt\") \
         VALUES ('foreign', 'robot', 'LOGIN', 'Robot', '2020-02-02 12:00')",
    );
    let shown = |query: &str| {
        admin.get(&format!("/audit?{query}")).expect(200).attributes("[data-activity]", "data-activity").len()
    };
    let cases = [
        (String::new(), 4),
        ("type=project.archived".to_owned(), 2),
        ("type=-project.archived".to_owned(), 2),
        ("type=LOGIN".to_owned(), 1),
        ("type=deployment".to_owned(), 0),
        (format!("actor={}", other.id), 1),
        ("actor=robot".to_owned(), 1),
        ("from=2020-02-02&to=2020-02-02".to_owned(), 1),
        (format!("target={blog}"), 2),
        (format!("target={blog}&type=project.archived"), 1),
        ("target=nobody".to_owned(), 0),
    ];
    for (query, expected) in cases {
        assert_eq!(shown(&query), expected, "{query}");
    }
    let page = admin.get(&format!("/audit?target={blog}")).expect(200);
    assert_eq!(page.attribute("input[name=target]", "value"), blog, "the form keeps it");
    assert_eq!(page.attribute("form[action='/audit/export'] input[name=target]", "value"), blog);
    assert!(page.has(".chips"));
    let page = admin.get("/audit").expect(200);
    let offered = page.attributes("input[name=type]", "value");
    assert!(offered.contains(&"LOGIN".to_owned()) && offered.contains(&"user.created".to_owned()));
    assert!(!offered.contains(&"deployment".to_owned()), "no such entry can be in this log");
    assert!(page.attributes("input[name=actor]", "value").contains(&"robot".to_owned()));
    // Elsewhere a target is one of audit entries, too.
    let timeline = owner.get(&format!("/activity?target={shop}")).expect(200);
    assert_eq!(timeline.attributes("ol.timeline [data-activity]", "data-activity").len(), 1);
}

#[test]
fn what_an_admin_does_to_somebodys_project_stands_in_its_owners_timeline() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    console.sql(&format!("UPDATE users SET name = 'Root Admin' WHERE id = '{}'", admin.id));
    let project = console.project(&owner, "shop");
    let path = format!("/projects/{project}");
    let acts: [Act<'_>; 5] = [
        ("", &[("name", "shop"), ("description", "mine now")], "changed"),
        ("/archive", &[], "archived"),
        ("/unarchive", &[], "unarchived"),
        ("/delete", &[("confirm", "shop")], "deleted"),
        ("/restore", &[], "restored"),
    ];
    for (part, fields, verb) in acts {
        admin.post(&format!("{path}{part}"), fields).expect(303);
        for page in [format!("{path}/activity"), "/activity".to_owned()] {
            let timeline = owner.get(&page).expect(200);
            let newest = timeline.texts("ol.timeline > li > div > p").remove(0);
            assert!(newest.starts_with("Root Admin ") && newest.contains(verb), "{page}: {newest}");
            assert!(newest.ends_with("by an admin"), "{page}: {newest}");
        }
    }
    let newest = owner.get("/activity").expect(200).attribute("ol.timeline > li > a", "href");
    assert!(owner.get(&newest).expect(200).text("h1").starts_with("Root Admin"), "on its own page too");
    let exported = owner.post("/activity/export", &[("format", "jsonl")]).expect(200);
    assert_eq!(
        exported.body.lines().filter(|line| line.contains("Root Admin")).count(),
        10,
        "{}",
        exported.body
    );
    // What the owner does is no admin's act, and to an admin an admin's act is no news.
    owner.post(&path, &[("name", "mine")]).expect(303);
    let newest = owner.get("/activity").expect(200).texts("ol.timeline > li > div > p").remove(0);
    assert!(newest.starts_with("The owner") && !newest.contains("admin"), "{newest}");
    assert!(!admin.get("/activity").expect(200).text("ol.timeline").contains("by an admin"));
    // The address, the browser and the fields are for admins alone.
    let body = owner.get(&format!("{path}/activity")).expect(200).body;
    assert!(!body.contains("127.0.0.1") && !body.contains("mine now"));
}

#[test]
fn an_entry_is_read_by_admins_alone_and_never_written_again() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let project = console.project(&owner, "shop");
    owner.post(&format!("/projects/{project}/archive"), &[]).expect(303);
    let path = format!("/audit/{}", entry_of(&console, "project.archived"));
    admin.get(&path).expect(200);
    owner.get(&path).expect(404);
    admin.get("/audit/nothing").expect(404);
    admin.get("/audit/%00").expect(404);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = admin.request(method, &path).header(reqwest::header::ORIGIN, &console.base);
        admin.send(request).expect(405);
    }
}

#[test]
fn rows_say_from_where_on_what_and_when_to_the_second_and_are_found_by_either() {
    let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let (admin, owner) = (console.admin(), console.owner());
    let (shop, blog) = (console.project(&owner, "Shop-api"), console.project(&owner, "blog"));
    console.sql("DELETE FROM \"ActivityLog\"");
    for (project, from) in [(&shop, "203.0.113.9"), (&blog, "2001:db8::7")] {
        let request = as_form(admin.own_post(&format!("/projects/{project}/archive")), "");
        admin.send(request.header("x-forwarded-for", from)).expect(303);
    }
    console.sql("UPDATE \"ActivityLog\" SET \"createdAt\" = '2025-11-20 12:34:56' WHERE ip = '203.0.113.9'");
    let page = admin.get("/audit?address=203.0.113.9").expect(200);
    assert_eq!(page.texts("[data-activity] > a"), ["12:34:56"]);
    assert_eq!(page.texts("[data-activity] > div > div > a"), ["from 203.0.113.9", "project Shop-api"]);
    let ways = page.attributes("[data-activity] > div > div > a", "href");
    assert_eq!(ways, ["/audit?address=203.0.113.9".to_owned(), format!("/audit?target={shop}")]);
    assert!(page.text(".chips").contains("from 203.0.113.9"));
    let shown = |query: &str| {
        admin.get(&format!("/audit?{query}")).expect(200).attributes("[data-activity]", "data-activity").len()
    };
    for (query, expected) in [
        ("", 2),
        ("address=2001%3Adb8%3A0%3A0%3A0%3A0%3A0%3A7", 1),
        ("address=192.0.2.1", 0),
        ("target=shop", 1),
        ("target=SHOP-API", 1),
        ("target=b", 1),
        ("target=%25", 0),
        ("target=shop&address=2001:db8::7", 0),
    ] {
        assert_eq!(shown(query), expected, "{query}");
    }
    let page = admin.get("/audit?address=elsewhere&target=shop").expect(400);
    assert!(page.text("[role=alert]").contains("“elsewhere” is no address"));
    assert_eq!(page.attributes("[data-activity]", "data-activity").len(), 1, "the rest of the filter stays");
    // Addresses are for admins: to others the word means nothing.
    let all = owner.get("/activity").expect(200).attributes("[data-activity]", "data-activity").len();
    let asked = owner.get("/activity?address=203.0.113.9").expect(200);
    assert_eq!(asked.attributes("[data-activity]", "data-activity").len(), all);
    assert_eq!(admin.get("/search?q=203.0.113.9").location(), "/audit?address=203.0.113.9");
    assert!(owner.get("/search?q=203.0.113.9").expect(200).text("main").contains("Nothing found"));
    let file = admin.post("/audit/export", &[("format", "jsonl"), ("address", "203.0.113.9")]).expect(200);
    assert_eq!(file.body.lines().count(), 1);
}
