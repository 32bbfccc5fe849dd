//! `/account`: what people change about themselves.

use crate::support::answer::Answer;
use crate::support::console::{Console, PASSWORD, Person};

const NEW: &str = "a lighthouse keeper's log";

fn change_password(person: &Person, current: &str, new: &str) -> Answer {
    person.post("/account/password", &[("current_password", current), ("password", new)])
}

fn sign_in(console: &Console, email: &str, password: &str) -> u16 {
    console.anonymous().post("/login", &[("email", email), ("password", password)]).status
}

#[test]
fn the_account_needs_a_session() {
    let console = Console::start();
    let nobody = console.anonymous();
    for page in ["/account", "/account/sessions"] {
        assert!(nobody.get(page).expect(303).location().starts_with("/login?next="), "{page}");
    }
    for act in ["profile", "password", "preferences", "sessions/revoke-others"] {
        let form = [("name", "x"), ("current_password", "x"), ("password", "x")];
        assert_eq!(nobody.post(&format!("/account/{act}"), &form).expect(303).location(), "/login", "{act}");
    }
}

#[test]
fn a_name_is_changed_by_its_owner_and_recorded() {
    let console = Console::start();
    for person in [console.owner(), console.admin()] {
        let saved = person.post("/account/profile", &[("name", " Ada <b>Lovelace</b> ")]).expect(303);

        let page = person.get(saved.location()).expect(200);
        assert_eq!(page.attribute("#name", "value"), "Ada <b>Lovelace</b>");
        assert!(!page.body.contains("<b>Lovelace"));
        assert!(page.text("[role=status]").contains("saved"));
        assert!(!person.get("/account").text("[role=status]").contains("saved"), "said once");
        assert_eq!(console.count(&format!("\"ActivityLog\" WHERE \"userId\" = '{}'", person.id)), 1);
    }
}

#[test]
fn a_name_that_cannot_be_stored_is_kept_in_the_form() {
    let console = Console::start();
    let owner = console.owner();
    for bad in ["Ada\u{202E}nimda", "tab\there", &"x".repeat(256)] {
        let page = owner.post("/account/profile", &[("name", bad)]).expect(422);
        assert_eq!(page.attribute("#name[aria-invalid=true]", "value"), bad);
        assert!(page.has("[role=alert]"));
    }
    owner.post_raw("/account/profile", "name=a%00b").expect(400);
    owner.post_raw("/account/profile", "name=a&name=b").expect(400);
    assert_eq!(console.count("users WHERE name = 'The owner'"), 1);
}

#[test]
fn nobody_changes_their_own_address_or_role_here() {
    let console = Console::start();
    let owner = console.owner();

    owner
        .post("/account/profile", &[("name", "Ada"), ("email", "new@people.test"), ("role", "admin")])
        .expect(303);

    assert_eq!(console.count(&format!("users WHERE email = '{}' AND role = 'owner'", owner.email)), 1);
}

#[test]
fn a_new_password_ends_every_other_session_and_keeps_this_one() {
    let console = Console::start();
    for person in [console.owner(), console.admin()] {
        let elsewhere = console.sign_in_as(&person.id);
        let bystander = console.owner();
        console.sql(&format!(
            "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
             VALUES ('{0}', '{0}', now() + interval '1 day')",
            person.id
        ));

        assert_eq!(change_password(&person, PASSWORD, NEW).expect(303).location(), "/account");

        assert!(person.is_signed_in() && !elsewhere.is_signed_in() && bystander.is_signed_in());
        assert_eq!(sign_in(&console, &person.email, PASSWORD), 422);
        assert_eq!(sign_in(&console, &person.email, NEW), 303);
        assert_eq!(
            console.count("pilothouse.password_links WHERE used_at IS NULL"),
            0,
            "no older link sets it back"
        );
        let own = format!("\"ActivityLog\" WHERE \"userId\" = '{}' AND \"targetId\" = '{0}'", person.id);
        assert_eq!(console.count(&own), 2, "the change and the sign-in");
        assert_eq!(console.count("\"ActivityLog\" WHERE \"ActivityLog\"::text LIKE '%lighthouse%'"), 0);
    }
}

#[test]
fn a_wrong_current_password_or_a_weak_new_one_changes_nothing() {
    let console = Console::start();
    let owner = console.owner();
    let elsewhere = console.sign_in_as(&owner.id);
    let endless = "x1y2z3".repeat(60);
    let tries = [
        ("not my password", NEW, "current_password"),
        ("", NEW, "current_password"),
        (&endless, NEW, "current_password"),
        (PASSWORD, "too-short-1", "password"),
        (PASSWORD, &endless, "password"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "password"),
    ];
    for (current, new, field) in tries {
        let page = change_password(&owner, current, new).expect(422);
        assert_eq!(page.attributes("[aria-invalid]", "name"), [field], "{current} {new}");
        assert!(page.has("[role=alert]"));
        for typed in [current, new] {
            assert!(typed.is_empty() || !page.body.contains(typed), "a password is not echoed");
        }
    }
    assert!(elsewhere.is_signed_in());
    assert_eq!(sign_in(&console, &owner.email, PASSWORD), 303);
}

#[test]
fn guessing_the_current_password_is_slowed_down_like_a_sign_in() {
    let console = Console::start();
    let owner = console.owner();
    let statuses: Vec<u16> = (0..10).map(|_| change_password(&owner, "a wrong guess", NEW).status).collect();

    assert_eq!(statuses[0], 422);
    // A slow machine may take longer than the first wait.
    console.sql(
        "UPDATE pilothouse.sign_in_failures SET blocked_until = now() + interval '1 minute' \
         WHERE blocked_until IS NOT NULL",
    );
    let refused = change_password(&owner, PASSWORD, NEW).expect(429);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(refused.has("[role=alert]"));
}

#[test]
fn preferences_are_kept_and_shown() {
    let console = Console::start();
    let owner = console.owner();

    owner.post("/account/preferences", &[("time_zone", "Asia/Kathmandu"), ("theme", "dark")]).expect(303);

    let page = owner.get("/account").expect(200);
    assert_eq!(page.attribute("#time_zone", "value"), "Asia/Kathmandu");
    assert!(page.text("#time_zone-hint").contains("UTC+05:45"), "{}", page.text("#time_zone-hint"));
    assert_eq!(page.attribute("html", "data-theme"), "dark");
    assert!(page.attributes("#time_zone-list option", "value").len() > 500);
    owner.post("/account/preferences", &[("time_zone", "UTC")]).expect(303);
    assert_eq!(owner.get("/account").attribute("html", "data-theme"), "dark", "what is not sent stays");
    assert_eq!(console.count("\"ActivityLog\""), 2);
}

#[test]
fn a_preference_that_does_not_exist_is_refused() {
    let console = Console::start();
    let owner = console.owner();
    let forms = [
        [("time_zone", "Mars/Olympus"), ("theme", "dark")],
        [("time_zone", "europe/berlin\u{202E}"), ("theme", "dark")],
        [("time_zone", ""), ("theme", "dark")],
        [("time_zone", "Asia/Kathmandu"), ("theme", "neon")],
        [("time_zone", "Asia/Kathmandu"), ("theme", "")],
    ];
    for form in forms {
        let page = owner.post("/account/preferences", &form).expect(422);
        assert!(page.has("[role=alert]") && page.has(".field-error"), "{form:?}");
    }
    assert_eq!(console.count("users WHERE time_zone = 'UTC' AND theme = 'system'"), 1);
}

#[test]
fn the_theme_menu_leads_back_to_where_it_was_used_and_nowhere_else() {
    let console = Console::start();
    let owner = console.owner();
    let post = |next: &str| {
        let answer = owner.post("/account/preferences", &[("theme", "light"), ("next", next)]).expect(303);
        answer.location().to_owned()
    };
    assert_eq!(post("/projects?q=a&b=%2F"), "/projects?q=a&b=%2F");
    for foreign in ["https://evil.test", "//evil.test", "/\\evil.test", "", "javascript:alert(1)"] {
        assert_eq!(post(foreign), "/account", "{foreign}");
    }
}

#[test]
fn own_sessions_are_listed_and_ended_one_by_one() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let elsewhere = console.sign_in_as(&owner.id);
    let path = |session: &str| format!("/account/sessions/{session}/revoke");

    let page = owner.get("/account/sessions").expect(200);
    assert_eq!(page.texts("tr[data-session]").len(), 2);
    let this = page.text(&format!("tr[data-session='{}']", owner.session));
    assert!(
        this.contains("this one") && this.contains("Firefox on Linux") && this.contains("192.0.2.7"),
        "{this}"
    );

    owner.post(&path(&stranger.session), &[]).expect(404);
    owner.post(&path("x"), &[]).expect(404);
    assert!(stranger.is_signed_in());
    assert_eq!(owner.post(&path(&elsewhere.session), &[]).expect(303).location(), "/account/sessions");
    assert!(!elsewhere.is_signed_in() && owner.is_signed_in());
    assert_eq!(owner.post(&path(&owner.session), &[]).expect(303).location(), "/login");
    assert!(!owner.is_signed_in());
    assert_eq!(console.count("\"ActivityLog\" WHERE \"targetType\" = 'session'"), 2);
}

#[test]
fn all_other_sessions_end_at_once() {
    let console = Console::start();
    let (admin, stranger) = (console.admin(), console.owner());
    let others = [(); 3].map(|()| console.sign_in_as(&admin.id));

    admin.post("/account/sessions/revoke-others", &[]).expect(303);

    let page = admin.get("/account/sessions").expect(200);
    assert!(page.text("[role=status]").contains("3 other sessions"), "{}", page.text("[role=status]"));
    assert!(!page.has("form[action='/account/sessions/revoke-others']"));
    assert!(admin.is_signed_in() && stranger.is_signed_in());
    assert!(others.iter().all(|other| !other.is_signed_in()));
}

#[test]
fn a_new_password_renews_this_sessions_token() {
    let console = Console::start();
    let owner = console.owner();
    let thief = owner.twin();
    assert!(thief.is_signed_in());

    change_password(&owner, PASSWORD, NEW).expect(303);

    assert!(owner.is_signed_in() && !thief.is_signed_in(), "a copy of the old cookie is worth nothing");
    assert_eq!(console.count(&format!("sessions WHERE user_id = '{}' AND is_active", owner.id)), 1);
    let page = owner.get("/account/sessions").expect(200);
    assert_eq!(page.texts("tr[data-session]").len(), 1);
    assert!(page.text("tr[data-session]").contains("this one"));
}

#[test]
fn who_saves_their_profile_second_sees_both_versions() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let seen = owner.get("/account").expect(200).attribute("[name=updated_at]", "value");
    let theirs = admin.get(&format!("/users/{}", owner.id)).attribute("[name=updated_at]", "value");
    let edit =
        [("email", owner.email.as_str()), ("name", "Theirs"), ("role", "owner"), ("updated_at", &theirs)];
    admin.post(&format!("/users/{}", owner.id), &edit).expect(303);
    let send = |seen: &str| owner.post("/account/profile", &[("name", "Mine"), ("updated_at", seen)]);

    let conflict = send(&seen).expect(409);

    let table = conflict.text("main table.differences");
    assert!(table.contains("Mine") && table.contains("Theirs"), "{table}");
    assert_eq!(conflict.attribute("#name", "value"), "Mine");
    assert_eq!(console.count("users WHERE name = 'Theirs'"), 1);
    send("yesterday").expect(400);
    send(&conflict.attribute("[name=updated_at]", "value")).expect(303);
    assert_eq!(console.count("users WHERE name = 'Mine'"), 1);
}

#[test]
fn a_time_zone_is_taken_however_it_is_typed() {
    let console = Console::start();
    let owner = console.owner();
    owner.post("/account/preferences", &[("time_zone", " america/new york ")]).expect(303);
    assert_eq!(owner.get("/account").attribute("#time_zone", "value"), "America/New_York");
    let refused = owner.post("/account/preferences", &[("time_zone", "Atlantis")]).expect(422);
    assert_eq!(refused.attribute("#time_zone[aria-invalid]", "value"), "Atlantis", "what was typed stays");
}

#[test]
fn keyboard_shortcuts_are_switched_off_for_the_account_and_not_for_others() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    let elsewhere = console.sign_in_as(&owner.id);
    assert!(elsewhere.get("/projects").expect(200).has("dialog#keys"));

    owner.post("/account/preferences", &[("keyboard_shortcuts", "false")]).expect(303);

    assert!(!elsewhere.get("/projects").expect(200).has("dialog#keys"), "in every browser");
    assert!(other.get("/projects").expect(200).has("dialog#keys"));
    let page = owner.get("/account").expect(200);
    assert_eq!(page.attribute("[name=keyboard_shortcuts][checked]", "value"), "false");
    owner.post("/account/preferences", &[("theme", "dark")]).expect(303);
    assert_eq!(console.count("users WHERE NOT keyboard_shortcuts"), 1, "what is not sent stays");
    owner.post("/account/preferences", &[("keyboard_shortcuts", "perhaps")]).expect(422);
}
