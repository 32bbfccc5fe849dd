//! Cookies know no ports: what a browser has of several consoles, and of an earlier version, on one host.

use pilothouse::http::cookies::flash_name;
use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};

use crate::support::answer::Answer;
use crate::support::console::{Console, PASSWORD, Person};

const EARLIER: &str = "__Host-pilothouse";

fn other_console() -> Console {
    Console::with(&[("PILOTHOUSE_SECRET_KEY", "another key that is long enough for tests")])
}

fn sign_in(person: &Person, email: &str) -> Answer {
    person.post("/login", &[("email", email), ("password", PASSWORD)]).expect(303)
}

/// A browser whose session was begun under the earlier name.
fn as_before(console: &Console, session: &Person) -> Person {
    let person = console.anonymous();
    person.set_cookie(EARLIER, &session.session_cookie().unwrap());
    person
}

fn removed(answer: &Answer) -> Vec<String> {
    let lines = answer.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
    let gone = lines.filter(|line| line.contains("Max-Age=0"));
    gone.map(|line| line.split('=').next().unwrap().to_owned()).collect()
}

fn is_alive(console: &Console, session: &Person) -> bool {
    console.count(&format!("sessions WHERE id = '{}' AND is_active", session.session)) == 1
}

#[test]
fn two_consoles_on_one_host_leave_each_others_sessions_and_messages_alone() {
    let (one, other) = (Console::start(), other_console());
    let (_, here) = one.user("owner");
    let (_, there) = other.user("owner");
    let browser = one.anonymous();
    sign_in(&browser, &here);
    let browser = browser.at(&other.base);
    sign_in(&browser, &there);
    assert!(browser.is_signed_in() && browser.at(&one.base).is_signed_in());

    let browser = browser.at(&one.base);
    browser.post("/projects", &[("name", "shop"), ("type", "rust")]).expect(303);
    let message = flash_name(&one.app.config);
    assert!(browser.cookie(&message).is_some());
    let browser = browser.at(&other.base);
    browser.get("/projects").expect(200);
    assert!(browser.cookie(&message).is_some(), "shown by nobody else");

    let answer = browser.post("/logout", &[]).expect(303);
    assert_eq!(removed(&answer), [other.cookie_name()]);
    // "cookies" would take those of the whole host.
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(!browser.is_signed_in() && browser.at(&one.base).is_signed_in());
}

#[test]
fn a_session_under_the_earlier_name_goes_on_until_it_is_signed_out() {
    let console = Console::start();
    let session = console.owner();
    let browser = as_before(&console, &session);
    let page = browser.get("/projects").expect(200);
    assert!(!page.headers.contains_key(SET_COOKIE));
    browser.post("/projects", &[("name", "shop"), ("type", "rust")]).expect(303);
    // It proves as little of where a request comes from as one under today's name.
    let unproven = browser.request(Method::POST, "/logout");
    browser.send(unproven).expect(403);
    assert!(browser.is_signed_in());

    let answer = browser.post("/logout", &[]).expect(303);

    assert!(removed(&answer).contains(&EARLIER.to_owned()));
    assert!(!is_alive(&console, &session) && browser.cookie(EARLIER).is_none());
}

#[test]
fn a_session_under_the_earlier_name_that_has_ended_is_removed() {
    let console = Console::start();
    let session = console.owner();
    let browser = as_before(&console, &session);
    console.sql("UPDATE sessions SET is_active = false");
    let answer = browser.get("/projects").expect(303);
    assert!(removed(&answer).contains(&EARLIER.to_owned()));
}

#[test]
fn a_sign_in_replaces_the_session_under_the_earlier_name() {
    let console = Console::start();
    let session = console.owner();
    let browser = as_before(&console, &session);

    let answer = sign_in(&browser, &session.email);

    assert_eq!(removed(&answer), [EARLIER]);
    assert!(browser.cookie(&console.cookie_name()).is_some() && browser.is_signed_in());
    assert!(!is_alive(&console, &session));
}

#[test]
fn a_cookie_under_the_earlier_name_that_another_console_signed_is_left_alone() {
    let (console, other) = (Console::start(), other_console());
    let (_, email) = console.user("owner");
    let browser = as_before(&other, &other.owner()).at(&console.base);
    assert!(!browser.is_signed_in());
    sign_in(&browser, &email);
    browser.post("/logout", &[]).expect(303);
    assert!(browser.at(&other.base).is_signed_in());
}

#[test]
fn of_an_earlier_and_a_present_session_the_present_one_counts_and_both_end() {
    let console = Console::start();
    let (earlier, present) = (console.owner(), console.owner());
    for ending in ["/logout", "/login"] {
        let (earlier, present) = (console.sign_in_as(&earlier.id), console.sign_in_as(&present.id));
        let browser = present.twin();
        browser.set_cookie(EARLIER, &earlier.session_cookie().unwrap());
        assert!(browser.get("/account").expect(200).body.contains(&present.email));

        let form = [("email", present.email.as_str()), ("password", PASSWORD)];
        browser.post(ending, &form).expect(303);

        assert!(!is_alive(&console, &earlier) && !is_alive(&console, &present), "{ending}");
        assert!(browser.cookie(EARLIER).is_none());
    }
}

#[test]
fn two_sessions_under_one_name_are_nobodys() {
    let console = Console::start();
    let (one, other) = (console.owner(), console.owner());
    for name in [console.cookie_name(), EARLIER.to_owned()] {
        let (one, other) = (one.session_cookie().unwrap(), other.session_cookie().unwrap());
        let nobody = console.anonymous();
        let ask = |cookies: String| {
            nobody.send(nobody.request(Method::GET, "/projects").header(COOKIE, cookies)).status
        };
        assert_eq!(ask(format!("{name}={one}; {name}={other}")), 303);
        assert_eq!(ask(format!("{name}={other}; x=ö; {name}={one}")), 303);
        // The same one twice, or beside one that is none of ours, is one.
        assert_eq!(ask(format!("{name}={one}; {name}={one}")), 200);
        assert_eq!(ask(format!("{name}=planted; x=ö; {name}={one}")), 200);
    }
}

#[test]
fn over_plain_http_the_names_lack_their_prefix_and_nothing_else_is_read() {
    let console = Console::with(&[("PILOTHOUSE_INSECURE_COOKIES", "true")]);
    let owner = console.owner();
    let value = owner.cookie(&console.cookie_name()).unwrap();
    let mark = console.cookie_name().replace("pilothouse-", "");
    for (name, status) in [
        (format!("pilothouse-{mark}"), 200),
        ("pilothouse".to_owned(), 200),
        (format!("__Host-pilothouse-{mark}"), 303),
        ("__Host-pilothouse".to_owned(), 303),
    ] {
        let nobody = console.anonymous();
        nobody.set_cookie(&name, &value);
        nobody.get("/projects").expect(status);
    }
}
