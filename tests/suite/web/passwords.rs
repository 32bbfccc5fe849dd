//! `/passwords/{token}`: a link sets a password once.

use diesel::connection::SimpleConnection;
use pilothouse::auth::password_links;
use pilothouse::db::SecretHash;

use super::people::{PASSWORD, Person, Says, Town, post_raw};
use crate::support::answer::Answer;
use crate::support::db::TestDb;
use crate::support::stage::Stage;

const NEW: &str = "a lighthouse keeper's log";

/// A link for `user` that ends after `lifetime`; answers its path.
fn link(town: &Town, user: &Person, lifetime: &str) -> String {
    let secret = town.app.entropy.secret();
    town.stage.execute(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
         VALUES ('{}', '{}', now() + interval '{lifetime}')",
        SecretHash::of(&secret).as_str(),
        user.id
    ));
    format!("/passwords/{secret}")
}

fn set(town: &Town, path: &str, password: &str) -> Answer {
    town.anonymous().post(path, &[("password", password)])
}

#[test]
fn a_link_sets_the_password_once_and_ends_every_session() {
    let town = Town::start();
    for user in [town.owner(), town.admin()] {
        let path = link(&town, &user, "24 hours");

        let page = town.anonymous().get(&path).is(200);
        assert!(page.text("main").contains(&user.email));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(user.is_signed_in(), "looking does nothing");
        let done = set(&town, &path, NEW).is(303);

        assert_eq!(done.location(), "/login?notice=password-set");
        assert_eq!(done.header("referrer-policy"), "no-referrer");
        assert!(town.anonymous().get(done.location()).is(200).text("main").contains("password is set"));
        assert!(!user.is_signed_in());
        let spent = town.anonymous().get(&path).is(404);
        assert!(spent.text("h1").contains("no longer works") && !spent.has("form"));
        set(&town, &path, "another good password").is(404);
        let sign_in = |password: &str| {
            town.anonymous().post("/login", &[("email", &user.email), ("password", password)]).status.as_u16()
        };
        assert_eq!((sign_in(PASSWORD), sign_in("another good password"), sign_in(NEW)), (422, 422, 303));
        let record =
            "\"ActivityLog\" WHERE \"projectId\" IS NULL AND \"userId\" = \"targetId\" AND \"userId\"";
        assert_eq!(town.stage.count(&format!("{record} = '{}'", user.id)), 2, "the password and the sign-in");
    }
}

#[test]
fn a_refused_password_leaves_the_link_usable() {
    let town = Town::start();
    let user = town.owner();
    let path = link(&town, &user, "24 hours");

    for bad in ["", "short", "aaaaaaaaaaaaaaaa", "password1234", &"x1y2z3".repeat(60)] {
        let page = set(&town, &path, bad).is(422);
        assert_eq!(page.attributes("[aria-invalid]", "name"), ["password"]);
        assert!(bad.is_empty() || !page.body().contains(bad));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
    post_raw(&town.anonymous(), &path, "password=a%00bcdefghijklm").is(400);
    post_raw(&town.anonymous(), &path, "password=aaa&password=bbb").is(400);
    assert!(user.is_signed_in());
    set(&town, &path, NEW).is(303);
}

#[test]
fn a_link_that_does_not_work_says_no_more_than_that() {
    let town = Town::start();
    let user = town.owner();
    let off = town.owner();
    town.stage.execute(&format!("UPDATE users SET is_active = false WHERE id = '{}'", off.id));
    let good = link(&town, &user, "24 hours");
    let unknown = format!("/passwords/{}", "0".repeat(64));
    let bad = [
        link(&town, &user, "-1 second"),
        link(&town, &off, "24 hours"),
        good.to_uppercase().replace("/PASSWORDS", "/passwords"),
        good[..good.len() - 1].to_owned(),
        format!("{good}0"),
        "/passwords/x".to_owned(),
        "/passwords/%00".to_owned(),
        "/passwords/%ff".to_owned(),
        "/passwords/..%2f..".to_owned(),
    ];
    let expected = town.anonymous().get(&unknown).is(404);

    for path in bad {
        let page = town.anonymous().get(&path).is(404);
        assert!(!page.has("form"), "{path}");
        if page.header("referrer-policy") == "no-referrer" {
            assert_eq!(page.text("main"), expected.text("main"), "{path}");
        }
        set(&town, &path, NEW).is(404);
    }
    assert_eq!(town.stage.count("pilothouse.password_links WHERE used_at IS NOT NULL"), 0);
    assert_eq!(town.stage.count("\"ActivityLog\""), 0);
    town.anonymous().get(&good).is(200);
}

#[test]
fn of_two_who_use_a_link_at_once_one_sets_the_password() {
    let town = Town::start();
    let user = town.owner();
    for round in 0..5 {
        let path = link(&town, &user, "24 hours");
        let passwords = ["the first of two passwords", "the second of two passwords"];
        let mut statuses = std::thread::scope(|scope| {
            passwords
                .map(|password| scope.spawn(|| set(&town, &path, password).status.as_u16()))
                .map(|act| act.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 404], "round {round}");
    }
    assert_eq!(town.stage.count("\"ActivityLog\""), 5);
}

#[test]
fn whoever_waits_for_a_link_that_is_being_used_finds_it_used() {
    let (db, hash) = (TestDb::new(), SecretHash::of("a secret"));
    let stage = Stage::new(&db);
    let user = stage.user("ada", "owner");
    stage.execute(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
         VALUES ('{}', '{user}', now() + interval '1 day')",
        hash.as_str()
    ));
    let (mut first, mut second) = (db.connect_owner(), db.connect_owner());

    first.batch_execute("BEGIN").unwrap();
    assert!(password_links::redeem(&mut first, &hash).unwrap().is_some());
    let late = std::thread::spawn(move || password_links::redeem(&mut second, &hash).unwrap());
    while stage.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0
    {
        assert!(!late.is_finished(), "the second did not wait");
        std::thread::yield_now();
    }
    first.batch_execute("COMMIT").unwrap();

    assert_eq!(late.join().unwrap(), None);
}
