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
        ("?sort=name", vec!["alpha", "Beta", "gamma"]),
        ("", vec!["gamma", "alpha", "Beta"]),
        ("?type=rust&sort=name", vec!["Beta", "gamma"]),
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
    for sort in ["", "&sort=name"] {
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
    assert!(form.attributes("#container_id option", "value").contains(&container));

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
