//! The list of projects, and what their owners do with them.

use std::collections::BTreeMap;

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

fn names(page: &Answer) -> Vec<String> {
    page.texts("[data-project] .name")
}

#[test]
fn an_owner_sees_their_projects_and_an_admin_sees_all() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    console.project(&ada, "shop-api");
    console.project(&grace, "blog");

    let list = |person: &Person| names(&person.get("/projects?sort=name").expect(200));
    assert_eq!(list(&ada), ["shop-api"]);
    assert_eq!(list(&grace), ["blog"]);
    assert_eq!(list(&root), ["blog", "shop-api"]);
}

#[test]
fn an_empty_list_says_what_to_do_first_and_an_empty_search_how_to_clear_it() {
    let console = Console::start();
    let owner = console.owner();
    let nothing = owner.get("/projects").expect(200);
    assert!(nothing.attributes("main a", "href").contains(&"/projects/new".to_owned()));

    console.project(&owner, "shop-api");
    let unmatched = owner.get("/projects?q=nothing+like+it&status=active").expect(200);
    assert!(unmatched.has("main a[href='/projects']"), "{}", unmatched.body);
    assert!(unmatched.text("main").contains("nothing like it"));
}

#[test]
fn the_list_is_filtered_and_sorted() {
    let console = Console::start();
    let owner = console.owner();
    for (name, kind, status) in [
        ("Beta", "rust", "active"),
        ("alpha", "nextjs", "active"),
        ("gamma", "rust", "archived"),
        ("delta", "rust", "deleted"),
    ] {
        let id = console.project(&owner, name);
        console.sql(&format!("UPDATE projects SET type = '{kind}', status = '{status}' WHERE id = '{id}'"));
    }
    let table = [
        ("?sort=name&status=any", vec!["alpha", "Beta", "gamma"]),
        ("?sort=changed&status=any", vec!["gamma", "alpha", "Beta"]),
        ("?sort=changed", vec!["alpha", "Beta"]),
        ("?type=rust&sort=name&status=any", vec!["Beta", "gamma"]),
        ("?status=archived", vec!["gamma"]),
        ("?status=deleted", vec!["delta"]),
        ("?status=active&type=nextjs", vec!["alpha"]),
        ("?q=ET", vec!["Beta"]),
        ("?status=unheard-of", vec![]),
    ];
    for (query, expected) in table {
        assert_eq!(names(&owner.get(&format!("/projects{query}")).expect(200)), expected, "{query}");
    }
}

/// Follows `rel` from `start` to its end; the names a page.
fn walk(person: &Person, start: &str, rel: &str) -> (Vec<String>, String) {
    let (mut here, mut seen) = (start.to_owned(), Vec::new());
    loop {
        let page = person.get(&here).expect(200);
        let mut on_page = names(&page);
        assert!(!on_page.is_empty(), "{here} is empty");
        if rel == "prev" {
            on_page.reverse();
        }
        seen.extend(on_page);
        assert!(seen.len() < 200, "paging does not end");
        match page.attributes(&format!("a[rel={rel}]"), "href").first() {
            Some(next) => here.clone_from(next),
            None => return (seen, here),
        }
    }
}

#[test]
fn paging_forth_and_back_passes_each_project_once() {
    let console = Console::start();
    let owner = console.owner();
    let odd = [
        "shop",
        "Shop",
        "SHOP",
        "Äpfel",
        "äpfel",
        "İstanbul",
        "ẞtraße",
        "zebra",
        "ZEBRA 2",
        "a\u{301}",
        "á",
        "  spaces",
        "a\tb",
        "c\nd",
        "%",
        "_",
        "'",
        "名前",
        "🛥️",
        "m",
    ];
    for name in odd {
        console.project(&owner, name);
    }
    // Written by one statement, or never: the same instant, or none.
    console.sql(
        "ALTER TABLE projects DISABLE TRIGGER USER; UPDATE projects SET updated_at = now() WHERE name < 'm'; \
         UPDATE projects SET updated_at = NULL WHERE name ILIKE 'shop'; ALTER TABLE projects ENABLE TRIGGER USER",
    );
    let long = "x".repeat(255);
    console.project(&owner, &long);
    for sort in ["", "&sort=changed", "&sort=name"] {
        for limit in [1, 2, 7] {
            let (forth, last) = walk(&owner, &format!("/projects?limit={limit}{sort}"), "next");
            assert_eq!(forth.len(), odd.len() + 1, "{sort} by {limit}: {forth:?}");
            let mut times: BTreeMap<&str, usize> = BTreeMap::new();
            for name in &forth {
                *times.entry(name).or_default() += 1;
            }
            assert!(times.values().all(|times| *times == 1), "{times:?}");
            let (mut back, first) = walk(&owner, &last, "prev");
            back.reverse();
            assert_eq!(back, forth, "{sort} by {limit}");
            assert_eq!(
                names(&owner.get(&first)),
                names(&owner.get(&format!("/projects?limit={limit}{sort}")))
            );
        }
    }
}

#[test]
fn a_pagers_links_keep_the_filters() {
    let console = Console::start();
    let owner = console.owner();
    for n in 0..5 {
        console.project(&owner, &format!("a&b {n}"));
    }
    let page = owner.get("/projects?q=a%26b&limit=2&sort=name&status=active").expect(200);
    let next = page.attribute("a[rel=next]", "href");
    for part in ["q=a%26b", "limit=2", "sort=name", "status=active", "before="] {
        assert!(next.contains(part), "{next}");
    }
    assert!(!page.has("a[rel=prev]"));
    assert_eq!(names(&owner.get(&next).expect(200)), ["a&b 2", "a&b 3"]);
}

#[test]
fn a_new_project_is_the_creators_and_stands_in_the_timeline() {
    let console = Console::start();
    let owner = console.owner();
    let container = console.container(&owner, "shop-web");
    let form = owner.get("/projects/new").expect(200);
    assert!(form.attributes("#container option", "value").contains(&container));

    let made = owner
        .post(
            "/projects",
            &[
                ("name", " shop-api "),
                ("description", "Sells things"),
                ("type", "rust"),
                ("container_id", &container),
            ],
        )
        .expect(303);

    let page = owner.get(made.location()).expect(200);
    assert_eq!(page.text("h1"), "shop-api");
    assert!(page.text("[role=status]").contains("shop-api"), "the flash message: {}", page.body);
    assert!(
        !owner.get(made.location()).text("main > [role=status]").contains("shop-api"),
        "it is shown once"
    );
    let activity = owner.get(&format!("{}/activity", made.location())).expect(200);
    assert_eq!(
        activity.select(".day > ol.timeline > [data-activity]").len(),
        1,
        "one act is one entry: {}",
        activity.text("ol.timeline")
    );
    assert!(activity.text("ol.timeline").contains("created"), "{}", activity.text("ol.timeline"));
    assert_eq!(console.count("\"ActivityLog\""), 1);
    assert!(console.holds(&format!(
        "(SELECT user_id = '{}' AND container_id = '{container}' AND description = 'Sells things' FROM projects)", owner.id
    )));
}

#[test]
fn a_refused_form_keeps_what_was_typed() {
    let console = Console::start();
    let owner = console.owner();
    let long = "long ".repeat(40);
    let page = owner
        .post(
            "/projects",
            &[("name", &long), ("description", "two\r\nlines & <b>"), ("type", "rust"), ("container_id", "")],
        )
        .expect(422);
    assert_eq!(page.attribute("#name", "value"), long);
    assert!(page.text("#description").contains("lines & <b>"));
    assert_eq!(page.attribute("#type option[selected]", "value"), "rust");
    assert_eq!(page.attribute("#name", "aria-describedby"), "name-error");
    assert!(page.has("#name-error") && page.has("[role=alert]"));
    owner.post("/projects", &[("name", "x"), ("type", "cobol")]).expect(422);
    assert_eq!(console.count("projects"), 0);
}

fn version(page: &Answer) -> String {
    page.attribute("main [name=updated_at]", "value")
}

#[test]
fn settings_are_saved_and_recorded() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop-api");
    let (path, settings) = (format!("/projects/{id}"), format!("/projects/{id}/settings"));
    let seen = version(&owner.get(&settings).expect(200));
    let form = [
        ("name", "shop"),
        ("description", "d"),
        ("type", "rust"),
        ("settings", r#"{"replicas": 2}"#),
        ("metadata", "{}"),
        ("updated_at", seen.as_str()),
    ];
    assert_eq!(owner.post(&path, &form).expect(303).location(), settings);
    assert!(
        console
            .holds("(SELECT name = 'shop' AND type = 'rust' AND settings->>'replicas' = '2' FROM projects)")
    );
    assert_eq!(console.count("\"ActivityLog\""), 1);
    for (settings, metadata) in
        [("{", "{}"), ("[1]", "{}"), ("{}", "not json"), ("{}{}", "{}"), ("{}", "\"text\"")]
    {
        let page = owner
            .post(&path, &[("name", "kept"), ("settings", settings), ("metadata", metadata)])
            .expect(422);
        assert_eq!(page.attribute("#name", "value"), "kept");
        assert_eq!(page.text("#settings"), settings, "what was typed stays");
    }
    assert!(console.holds("(SELECT name = 'shop' FROM projects)"));
}

#[test]
fn who_saves_second_sees_both_versions_and_loses_nothing() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let id = console.project(&owner, "shop-api");
    let (path, settings) = (format!("/projects/{id}"), format!("/projects/{id}/settings"));
    let seen = version(&owner.get(&settings).expect(200));
    admin.post(&path, &[("name", "theirs"), ("updated_at", &seen)]).expect(303);

    let conflict = owner.post(&path, &[("name", "mine"), ("updated_at", &seen)]).expect(409);

    assert_eq!(conflict.attribute("#name", "value"), "mine");
    let table = conflict.text("main table");
    assert!(table.contains("mine") && table.contains("theirs"), "{table}");
    assert!(conflict.has("[role=alert]"));
    assert!(console.holds("(SELECT name = 'theirs' FROM projects)"));
    // Saving the form of that page says: yes, mine.
    owner.post(&path, &[("name", "mine"), ("updated_at", &version(&conflict))]).expect(303);
    assert!(console.holds("(SELECT name = 'mine' FROM projects)"));
    for nonsense in ["yesterday", "2026-02-30T00:00:00Z", "0"] {
        owner.post(&path, &[("name", "x"), ("updated_at", nonsense)]).expect(400);
    }
}

#[test]
fn archiving_and_deleting_ask_first_and_can_be_taken_back() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop-api");
    let path = |step: &str| format!("/projects/{id}/{step}");
    let status = || console.text("SELECT status FROM projects");

    assert!(owner.get(&path("archive")).expect(200).has(&format!("form[action='{}']", path("archive"))));
    assert_eq!(owner.post(&path("archive"), &[]).expect(303).location(), format!("/projects/{id}"));
    assert_eq!(status(), "archived");
    owner.post(&path("archive"), &[]).expect(409);
    let refused = owner.post(&format!("/projects/{id}"), &[("name", "renamed")]).expect(409);
    assert!(refused.text("[role=alert]").contains("archived"));
    owner.post(&path("unarchive"), &[]).expect(303);
    assert_eq!(status(), "active");

    for confirm in ["", "shop", "SHOP-API", "shop-api x"] {
        let page = owner.post(&path("delete"), &[("confirm", confirm)]).expect(422);
        assert!(page.has("#confirm[aria-invalid]"), "{confirm}");
    }
    assert_eq!(status(), "active");
    assert_eq!(owner.post(&path("delete"), &[("confirm", "shop-api")]).expect(303).location(), "/projects");
    assert_eq!(status(), "deleted");
    assert!(names(&owner.get("/projects")).is_empty());
    owner.get(&format!("/projects/{id}")).expect(200);
    owner.post(&path("restore"), &[]).expect(303);
    assert_eq!(status(), "active");
    assert_eq!(console.count("\"ActivityLog\""), 4);
}

#[test]
fn broken_json_is_shown_where_it_is_broken_and_nothing_is_lost() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop-api");
    let path = format!("/projects/{id}");
    let send = |settings: &str| owner.post(&path, &[("name", "shop-api"), ("settings", settings)]);

    let broken = "{\r\n  \"replicas\": 2,\r\n  \"name\": oops\r\n}";
    let page = send(broken).expect(422);
    let said = page.text("#settings-error");
    assert!(said.contains("Line 3, column 11"), "{said}");
    let excerpt: String = page.select("#settings-error pre")[0].text().collect();
    assert_eq!(excerpt, "  \"name\": oops\n          ^");
    assert_eq!(page.text("#settings"), broken.replace("\r\n", " ").replace("  ", " ").replace("  ", " "));
    assert_eq!(page.attribute("#settings", "aria-describedby"), "settings-error");

    let twice = send(r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 2}"#).expect(422);
    let said = twice.text("#settings-error");
    assert!(said.contains("“c”") && said.contains("“a”") && said.contains("twice"), "{said}");
    for refused in [r#"{"a": "\u0000"}"#, r#"{"a": 1e999999}"#, &"{\"a\":".repeat(40), &"x".repeat(70_000)] {
        send(refused).expect(422);
    }
    assert!(console.holds("(SELECT settings = '{}' FROM projects)"));
    assert_eq!(console.count("\"ActivityLog\""), 0);

    send(r#"{"price": 1.10, "big": 12345678901234567890123, "a": {"a": 1}, "text": "\\u0000"}"#).expect(303);
    let shown = owner.get(&format!("{path}/settings")).expect(200).text("#settings");
    for kept in ["1.10", "12345678901234567890123", "\\\\u0000"] {
        assert!(shown.contains(kept), "{shown}");
    }
}

#[test]
fn deleting_tells_how_much_goes_out_of_sight() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    let id = console.project(&owner, "shop-api");
    let confirmation =
        |person: &Person| person.get(&format!("/projects/{id}/delete")).expect(200).text("main");
    let nothing = confirmation(&owner);
    assert!(!nothing.contains("chat message") && nothing.contains("No container"), "{nothing}");

    let (container, foreign) = (console.container(&owner, "shop-web"), console.container(&other, "theirs"));
    console.sql(&format!(
        "UPDATE projects SET container_id = '{container}'; \
         INSERT INTO chat_messages (container_id, session_id, role, content) \
             SELECT '{container}', 's', 'user', 'hello' FROM generate_series(1, 10001); \
         INSERT INTO chat_messages (container_id, session_id, role, content) VALUES ('{foreign}', 's', 'user', 'x'); \
         INSERT INTO file_storage (container_id, file_path, file_name, is_deleted) VALUES \
             ('{container}', '/a', 'a', false), ('{container}', '/b', 'b', true), ('{foreign}', '/c', 'c', false); \
         INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title, status) \
             SELECT '{id}', 'APR_REVIEW', 'x', 'x', 'COMPLETED' FROM generate_series(1, 1200)"
    ));
    console.action(&id, "deployment", 1_763_640_000_000, "{}");
    for person in [&owner, &console.admin()] {
        let said = confirmation(person);
        for part in [
            "More than 10,000 chat messages go",
            "1 file goes",
            "1,201 entries",
            "Container shop-web stays as it is (running)",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert!(owner.post(&format!("/projects/{id}/delete"), &[]).expect(422).text("main").contains("1,201"));
}

#[test]
fn a_deleted_project_says_who_deleted_it_and_is_restored_from_its_page() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let id = console.project(&owner, "shop-api");
    let path = format!("/projects/{id}");
    admin.post(&format!("{path}/delete"), &[("confirm", "shop-api")]).expect(303);

    assert_eq!(names(&owner.get("/projects?status=deleted").expect(200)), ["shop-api"]);
    let page = owner.get(&path).expect(200);
    let notice = page.text("main .alert[data-tone=warning]");
    assert!(notice.contains("The admin deleted this project"), "{notice}");
    assert!(page.has(&format!("main .alert a[href='{path}/restore']")));
    assert!(owner.get(&format!("{path}/activity")).expect(200).text("ol.timeline").contains("deleted"));
    let settings = owner.get(&format!("{path}/settings")).expect(200);
    assert!(settings.has("fieldset[disabled] #name") && !settings.has("form[action] button.button-primary"));
    assert!(
        settings.has(&format!("a[href='{path}/restore']"))
            && !settings.has(&format!("a[href='{path}/delete']"))
    );

    owner.post(&format!("{path}/restore"), &[]).expect(303);
    assert!(!owner.get(&path).expect(200).has("main .alert[data-tone=warning]"));

    // A worker leaves no record of who it was.
    console.sql("UPDATE projects SET status = 'deleted'; DELETE FROM \"ActivityLog\"");
    assert!(owner.get(&path).expect(200).text("main .alert").contains("This project is deleted"));
}

#[test]
fn the_history_of_a_project_whose_row_is_gone_stays_its_owners() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let id = console.project(&owner, "shop & <b>");
    let action = console.action(&id, "deployment", 1_763_640_000_000, "{}");
    let path = format!("/projects/{id}");
    console.sql("DELETE FROM projects");

    for person in [&owner, &console.admin()] {
        let page = person.get(&path).expect(200);
        assert_eq!(page.text("h1"), "shop & <b>");
        assert!(page.text("main .alert").contains("This project was removed for good"));
        let timeline = person.get(&format!("{path}/activity")).expect(200);
        assert!(timeline.has(&format!("[data-activity='{action}']")));
        let listed = person.get("/projects?status=deleted").expect(200);
        assert!(listed.has(&format!("main a[href='{path}']")));
        assert!(!person.get("/projects").expect(200).has(&format!("main a[href='{path}']")));
        person.get(&format!("{path}/settings")).expect(404);
        person.post(&path, &[("name", "back")]).expect(404);
        person.post(&format!("{path}/restore"), &[]).expect(404);
    }
    for part in ["", "/activity"] {
        stranger.get(&format!("{path}{part}")).expect(404);
    }
    assert!(!stranger.get("/projects?status=deleted").expect(200).body.contains(&id));
}

#[test]
fn a_project_without_a_status_is_an_active_one() {
    let console = Console::start();
    let owner = console.owner();
    console.project(&owner, "by a worker");
    console.sql("UPDATE projects SET status = NULL");
    assert_eq!(names(&owner.get("/projects?status=active").expect(200)), ["by a worker"]);
    assert!(names(&owner.get("/projects?status=archived").expect(200)).is_empty());
}

#[test]
fn what_nobody_touched_is_not_judged_again_whatever_workers_stored() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop-api");
    let (path, settings) = (format!("/projects/{id}"), format!("/projects/{id}/settings"));
    let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    let deep_list = format!("{{\"a\":{}{}}}", "[".repeat(60), "]".repeat(60));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(80_000));
    let cases = [
        r#"{"a":1e400}"#,
        r#"{"a":-1.5e-400,"b":123456789012345678901234567890}"#,
        &deep,
        &deep_list,
        &long,
        "[1, 2]",
        "7",
        "\"text\"",
        "null",
        "{}",
        r#"{"a":"line\nbreak <\/textarea> \" é"}"#,
    ];
    for (n, json) in cases.iter().enumerate() {
        console.text_with(
            "UPDATE projects SET metadata = $1::jsonb, settings = $1::jsonb RETURNING id",
            &[json],
        );
        let stored = || console.text("SELECT md5(metadata::text || settings::text) FROM projects");
        let (before, name) = (stored(), format!("renamed {n}"));
        let page = owner.get(&settings).expect(200);
        let seen = version(&page);
        let shown = |field: &str| page.select(field)[0].text().collect::<String>();
        let (shown_settings, shown_metadata) = (shown("#settings"), shown("#metadata"));
        // A browser sends what it shows, with line breaks of its own.
        let metadata = shown_metadata.replace('\n', "\r\n");
        let form = [
            ("name", name.as_str()),
            ("description", ""),
            ("type", "nextjs"),
            ("settings", shown_settings.as_str()),
            ("metadata", metadata.as_str()),
            ("updated_at", seen.as_str()),
        ];
        owner.post(&path, &form).expect(303);
        assert_eq!(stored(), before, "{json:.60}");
        assert_eq!(console.text("SELECT name FROM projects"), name);
        let last = "SELECT action_details FROM turbobackend.project_actions ORDER BY created_at DESC, action_id DESC LIMIT 1";
        assert!(!console.text(last).contains("metadata"));
    }
    // What is typed is judged as before.
    owner.post(&path, &[("name", "x"), ("metadata", r#"{"a": 1e400, "b": 1}"#)]).expect(422);
    owner.post(&path, &[("name", "x"), ("metadata", "[2]")]).expect(422);
}

#[test]
fn names_and_texts_that_no_form_takes_do_not_keep_others_from_being_saved() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop-api");
    let (path, settings) = (format!("/projects/{id}"), format!("/projects/{id}/settings"));
    for (name, description) in [
        ("a\nb", "x"),
        ("n\u{202e}ame", "x"),
        ("   ", " spaces "),
        ("n", &"word ".repeat(2_000)),
        ("", "\r\n\r\nx\n"),
    ] {
        console
            .text_with("UPDATE projects SET name = $1, description = $2 RETURNING id", &[name, description]);
        let page = owner.get(&settings).expect(200);
        let shown_name = page.attribute("#name", "value").replace(['\r', '\n'], "");
        let shown_description =
            page.select("#description")[0].text().collect::<String>().replace('\n', "\r\n");
        let seen = version(&page);
        let form = [
            ("name", shown_name.as_str()),
            ("description", shown_description.as_str()),
            ("type", "rust"),
            ("updated_at", seen.as_str()),
        ];
        owner.post(&path, &form).expect(303);
        let kept =
            console.text_with("SELECT name = $1 AND description = $2 FROM projects", &[name, description]);
        assert_eq!(kept, "true", "{name:?} {description:.20?}");
    }
}

#[test]
fn active_projects_are_listed_the_last_active_first_and_archiving_leaves_the_list() {
    let console = Console::start();
    let owner = console.owner();
    let [quiet, busy, old] = ["quiet", "busy", "old"].map(|name| console.project(&owner, name));
    console.sql("UPDATE projects SET updated_at = now() - interval '1 day' WHERE name = 'busy'");
    console.sql("DELETE FROM turbobackend.project_actions");
    for (project, at) in [(&old, 1_763_640_000_000), (&quiet, 1_763_640_060_000), (&busy, 1_763_640_120_000)]
    {
        console.action(project, "deployment", at, "{}");
    }
    let list = |query: &str| names(&owner.get(&format!("/projects{query}")).expect(200));
    assert_eq!(list(""), ["busy", "quiet", "old"]);
    assert_eq!(list("?status=active"), ["busy", "quiet", "old"]);

    owner.post(&format!("/projects/{old}/archive"), &[]).expect(303);
    assert_eq!(list(""), ["busy", "quiet"]);
    assert_eq!(list("?status=archived"), ["old"]);
    assert_eq!(list("?status=any&sort=name"), ["busy", "old", "quiet"]);
    owner.post(&format!("/projects/{quiet}/delete"), &[("confirm", "quiet")]).expect(303);
    assert_eq!(list("?status=any&sort=name"), ["busy", "old"], "any but the deleted");

    // The last column tells what the order is by.
    for (query, head) in
        [("", "Last activity"), ("?sort=changed", "Changed"), ("?sort=name", "Last activity")]
    {
        let page = owner.get(&format!("/projects{query}")).expect(200);
        assert_eq!(page.texts("thead th").last().map(String::as_str), Some(head), "{query}");
    }

    // Where nothing else is, the way to the archived ones is shown.
    owner.post(&format!("/projects/{busy}/archive"), &[]).expect(303);
    let page = owner.get("/projects").expect(200);
    assert!(page.text(".empty").contains("No active projects"), "{}", page.body);
    assert_eq!(page.attributes(".empty a", "href"), ["/projects?status=any"]);
    let page = owner.get("/projects?q=bus").expect(200);
    assert_eq!(page.attributes(".foot-note a", "href"), ["/projects?q=bus&status=any"]);
}

#[test]
fn the_overview_says_what_runs_where_and_what_failed_since() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let project = console.project(&owner, "shop");
    let overview = || owner.get(&format!("/projects/{project}")).expect(200);
    assert!(!overview().text("main").contains("What runs where"));

    let deploy = |environment: &str, status: &str, minute: i64, commit: &str| {
        let action = console.action(
            &project,
            "deployment",
            1_763_640_000_000 + minute * 60_000,
            &format!("{{\"commit_sha\": \"{commit}\"}}"),
        );
        console.sql(&format!(
            "UPDATE turbobackend.project_actions SET environment = NULLIF('{environment}', ''), status = '{status}' \
             WHERE action_id = '{action}'"
        ));
        action
    };
    deploy("staging", "failed", 0, "a0");
    deploy("staging", "success", 1, "a1");
    deploy("production", "success", 2, "0123456789abcdef");
    let newest = deploy("production", "COMPLETED", 3, "fedcba9876543210");
    let failed = deploy("production", "error", 4, "a4");
    deploy("production", "running", 5, "a5");
    deploy("preview", "failed", 6, "a6");
    console.action(&project, "github_push", 1_763_640_900_000, "{}");

    let page = overview();
    let rows = page.texts("main .section:has(h2) tbody tr:has(.state)");
    assert!(rows[0].starts_with("production last one failed fedcba98"), "{rows:?}");
    assert!(rows[1].starts_with("staging deployed a1") && rows[1].ends_with("—"), "{rows:?}");
    assert!(rows[2].starts_with("preview last one failed — never went well"), "{rows:?}");
    let links = page.attributes("main tr:has(.state):first-of-type a", "href");
    assert_eq!(links[0], format!("/projects/{project}/activity?type=deployment&environment=production"));
    assert!(links[1].ends_with("/fedcba9876543210"), "{links:?}");
    assert!(links[2].ends_with(&newest) && links[3].ends_with(&failed), "{links:?}");
    stranger.get(&format!("/projects/{project}")).expect(404);
}

#[test]
fn a_state_that_was_seen_long_ago_is_neither_good_nor_bad_and_says_since_when() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let pages = [
        "/projects".to_owned(),
        format!("/projects/{project}"),
        "/containers".to_owned(),
        format!("/containers/{container}"),
    ];
    for (age, tone) in [("1 hour", "good"), ("25 hours", "neutral")] {
        console.sql(&format!(
            "ALTER TABLE containers DISABLE TRIGGER USER; \
             UPDATE containers SET status = 'running', updated_at = now() - interval '{age}'; \
             ALTER TABLE containers ENABLE TRIGGER USER"
        ));
        for path in &pages {
            let page = owner.get(path).expect(200);
            let tones = page.attributes("main .badge", "data-tone");
            assert!(!tones.is_empty() && tones.iter().all(|found| found == tone), "{path}, {age}: {tones:?}");
        }
        let since = owner.get("/projects").expect(200).texts("[data-project] .as-of");
        assert_eq!(since.len(), usize::from(tone == "neutral"), "{since:?}");
    }
}

#[test]
fn a_conflict_names_who_saved_and_it_may_have_been_oneself() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    console.sql(&format!("UPDATE users SET name = 'Root Admin' WHERE id = '{}'", admin.id));
    let project = console.project(&owner, "shop");
    let path = format!("/projects/{project}");
    let told = |person: &Person| {
        let seen =
            owner.get(&format!("{path}/settings")).expect(200).attribute("input[name=updated_at]", "value");
        person.post(&path, &[("name", "theirs"), ("description", &seen)]).expect(303);
        owner.post(&path, &[("name", "mine"), ("updated_at", &seen)]).expect(409).text("[role=alert]")
    };
    let alert = told(&owner);
    assert!(alert.contains("You saved this project on ") && !alert.contains("Somebody"), "{alert}");
    assert!(told(&admin).contains("Root Admin saved this project on "));
    let seen =
        owner.get(&format!("{path}/settings")).expect(200).attribute("input[name=updated_at]", "value");
    console.sql(
        "UPDATE \"ActivityLog\" SET \"createdAt\" = \"createdAt\" - interval '1 hour'; \
         UPDATE projects SET name = 'a worker’s', updated_at = now() + interval '1 minute'",
    );
    let alert =
        owner.post(&path, &[("name", "mine"), ("updated_at", &seen)]).expect(409).text("[role=alert]");
    assert!(alert.contains("Somebody saved this project"), "{alert}");
}

#[test]
fn what_was_deleted_or_archived_is_named_and_taken_back_by_one_button() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    for (verb, fields, done) in [
        ("delete", &[("confirm", "shop")][..], "“shop” is deleted."),
        ("archive", &[], "“shop” is archived."),
    ] {
        let page =
            owner.post(&format!("/projects/{project}/{verb}"), fields).expect(303).location().to_owned();
        let page = owner.get(&page).expect(200);
        assert!(page.text("main [role=status]").contains(done), "{}", page.text("main [role=status]"));
        assert_eq!(page.text("main [role=status] button"), "Undo");
        owner.post(&page.attribute("main [role=status] form", "action"), &[]).expect(303);
        assert_eq!(console.text(&format!("SELECT status FROM projects WHERE id = '{project}'")), "active");
        let next = owner.get(&format!("/projects/{project}")).expect(200);
        assert!(!next.has("main [role=status] button"));
    }
}
