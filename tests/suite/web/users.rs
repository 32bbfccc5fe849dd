//! `/users`: admins manage people.

use std::collections::BTreeSet;

use crate::samples::Sample;
use crate::support::answer::Answer;
use crate::support::console::{Console, Person};
use actix_web::HttpResponse;
use askama::Template;
use pilothouse::app::App;
use pilothouse::db::SecretHash;
use pilothouse::runtime::Clock;
use pilothouse::web::account;
use pilothouse::web::flash::{self, Flash};
use pilothouse::web::passwords::edit::PasswordPage;
use pilothouse::web::users::{index::UsersPage, link::LinkPage, new::NewUserPage, show::UserPage};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The form of `user`'s page with these values.
fn edit(admin: &Person, user: &str, email: &str, name: &str, role: &str) -> Answer {
    let path = format!("/users/{user}");
    let seen = admin.get(&path).expect(200).attribute("[name=updated_at]", "value");
    admin.post(&path, &[("email", email), ("name", name), ("role", role), ("updated_at", &seen)])
}

/// Creates an owner and answers their id with the secret link that was shown.
fn create(admin: &Person, email: &str) -> (String, String) {
    let made = admin.post("/users", &[("email", email), ("name", "Grace"), ("role", "owner")]).expect(303);
    let id = made.location().strip_prefix("/users/").unwrap().strip_suffix("/link").unwrap().to_owned();
    let link = admin.get(made.location()).expect(200).attribute("#link", "value");
    (id, link)
}

fn stored(console: &Console, expression: &str) -> String {
    console.text(&format!("SELECT {expression}"))
}

#[test]
fn for_anybody_but_an_admin_no_page_of_users_exists() {
    let console = Console::start();
    let (admin, owner, nobody) = (console.admin(), console.owner(), console.anonymous());
    let user = format!("/users/{}", owner.id);
    let session = format!("{user}/sessions/{}/revoke", owner.session);
    let pages = ["/users", "/users/new", &user, &format!("{user}/link"), &format!("{user}/deactivate")];
    let acts = [
        "/users",
        &user,
        &format!("{user}/link"),
        &format!("{user}/deactivate"),
        &format!("{user}/activate"),
        &session,
    ];
    let form = [("email", "x@y.z"), ("name", ""), ("role", "admin"), ("updated_at", "")];
    let unknown = owner.get("/users/x").expect(404);

    for page in pages {
        let answer = owner.get(page).expect(404);
        assert_eq!(answer.text("main"), unknown.text("main"), "{page}");
        nobody.get(page).expect(303);
        assert!(admin.get(page).status < 400, "{page}");
    }
    for act in acts {
        owner.post(act, &form).expect(404);
        let turned_away = nobody.post(act, &form).expect(303);
        assert_eq!(turned_away.location(), "/login", "{act}");
    }
    assert!(owner.is_signed_in());
    assert_eq!(console.count("users"), 2);
    assert_eq!(console.count("\"ActivityLog\""), 0);
}

#[test]
fn an_unknown_an_impossible_and_a_foreign_id_are_the_same_404() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let form = [("email", "x@y.z"), ("name", ""), ("role", "owner"), ("updated_at", "")];
    let paths = [NOBODY, "0", "-1", "abc", "%D9%A1", "..%2f..%2fetc", &owner.id.replace('-', "")];

    for id in paths {
        for part in ["", "/deactivate", "/activate", "/link"] {
            admin.get(&format!("/users/{id}{part}")).expect(404);
            admin.post(&format!("/users/{id}{part}"), &form).expect(404);
        }
    }
    admin.post(&format!("/users/{}/sessions/{}/revoke", admin.id, owner.session), &[]).expect(404);
    admin.post(&format!("/users/{}/sessions/{NOBODY}/revoke", owner.id), &[]).expect(404);
    assert!(owner.is_signed_in());
}

#[test]
fn the_list_shows_everybody_and_its_filters_narrow_it() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    console.sql(&format!(
        "INSERT INTO users (email, name, is_active) VALUES ('off@people.test', '<script>alert(1)</script>', false); \
         INSERT INTO projects (name, user_id) VALUES ('one', '{0}'), ('two', '{0}')",
        owner.id
    ));
    let shown = |path: &str| admin.get(path).expect(200).attributes("tr[data-user]", "data-user");

    let all = admin.get("/users").expect(200);
    assert_eq!(all.texts("tr[data-user]").len(), 3);
    assert!(all.text("tbody").contains("<script>alert(1)</script>"), "shown as it is");
    assert!(!all.body.contains("<script>alert"));
    let row = all.text(&format!("tr[data-user='{}']", owner.id));
    assert!(row.contains("The owner") && row.contains("active") && row.contains(" 2 "), "{row}");
    assert_eq!(shown("/users?role=admin"), std::slice::from_ref(&admin.id));
    assert_eq!(shown("/users?role=owner").len(), 2);
    assert_eq!(shown("/users?status=deactivated&role=&q=").len(), 1);
    assert_eq!(shown("/users?status=active&role=owner"), std::slice::from_ref(&owner.id));
    assert_eq!(shown(&format!("/users?q={}", owner.email.to_uppercase())), std::slice::from_ref(&owner.id));
    assert_eq!(shown("/users?q=100%25"), Vec::<String>::new());
    assert_eq!(shown("/users?q=_"), Vec::<String>::new(), "a wildcard is a character");
    let none = admin.get("/users?role=root").expect(200);
    assert!(none.text("main").contains("Nothing matches") && none.text(".chips").contains("role root"));
    for bad in ["limit=0", "limit=x", "before=x", "after=x", "q=%00", "q=%zz", "before=a&after=b"] {
        admin.get(&format!("/users?{bad}")).expect(400);
    }
}

#[test]
fn the_pages_of_the_list_hold_everybody_once_in_both_directions() {
    let console = Console::start();
    let admin = console.admin();
    console.sql(
        "INSERT INTO users (email) SELECT chr(64 + n) || 'İ' || n || '@people.test' FROM generate_series(1, 6) n; \
         INSERT INTO users (email) SELECT upper(email) FROM users WHERE email LIKE 'A%' OR email LIKE 'B%'",
    );
    let expected = usize::try_from(console.count("users")).unwrap();
    let walk = |mut path: String, rel: &str| {
        let mut pages = Vec::new();
        loop {
            let page = admin.get(&path).expect(200);
            pages.push(page.attributes("tr[data-user]", "data-user"));
            match page.attributes(&format!("a[rel={rel}]"), "href").pop() {
                Some(next) => path = next,
                None => return (pages, path),
            }
        }
    };

    let (forward, last) = walk("/users?limit=2&status=active".to_owned(), "next");
    let (mut back, _) = walk(last, "prev");

    assert_eq!(forward.concat().len(), expected);
    assert_eq!(forward.concat().into_iter().collect::<BTreeSet<_>>().len(), expected);
    back.reverse();
    assert_eq!(back, forward);
}

#[test]
fn a_new_user_gets_a_link_that_is_shown_once_and_stored_hashed() {
    let console = Console::start();
    let admin = console.admin();

    let made = admin
        .post("/users", &[("email", " grace@people.test "), ("name", "Grace"), ("role", "owner")])
        .expect(303);
    let shown = admin.get(made.location()).expect(200);
    let again = admin.get(made.location()).expect(303);

    let link = shown.attribute("#link", "value");
    let secret = link.strip_prefix(&format!("{}/passwords/", console.base)).unwrap();
    assert_eq!(secret.len(), 64);
    assert!(shown.has("time") && shown.text("main").contains("grace@people.test"));
    assert_eq!(again.location(), made.location().strip_suffix("/link").unwrap());
    assert!(!admin.get(again.location()).expect(200).body.contains(secret));
    assert_eq!(console.count("pilothouse.password_links WHERE used_at IS NULL"), 1);
    assert_eq!(console.count(&format!("pilothouse.password_links WHERE hash LIKE '%{secret}%'")), 0);
    assert_eq!(
        console.count("users WHERE email = 'grace@people.test' AND role = 'owner' AND password_hash IS NULL"),
        1
    );
    let audit = format!("\"ActivityLog\" WHERE \"userId\" = '{}' AND \"targetType\" = 'user'", admin.id);
    assert_eq!(console.count(&audit), 2, "the user and the link");
    assert_eq!(console.count(&format!("\"ActivityLog\" WHERE \"ActivityLog\"::text LIKE '%{secret}%'")), 0);
}

#[test]
fn a_link_is_shown_for_the_user_it_was_made_for_and_nobody_else() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let path = format!("/users/{}/link", owner.id);

    let made = admin.post(&path, &[]).expect(303);

    assert_eq!(made.location(), path);
    admin.get(&format!("/users/{}/link", admin.id)).expect(303);
    assert!(admin.get(&path).expect(200).has("#link"));
}

#[test]
fn what_a_form_got_wrong_is_said_at_the_field_and_kept() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let edited = format!("/users/{}", console.owner().id);
    let long = "x".repeat(256);
    let other = owner.email.to_uppercase();
    let bad = [
        ("email", ""),
        ("email", "ada"),
        ("email", "a\u{202E}b@people.test"),
        ("email", long.as_str()),
        ("email", owner.email.as_str()),
        ("email", other.as_str()),
        ("name", "Ada\u{202E}nimda"),
        ("name", "Ada\u{0007}"),
        ("name", long.as_str()),
        ("role", "root"),
        ("role", "Admin"),
        ("role", ""),
    ];
    let users = stored(&console, "jsonb_agg(u ORDER BY id)::text FROM users u");

    for (field, value) in bad {
        let mut form = [("email", "new@people.test"), ("name", "New"), ("role", "owner")];
        form.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value;
        let mut pages = vec![admin.post("/users", &form).expect(422)];
        let seen = admin.get(&edited).attribute("[name=updated_at]", "value");
        let edit = [form[0], form[1], form[2], ("updated_at", &seen)];
        pages.push(admin.post(&edited, &edit).expect(422));
        for page in pages {
            assert!(page.has("[role=alert]"), "{field}={value}");
            assert!(page.has(&format!("#{field}[aria-invalid=true]")), "{field}={value}");
            assert!(!page.text(&format!("#{field}-error")).is_empty(), "{field}={value}");
            if field != "role" {
                assert_eq!(page.attribute(&format!("#{field}"), "value"), value);
            }
            assert_eq!(page.attributes("[aria-invalid]", "name"), [field], "{value}");
        }
    }
    for broken in
        ["email=a%00b@c.d&name=&role=owner", "email=a&email=b&name=&role=owner", "email=%zz", "email=%ff"]
    {
        admin.post_raw("/users", broken).expect(400);
    }
    assert_eq!(stored(&console, "jsonb_agg(u ORDER BY id)::text FROM users u"), users);
    assert_eq!(console.count("pilothouse.password_links"), 0);
}

#[test]
fn an_address_in_other_capitals_names_the_one_that_has_it() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());

    let page = admin.post("/users", &[("email", &owner.email.to_uppercase()), ("role", "owner")]).expect(422);

    assert!(page.text("#email-error").contains(&owner.email), "{}", page.text("#email-error"));
    // Addresses that workers stored in two forms stay as they are, and their users can be renamed.
    console.sql(&format!("INSERT INTO users (email) VALUES ('{}')", owner.email.to_uppercase()));
    edit(&admin, &owner.id, &owner.email, "Still renamed", "owner").expect(303);
}

#[test]
fn an_edit_changes_the_user_and_leaves_a_record_of_both_versions() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());

    edit(&admin, &owner.id, &owner.email, "New name", "owner").expect(303);
    assert!(owner.is_signed_in(), "nothing changed that a session depends on");
    let saved = edit(&admin, &owner.id, "new@people.test", "New name", "owner").expect(303);

    assert_eq!(saved.location(), format!("/users/{}", owner.id));
    let page = admin.get(saved.location()).expect(200);
    assert!(!page.text("[role=status]").is_empty(), "it says so");
    assert_eq!(page.text("h1"), "New name");
    let entry = stored(&console, "string_agg(l::text, ' ') FROM \"ActivityLog\" l");
    for part in [owner.email.as_str(), "new@people.test", "The owner", "New name"] {
        assert!(entry.contains(part), "{part}: {entry}");
    }
}

#[test]
fn saving_what_is_stored_already_leaves_no_record() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());

    edit(&admin, &owner.id, &owner.email, "The owner", "owner").expect(303);

    assert_eq!(console.count("\"ActivityLog\""), 0);
}

#[test]
fn a_new_role_ends_the_sessions_that_had_the_old_one() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());

    edit(&admin, &owner.id, &owner.email, "", "admin").expect(303);

    assert!(!owner.is_signed_in());
    console.sign_in_as(&owner.id).get("/users").expect(200);
}

#[test]
fn a_role_that_the_console_does_not_know_survives_a_rename() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    console.sql(&format!("UPDATE users SET role = 'editor' WHERE id = '{}'", owner.id));

    edit(&admin, &owner.id, &owner.email, "Renamed", "owner").expect(303);

    assert_eq!(stored(&console, &format!("role FROM users WHERE id = '{}'", owner.id)), "editor");
    assert!(owner.is_signed_in());
}

#[test]
fn a_lost_update_shows_both_versions_and_can_be_saved_over() {
    let console = Console::start();
    let (one, other, owner) = (console.admin(), console.admin(), console.owner());
    let path = format!("/users/{}", owner.id);
    let seen = one.get(&path).attribute("[name=updated_at]", "value");
    edit(&other, &owner.id, &owner.email, "Theirs", "owner").expect(303);
    let mine = |seen: &str| {
        one.post(&path, &[("email", &owner.email), ("name", "Mine"), ("role", "owner"), ("updated_at", seen)])
    };

    let conflict = mine(&seen).expect(409);

    assert!(conflict.has("[role=alert]"));
    let table = conflict.text("main table.differences");
    assert!(table.contains("Mine") && table.contains("Theirs") && !table.contains("E-mail"), "{table}");
    assert_eq!(conflict.attribute("#name", "value"), "Mine");
    assert_eq!(stored(&console, &format!("name FROM users WHERE id = '{}'", owner.id)), "Theirs");
    mine(&conflict.attribute("[name=updated_at]", "value")).expect(303);
    assert_eq!(stored(&console, &format!("name FROM users WHERE id = '{}'", owner.id)), "Mine");
    mine("yesterday").expect(400);
}

#[test]
fn what_a_refused_form_was_typed_over_still_counts_when_it_is_sent_again() {
    let console = Console::start();
    let (one, other, owner) = (console.admin(), console.admin(), console.owner());
    let path = format!("/users/{}", owner.id);
    let seen = one.get(&path).attribute("[name=updated_at]", "value");
    edit(&other, &owner.id, &owner.email, "Theirs", "owner").expect(303);
    let send = |name: &str, seen: &str| {
        one.post(&path, &[("email", &owner.email), ("name", name), ("role", "owner"), ("updated_at", seen)])
    };

    let refused = send("Mine\u{202E}", &seen).expect(422);

    send("Mine", &refused.attribute("[name=updated_at]", "value")).expect(409);
}

#[test]
fn the_last_admin_can_be_neither_deactivated_nor_demoted() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    console.sql("INSERT INTO users (email, role, is_active) VALUES ('off@people.test', 'admin', false)");
    let path = format!("/users/{}/deactivate", admin.id);

    assert!(admin.get(&path).expect(200).text("main").contains("last admin"));
    assert!(!admin.get(&path).has("main form"));
    assert!(admin.get(&format!("/users/{}", admin.id)).text("main").contains("last admin"));
    assert!(admin.post(&path, &[]).expect(422).text("[role=alert]").contains("last admin"));
    let demoted = edit(&admin, &admin.id, &admin.email, "", "owner").expect(422);
    assert!(demoted.text("#role-error").contains("last admin"));
    assert!(admin.is_signed_in());
    assert_eq!(console.count("\"ActivityLog\""), 0);

    edit(&admin, &owner.id, &owner.email, "", "admin").expect(303);
    let left = admin.post(&path, &[]).expect(303);
    assert_eq!(left.location(), "/login");
    assert!(!admin.is_signed_in());
    assert_eq!(console.count("users WHERE role = 'admin' AND is_active"), 1);
}

#[test]
fn an_admin_who_gives_up_the_role_has_to_sign_in_again() {
    let console = Console::start();
    let (admin, _other) = (console.admin(), console.admin());

    let given_up = edit(&admin, &admin.id, &admin.email, "", "owner").expect(303);

    assert_eq!(given_up.location(), "/login");
    assert!(!admin.is_signed_in());
    console.sign_in_as(&admin.id).get("/users").expect(404);
}

#[test]
fn of_two_admins_who_deactivate_each_other_at_once_one_stays() {
    let console = Console::start();
    for round in 0..5 {
        console.sql("UPDATE users SET is_active = false");
        let (one, other) = (console.admin(), console.admin());
        let statuses = std::thread::scope(|scope| {
            [(&one, &other), (&other, &one)]
                .map(|(from, to)| {
                    scope.spawn(move || from.post(&format!("/users/{}/deactivate", to.id), &[]).status)
                })
                .map(|act| act.join().unwrap())
        });
        assert_eq!(console.count("users WHERE role = 'admin' AND is_active"), 1, "round {round}");
        assert!(statuses.iter().all(|status| [303, 422].contains(status)), "{statuses:?}");
    }
}

#[test]
fn a_deactivated_user_is_out_at_once_everywhere_until_activated() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let elsewhere = console.sign_in_as(&owner.id);
    console.sql(&format!("INSERT INTO projects (name, user_id) VALUES ('stays', '{}')", owner.id));
    let user = format!("/users/{}", owner.id);
    admin.post(&format!("{user}/link"), &[]).expect(303);
    let question = admin.get(&format!("{user}/deactivate")).expect(200);
    assert!(
        question.text("main ul").contains("2 sessions end")
            && question.text("main ul").contains("1 project stays")
    );
    assert!(owner.is_signed_in(), "asking does nothing");

    let done = admin.post(&format!("{user}/deactivate"), &[]).expect(303);

    assert_eq!(done.location(), user);
    assert!(!owner.is_signed_in() && !elsewhere.is_signed_in());
    assert_eq!(console.count("projects WHERE status = 'active'"), 1);
    assert_eq!(console.count("pilothouse.password_links WHERE used_at IS NULL"), 0, "the link is dead");
    assert!(admin.get(&user).text(".page-header").contains("deactivated"));
    assert_eq!(admin.get(&format!("{user}/deactivate")).expect(303).location(), user);
    admin.post(&format!("{user}/link"), &[]).expect(422);
    let entries = console.count("\"ActivityLog\"");
    admin.post(&format!("{user}/deactivate"), &[]).expect(303);
    assert_eq!(console.count("\"ActivityLog\""), entries, "nothing happened the second time");

    admin.get(&format!("{user}/activate")).expect(200);
    admin.post(&format!("{user}/activate"), &[]).expect(303);
    assert!(!owner.is_signed_in(), "ended sessions stay ended");
    assert!(console.sign_in_as(&owner.id).is_signed_in());
}

#[test]
fn an_admin_sees_and_ends_the_sessions_of_a_user() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let elsewhere = console.sign_in_as(&owner.id);
    console.sql(&format!(
        "INSERT INTO sessions (user_id, token, expires_at, last_activity) \
         VALUES ('{0}', 'idle', now() + interval '1 day', now() - interval '13 hours'), \
                ('{0}', 'over', now() - interval '1 second', now())",
        owner.id
    ));
    let user = format!("/users/{}", owner.id);
    let page = admin.get(&user).expect(200);
    let mut listed = page.attributes("tr[data-session]", "data-session");
    listed.sort();
    let mut living = [owner.session.clone(), elsewhere.session.clone()];
    living.sort();
    assert_eq!(listed, living, "only sessions that still let somebody in");
    assert!(page.text("tr[data-session]").contains("Firefox on Linux 192.0.2.7"));

    let ends = |person: &Person, path: &str| {
        let row = format!("tr[data-session='{}'] time", person.session);
        admin.get(path).expect(200).attributes(&row, "datetime").pop().unwrap()
    };
    let hours_from_now = |at: &str| {
        let hours = format!("round(date_part('epoch', '{at}'::timestamptz - now()) / 3600)::int");
        stored(&console, &hours)
    };
    assert_eq!(hours_from_now(&ends(&owner, &user)), (14 * 24).to_string());
    assert_eq!(hours_from_now(&ends(&admin, "/account/sessions")), "12", "an admin's session is shorter");

    let path = format!("{user}/sessions/{}/revoke", elsewhere.session);
    assert_eq!(admin.post(&path, &[]).expect(303).location(), user);

    assert!(owner.is_signed_in() && !elsewhere.is_signed_in());
    admin.post(&path, &[]).expect(303);
    assert_eq!(console.count("\"ActivityLog\" WHERE \"targetType\" = 'session'"), 1);
}

#[test]
fn a_users_page_lists_what_they_own() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    console.sql(&format!(
        "INSERT INTO projects (name, user_id) VALUES ('shop-api', '{}'), ('not theirs', '{}')",
        owner.id, admin.id
    ));

    let page = admin.get(&format!("/users/{}", owner.id)).expect(200);

    assert_eq!(page.texts("tr[data-project] th"), ["shop-api"]);
}

#[test]
fn a_newer_link_replaces_the_older_one() {
    let console = Console::start();
    let admin = console.admin();
    let (id, first) = create(&admin, "grace@people.test");

    let made = admin.post(&format!("/users/{id}/link"), &[]).expect(303);
    let second = admin.get(made.location()).expect(200).attribute("#link", "value");

    let path = |link: &str| link.strip_prefix(&console.base).unwrap().to_owned();
    console.anonymous().get(&path(&first)).expect(404);
    console.anonymous().get(&path(&second)).expect(200);
}

#[test]
fn another_address_role_or_state_cancels_the_link_ends_the_sessions_and_the_page_says_so() {
    let console = Console::start();
    let admin = console.admin();
    let path_of = |link: &str| link.strip_prefix(&console.base).unwrap().to_owned();
    for (number, (role, is_moved)) in
        [("owner", true), ("admin", false), ("owner", false)].into_iter().enumerate()
    {
        let (id, link) = create(&admin, &format!("grace{number}@people.test"));
        let grace = console.sign_in_as(&id);
        let user = format!("/users/{id}");
        assert!(admin.get(&user).expect(200).text("[data-link]").contains("waits"));
        let email = if is_moved { format!("moved{number}@people.test") } else { grace.email.clone() };
        let is_somebody_else = is_moved || role == "admin";

        let saved = edit(&admin, &id, &email, "Renamed", role).expect(303);

        let page = admin.get(saved.location()).expect(200);
        let (notice, note) = (page.text("[role=status]"), page.text("[data-link]"));
        assert_eq!(
            notice.contains("cancelled") && notice.contains("signed out"),
            is_somebody_else,
            "{notice}"
        );
        assert_eq!(note.contains("cancelled"), is_somebody_else, "{note}");
        assert_eq!(grace.is_signed_in(), !is_somebody_else);
        let works = if is_somebody_else { 404 } else { 200 };
        console.anonymous().get(&path_of(&link)).expect(works);
        let set = console.anonymous().post(&path_of(&link), &[("password", "a lighthouse keeper's log")]);
        assert_eq!(set.status, if is_somebody_else { 404 } else { 303 });
        let passwords = format!("users WHERE id = '{id}' AND password_hash IS NOT NULL");
        assert_eq!(console.count(&passwords), i64::from(!is_somebody_else));
        // What is changed back brings nothing back.
        edit(&admin, &id, &grace.email, "Renamed", "owner").expect(303);
        console.anonymous().get(&path_of(&link)).expect(404);
        assert!(!admin.get(&user).text("[data-link]").contains("waits"));
    }
}

#[test]
fn a_link_that_was_made_before_a_deactivation_or_a_change_past_the_console_is_dead() {
    let console = Console::start();
    let admin = console.admin();
    for change in [
        "UPDATE users SET is_active = false WHERE id = '{}'; UPDATE users SET is_active = true WHERE id = '{}'",
        "UPDATE users SET email = 'by-sql-' || email WHERE id = '{}'",
        "UPDATE users SET role = 'admin' WHERE id = '{}'",
        "UPDATE users SET password_hash = 'x' WHERE id = '{}'",
        "UPDATE users SET name = 'Renamed', theme = 'dark', last_login = now() WHERE id = '{}'",
    ] {
        let (id, link) = create(&admin, "grace@people.test");
        console.sql(&change.replace("{}", &id));
        let page = console.anonymous().get(link.strip_prefix(&console.base).unwrap());
        assert_eq!(page.status, if change.contains("Renamed") { 200 } else { 404 }, "{change}");
        console.sql(&format!("DELETE FROM users WHERE id = '{id}'"));
    }
}

#[test]
fn whoever_is_activated_begins_afresh() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    // An operator deactivates them past the console, and leaves the sessions as they are.
    console.sql(&format!("UPDATE users SET is_active = false WHERE id = '{}'", owner.id));
    admin.post(&format!("/users/{}/activate", owner.id), &[]).expect(303);
    assert!(!owner.is_signed_in());
    assert!(console.sign_in_as(&owner.id).is_signed_in());
}

#[test]
fn an_admin_who_takes_another_address_has_to_sign_in_again() {
    let console = Console::start();
    let admin = console.admin();
    assert!(
        admin
            .get(&format!("/users/{}", admin.id))
            .expect(200)
            .text("main")
            .contains("Another address signs you out")
    );
    let moved = edit(&admin, &admin.id, "moved@people.test", "", "admin").expect(303);
    assert_eq!(moved.location(), "/login");
    assert!(!admin.is_signed_in());
    assert_eq!(console.count("users WHERE email = 'moved@people.test'"), 1);
}

#[test]
fn a_link_is_shown_once_in_the_session_that_made_it_and_in_no_other() {
    let console = Console::start();
    let other = console.beside();
    let (admin, owner) = (console.admin(), console.owner());
    let made = admin.post(&format!("/users/{}/link", owner.id), &[]).expect(303);
    let kept = admin.cookies_with("flash");
    assert_eq!(kept.len(), 1);
    let holding = |person: &Person| {
        for (name, value) in &kept {
            person.set_cookie(name, value);
        }
    };

    // The same admin in another browser, another admin, and somebody who has ended the session.
    for stranger in [console.sign_in_as(&admin.id), console.admin()] {
        holding(&stranger);
        let answer = stranger.get(made.location()).expect(303);
        assert_eq!(answer.location(), format!("/users/{}", owner.id));
        assert!(!stranger.get(answer.location()).expect(200).text("body").contains("was made and not shown"));
    }
    admin.send(admin.request(reqwest::Method::HEAD, made.location()));
    let copies = [admin.twin(), admin.at(&other.base)];
    assert!(admin.get(made.location()).expect(200).has("#link"));
    for copy in copies {
        holding(&copy);
        let answer = copy.get(made.location()).expect(303);
        let page = copy.get(answer.location()).expect(200);
        assert!(
            page.text("[role=status], [role=alert]").contains("not shown again"),
            "{}",
            page.text("body")
        );
        assert!(!page.body.contains("/passwords/"));
    }
}

#[test]
fn a_message_is_for_the_session_that_it_was_left_for_and_for_two_minutes() {
    let console = Console::start();
    let owner = console.owner();
    let cookie = owner.cookies_with("pilothouse").pop().unwrap().1;
    let session = SecretHash::of(&cookie[cookie.len() - 64..]);
    let left_at = |minutes_ago: i64, flash: Flash| {
        let clock = Clock::frozen_at(console.app.clock.now_ms() - minutes_ago * 60_000);
        let mut response = HttpResponse::Ok().finish();
        flash::leave(&App { clock, ..console.app.clone() }, &mut response, &flash);
        let cookie = response.cookies().next().unwrap();
        let browser = owner.twin();
        browser.set_cookie(cookie.name(), cookie.stripped().encoded().to_string().split_once('=').unwrap().1);
        browser.get("/projects").expect(200).text("[role=status]")
    };
    let message = || Flash::good("Left for you.");
    assert_eq!(left_at(0, message().for_session(&session)), "Left for you.");
    assert_eq!(left_at(3, message().for_session(&session)), "");
    assert_eq!(left_at(0, message().for_session(&SecretHash::of("another"))), "");
    assert_eq!(left_at(0, message()), "", "for somebody who is not signed in");
}

#[test]
fn every_sample_of_these_pages_renders_and_nothing_in_it_runs() {
    fn check<P: Sample + Template>(page: &str) {
        for (state, sample) in P::samples() {
            let html = sample.render().unwrap();
            assert!(html.contains("<h1"), "{page} {state}");
            for live in ["<script>alert", "<img src=x", "\"><script"] {
                assert!(!html.contains(live), "{page} {state}: {live}");
            }
        }
    }
    check::<UsersPage>("users");
    check::<NewUserPage>("new user");
    check::<UserPage>("user");
    check::<LinkPage>("link");
    check::<account::show::AccountPage>("account");
    check::<account::sessions::SessionsPage>("sessions");
    check::<PasswordPage>("password");
}

#[test]
fn an_admin_without_a_password_does_not_count_as_one_who_can_sign_in() {
    let console = Console::start();
    let admin = console.admin();
    console.sql("INSERT INTO users (email, role) VALUES ('no-password@people.test', 'admin')");
    let path = format!("/users/{}/deactivate", admin.id);

    assert!(admin.get(&path).expect(200).text("main").contains("last admin"));
    admin.post(&path, &[]).expect(422);
    edit(&admin, &admin.id, &admin.email, "", "owner").expect(422);

    console.sql("UPDATE users SET password_hash = 'x' WHERE email = 'no-password@people.test'");
    admin.post(&path, &[]).expect(303);
}

#[test]
fn of_many_admins_who_end_each_other_at_once_one_can_still_sign_in() {
    let console = Console::start();
    for round in 0..12 {
        console.sql("UPDATE users SET is_active = false");
        let admins = [console.admin(), console.admin(), console.admin()];
        let acts: [(usize, usize); 6] = [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)];
        let statuses = std::thread::scope(|scope| {
            let admins = &admins;
            acts.map(|(from, to)| {
                scope.spawn(move || {
                    let (from, to) = (&admins[from].twin(), &admins[to]);
                    // Half of them take the role away instead.
                    if round % 2 == 0 {
                        from.post(&format!("/users/{}/deactivate", to.id), &[]).status
                    } else {
                        let fields = [
                            ("email", to.email.as_str()),
                            ("name", "x"),
                            ("role", "owner"),
                            ("updated_at", ""),
                        ];
                        from.post(&format!("/users/{}", to.id), &fields).status
                    }
                })
            })
            .map(|act| act.join().unwrap())
        });
        let left = console.count("users WHERE role = 'admin' AND is_active AND password_hash IS NOT NULL");
        assert!(left >= 1, "round {round}: {statuses:?}");
        let known = [303, 404, 409, 422];
        assert!(statuses.iter().all(|status| known.contains(status)), "round {round}: {statuses:?}");
    }
}

#[test]
fn an_admin_reads_in_clear_words_that_they_deactivate_themself() {
    let console = Console::start();
    let (admin, other) = (console.admin(), console.admin());
    let own = admin.get(&format!("/users/{}/deactivate", admin.id)).expect(200);
    assert!(own.text("h1").contains("your own account") && own.text("main button").contains("myself"));
    let page = admin.get(&format!("/users/{}", admin.id)).expect(200);
    assert!(page.text("main .alert").contains("This is you"));
    let theirs = admin.get(&format!("/users/{}/deactivate", other.id)).expect(200);
    assert!(!theirs.text("main").contains("your own") && !theirs.text("main").contains("myself"));
}

#[test]
fn an_admin_ends_every_session_of_a_user_at_once() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let elsewhere = console.sign_in_as(&owner.id);
    let bystander = console.owner();
    let path = format!("/users/{}/sessions/revoke", owner.id);
    assert!(admin.get(&format!("/users/{}", owner.id)).expect(200).has(&format!("form[action='{path}']")));

    admin.post(&path, &[]).expect(303);
    admin.post(&path, &[]).expect(303);

    assert!(!owner.is_signed_in() && !elsewhere.is_signed_in() && bystander.is_signed_in());
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'session.all_revoked'"), 1);
    let spare = console.sign_in_as(&admin.id);
    admin.post(&format!("/users/{}/sessions/revoke", admin.id), &[]).expect(303);
    assert!(admin.is_signed_in() && !spare.is_signed_in(), "one's own stays");
    bystander.post(&path, &[]).expect(404);
}

#[test]
fn a_users_page_shows_their_containers_and_what_they_did_last() {
    let console = Console::start();
    let (admin, owner) = (console.admin(), console.owner());
    let container = console.container(&owner, "shop-web");
    console.container(&admin, "not-theirs");
    let project = console.project(&owner, "shop-api");
    let action = console.action(&project, "deployment", 1_763_640_000_000, "{}");
    let other = console.action(&project, "deployment", 1_763_640_000_001, "{}");
    console.sql(&format!(
        "UPDATE turbobackend.project_actions SET user_id = '{}' WHERE action_id = '{other}'",
        admin.id
    ));

    let page = admin.get(&format!("/users/{}", owner.id)).expect(200);

    assert_eq!(page.attributes("tr[data-container]", "data-container"), [container]);
    assert_eq!(page.attributes("[data-activity]", "data-activity"), [action]);
    assert!(page.has(&format!("main a[href='/activity?actor={}']", owner.id)));
}

#[test]
fn the_list_is_sorted_by_address_by_age_or_by_sign_in_and_pages_in_each() {
    let console = Console::start();
    let admin = console.admin();
    console.sql(
        "INSERT INTO users (email, created_at, last_login) VALUES \
             ('b@people.test', '2020-01-01', '2026-01-03'), ('A@people.test', '2020-01-02', '2026-01-02'), \
             ('c@people.test', '2020-01-02', NULL), ('d@people.test', NULL, NULL)",
    );
    let walk = |sort: &str| {
        let mut here = format!("/users?limit=2&q=%40people.test&role=owner{sort}");
        let mut emails = Vec::new();
        loop {
            let page = admin.get(&here).expect(200);
            emails.extend(page.texts("tr[data-user] .clip"));
            match page.attributes("a[rel=next]", "href").pop() {
                Some(next) => here = next,
                None => return emails.join(" ").replace("@people.test", ""),
            }
        }
    };
    assert_eq!(walk(""), "A b c d");
    assert!(["A c b d", "c A b d"].contains(&walk("&sort=newest").as_str()), "{}", walk("&sort=newest"));
    assert!(walk("&sort=signed-in").starts_with("b A "), "{}", walk("&sort=signed-in"));
    assert_eq!(walk("&sort=unheard-of"), "A b c d");
}

/// The same address as people read it, as browsers send it, and as somebody may type it.
fn spelled() -> [&'static str; 3] {
    ["zoë@bücher.example", "zoë@xn--bcher-kva.example", "zoë@BU\u{308}CHER.example"]
}

#[test]
fn an_address_is_the_same_in_every_spelling_of_its_domain() {
    let console = Console::start();
    let admin = console.admin();
    for (made, typed) in spelled().into_iter().enumerate() {
        let (user, _) = create(&admin, typed);
        assert_eq!(console.text(&format!("SELECT email FROM users WHERE id = '{user}'")), spelled()[0]);
        console.sql(&format!(
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = '{}') WHERE id = '{user}'",
            admin.id
        ));
        for typed in spelled() {
            let form = [("email", typed), ("password", crate::support::console::PASSWORD)];
            console.anonymous().post("/login", &form).expect(303);
            let refused =
                admin.post("/users", &[("email", typed), ("name", ""), ("role", "owner")]).expect(422);
            assert!(refused.has("#email-error"), "{made}: {typed}");
            let found = admin.get(&format!(
                "/search?q={}",
                crate::support::person::encoded(&[("q", typed)]).replace("q=", "")
            ));
            assert_eq!(found.expect(303).location(), format!("/users/{user}"), "{typed}");
            let listed = admin.get(&format!("/users?{}", crate::support::person::encoded(&[("q", typed)])));
            assert_eq!(
                listed.expect(200).attributes("[data-user]", "data-user"),
                std::slice::from_ref(&user),
                "{typed}"
            );
        }
        for part in ["B%C3%BCcher", "xn--bcher-kva"] {
            let listed = admin.get(&format!("/users?q={part}")).expect(200);
            assert_eq!(listed.attributes("[data-user]", "data-user"), std::slice::from_ref(&user), "{part}");
        }
        assert!(admin.get(&format!("/users/{user}")).expect(200).text("main").contains(spelled()[0]));
        console.sql(&format!("DELETE FROM users WHERE id = '{user}'"));
    }
}

#[test]
fn an_address_that_another_program_stored_signs_in_however_its_domain_is_spelled() {
    let console = Console::start();
    let (admin, password) = (console.admin(), crate::support::console::PASSWORD);
    let enters =
        |email: &str| console.anonymous().post("/login", &[("email", email), ("password", password)]).status;
    let store = |email: &str, password: bool| {
        let hash = if password {
            format!("(SELECT password_hash FROM users WHERE id = '{}')", admin.id)
        } else {
            "NULL".to_owned()
        };
        console.sql(&format!("INSERT INTO users (email, password_hash) VALUES ('{email}', {hash})"));
    };
    for stored in spelled() {
        store(stored, true);
        for typed in spelled() {
            // What is stored decomposed is found as it is stored.
            let is_normal = stored != spelled()[2];
            assert_eq!(
                enters(typed),
                if is_normal || typed == stored { 303 } else { 422 },
                "{typed} for {stored}"
            );
        }
        console.sql(&format!("DELETE FROM users WHERE email = '{stored}'"));
    }
    // Two accounts that were one address all along: each is who it was.
    store(spelled()[0], true);
    store(spelled()[1], false);
    assert_eq!((enters(spelled()[0]), enters(spelled()[1])), (303, 422));
    // Domains that only look alike are two people's.
    store("eve@\u{430}pple.example", false);
    store("eve@apple.example", true);
    assert_eq!((enters("eve@apple.example"), enters("eve@xn--pple-43d.example")), (303, 422));
}

#[test]
fn the_form_leaves_an_address_as_it_is_typed() {
    let console = Console::start();
    let admin = console.admin();
    for page in [
        admin.get("/users/new"),
        admin.get(&format!("/users/{}", admin.id)),
        console.anonymous().get("/login"),
    ] {
        let kind = page.attribute("input[name=email]", "type");
        let board = page.attribute("input[name=email]", "inputmode");
        assert_eq!((kind.as_str(), board.as_str()), ("text", "email"), "a browser's own rule is another one");
    }
}

#[test]
fn an_address_and_a_name_that_no_form_takes_do_not_keep_a_role_from_being_changed() {
    let console = Console::start();
    let (admin, other) = (console.admin(), console.owner());
    console.sql(&format!(
        "UPDATE users SET email = 'Not an address', name = E'A\\nda' || chr(8238) WHERE id = '{}'",
        other.id
    ));
    let path = format!("/users/{}", other.id);
    let page = admin.get(&path).expect(200);
    let shown = |field: &str| page.attribute(field, "value").replace('\n', "");
    let (email, name, seen) = (shown("#email"), shown("#name"), shown("[name=updated_at]"));
    let form = [("email", &*email), ("name", &*name), ("role", "admin"), ("updated_at", &*seen)];
    admin.post(&path, &form).expect(303);
    assert!(console.holds(&format!(
        "(SELECT role = 'admin' AND email = 'Not an address' AND name LIKE E'A\\nda_' FROM users WHERE id = '{}')",
        other.id
    )));
    let seen = admin.get(&path).expect(200).attribute("[name=updated_at]", "value");
    admin
        .post(&path, &[("email", "Still none"), ("name", "x"), ("role", "owner"), ("updated_at", &seen)])
        .expect(422);
}
