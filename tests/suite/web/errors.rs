//! What is said when something is not there, not understood or not available.

use reqwest::Method;
use reqwest::header::ORIGIN;

use diesel::RunQueryDsl;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError};

use crate::support::console::{Console, PASSWORD};
use crate::support::person::as_form;

#[test]
fn a_missing_page_keeps_the_frame_for_whoever_is_signed_in() {
    let console = Console::start();
    let owner = console.owner();
    for path in ["/nothing", "/projects/x", "/projects/", "//projects", "/Projects"] {
        let inside = owner.get(path).expect(404);
        assert!(inside.has("[role=alert] h1") && !inside.header("content-type").contains("json"), "{path}");
        let outside = console.anonymous().get(path);
        assert!([303, 404].contains(&outside.status), "{path}: {}", outside.status);
    }
    let inside = owner.get("/projects/00000000-0000-4000-8000-000000000000").expect(404);
    assert!(inside.has("nav[aria-label=Main]"), "{}", inside.body);
    assert!(!console.anonymous().get("/nothing").expect(404).has("nav"));
}

#[test]
fn errors_of_the_api_are_problems() {
    let console = Console::start();
    let answer = console.owner().get("/api/nothing").expect(404);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], 404);
    assert!(problem["title"].is_string() && problem["request_id"].as_str().is_some_and(|id| id.len() == 32));
}

#[test]
fn a_method_that_does_not_exist_is_a_page_too() {
    let console = Console::start();
    let owner = console.owner();
    let request = owner.request(Method::DELETE, "/projects").header(ORIGIN, &console.base);
    let answer = owner.send(request).expect(405);
    assert!(answer.has("[role=alert] h1"));
    assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"));
    let of_a_form = owner.get("/account/profile").expect(405);
    assert_eq!(of_a_form.attribute("[role=alert] a", "href"), "/account", "leads to the form's page");
}

#[test]
fn without_a_database_the_console_says_so_and_keeps_the_session() {
    // Nobody listens on port 1.
    let console = Console::looking_at("postgres://nobody@127.0.0.1:1/nothing");
    let person = console.anonymous();
    person.set_cookie(&console.cookie_name(), &console.signed(&"a".repeat(64)));
    let cookie = person.session_cookie();

    person.get("/healthz").expect(200);
    person.get("/login").expect(200);
    person.get(&pilothouse::web::assets::urls().css).expect(200);
    for path in ["/projects", "/containers", "/activity", "/", "/readyz"] {
        let answer = person.get(path).expect(503);
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{path}");
    }
    let page = person.get("/projects").expect(503);
    assert!(page.has("[role=alert] h1") && page.text("main").contains("database"), "{}", page.body);
    person.post("/logout", &[]).expect(503);
    person.post("/login", &[("email", "a@b.test"), ("password", PASSWORD)]).expect(503);
    person.post("/projects", &[("name", "shop")]).expect(503);
    assert_eq!(person.session_cookie(), cookie);
}

#[test]
fn while_the_database_is_away_pages_keep_their_frame_and_forms_what_was_typed() {
    let console = Console::impatient();
    let (owner, nobody) = (console.owner(), console.anonymous());
    owner.get("/projects/new").expect(200);
    console.db.close();

    let typed =
        [("name", "shop"), ("type", "rust"), ("description", "<b>two\nlines</b>"), ("updated_at", "v1")];
    let page = owner.post("/projects?from=here", &typed).expect(503);
    assert!(page.has("nav[aria-label=Main]"), "{}", page.body);
    assert_eq!(page.attribute("form.form", "action"), "/projects?from=here");
    for (name, value) in typed {
        assert_eq!(page.attribute(&format!("form.form [name={name}]"), "value"), value);
    }
    assert_eq!(
        page.texts("form.form dd"),
        ["shop", "rust", "<b>two lines</b>"],
        "what people typed, and no more"
    );
    assert_eq!(page.text("form.form button"), "Try again");

    // Secrets are asked for once more, and never repeated.
    let secret = [("current_password", "an old secret"), ("password", "a new secret")];
    let page = owner.post("/account/password", &secret).expect(503);
    assert!(!page.body.contains("secret"), "{}", page.body);
    assert_eq!(page.select("form.form input[type=password][required]:not([value])").len(), 2);
    let page = nobody.post("/login", &[("email", "a@b.test"), ("password", PASSWORD)]).expect(503);
    assert!(!page.body.contains(PASSWORD) && !page.has("nav"), "{}", page.body);
    assert_eq!(page.text("form.form dd"), "a@b.test");

    // A page that is only read, as somebody meets it who goes back.
    let page = owner.get("/projects/new?a=b").expect(503);
    assert!(page.has("nav[aria-label=Main]") && !page.has("main form"), "{}", page.body);
    assert_eq!(page.attribute("main a", "href"), "/projects/new?a=b");
    assert_eq!(page.texts("main a")[0], "Try again");

    console.db.open();
    let again = || owner.post("/projects?from=here", &typed);
    let saved = (0..100).map(|_| again()).find(|answer| answer.status == 303).unwrap();
    assert_eq!(owner.get(saved.location()).expect(200).texts("p.keep-lines"), ["<b>two lines</b>"]);
}

#[test]
fn nobody_keeps_a_frame_who_has_left() {
    let console = Console::impatient();
    let owner = console.owner();
    let copy = owner.twin();
    owner.post("/logout", &[]).expect(303);
    console.db.close();
    assert!(!copy.get("/projects").expect(503).has("nav"));
}

#[test]
fn service_is_back_when_the_database_is() {
    let console = Console::impatient();
    let owner = console.owner();
    owner.get("/projects").expect(200);

    console.db.close();
    for _ in 0..3 {
        owner.get("/projects").expect(503);
    }
    owner.get("/readyz").expect(503);
    console.db.open();

    let tries = (0..100).take_while(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        owner.get("/projects").status == 503
    });
    assert!(tries.count() < 100);
    assert!(owner.is_signed_in());
    // The bad answer is kept for a moment.
    std::thread::sleep(std::time::Duration::from_millis(250));
    owner.get("/readyz").expect(200);
}

#[test]
fn lost_connections_cost_a_request_nothing() {
    let console = Console::start();
    let owner = console.owner();
    for _ in 0..5 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(owner.get("/projects").status, 200));
            }
        });
        console.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        owner.get("/projects").expect(200);
    }
}

#[test]
fn a_table_that_somebody_locks_is_a_503_and_not_a_hang() {
    use diesel::connection::SimpleConnection;

    let console = Console::start();
    let owner = console.owner();
    let mut locker = console.db.connect_owner();
    locker.batch_execute("BEGIN; LOCK TABLE projects IN ACCESS EXCLUSIVE MODE").unwrap();

    let answer = owner.get("/projects").expect(503);
    assert!(!answer.header("retry-after").is_empty());
    owner.post("/projects", &[("name", "shop")]).expect(503);
    owner.get("/account").expect(200);

    locker.batch_execute("ROLLBACK").unwrap();
    owner.get("/projects").expect(200);
    assert_eq!(console.count("projects"), 0);
}

#[test]
fn a_database_that_takes_no_changes_is_read_and_says_so() {
    let console = Console::start();
    let owner = console.owner();
    // For connections made from here on: the console has made none yet.
    console.sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$");
    owner.get("/projects").expect(200);
    owner.get("/activity").expect(200);
    let answer = owner.post("/projects", &[("name", "shop")]).expect(503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(answer.text("main").contains("no changes"), "{}", answer.body);
}

#[test]
fn a_change_that_nobody_waits_for_any_more_is_not_kept() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    let options = ConnectOptions {
        url: console.db.url(),
        size: 1,
        budget: std::time::Duration::from_millis(300),
        behind_pooler: false,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    let change = |pause: u64| {
        let (db, project) = (Db::new(&options), project.clone());
        let changed: Result<(), DbError> = runtime.block_on(async move {
            db.write(&Actor::System, move |conn| {
                let named = format!("UPDATE projects SET name = 'after {pause} ms' WHERE id = '{project}'");
                diesel::sql_query(named).execute(conn)?;
                std::thread::sleep(std::time::Duration::from_millis(pause));
                Ok(())
            })
            .await
        });
        changed
    };
    assert!(change(0).is_ok());
    assert!(matches!(change(700), Err(DbError::Unavailable(_))));
    // Waits for the thread that was given up.
    drop(runtime);
    assert_eq!(console.text("SELECT name FROM projects"), "after 0 ms");
}

#[test]
fn a_refused_form_says_which_proxy_or_setting_to_look_at() {
    let console = Console::start();
    let configured = Console::with(&[("PILOTHOUSE_BASE_URL", "https://console.example.org")]);
    let told = |console: &Console, headers: &[(&str, &str)]| {
        let owner = console.owner();
        let request = owner.request(Method::POST, "/account/preferences");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let page = owner.send(as_form(request, "theme=dark")).expect(403);
        page.text("[role=alert]")
    };
    let here = console.base.trim_start_matches("http://");
    for (console, headers, words) in [
        (&console, &[("origin", "null")][..], &["Origin: null", "Referrer-Policy: no-referrer", "HTTPS"][..]),
        (&console, &[], &["Origin", "Sec-Fetch-Site", "proxy"]),
        (
            &console,
            &[("origin", "https://console.example.org")],
            &["https://console.example.org", here, "Host"],
        ),
        (&console, &[("origin", "http://127.0.0.1")], &["http://127.0.0.1,", here]),
        (
            &configured,
            &[("origin", "http://console.example.org")],
            &["http://console.example.org", "https://console.example.org (PILOTHOUSE_BASE_URL)"],
        ),
        (&console, &[("sec-fetch-site", "cross-site")], &["another site"]),
    ] {
        let text = told(console, headers);
        assert!(words.iter().all(|word| text.contains(word)), "{headers:?}: {text}");
    }
    // Over HTTPS browsers say it in another header, which no policy takes away.
    let owner = console.owner();
    let request = owner.request(Method::POST, "/account/preferences").header("origin", "null");
    owner.send(as_form(request.header("sec-fetch-site", "same-origin"), "theme=dark")).expect(303);
}

#[test]
fn a_user_makes_no_more_than_three_hundred_changes_a_minute_and_keeps_what_was_typed() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    let toggle = |n: usize| {
        let theme = if n.is_multiple_of(2) { "dark" } else { "light" };
        owner.post("/account/preferences", &[("theme", theme)])
    };
    // What comes to nothing does not count.
    owner.post("/projects/00000000-0000-4000-8000-000000000000/archive", &[]).expect(404);
    for n in 0..300 {
        toggle(n).expect(303);
    }
    let records = "\"ActivityLog\"";
    let before = console.count(records);
    for n in 0..20 {
        let refused = toggle(n).expect(429);
        assert!(
            refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds))
        );
    }
    assert_eq!(console.count(records), before);

    // Also in another browser of theirs. What was typed is there, and goes where it was meant to go.
    let elsewhere = console.sign_in_as(&owner.id);
    let typed = "<b>two\r\nlines & more</b>";
    let form = [("name", "shop"), ("type", "rust"), ("description", typed)];
    let page = elsewhere.post("/projects", &form).expect(429);
    assert!(page.text("[role=alert]").contains("Send it again"), "{}", page.body);
    assert_eq!(page.attribute("[role=alert] form", "action"), "/projects");
    // Browsers read and send line breaks in their own way.
    assert_eq!(page.attribute("[role=alert] [name=description]", "value"), typed.replace("\r\n", "\n"));
    assert_eq!(console.count("projects"), 0);

    // Others work, reading goes on, and leaving is always possible.
    other.post("/projects", &form).expect(303);
    owner.get("/projects").expect(200);
    owner.post("/logout", &[]).expect(303);
    assert!(!owner.is_signed_in() && elsewhere.is_signed_in());
}

#[test]
fn a_form_with_a_password_is_not_kept_when_it_comes_too_often() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let person = console.anonymous();
    let refused = (0..30).map(|_| person.post("/login", &[("email", &email), ("password", "a guess")]));
    let page = refused.into_iter().find(|answer| answer.status == 429).unwrap();
    assert!(!page.body.contains("a guess"), "{}", page.body);
}
