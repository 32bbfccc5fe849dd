//! Texts that others wrote, as addresses: what a browser and a proxy make of a link leads where it should.

use crate::routes::registered;
use crate::support::console::{Console, Person};

/// 20 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_640_000_000;

/// Texts of which a path loses a part on its way, or that the console uses itself.
const ODD: [&str; 24] = [
    "./lib/app.ts",
    "..",
    ".",
    "...",
    "a//b",
    "a/../b",
    "a/./b",
    "/a",
    "a/",
    "a/b",
    "%2e%2e",
    "%2F",
    "a\\b",
    "..\\",
    " a",
    "a ",
    "a\tb",
    "a\nb",
    "a?b",
    "a#b",
    "a;b",
    "export",
    "event:a/b",
    "a&b=c",
];

/// What comes of `href` on its way: a browser normalises it, and a proxy does again what it has decoded.
fn on_its_way(console: &Console, href: &str) -> String {
    let url = url::Url::parse(&console.base).unwrap().join(href).unwrap();
    let decoded = percent_encoding::percent_decode_str(url.path()).decode_utf8().unwrap().replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in decoded.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part.split(';').next().unwrap());
        }
    }
    let mut again = url.clone();
    again.path_segments_mut().unwrap().clear().extend(parts);
    if decoded.ends_with('/') && !again.path().ends_with('/') {
        again.set_path(&format!("{}/", again.path()));
    }
    again[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}

fn insert(console: &Console, project: &str, id: &str, references: &str) {
    console.text_with(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, \
             environment, reference_ids, created_at) \
         VALUES ($1, $2, 'deployment', 'Details of it', 'success', 'production', $3::jsonb, $4::bigint) \
         RETURNING action_id",
        &[id, project, references, &NOON.to_string()],
    );
}

/// Follows each link of `page` that `selector` finds, and answers what was found at its end.
fn follow(console: &Console, person: &Person, page: &str, selector: &str) -> Vec<(String, u16, String)> {
    let links = person.get(page).expect(200).attributes(selector, "href");
    assert!(!links.is_empty(), "{page} has no {selector}");
    let arrive = |href: String| {
        let answer = person.get(&on_its_way(console, &href));
        let text = answer.body.clone();
        (href, answer.status, text)
    };
    links.into_iter().map(arrive).collect()
}

#[test]
fn a_reference_with_any_text_has_a_link_that_arrives() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    let long = "x".repeat(1_900);
    for (n, odd) in ODD.into_iter().chain([long.as_str()]).enumerate() {
        let references = serde_json::json!({ "file_path": odd, odd: "odd key" });
        insert(&console, &project, &format!("act_{n}"), &references.to_string());
        let links = follow(&console, &owner, &format!("/activity/act_{n}"), "main a[href^=\"/references\"]");
        assert_eq!(links.len(), 2, "{odd:?}: {links:?}");
        for (href, status, page) in links {
            assert_eq!(status, 200, "{odd:?} at {href}");
            assert!(page.contains(&format!("data-activity=\"act_{n}\"")), "{odd:?} at {href}");
        }
    }
    // What was linked before goes on working, whoever leaves it as it is.
    for old in ["./lib/app.ts", "%2e%2e", "a%2F%2Fb", "a//b", "a%5Cb"] {
        let page = raw(&console, &owner, &format!("/references/file_path/{old}"));
        assert!(page.starts_with("HTTP/1.1 200"), "{old}: {page}");
    }
}

/// What the console answers to an address that no client has touched.
fn raw(console: &Console, person: &Person, path: &str) -> String {
    let name = pilothouse::http::cookies::session_name(&console.app.config);
    let cookie = person.cookie(&name).unwrap();
    let mut wire = crate::support::raw::Wire::open(console);
    wire.send(
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {name}={cookie}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    );
    wire.answer(path).map_or(String::new(), |answer| format!("HTTP/1.1 {}", answer.status))
}

#[test]
fn a_references_next_page_is_its_own() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    for n in 0..3 {
        insert(&console, &project, &format!("act_{n}"), r#"{"file_path": ".."}"#);
    }
    let read = |page: &crate::support::answer::Answer| page.attributes("[data-activity]", "data-activity");
    let (seen, _) = owner.walk("/references?key=file_path&value=..&limit=1", "next", read);
    assert_eq!(seen, ["act_2", "act_1", "act_0"]);
}

#[test]
fn an_entry_with_any_id_has_a_link_that_arrives() {
    let console = Console::start();
    let (owner, admin, stranger) = (console.owner(), console.admin(), console.owner());
    let project = console.project(&owner, "shop");
    let long = "x".repeat(250);
    for odd in ODD.into_iter().chain(["", long.as_str()]) {
        insert(&console, &project, odd, "{}");
        console.text_with(
            "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status) \
             VALUES ($1, $2, 'INDEXING_STARTED', 'indexing', 'Indexing', 'COMPLETED') RETURNING id",
            &[odd, &project],
        );
        console.text_with(
            "INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"actorName\") \
             VALUES ($1, $2, 'project.updated', 'Ada') RETURNING id",
            &[odd, &project],
        );
        for (source, address) in [
            ("action", pilothouse::web::urls::action(odd)),
            ("event", pilothouse::web::urls::event(odd)),
            ("audit", pilothouse::web::urls::audit_entry(odd)),
        ] {
            let arrived = on_its_way(&console, &address);
            let page = admin.get(&arrived).expect(200);
            let raw = page.select("details.raw pre")[0].text().collect::<String>();
            let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
            let id = if source == "action" { &raw["action_id"] } else { &raw["id"] };
            assert_eq!(id, odd, "{source} at {address}");
            let expected = if source == "audit" { 404 } else { 200 };
            owner.get(&arrived).expect(expected);
            stranger.get(&arrived).expect(404);
        }
        console.sql("DELETE FROM turbobackend.project_actions; DELETE FROM \"ActivityEvent\"; DELETE FROM \"ActivityLog\"");
    }
}

#[test]
fn an_entry_is_asked_for_by_the_word_that_a_timeline_has_for_it() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop");
    for id in ["plain", "event:plain", "export", ".."] {
        insert(&console, &project, id, "{}");
    }
    let page = owner.get("/activity").expect(200);
    for key in page.attributes("[data-activity]", "data-activity") {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("id", &key).finish();
        let shown = admin.get(&format!("/entries?{query}")).expect(200);
        assert!(shown.text("main pre").contains(&format!("\"{key}\"")), "{key}");
    }
    owner.get("/entries?id=action:plain").expect(200);
    for nothing in ["nothing", "event:nothing", "audit:nothing", "action:", "a%00b", "engine:plain"] {
        let status = owner.get(&format!("/entries?id={nothing}")).status;
        assert!(status == 404 || (nothing.contains("%00") && status == 400), "{nothing}: {status}");
    }
    for (path, word) in [
        ("/entries", "lacks id"),
        ("/entries?id=a&id=b", "Give id once"),
        ("/references", "lacks key"),
        ("/references?key=a", "lacks value"),
        ("/references?key=a&value=b&value=c", "Give value once"),
    ] {
        let refused = owner.get(path).expect(400);
        assert!(refused.text("main").contains(word), "{path}: {}", refused.text("main"));
    }
    // Somebody who has to sign in first is led back to it.
    let turned_away = console.anonymous().get("/references?key=file_path&value=a%5Cb").expect(303);
    let next = url::Url::parse(&console.base).unwrap().join(turned_away.location()).unwrap();
    let next = next.query_pairs().next().unwrap().1.into_owned();
    let (_, email) = console.user("owner");
    let form = [("email", email.as_str()), ("password", crate::support::console::PASSWORD), ("next", &next)];
    let led = console.anonymous().post("/login", &form).expect(303);
    assert_eq!(led.location(), "/references?key=file_path&value=a%5Cb");
}

/// A route that is added below an entry's address takes that word away from ids: `RESERVED` in `web/urls.rs`.
#[test]
fn no_id_is_taken_for_an_address_of_the_console() {
    type Address = fn(&str) -> String;
    let of: [(&str, Address); 3] = [
        ("/activity/", pilothouse::web::urls::action),
        ("/events/", pilothouse::web::urls::event),
        ("/audit/", pilothouse::web::urls::audit_entry),
    ];
    let mut words = 0;
    for (_, pattern) in registered::routes() {
        for (base, address) in of {
            let Some(word) = pattern.strip_prefix(base).filter(|word| !word.contains(['{', '/'])) else {
                continue;
            };
            assert!(address(word).starts_with("/entries?id="), "{pattern}");
            words += 1;
        }
    }
    assert!(words >= 2, "{words}");
}

#[test]
fn an_id_in_capitals_is_the_same_id() {
    let console = Console::start();
    let (owner, admin, stranger) = (console.owner(), console.admin(), console.owner());
    let (project, container) = console.project_in_container(&owner, "shop");
    let message = console.message(&container, "s", 0, "user", "Hello");
    let file = console.file(&container, "a.txt", 5);
    let upper = |id: &str| id.to_uppercase();
    for path in [
        format!("/projects/{}", upper(&project)),
        format!("/projects/{}/activity", upper(&project)),
        format!("/projects/{}/settings", upper(&project)),
        format!("/projects/{}/archive", upper(&project)),
        format!("/projects/{}/chat/{}/raw", upper(&project), upper(&message)),
        format!("/projects/{}/chat?message={}", upper(&project), upper(&message)),
        format!("/projects/{}/files?file={}", upper(&project), upper(&file)),
        format!("/containers/{}", upper(&container)),
        format!("/containers/{}/logs", upper(&container)),
        format!("/api/projects/{}/activities", upper(&project)),
    ] {
        let page = owner.get(&path).expect(200);
        assert!(!page.attributes("a", "href").iter().any(|href| href.contains(&upper(&project))), "{path}");
        stranger.get(&path).expect(404);
    }
    admin.get(&format!("/users/{}", upper(&owner.id))).expect(200);
    owner.post(&format!("/projects/{}", upper(&project)), &[("name", "store")]).expect(303);
    let own = format!("/account/sessions/{}/revoke", upper(&owner.session));
    assert_ne!(owner.post(&own, &[]).status, 404);
}
