//! `/account`: what people change about themselves.

use super::people::{PASSWORD, Person, Says, Town, post_raw};
use crate::support::answer::Answer;

const NEW: &str = "a lighthouse keeper's log";

fn change_password(person: &Person, current: &str, new: &str) -> Answer {
    person.post("/account/password", &[("current_password", current), ("password", new)])
}

fn sign_in(town: &Town, email: &str, password: &str) -> u16 {
    town.anonymous().post("/login", &[("email", email), ("password", password)]).status.as_u16()
}

#[test]
fn the_account_needs_a_session() {
    let town = Town::start();
    let nobody = town.anonymous();
    for page in ["/account", "/account/sessions"] {
        assert!(nobody.get(page).is(303).location().starts_with("/login?next="), "{page}");
    }
    for act in ["profile", "password", "preferences", "sessions/revoke-others"] {
        let form = [("name", "x"), ("current_password", "x"), ("password", "x")];
        assert_eq!(nobody.post(&format!("/account/{act}"), &form).is(303).location(), "/login", "{act}");
    }
}

#[test]
fn a_name_is_changed_by_its_owner_and_recorded() {
    let town = Town::start();
    for person in [town.owner(), town.admin()] {
        let saved = person.post("/account/profile", &[("name", " Ada <b>Lovelace</b> ")]).is(303);

        let page = person.get(saved.location()).is(200);
        assert_eq!(page.attribute("#name", "value"), "Ada <b>Lovelace</b>");
        assert!(!page.body().contains("<b>Lovelace"));
        assert!(page.text("[role=status]").contains("saved"));
        assert!(!person.get("/account").text("[role=status]").contains("saved"), "said once");
        assert_eq!(town.stage.count(&format!("\"ActivityLog\" WHERE \"userId\" = '{}'", person.id)), 1);
    }
}

#[test]
fn a_name_that_cannot_be_stored_is_kept_in_the_form() {
    let town = Town::start();
    let owner = town.owner();
    for bad in ["Ada\u{202E}nimda", "tab\there", &"x".repeat(256)] {
        let page = owner.post("/account/profile", &[("name", bad)]).is(422);
        assert_eq!(page.attribute("#name[aria-invalid=true]", "value"), bad);
        assert!(page.has("[role=alert]"));
    }
    post_raw(&owner, "/account/profile", "name=a%00b").is(400);
    post_raw(&owner, "/account/profile", "name=a&name=b").is(400);
    assert_eq!(town.stage.count("users WHERE name = 'The owner'"), 1);
}

#[test]
fn nobody_changes_their_own_address_or_role_here() {
    let town = Town::start();
    let owner = town.owner();

    owner
        .post("/account/profile", &[("name", "Ada"), ("email", "new@people.test"), ("role", "admin")])
        .is(303);

    assert_eq!(town.stage.count(&format!("users WHERE email = '{}' AND role = 'owner'", owner.email)), 1);
}

#[test]
fn a_new_password_ends_every_other_session_and_keeps_this_one() {
    let town = Town::start();
    for person in [town.owner(), town.admin()] {
        let elsewhere = town.another_browser(&person.id);
        let bystander = town.owner();
        town.stage.execute(&format!(
            "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
             VALUES ('{0}', '{0}', now() + interval '1 day')",
            person.id
        ));

        assert_eq!(change_password(&person, PASSWORD, NEW).is(303).location(), "/account");

        assert!(person.is_signed_in() && !elsewhere.is_signed_in() && bystander.is_signed_in());
        assert_eq!(sign_in(&town, &person.email, PASSWORD), 422);
        assert_eq!(sign_in(&town, &person.email, NEW), 303);
        assert_eq!(
            town.stage.count("pilothouse.password_links WHERE used_at IS NULL"),
            0,
            "no older link sets it back"
        );
        let own = format!("\"ActivityLog\" WHERE \"userId\" = '{}' AND \"targetId\" = '{0}'", person.id);
        assert_eq!(town.stage.count(&own), 2, "the change and the sign-in");
        assert_eq!(town.stage.count("\"ActivityLog\" WHERE \"ActivityLog\"::text LIKE '%lighthouse%'"), 0);
    }
}

#[test]
fn a_wrong_current_password_or_a_weak_new_one_changes_nothing() {
    let town = Town::start();
    let owner = town.owner();
    let elsewhere = town.another_browser(&owner.id);
    let endless = "x1y2z3".repeat(60);
    let tries = [
        ("not my password", NEW, "current_password"),
        ("", NEW, "current_password"),
        (&endless, NEW, "current_password"),
        (PASSWORD, "short", "password"),
        (PASSWORD, &endless, "password"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "password"),
    ];
    for (current, new, field) in tries {
        let page = change_password(&owner, current, new).is(422);
        assert_eq!(page.attributes("[aria-invalid]", "name"), [field], "{current} {new}");
        assert!(page.has("[role=alert]"));
        for typed in [current, new] {
            assert!(typed.is_empty() || !page.body().contains(typed), "a password is not echoed");
        }
    }
    assert!(elsewhere.is_signed_in());
    assert_eq!(sign_in(&town, &owner.email, PASSWORD), 303);
}

#[test]
fn guessing_the_current_password_is_slowed_down_like_a_sign_in() {
    let town = Town::start();
    let owner = town.owner();
    let statuses: Vec<u16> =
        (0..8).map(|_| change_password(&owner, "a wrong guess", NEW).status.as_u16()).collect();

    assert_eq!(statuses[0], 422);
    let refused = change_password(&owner, PASSWORD, NEW).is(429);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(refused.has("[role=alert]"));
}

#[test]
fn preferences_are_kept_and_shown() {
    let town = Town::start();
    let owner = town.owner();

    owner.post("/account/preferences", &[("time_zone", "Asia/Kathmandu"), ("theme", "dark")]).is(303);

    let page = owner.get("/account").is(200);
    assert_eq!(page.attribute("#time_zone option[selected]", "value"), "Asia/Kathmandu");
    assert_eq!(page.attribute("html", "data-theme"), "dark");
    assert!(page.texts_of("#time_zone option").len() > 500);
    owner.post("/account/preferences", &[("time_zone", "UTC")]).is(303);
    assert_eq!(owner.get("/account").attribute("html", "data-theme"), "dark", "what is not sent stays");
    assert_eq!(town.stage.count("\"ActivityLog\""), 2);
}

#[test]
fn a_preference_that_does_not_exist_is_refused() {
    let town = Town::start();
    let owner = town.owner();
    let forms = [
        [("time_zone", "Mars/Olympus"), ("theme", "dark")],
        [("time_zone", "europe/berlin\u{202E}"), ("theme", "dark")],
        [("time_zone", ""), ("theme", "dark")],
        [("time_zone", "Asia/Kathmandu"), ("theme", "neon")],
        [("time_zone", "Asia/Kathmandu"), ("theme", "")],
    ];
    for form in forms {
        let page = owner.post("/account/preferences", &form).is(422);
        assert!(page.has("[role=alert]") && page.has(".field-error"), "{form:?}");
    }
    assert_eq!(town.stage.count("users WHERE time_zone = 'UTC' AND theme = 'system'"), 1);
}

#[test]
fn the_theme_menu_leads_back_to_where_it_was_used_and_nowhere_else() {
    let town = Town::start();
    let owner = town.owner();
    let post = |next: &str| {
        let answer = owner.post("/account/preferences", &[("theme", "light"), ("next", next)]).is(303);
        answer.location().to_owned()
    };
    assert_eq!(post("/projects?q=a&b=%2F"), "/projects?q=a&b=%2F");
    for foreign in ["https://evil.test", "//evil.test", "/\\evil.test", "", "javascript:alert(1)"] {
        assert_eq!(post(foreign), "/account", "{foreign}");
    }
}

#[test]
fn own_sessions_are_listed_and_ended_one_by_one() {
    let town = Town::start();
    let (owner, stranger) = (town.owner(), town.owner());
    let elsewhere = town.another_browser(&owner.id);
    let path = |session: &str| format!("/account/sessions/{session}/revoke");

    let page = owner.get("/account/sessions").is(200);
    assert_eq!(page.texts_of("tr[data-session]").len(), 2);
    let this = page.text(&format!("tr[data-session='{}']", owner.session));
    assert!(
        this.contains("this one") && this.contains("Firefox on Linux") && this.contains("192.0.2.7"),
        "{this}"
    );

    owner.post(&path(&stranger.session), &[]).is(404);
    owner.post(&path("x"), &[]).is(404);
    assert!(stranger.is_signed_in());
    assert_eq!(owner.post(&path(&elsewhere.session), &[]).is(303).location(), "/account/sessions");
    assert!(!elsewhere.is_signed_in() && owner.is_signed_in());
    assert_eq!(owner.post(&path(&owner.session), &[]).is(303).location(), "/login");
    assert!(!owner.is_signed_in());
    assert_eq!(town.stage.count("\"ActivityLog\" WHERE \"targetType\" = 'session'"), 2);
}

#[test]
fn all_other_sessions_end_at_once() {
    let town = Town::start();
    let (admin, stranger) = (town.admin(), town.owner());
    let others = [(); 3].map(|()| town.another_browser(&admin.id));

    admin.post("/account/sessions/revoke-others", &[]).is(303);

    let page = admin.get("/account/sessions").is(200);
    assert!(page.text("[role=status]").contains("3 other sessions"), "{}", page.text("[role=status]"));
    assert!(!page.has("form[action='/account/sessions/revoke-others']"));
    assert!(admin.is_signed_in() && stranger.is_signed_in());
    assert!(others.iter().all(|other| !other.is_signed_in()));
}
