//! `/passwords/{token}`: a link sets a password once.

use crate::support::answer::Answer;
use crate::support::console::{Console, PASSWORD, Person};
use diesel::connection::SimpleConnection;
use pilothouse::auth::password_links;
use pilothouse::db::SecretHash;

const NEW: &str = "a lighthouse keeper's log";

/// A link for `user` that ends after `lifetime`; answers its path.
fn link(console: &Console, user: &Person, lifetime: &str) -> String {
    let secret = console.app.entropy.secret();
    console.sql(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
         VALUES ('{}', '{}', now() + interval '{lifetime}')",
        SecretHash::of(&secret).as_str(),
        user.id
    ));
    format!("/passwords/{secret}")
}

fn set(console: &Console, path: &str, password: &str) -> Answer {
    console.anonymous().post(path, &[("password", password)])
}

#[test]
fn a_link_sets_the_password_once_and_ends_every_session() {
    let console = Console::start();
    for user in [console.owner(), console.admin()] {
        let path = link(&console, &user, "24 hours");

        let page = console.anonymous().get(&path).expect(200);
        assert!(page.text("main").contains(&user.email));
        assert_eq!(page.header("referrer-policy"), "strict-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(user.is_signed_in(), "looking does nothing");
        let done = set(&console, &path, NEW).expect(303);

        assert_eq!(done.location(), "/login?notice=password-set");
        assert_eq!(done.header("referrer-policy"), "strict-origin");
        assert!(
            console.anonymous().get(done.location()).expect(200).text("main").contains("password is set")
        );
        assert!(!user.is_signed_in());
        let spent = console.anonymous().get(&path).expect(404);
        assert!(spent.text("h1").contains("no longer works") && !spent.has("form"));
        set(&console, &path, "another good password").expect(404);
        let sign_in = |password: &str| {
            console.anonymous().post("/login", &[("email", &user.email), ("password", password)]).status
        };
        assert_eq!((sign_in(PASSWORD), sign_in("another good password"), sign_in(NEW)), (422, 422, 303));
        let record =
            "\"ActivityLog\" WHERE \"projectId\" IS NULL AND \"userId\" = \"targetId\" AND \"userId\"";
        assert_eq!(console.count(&format!("{record} = '{}'", user.id)), 2, "the password and the sign-in");
    }
}

#[test]
fn a_refused_password_leaves_the_link_usable() {
    let console = Console::start();
    let user = console.owner();
    let path = link(&console, &user, "24 hours");

    for bad in ["", "short", "aaaaaaaaaaaaaaaa", "password1234", &"x1y2z3".repeat(60)] {
        let page = set(&console, &path, bad).expect(422);
        assert_eq!(page.attributes("[aria-invalid]", "name"), ["password"]);
        assert!(page.has("[role=alert]"));
        assert!(bad.is_empty() || !page.body.contains(bad));
        assert_eq!(page.header("referrer-policy"), "strict-origin");
    }
    console.anonymous().post_raw(&path, "password=a%00bcdefghijklm").expect(400);
    console.anonymous().post_raw(&path, "password=aaa&password=bbb").expect(400);
    assert!(user.is_signed_in());
    set(&console, &path, NEW).expect(303);
}

#[test]
fn a_link_that_does_not_work_says_no_more_than_that() {
    let console = Console::start();
    let user = console.owner();
    let off = console.owner();
    console.sql(&format!("UPDATE users SET is_active = false WHERE id = '{}'", off.id));
    let good = link(&console, &user, "24 hours");
    let unknown = format!("/passwords/{}", "0".repeat(64));
    let bad = [
        link(&console, &user, "-1 second"),
        link(&console, &off, "24 hours"),
        good.to_uppercase().replace("/PASSWORDS", "/passwords"),
        good[..good.len() - 1].to_owned(),
        format!("{good}0"),
        "/passwords/x".to_owned(),
        "/passwords/%00".to_owned(),
        "/passwords/%ff".to_owned(),
        "/passwords/..%2f..".to_owned(),
    ];
    let expected = console.anonymous().get(&unknown).expect(404);

    for path in bad {
        let page = console.anonymous().get(&path).expect(404);
        assert!(!page.has("form"), "{path}");
        if page.header("referrer-policy") == "strict-origin" {
            assert_eq!(page.text("main"), expected.text("main"), "{path}");
        }
        set(&console, &path, NEW).expect(404);
    }
    assert_eq!(console.count("pilothouse.password_links WHERE used_at IS NOT NULL"), 0);
    assert_eq!(console.count("\"ActivityLog\""), 0);
    console.anonymous().get(&good).expect(200);
}

#[test]
fn of_two_who_use_a_link_at_once_one_sets_the_password() {
    let console = Console::start();
    let user = console.owner();
    for round in 0..5 {
        let path = link(&console, &user, "24 hours");
        let passwords = ["the first of two passwords", "the second of two passwords"];
        let mut statuses = std::thread::scope(|scope| {
            passwords
                .map(|password| scope.spawn(|| set(&console, &path, password).status))
                .map(|act| act.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 404], "round {round}");
    }
    assert_eq!(console.count("\"ActivityLog\""), 5);
}

#[test]
fn whoever_waits_for_a_link_that_is_being_used_finds_it_used() {
    let (console, hash) = (Console::start(), SecretHash::of("a secret"));
    let (user, _) = console.user("owner");
    console.sql(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
         VALUES ('{}', '{user}', now() + interval '1 day')",
        hash.as_str()
    ));
    let (mut first, mut second) = (console.db.connect_owner(), console.db.connect_owner());

    first.batch_execute("BEGIN").unwrap();
    assert!(password_links::redeem(&mut first, &hash, None).unwrap().is_some());
    let late = std::thread::spawn(move || password_links::redeem(&mut second, &hash, None).unwrap());
    while console.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        == 0
    {
        assert!(!late.is_finished(), "the second did not wait");
        std::thread::yield_now();
    }
    first.batch_execute("COMMIT").unwrap();

    assert!(late.join().unwrap().is_none());
}
