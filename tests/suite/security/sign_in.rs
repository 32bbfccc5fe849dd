//! Getting in: what slows guesses down, what a password may be, and that nobody is in by default.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pilothouse::db::SecretHash;
use reqwest::Method;
use reqwest::header::HeaderValue;

use crate::support::console::{Console, PASSWORD, Person};
use crate::support::person::{as_form, encoded};

fn try_from(base: &str, address: &str, email: &str, password: &str) -> u16 {
    let person = Person::new(base);
    let form = encoded(&[("email", email), ("password", password)]);
    let request = as_form(person.own_post("/login"), &form).header("x-forwarded-for", address);
    person.send(request).status
}

const BEHIND_A_PROXY: [(&str, &str); 1] = [("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8")];

fn hold(console: &Console) {
    console.sql(
        "UPDATE pilothouse.sign_in_failures SET blocked_until = now() + interval '1 minute' \
         WHERE blocked_until IS NOT NULL",
    );
}

#[test]
fn instances_count_tries_together_and_know_each_others_sessions() {
    let console = Console::with(&BEHIND_A_PROXY);
    let other = console.beside();
    let (_, email) = console.user("owner");
    for n in 0..10 {
        let base = if n % 2 == 0 { &console.base } else { &other.base };
        assert_eq!(try_from(base, "198.51.100.1", &email, "a guess"), 422);
    }
    hold(&console);
    for base in [&console.base, &other.base] {
        assert_eq!(try_from(base, "198.51.100.1", &email, PASSWORD), 429);
        assert_eq!(try_from(base, "198.51.100.2", &email, PASSWORD), 303);
    }

    // One key and one table: who signed in there is signed in here, and who left is gone everywhere.
    let here = console.owner();
    let there = Person::new(&other.base);
    there.set_cookie(&console.cookie_name(), &here.session_cookie().unwrap());
    assert!(there.is_signed_in());
    here.post("/logout", &[]).expect(303);
    assert!(!there.is_signed_in());
}

#[test]
fn one_network_of_ipv6_is_one_address() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (_, email) = console.user("owner");
    for n in 0..10 {
        let address = format!("2001:db8:1:2:{n:x}::{n:x}");
        assert_eq!(try_from(&console.base, &address, &email, "a guess"), 422);
    }
    hold(&console);
    assert_eq!(try_from(&console.base, "2001:db8:1:2:ffff::1", &email, PASSWORD), 429);
    assert_eq!(try_from(&console.base, "2001:db8:1:3::1", &email, PASSWORD), 303);

    // Guesses from everywhere don't stop the network that the owner has signed in from.
    console.sql(
        "UPDATE pilothouse.sign_in_failures SET failures = 60, blocked_until = NULL WHERE scope = 'account'",
    );
    console.sql(&format!(
        "INSERT INTO pilothouse.sign_in_failures (scope, subject, failures, blocked_until) \
         VALUES ('account', encode(sha256('{email}'), 'hex'), 60, now() + interval '1 minute') ON CONFLICT DO NOTHING"
    ));
    assert_eq!(try_from(&console.base, "2001:db8:1:4::1", &email, PASSWORD), 429);
    assert_eq!(try_from(&console.base, "2001:db8:1:3:abcd::9", &email, PASSWORD), 303);
}

#[test]
fn a_site_of_ipv6_counts_as_its_networks_do_with_a_higher_bound() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (_, email) = console.user("owner");
    let (_, at_home) = console.user("owner");
    assert_eq!(try_from(&console.base, "2001:db8:1:ffff::1", &at_home, PASSWORD), 303);
    for n in 0..40 {
        let address = format!("2001:db8:1:{n:x}::1");
        assert_eq!(
            try_from(&console.base, &address, &format!("nobody{n}@people.test"), "a guess"),
            422,
            "{n}"
        );
    }
    hold(&console);
    assert_eq!(try_from(&console.base, "2001:db8:1:aaaa::1", &email, PASSWORD), 429);
    assert_eq!(try_from(&console.base, "2001:db8:2:aaaa::1", &email, PASSWORD), 303);
    assert_eq!(try_from(&console.base, "2001:db8:1:ffff::2", &at_home, PASSWORD), 303, "where it is known");
}

#[test]
fn a_network_where_a_link_was_used_is_known_from_then_on() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (id, email) = console.user("owner");
    console.sql(&format!("UPDATE users SET password_hash = NULL WHERE id = '{id}'"));
    let secret = console.app.entropy.secret();
    console.sql(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) VALUES ('{}', '{id}', now() + interval '1 day')",
        SecretHash::of(&secret).as_str()
    ));
    let newcomer = console.anonymous();
    let form = encoded(&[("password", PASSWORD)]);
    let request = as_form(newcomer.own_post(&format!("/passwords/{secret}")), &form);
    newcomer.send(request.header("x-forwarded-for", "198.51.100.9")).expect(303);

    // Guesses from everywhere, before the first sign-in.
    console.sql(&format!(
        "INSERT INTO pilothouse.sign_in_failures (scope, subject, failures, blocked_until) \
         VALUES ('account', encode(sha256('{email}'), 'hex'), 60, now() + interval '1 minute')"
    ));
    assert_eq!(try_from(&console.base, "198.51.100.8", &email, PASSWORD), 429);
    assert_eq!(try_from(&console.base, "198.51.100.9", &email, PASSWORD), 303);
}

#[test]
fn tries_at_others_stop_nobody_where_they_are_known() {
    let console = Console::with(&BEHIND_A_PROXY);
    let office = "198.51.100.7";
    let ((_, ada), (_, bob), (_, elsewhere)) =
        (console.user("owner"), console.user("owner"), console.user("owner"));
    for email in [&ada, &bob] {
        assert_eq!(try_from(&console.base, office, email, PASSWORD), 303);
    }
    for n in 0..10 {
        assert_eq!(try_from(&console.base, office, &format!("nobody{n}@people.test"), "a guess"), 422);
    }
    hold(&console);
    let refusal = |email: &str, password: &str| {
        let person = console.anonymous();
        let form = encoded(&[("email", email), ("password", password)]);
        let request = as_form(person.own_post("/login"), &form).header("x-forwarded-for", office);
        let began = Instant::now();
        let answer = person.send(request).expect(429);
        let seconds = answer.header("retry-after").to_owned();
        assert!(began.elapsed() >= Duration::from_millis(100), "no refusal tells by its haste");
        answer.body_without_chance().replace(email, "EMAIL").replace(&seconds, "SECONDS")
    };
    let unknown = refusal("nobody@people.test", PASSWORD);
    assert_eq!(refusal(&elsewhere, PASSWORD), unknown, "who exists is told to nobody");
    assert_eq!(refusal(&ada, "a guess"), unknown, "who is known there neither");
    for email in [&ada, &bob] {
        assert_eq!(try_from(&console.base, office, email, PASSWORD), 303);
    }
    assert_eq!(refusal(&elsewhere, PASSWORD), unknown, "and frees nobody else");

    // Where an account is known it is stopped by tries at itself, and nobody else is.
    for _ in 0..10 {
        assert_eq!(refusal(&ada, "a guess"), unknown);
    }
    hold(&console);
    assert_eq!(refusal(&ada, PASSWORD), unknown);
    assert_eq!(try_from(&console.base, "198.51.100.8", &ada, PASSWORD), 303);
    assert_eq!(try_from(&console.base, office, &bob, PASSWORD), 303);
}

#[test]
fn ten_wrong_tries_stop_an_address_alike_whoever_they_were_for() {
    let console = Console::with(&BEHIND_A_PROXY);
    let ((_, known), (_, elsewhere)) = (console.user("owner"), console.user("owner"));
    let mut seen = Vec::new();
    for (n, email) in [known.as_str(), &elsewhere, "nobody@people.test"].into_iter().enumerate() {
        let address = format!("198.51.100.{n}");
        if email == known {
            assert_eq!(try_from(&console.base, &address, email, PASSWORD), 303);
        }
        let tries: Vec<u16> = (0..10).map(|_| try_from(&console.base, &address, email, "a guess")).collect();
        hold(&console);
        let next =
            [email, "somebody@people.test"].map(|next| try_from(&console.base, &address, next, "a guess"));
        seen.push((tries, next));
        end_waits(&console);
    }
    assert_eq!(seen[0], (vec![422; 10], [429, 429]));
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[test]
fn a_sign_in_frees_an_address_of_its_own_try_only() {
    let console = Console::with(&BEHIND_A_PROXY);
    let ((_, mine), (_, victim)) = (console.user("owner"), console.user("owner"));
    let here = "198.51.100.1";
    assert_eq!(try_from(&console.base, here, &mine, PASSWORD), 303);
    for _ in 0..9 {
        assert_eq!(try_from(&console.base, here, &victim, "a guess"), 422);
    }
    // Mine is counted, and while it is checked the next guess at somebody else makes the address wait.
    let paused = console.pause_hashing();
    std::thread::scope(|scope| {
        let own = scope.spawn(|| try_from(&console.base, here, &mine, PASSWORD));
        console.hashes_wait(1);
        end_waits(&console);
        let guess = scope.spawn(|| try_from(&console.base, here, &victim, "a guess"));
        console.hashes_wait(2);
        hold(&console);
        drop(paused);
        assert_eq!((own.join().unwrap(), guess.join().unwrap()), (303, 422));
    });
    assert_eq!(try_from(&console.base, here, &victim, PASSWORD), 429);
}

/// Ends every wait, as time does.
fn end_waits(console: &Console) {
    console.sql("UPDATE pilothouse.sign_in_failures SET blocked_until = NULL");
}

#[test]
fn a_flood_from_an_address_that_waits_is_refused_from_memory_and_stops_nobody() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (owner, (_, at_home)) = (console.owner(), console.user("owner"));
    let flooded = "198.51.100.1";
    assert_eq!(try_from(&console.base, flooded, &at_home, PASSWORD), 303);
    for n in 0..10 {
        assert_eq!(try_from(&console.base, flooded, &format!("nobody{n}@people.test"), "a guess"), 422);
    }
    hold(&console);
    assert_eq!(try_from(&console.base, flooded, "nobody@people.test", "a guess"), 429);

    // Whatever asks the database about this address waits for a lock.
    let mut holder = console.db.connect_owner();
    let lock =
        format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('sign in address {flooded}', 0))");
    holder.batch_execute(&lock).unwrap();
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n in 0..40 {
            let (console, done) = (&console, &done);
            scope.spawn(move || {
                let status = try_from(&console.base, flooded, &format!("flood{n}@people.test"), "a guess");
                done.fetch_add(usize::from(status == 429), Ordering::SeqCst);
            });
        }
        let give_up = Instant::now() + Duration::from_secs(5);
        while done.load(Ordering::SeqCst) < 30 {
            assert!(Instant::now() < give_up, "{done:?} of 40 were refused");
            owner.get("/projects").expect(200);
        }
        holder.batch_execute("COMMIT").unwrap();
    });
    assert_eq!(try_from(&console.base, flooded, &at_home, PASSWORD), 303, "who is known there");
    assert_eq!(try_from(&console.base, "198.51.100.2", &owner.email, PASSWORD), 303);

    // Memory repeats what it was told, and learns within a second that it holds no more.
    console.sql("DELETE FROM pilothouse.sign_in_failures");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(try_from(&console.base, flooded, "nobody@people.test", "a guess"), 422);
}

#[test]
fn a_crowd_that_signs_in_at_once_is_told_to_come_back_and_stops_no_page() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (owner, (_, email)) = (console.owner(), console.user("owner"));
    let paused = console.pause_hashing();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..60)
            .map(|n| {
                let (base, email) = (&console.base, &email);
                scope.spawn(move || {
                    let person = Person::new(base);
                    let form = encoded(&[("email", email), ("password", "a guess")]);
                    let request = as_form(person.own_post("/login"), &form);
                    person.send(request.header("x-forwarded-for", format!("198.51.100.{n}"))).status
                })
            })
            .collect();
        console.hashes_wait(48);
        owner.get("/projects").expect(200);
        // Nobody is asked for a password, or counted, who finds no place.
        let counted = console.count("pilothouse.sign_in_failures WHERE scope = 'address'");
        assert_eq!(counted, 48);
        drop(paused);
        crowd.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let told = |status: u16| statuses.iter().filter(|told| **told == status).count();
    assert_eq!((told(422), told(503)), (48, 12), "{statuses:?}");
}

#[test]
fn counts_that_nobody_asks_for_any_more_go() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    console.sql(
        "INSERT INTO pilothouse.sign_in_failures (scope, subject, last_at) \
         SELECT 'account', 'old ' || n, now() - interval '2 days' FROM generate_series(1, 5) n \
         UNION ALL SELECT 'account', 'young', now() - interval '2 hours'",
    );
    assert_eq!(try_from(&console.base, "", &email, "a guess"), 422);
    assert_eq!(
        console.text(
            "SELECT string_agg(subject, '') FROM pilothouse.sign_in_failures WHERE subject ~ '^(old|young)'"
        ),
        "young"
    );
}

#[test]
fn an_ipv4_address_written_as_ipv6_is_itself() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (_, email) = console.user("owner");
    for _ in 0..10 {
        assert_eq!(try_from(&console.base, "::ffff:198.51.100.1", &email, "a guess"), 422);
    }
    hold(&console);
    assert_eq!(try_from(&console.base, "198.51.100.1", &email, PASSWORD), 429);
    assert_eq!(try_from(&console.base, "::ffff:198.51.100.2", &email, PASSWORD), 303);
    assert_eq!(console.text("SELECT host(ip_address) FROM sessions"), "198.51.100.2");
}

#[test]
fn where_somebody_comes_from_is_what_the_nearest_untrusted_hop_is() {
    let forwarded = "1.2.3.4, 203.0.113.7, 10.0.0.9";
    for (proxies, seen) in
        [("", "127.0.0.1"), ("127.0.0.1", "10.0.0.9"), ("127.0.0.0/8, 10.0.0.0/8", "203.0.113.7")]
    {
        let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", proxies)]);
        let (_, email) = console.user("owner");
        let person = console.anonymous();
        let form = encoded(&[("email", email.as_str()), ("password", PASSWORD)]);
        let request = as_form(person.own_post("/login"), &form)
            .header("x-forwarded-for", forwarded)
            .header("x-real-ip", "5.6.7.8")
            .header("forwarded", "for=9.9.9.9")
            .header("client-ip", "8.8.8.8");
        person.send(request).expect(303);
        assert_eq!(console.text("SELECT host(ip_address) FROM sessions"), seen, "{proxies}");
    }
}

/// What a sign-in through proxies that say `forwarded`, a line each, is recorded as.
fn recorded_address(console: &Console, forwarded: &[&[u8]]) -> String {
    let (id, email) = console.user("owner");
    let person = console.anonymous();
    let form = encoded(&[("email", email.as_str()), ("password", PASSWORD)]);
    let request = forwarded.iter().fold(as_form(person.own_post("/login"), &form), |request, line| {
        request.header("x-forwarded-for", HeaderValue::from_bytes(line).unwrap())
    });
    person.send(request).expect(303);
    console.text(&format!("SELECT host(ip_address) FROM sessions WHERE user_id = '{id}'"))
}

#[test]
fn a_proxy_may_write_an_address_with_port_brackets_and_zone() {
    let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8, fd00::/8")]);
    for (forwarded, seen) in [
        ("203.0.113.7:51234", "203.0.113.7"),
        ("1.2.3.4:1, 203.0.113.7:51234, 10.0.0.9:80", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::2]", "2001:db8::2"),
        ("2001:db8::3, [fd00::1]:8080", "2001:db8::3"),
        ("\"[2001:db8::4]:443\"", "2001:db8::4"),
        ("fe80::1%eth0", "fe80::1"),
        ("[::ffff:203.0.113.8]:443", "203.0.113.8"),
        ("  203.0.113.9 ,, 10.0.0.9 , ", "203.0.113.9"),
        ("", "127.0.0.1"),
    ] {
        assert_eq!(recorded_address(&console, &[forwarded.as_bytes()]), seen, "{forwarded}");
    }
}

#[test]
fn nothing_before_a_hop_that_names_no_address_is_believed() {
    let console = Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8")]);
    for garbage in ["unknown", "_hidden", "203.0.113.7:x", "203.0.113.7.8", "[2001:db8::1", "localhost"] {
        let behind_a_proxy = format!("6.6.6.6, {garbage}, 10.0.0.9:80");
        assert_eq!(recorded_address(&console, &[behind_a_proxy.as_bytes()]), "10.0.0.9", "{garbage}");
        let last = format!("6.6.6.6, {garbage}");
        assert_eq!(recorded_address(&console, &[last.as_bytes()]), "127.0.0.1", "{garbage}");
    }
    // Several lines are one list; one that is no text is a hop as well.
    assert_eq!(recorded_address(&console, &[b"6.6.6.6", b"203.0.113.7:1", b"10.0.0.9"]), "203.0.113.7");
    assert_eq!(recorded_address(&console, &[b"6.6.6.6", b"203.0.113.7 \xff", b"10.0.0.9"]), "10.0.0.9");
}

#[test]
fn no_way_of_writing_a_try_gets_around_the_count() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    for n in 0..10 {
        let written = match n % 4 {
            0 => email.clone(),
            1 => email.to_uppercase(),
            2 => format!("  {email}\t"),
            _ => format!("{}{}", email[..1].to_uppercase(), &email[1..]),
        };
        let form = [("email", written.as_str()), ("password", "a guess")];
        console.anonymous().post("/login", &form).expect(422);
    }
    assert_eq!(console.count("pilothouse.sign_in_failures WHERE scope = 'account'"), 1);
    hold(&console);
    let person = console.anonymous();
    let right = [("email", email.as_str()), ("password", PASSWORD)];
    person.post("/login", &right).expect(429);
    person.post("/login?next=/projects", &right).expect(429);
    // Nothing else takes a password from somebody who has no session.
    for path in ["/login/", "/Login", "/LOGIN", "//login", "/api/login", "/sessions", "/account/password"] {
        let status = person.post(path, &right).status;
        assert!([303, 404].contains(&status), "{path}: {status}");
    }
    let json = format!("{{\"email\":\"{email}\",\"password\":\"{PASSWORD}\"}}");
    let request = person.own_post("/login").header("content-type", "application/json").body(json);
    person.send(request).expect(415);
    let basic = person.request(Method::GET, "/projects").basic_auth(&email, Some(PASSWORD));
    person.send(basic).expect(303);
    assert_eq!(console.count("sessions"), 0);
}

#[test]
fn every_refusal_has_the_same_bytes_and_headers_while_waiting_too() {
    let console = Console::with(&BEHIND_A_PROXY);
    let (_, known) = console.user("owner");
    let (inactive, deactivated) = console.user("owner");
    let (unset, passwordless) = console.user("owner");
    console.sql(&format!(
        "UPDATE users SET is_active = false WHERE id = '{inactive}'; \
         UPDATE users SET password_hash = NULL WHERE id = '{unset}'"
    ));
    let mut seen = BTreeSet::new();
    for (n, email) in
        [known.as_str(), "nobody@people.test", &deactivated, &passwordless].into_iter().enumerate()
    {
        let address = format!("198.51.100.{n}");
        for _ in 0..10 {
            assert_eq!(try_from(&console.base, &address, email, "a guess"), 422);
        }
        console.sql("UPDATE pilothouse.sign_in_failures SET blocked_until = 'infinity' WHERE blocked_until IS NOT NULL");
        console.sql(
            "UPDATE pilothouse.sign_in_failures SET blocked_until = clock_timestamp() + interval '1 hour'",
        );
        let person = console.anonymous();
        let form = encoded(&[("email", email), ("password", "a guess")]);
        let request = as_form(person.own_post("/login"), &form).header("x-forwarded-for", &address);
        let answer = person.send(request).expect(429);
        let names: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
        let seconds = answer.header("retry-after");
        let body = answer.body_without_chance().replace(email, "EMAIL").replace(seconds, "SECONDS");
        seen.insert((body, names));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[test]
fn a_password_is_taken_as_it_is_typed_and_never_hashed_when_it_cannot_be_one() {
    let console = Console::start();
    let owner = console.owner();
    let mut current = PASSWORD.to_owned();
    let long = "Aa1 bB2 ".repeat(8);
    let most = "lighthouse keeper on a rock, ".repeat(9).chars().take(256).collect::<String>();
    for new in [
        long.trim_end(),
        "🦀🛥️⚓🌊🐳🦑🐙🦐🐚🐠🐬🐋 a",
        "  spaces at both ends  ",
        "only lower case letters",
        &most,
    ] {
        let form = [("current_password", current.as_str()), ("password", new)];
        owner.post("/account/password", &form).expect(303);
        assert!(console.holds("(SELECT password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' FROM users)"));
        current = new.to_owned();
        let signed_in = console.anonymous().post("/login", &[("email", &owner.email), ("password", new)]);
        assert_eq!(signed_in.status, 303, "{new:?}");
        let trimmed = new.trim();
        if trimmed != new {
            console.anonymous().post("/login", &[("email", &owner.email), ("password", trimmed)]).expect(422);
        }
    }
    // No attempt at what can't be a password is counted, since none is checked.
    console.sql("DELETE FROM pilothouse.sign_in_failures");
    let endless = "x".repeat(1 << 20);
    let form = [("email", owner.email.as_str()), ("password", endless.as_str())];
    console.anonymous().post("/login", &form).expect(413);
    let form = [("email", owner.email.as_str()), ("password", &endless[..257])];
    console.anonymous().post("/login", &form).expect(422);
    assert_eq!(console.count("pilothouse.sign_in_failures"), 0);
}

#[test]
fn the_first_visitor_of_an_empty_console_becomes_nobody() {
    let console = Console::start();
    let visitor = console.anonymous();
    let form = [
        ("email", "first@x.test"),
        ("password", "four unrelated words"),
        ("name", "First"),
        ("role", "admin"),
    ];
    for path in [
        "/setup",
        "/install",
        "/init",
        "/register",
        "/signup",
        "/sign-up",
        "/users",
        "/users/new",
        "/admin",
        "/onboarding",
        "/api/users",
        "/api/setup",
        "/api/users/admin/init",
        "/passwords/x",
        "/login",
    ] {
        let shown = visitor.get(path);
        assert!([303, 404].contains(&shown.status) || path == "/login", "{path}: {}", shown.status);
        let sent = visitor.post(path, &form);
        assert!([303, 404, 405, 422].contains(&sent.status), "{path}: {}", sent.status);
        assert!(sent.status != 303 || sent.location().starts_with("/login"), "{path}");
    }
    assert_eq!(console.count("users"), 0);
    assert_eq!(console.count("sessions"), 0);
}
