//! What one person has, and another must not see, whatever happens around them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;

use crate::support::console::Console;
use crate::support::raw::{Wire, head};

#[test]
fn what_is_given_to_somebody_else_is_gone_at_once() {
    let console = Console::start();
    let (owner, heir) = (console.owner(), console.owner());
    let project = console.project(&owner, "shop-api");
    for n in 0..60 {
        console.action(&project, "deployment", 1_763_640_000_000 + n, "{}");
    }
    let action = console.text("SELECT min(action_id) FROM turbobackend.project_actions");
    let page = owner.get("/activity?limit=10").expect(200);
    let next = page.attribute("a[rel=next]", "href");
    assert!(owner.get(&next).expect(200).has("[data-activity]"));
    let seen = owner.get(&format!("/projects/{project}")).expect(200);
    assert!(seen.body.contains("shop-api"));

    console.sql(&format!("UPDATE projects SET user_id = '{}'", heir.id));

    for path in [
        format!("/projects/{project}"),
        format!("/projects/{project}/activity"),
        format!("/projects/{project}/settings"),
        format!("/activity/{action}"),
        format!("/api/projects/{project}/activities"),
    ] {
        owner.get(&path).expect(404);
        heir.get(&path).expect(200);
    }
    assert!(!owner.get(&next).expect(200).has("[data-activity]"), "a page held open shows nothing any more");
    owner.post(&format!("/projects/{project}"), &[("name", "mine again")]).expect(404);
    assert!(console.holds("(SELECT bool_and(name = 'shop-api') FROM projects)"));
}

#[test]
fn a_role_that_is_taken_away_is_gone_at_once() {
    let console = Console::start();
    let admin = console.admin();
    admin.get("/users").expect(200);
    console.sql(&format!("UPDATE users SET role = 'owner' WHERE id = '{}'", admin.id));
    assert_ne!(admin.get("/users").status, 200);
    assert_ne!(admin.get("/audit").status, 200);
}

#[test]
fn people_who_share_connections_never_see_each_others_rows() {
    let console = Console::start();
    let people: Vec<_> = (0..3).map(|_| console.owner()).collect();
    for (n, person) in people.iter().enumerate() {
        console.project(person, &format!("project of {n}"));
    }
    let (pages, cut) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (people, console, pages, cut) = (&people, &console, &pages, &cut);
            scope.spawn(move || {
                for round in 0..120 {
                    let n = (round + thread) % people.len();
                    if round % 10 == 9 {
                        // Asks, and hangs up before the answer.
                        let mut wire = Wire::open(console);
                        wire.send(head(console, &people[n], "GET", "/projects") + "\r\n");
                        cut.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    let page = people[n].get(if round % 3 == 0 { "/" } else { "/projects" }).expect(200);
                    for other in 0..people.len() {
                        let shown = page.body.contains(&format!("project of {other}"));
                        assert!(!shown || other == n, "{n} sees a project of {other}");
                    }
                    assert!(page.body.contains(&format!("project of {n}")));
                    // And a request that fails in the middle of its transaction.
                    people[n].get("/projects?before=garbage").expect(400);
                    pages.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(pages.load(Ordering::Relaxed) > 400 && cut.load(Ordering::Relaxed) > 40);
}

#[test]
fn a_page_of_one_person_is_never_another_persons() {
    let console = Console::start();
    let (one, other) = (console.owner(), console.owner());
    for path in ["/", "/projects", "/account", "/activity", "/search?q=a"] {
        let first = one.get(path).expect(200);
        assert!(first.header("etag").is_empty() && first.header("last-modified").is_empty(), "{path}");
        assert_eq!(first.header("cache-control"), "no-store", "{path}");
        let request = other.request(Method::GET, path);
        let second = other
            .send(
                request
                    .header("if-none-match", "*")
                    .header("if-modified-since", "Sat, 21 Nov 2099 00:00:00 GMT"),
            )
            .expect(200);
        assert!(second.body.contains(&other.email) || !first.body.contains(&one.email), "{path}");
        assert!(!second.body.contains(&one.email), "{path}");
    }
}

#[test]
fn an_answer_of_the_api_has_exactly_the_keys_that_are_promised() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    console.action(&project, "deployment", 1_763_640_000_000, "{}");
    let answer = owner.get(&format!("/api/projects/{project}/activities")).expect(200).json();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), ["activities", "pagination"]);
    assert_eq!(
        keys(&answer["activities"][0]),
        [
            "action_id",
            "project_id",
            "user_id",
            "request_id",
            "action_type",
            "action_details",
            "status",
            "environment",
            "reference_ids",
            "created_at"
        ]
    );
    assert_eq!(keys(&answer["pagination"]), ["limit", "offset", "has_more", "next_cursor"]);
}

#[test]
fn a_method_that_http_does_not_have_reaches_nothing() {
    let console = Console::start();
    let owner = console.owner();
    let mut seen = BTreeMap::new();
    for method in
        ["CONNECT", "TRACE", "TRACK", "DEBUG", "PROPFIND", "get", "GET\t", "OPTIONS", "PUT", "PURGE"]
    {
        for target in ["/projects", "/nothing", "*", "evil.example:443", "http://evil.example/projects"] {
            let mut wire = Wire::open(&console);
            let head = head(&console, &owner, method, target);
            wire.send(head + "Connection: close\r\n\r\n");
            let answer = wire.answer(&format!("{method} {target}"));
            let status = answer.map_or(0, |answer| answer.status);
            assert!([400, 403, 404, 405].contains(&status), "{method} {target}: {status}");
            seen.insert(status, method);
        }
    }
    assert!(seen.contains_key(&405), "{seen:?}");
}
