//! Signing in, staying signed in, signing out.

use std::collections::BTreeSet;

use pilothouse::db::SecretHash;
use reqwest::Method;
use reqwest::header::{COOKIE, HeaderValue};

use crate::support::answer::Answer;
use crate::support::console::{Console, PASSWORD, Person};
use crate::support::person::{as_form, encoded};

fn sign_in(person: &Person, email: &str, password: &str) -> Answer {
    person.post("/login", &[("email", email), ("password", password), ("next", "/projects")])
}

/// The secret in a cookie as it goes over the wire: what follows the signature.
fn secret(cookie: &str) -> String {
    cookie[cookie.len() - 64..].to_owned()
}

#[test]
fn the_right_password_starts_a_session_that_the_database_knows_by_hash_only() {
    let console = Console::start();
    let (id, email) = console.user("owner");
    let browser = console.anonymous();

    let page = browser.get("/login?next=/projects").expect(200);
    assert_eq!(page.attribute("[name=next]", "value"), "/projects");
    assert_eq!(page.attribute("[name=password]", "autocomplete"), "current-password");
    let answer = sign_in(&browser, &email, PASSWORD).expect(303);

    assert_eq!(answer.location(), "/projects");
    let line = answer.header("set-cookie");
    assert!(
        line.starts_with(&format!("{}=", console.cookie_name())) && line.contains("; Max-Age=1209600"),
        "{line}"
    );
    assert!(browser.is_signed_in());
    let cookie = browser.session_cookie().unwrap();
    let stored = console.text("SELECT token FROM sessions");
    assert_eq!(stored, SecretHash::of(&secret(&cookie)).as_str());
    assert!(!cookie.contains(&stored));
    let replayed = console.anonymous();
    replayed.set_cookie(&console.cookie_name(), &console.signed(&stored));
    assert!(!replayed.is_signed_in(), "what the database holds opens nothing");
    assert!(console.holds(&format!(
        "(SELECT ip_address = '127.0.0.1' AND user_id = '{id}' AND is_active FROM sessions)"
    )));
    assert!(console.holds("(SELECT last_login > now() - interval '1 minute' FROM users)"));
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'session.started'"), 1);
}

#[test]
fn a_refusal_does_not_tell_which_accounts_exist() {
    let console = Console::start();
    let (_, known) = console.user("owner");
    let (inactive, deactivated) = console.user("owner");
    let (unset, passwordless) = console.user("owner");
    console.sql(&format!("UPDATE users SET is_active = false WHERE id = '{inactive}'"));
    console.sql(&format!("UPDATE users SET password_hash = NULL WHERE id = '{unset}'"));
    let tries = [
        (known.as_str(), "a wrong password"),
        ("nobody@people.test", PASSWORD),
        (deactivated.as_str(), PASSWORD),
        (passwordless.as_str(), PASSWORD),
        (passwordless.as_str(), "nobody signs in with this"),
        (known.as_str(), &"x".repeat(300)),
    ];
    let mut seen = Vec::new();
    for (email, password) in tries {
        let answer = sign_in(&console.anonymous(), email, password).expect(422);
        assert!(answer.has("[role=alert]") && answer.header("set-cookie").is_empty(), "{email}");
        assert_eq!(answer.attribute("#email", "value"), email, "what was typed is kept");
        assert!(!answer.body.contains(password), "the password is not");
        let names: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((answer.body_without_chance().replace(email, "EMAIL"), names));
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:#?}");
    assert_eq!(console.count("sessions"), 0);
}

#[test]
fn an_address_is_found_whatever_its_case_unless_that_is_ambiguous() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    sign_in(&console.anonymous(), &email.to_uppercase(), PASSWORD).expect(303);
    sign_in(&console.anonymous(), &format!("  {email} "), PASSWORD).expect(303);

    console.sql(&format!("INSERT INTO users (email) VALUES (upper('{email}'))"));
    sign_in(&console.anonymous(), &email, PASSWORD).expect(303);
    sign_in(&console.anonymous(), &format!("O{}", &email[1..]), PASSWORD).expect(422);
}

#[test]
fn next_leads_only_into_this_console() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let table = [
        ("/projects?q=a&status=active", "/projects?q=a&status=active"),
        ("/activity/a%2Fb", "/activity/a%2Fb"),
        ("", "/"),
        ("//evil", "/"),
        ("/\\evil", "/"),
        ("\\\\evil", "/"),
        ("https:evil", "/"),
        ("https://evil.test/", "/"),
        ("%2f%2fevil", "/"),
        ("/%2fevil", "/"),
        ("/%5cevil", "/"),
        ("/%09/evil", "/"),
        ("/\t/evil", "/"),
        ("javascript:alert(1)", "/"),
        (" //evil", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("projects", "/"),
    ];
    for (next, leads_to) in table {
        let form = [("email", email.as_str()), ("password", PASSWORD), ("next", next)];
        assert_eq!(console.anonymous().post("/login", &form).expect(303).location(), leads_to, "{next:?}");
        let query = encoded(&[("next", next)]);
        let page = console.anonymous().get(&format!("/login?{query}")).expect(200);
        assert_eq!(page.attribute("[name=next]", "value"), leads_to, "{next:?}");
    }
}

#[test]
fn each_sign_in_replaces_the_session_that_the_browser_had() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let browser = console.anonymous();
    sign_in(&browser, &email, PASSWORD).expect(303);
    let older = browser.twin();

    sign_in(&browser, &email, PASSWORD).expect(303);

    assert_ne!(older.session_cookie(), browser.session_cookie());
    assert!(browser.is_signed_in());
    assert!(!older.is_signed_in());
    assert_eq!(console.count("sessions WHERE is_active"), 1);
}

#[test]
fn a_session_chosen_by_somebody_else_is_never_taken_over() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let chosen = "a".repeat(64);
    for planted in [chosen.clone(), console.signed(&chosen)] {
        let victim = console.anonymous();
        victim.set_cookie(&console.cookie_name(), &planted);
        let attacker = victim.twin();

        sign_in(&victim, &email, PASSWORD).expect(303);

        assert_ne!(victim.session_cookie().unwrap(), planted);
        assert!(victim.is_signed_in() && !attacker.is_signed_in());
    }
}

/// A slow machine may take longer than the first waits.
fn lengthen_waits(console: &Console) {
    console.sql(
        "UPDATE pilothouse.sign_in_failures SET blocked_until = now() + interval '1 minute' \
         WHERE blocked_until IS NOT NULL",
    );
}

#[test]
fn guessing_is_slowed_down_and_locks_no_owner_out() {
    let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let (_, guessed) = console.user("owner");
    let (_, other) = console.user("owner");
    let from = |address: &str, email: &str, password: &str| {
        let person = console.anonymous();
        let form = encoded(&[("email", email), ("password", password)]);
        let request = as_form(person.own_post("/login"), &form);
        person.send(request.header("x-forwarded-for", format!("203.0.113.66, {address}")))
    };
    // An owner who has signed in from home before.
    from("198.51.100.9", &guessed, PASSWORD).expect(303);

    let statuses: Vec<u16> = (0..10).map(|_| from("198.51.100.1", &guessed, "a guess").status).collect();
    assert_eq!(statuses, [422; 10]);
    lengthen_waits(&console);
    let refused = from("198.51.100.1", &guessed, PASSWORD).expect(429);
    assert!(refused.has("[role=alert]"));
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=900).contains(&seconds)));
    from("198.51.100.1", &guessed.to_uppercase(), PASSWORD).expect(429);
    from("198.51.100.2", &other, PASSWORD).expect(303);

    // Guesses from everywhere stop strange addresses, and never the owner's own.
    console.sql("UPDATE pilothouse.sign_in_failures SET failures = 49 WHERE scope = 'account'");
    from("198.51.100.3", &guessed, "a guess").expect(422);
    lengthen_waits(&console);
    from("198.51.100.4", &guessed, "a guess").expect(429);
    from("198.51.100.9", &guessed, PASSWORD).expect(303);
    // It is a delay, not a lock.
    console.sql("UPDATE pilothouse.sign_in_failures SET blocked_until = now() - interval '1 second'");
    from("198.51.100.4", &guessed, PASSWORD).expect(303);
    // The right-most address that is no proxy's counts, not what a client wrote before it.
    assert_eq!(console.count("pilothouse.sign_in_failures WHERE subject = '203.0.113.66'"), 0);
    assert_eq!(console.count("sessions WHERE ip_address = '198.51.100.9'"), 2);
}

#[test]
fn guessing_many_accounts_from_one_address_is_slowed_down_too() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let forged = |n: usize, email: &str| {
        let person = console.anonymous();
        let form = encoded(&[("email", email), ("password", PASSWORD)]);
        let request = as_form(person.own_post("/login"), &form);
        person
            .send(request.header("x-forwarded-for", format!("192.0.2.{n}")).header("x-real-ip", "192.0.2.1"))
    };
    for n in 0..10 {
        forged(n, &format!("nobody{n}@people.test")).expect(422);
    }
    lengthen_waits(&console);
    forged(12, &email).expect(429);
}

#[test]
fn many_guesses_at_once_are_counted_before_any_password_is_checked() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    // The next try of this address makes it wait for minutes.
    console.sql("INSERT INTO pilothouse.sign_in_failures (scope, subject, failures) VALUES ('address', '127.0.0.1', 18)");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || sign_in(&console.anonymous(), &email, "a guess").status;
        let threads: Vec<_> = (0..30).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let checked = statuses.iter().filter(|status| **status == 422).count();
    assert_eq!(checked, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [422, 429].contains(status)), "{statuses:?}");
}

#[test]
fn signing_out_ends_the_session_on_the_server() {
    let console = Console::start();
    let owner = console.owner();
    let elsewhere = console.sign_in_as(&owner.id);
    let thief = owner.twin();

    let answer = owner.post("/logout", &[]).expect(303);

    assert_eq!(answer.location(), "/login?notice=signed-out");
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(owner.session_cookie(), None, "the cookie is removed");
    assert!(!owner.is_signed_in() && !thief.is_signed_in());
    assert!(elsewhere.is_signed_in(), "another browser's session is another session");
    assert!(owner.get(answer.location()).expect(200).text("main").contains("signed out"));
    thief.post("/logout", &[]).expect(303);
    console.anonymous().post("/logout", &[]).expect(303);
    assert_eq!(owner.request(Method::GET, "/logout").build().unwrap().method(), "GET");
    owner.get("/logout").expect(405);
}

#[test]
fn requests_under_way_do_not_bring_a_session_back() {
    let console = Console::start();
    for _ in 0..5 {
        let owner = console.owner();
        console.sql("UPDATE sessions SET last_activity = now() - interval '5 minutes'");
        std::thread::scope(|scope| {
            for _ in 0..6 {
                let twin = owner.twin();
                scope.spawn(move || {
                    for _ in 0..4 {
                        assert!([200, 303].contains(&twin.get("/projects").status));
                    }
                });
            }
            let leaving = owner.twin();
            scope.spawn(move || assert_eq!(leaving.post("/logout", &[]).status, 303));
        });
        assert!(!owner.is_signed_in());
        assert_eq!(console.count(&format!("sessions WHERE user_id = '{}' AND is_active", owner.id)), 0);
        assert_eq!(console.count(&format!("sessions WHERE user_id = '{}'", owner.id)), 1);
    }
}

#[test]
fn the_databases_clock_ends_sessions() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let over = [
        (&owner, "last_activity = now() - interval '12 hours 1 second'"),
        (&owner, "created_at = now() - interval '14 days 1 second'"),
        (&owner, "expires_at = now()"),
        (&owner, "is_active = false"),
        (&owner, "is_active = NULL"),
        (&admin, "last_activity = now() - interval '30 minutes 1 second'"),
        (&admin, "created_at = now() - interval '12 hours 1 second'"),
    ];
    let alive = [
        (&owner, "last_activity = now() - interval '11 hours 59 minutes'"),
        (&owner, "created_at = now() - interval '13 days 23 hours'"),
        (&admin, "last_activity = now() - interval '29 minutes'"),
    ];
    let lives = |(who, change): (&Person, &str)| {
        let person = console.sign_in_as(&who.id);
        assert!(person.is_signed_in());
        console.sql(&format!("UPDATE sessions SET {change} WHERE id = '{}'", person.session));
        let answer = person.get("/projects");
        if answer.status == 303 {
            assert_eq!(person.session_cookie(), None, "{change}: the dead cookie is removed");
        }
        answer.status == 200
    };
    for case in over {
        assert!(!lives(case), "{}", case.1);
    }
    for case in alive {
        assert!(lives(case), "{}", case.1);
    }
}

#[test]
fn whoever_is_deactivated_is_out_at_once() {
    let console = Console::start();
    for change in ["is_active = false", "is_active = NULL"] {
        let owner = console.owner();
        assert!(owner.is_signed_in());
        console.sql(&format!("UPDATE users SET {change} WHERE id = '{}'", owner.id));
        assert!(!owner.is_signed_in(), "{change}");
    }
}

#[test]
fn a_use_is_noted_at_most_once_a_minute() {
    let console = Console::start();
    let owner = console.owner();
    let used = |ago: &str| {
        console.sql(&format!("UPDATE sessions SET last_activity = now() - interval '{ago}'"));
        console.text("SELECT last_activity::text FROM sessions")
    };
    let recent = used("40 seconds");
    for _ in 0..5 {
        owner.get("/projects").expect(200);
    }
    assert_eq!(console.text("SELECT last_activity::text FROM sessions"), recent);
    let stale = used("2 minutes");
    owner.get("/projects").expect(200);
    // It is written beside the answer.
    let noted = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        console.text("SELECT last_activity::text FROM sessions") != stale
    });
    assert!(noted);
}

#[test]
fn a_user_has_at_most_twenty_sessions_and_the_oldest_makes_room() {
    let console = Console::start();
    let (id, email) = console.user("owner");
    console.sql(&format!(
        "INSERT INTO sessions (user_id, token, expires_at, last_activity) \
         SELECT '{id}', 'token ' || n, now() + interval '1 day', now() - n * interval '1 minute' \
         FROM generate_series(1, 20) n"
    ));
    sign_in(&console.anonymous(), &email, PASSWORD).expect(303);
    assert_eq!(console.count("sessions WHERE is_active"), 20);
    assert_eq!(console.text("SELECT token FROM sessions WHERE NOT is_active"), "token 20");
}

#[test]
fn a_cookie_that_is_no_session_is_nobody() {
    let console = Console::start();
    let owner = console.owner();
    let good = owner.session_cookie().unwrap();
    let bare = secret(&good);
    let mut flipped = good.clone().into_bytes();
    flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
    let cookie_name = console.cookie_name();
    let pair = |value: &str| format!("{cookie_name}={value}").into_bytes();
    let cookies: Vec<(&str, Vec<u8>)> = vec![
        ("unsigned", pair(&bare)),
        ("empty", pair("")),
        ("one character of the signature changed", pair(&String::from_utf8(flipped).unwrap())),
        ("the last character changed", pair(&format!("{}!", &good[..good.len() - 1]))),
        ("cut", pair(&good[..60])),
        ("signature without a token", pair(&console.signed(""))),
        ("signed upper case", pair(&console.signed(&bare.to_uppercase()))),
        ("signed quotes", pair(&console.signed("\",\"token\":\"x"))),
        ("signed SQL", pair(&console.signed("' OR true --"))),
        ("4,097 bytes", pair(&"x".repeat(4097))),
        ("NUL", pair("%00")),
        ("broken escape", pair("%zz")),
        ("no UTF-8", [cookie_name.as_bytes(), b"=\xff\xfe"].concat()),
        ("no UTF-8, escaped", pair("%ff%fe")),
        ("twice, both bad", [pair("a"), pair("b")].join(&b"; "[..])),
        ("another name", format!("pilothouse={good}").into_bytes()),
        ("only separators", b"; ;=;".to_vec()),
    ];
    for (name, cookie) in cookies {
        let person = console.anonymous();
        let request = person
            .request(Method::GET, "/projects")
            .header(COOKIE, HeaderValue::from_bytes(&cookie).unwrap());
        let answer = person.send(request);
        assert_eq!((answer.status, answer.location()), (303, "/login?next=%2Fprojects"), "{name}");
    }
    let other = format!("theme=dark; {cookie_name}={good}; x=1");
    let person = console.anonymous();
    person.send(person.request(Method::GET, "/projects").header(COOKIE, other)).expect(200);
}

#[test]
fn an_ended_session_is_told_at_the_sign_in_which_leads_back() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.anonymous());
    let other = owner.twin();
    let told = |person: &Person, location: &str| {
        let page = person.get(location).expect(200);
        (page.text("[role=status]"), page.attribute("[name=next]", "value"))
    };
    console.sql("UPDATE sessions SET is_active = false");

    let location = owner.get("/projects?q=a%20b").expect(303).location().to_owned();
    let (said, next) = told(&owner, &location);
    assert!(said.contains("session has ended"), "{said}");
    assert_eq!(next, "/projects?q=a%20b");
    assert_eq!(told(&owner, &location).0, "", "it is told once");

    // What was being typed stood on a page: the way leads there.
    for (from, leads_to) in [("/projects/new", "/projects/new"), ("/login", "/"), ("", "/")] {
        let person = other.twin();
        let request = person.own_post("/projects").header("referer", format!("{}{from}", console.base));
        let request = if from.is_empty() { person.own_post("/projects") } else { request };
        let location = person.send(as_form(request, "name=shop")).expect(303).location().to_owned();
        assert_eq!(told(&person, &location).1, leads_to, "{from}");
    }
    let location = stranger.get("/projects").expect(303).location().to_owned();
    assert_eq!(told(&stranger, &location).0, "", "nothing of theirs has ended");
}
