//! Deeds that are decided on something read earlier, and what somebody changes in between. Each race is held open: by
//! the step in which passwords are hashed, or by a lock. Beside each stands the same deed with nothing in between.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::identity::Principal;
use pilothouse::projects::{Move, commands as project_commands};
use pilothouse::users::commands::{self, ChangeError};

use crate::support::answer::Answer;
use crate::support::console::{Console, PASSWORD};
use crate::support::person::Person;

const NEW: &str = "a lighthouse keeper's log";
const ANOTHER_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3RhbmQtaW4tc3RhbmQtaQ$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgbmV2ZXI";

/// Status and location of an answer.
type Told = (u16, String);

fn told(answer: &Answer) -> Told {
    (answer.status, answer.location().to_owned())
}

/// What `deed` is answered when `change` happens while its password is being hashed.
fn while_hashing(console: &Console, change: &str, deed: impl Fn() -> Answer + Sync) -> Told {
    let paused = console.pause_hashing();
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| told(&deed()));
        console.hashes_wait(1);
        console.sql(change);
        drop(paused);
        answer.join().unwrap()
    })
}

/// What `deed` is answered when it waits for a lock on `rows` (a SELECT … FOR UPDATE) and `change` is committed by
/// whoever holds it.
fn while_locked(console: &Console, rows: &str, change: &str, deed: impl Fn() -> Answer + Sync) -> Told {
    let mut holder = console.db.connect_owner();
    holder.batch_execute(&format!("BEGIN; {rows}; {change}")).unwrap();
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| told(&deed()));
        console.locks_wait(1);
        holder.batch_execute("COMMIT").unwrap();
        answer.join().unwrap()
    })
}

#[test]
fn a_session_does_not_begin_with_what_was_changed_while_its_password_was_checked() {
    let console = Console::start();
    for (change, status) in [
        (format!("password_hash = '{ANOTHER_HASH}'"), 422),
        ("password_hash = NULL".to_owned(), 422),
        ("is_active = false".to_owned(), 422),
        ("is_active = NULL".to_owned(), 422),
        ("email = 'moved-' || email".to_owned(), 422),
        ("time_zone = 'Asia/Tokyo'".to_owned(), 303),
    ] {
        let (id, email) = console.user("owner");
        let browser = console.anonymous();
        let change = format!("UPDATE users SET {change} WHERE id = '{id}'");
        let sign_in = || browser.post("/login", &[("email", &email), ("password", PASSWORD)]);

        let (answered, _) = while_hashing(&console, &change, sign_in);

        assert_eq!(answered, status, "{change}");
        assert_eq!(browser.is_signed_in(), status == 303, "{change}");
        let sessions = format!("sessions WHERE user_id = '{id}'");
        assert_eq!(console.count(&sessions), i64::from(status == 303), "{change}");
        let tries = "pilothouse.sign_in_failures WHERE scope = 'address' AND failures > 0";
        assert_eq!(console.count(tries), i64::from(status == 422), "{change}: the try counts");
        console.sql("DELETE FROM pilothouse.sign_in_failures");
    }
}

#[test]
fn a_session_begins_with_the_role_and_the_name_of_its_moment() {
    let console = Console::start();
    let (id, email) = console.user("admin");
    let browser = console.anonymous();
    let change = format!("UPDATE users SET role = 'owner', name = 'Renamed' WHERE id = '{id}'");

    let sign_in = || browser.post("/login", &[("email", &email), ("password", PASSWORD)]);
    assert_eq!(while_hashing(&console, &change, sign_in), (303, "/".to_owned()));

    browser.get("/users").expect(404);
    let entry = console.text("SELECT concat_ws(' ', \"actorName\", \"actorRole\") FROM \"ActivityLog\"");
    assert_eq!(entry, "Renamed owner");
}

#[test]
fn a_password_is_changed_only_while_it_is_the_one_that_was_checked_and_the_session_lives() {
    let console = Console::start();
    for (change, changes) in [
        (format!("UPDATE users SET password_hash = '{ANOTHER_HASH}' WHERE id = '{{id}}'"), false),
        ("UPDATE users SET is_active = false WHERE id = '{id}'".to_owned(), false),
        ("UPDATE sessions SET is_active = false WHERE id = '{session}'".to_owned(), false),
        ("SELECT 1".to_owned(), true),
    ] {
        let owner = console.owner();
        let change = change.replace("{id}", &owner.id).replace("{session}", &owner.session);
        let form = [("current_password", PASSWORD), ("password", NEW)];

        let (answered, _) = while_hashing(&console, &change, || owner.post("/account/password", &form));

        assert_eq!(answered, if changes { 303 } else { 422 }, "{change}");
        console.sql(&format!("UPDATE users SET is_active = true WHERE id = '{}'", owner.id));
        let sign_in = console.anonymous().post("/login", &[("email", &owner.email), ("password", NEW)]);
        assert_eq!(sign_in.status == 303, changes, "{change}");
        assert_eq!(owner.is_signed_in(), changes || change.contains("users"), "{change}");
        console.sql("DELETE FROM pilothouse.sign_in_failures");
    }
}

#[test]
fn a_link_sets_no_password_once_its_user_is_somebody_else() {
    let console = Console::start();
    let admin = console.admin();
    for (change, sets) in [
        ("email = 'corrected-' || email", false),
        ("role = 'admin'", false),
        ("is_active = false", false),
        ("is_active = NULL", false),
        ("name = 'Grace Hopper'", true),
    ] {
        let owner = console.owner();
        let made = admin.post(&format!("/users/{}/link", owner.id), &[]).expect(303);
        let link = admin.get(made.location()).expect(200).attribute("#link", "value");
        let path = link.strip_prefix(&console.base).unwrap();
        let before = console.text(&format!("SELECT password_hash FROM users WHERE id = '{}'", owner.id));
        let change = format!("UPDATE users SET {change} WHERE id = '{}'", owner.id);

        let visitor = console.anonymous();
        let (answered, _) = while_hashing(&console, &change, || visitor.post(path, &[("password", NEW)]));

        assert_eq!(answered, if sets { 303 } else { 404 }, "{change}");
        let after = console.text(&format!("SELECT password_hash FROM users WHERE id = '{}'", owner.id));
        assert_eq!(before != after, sets, "{change}");
    }
}

#[test]
fn a_deed_that_waited_while_its_session_ended_is_not_done() {
    let console = Console::start();
    let revoke = "UPDATE sessions SET is_active = false WHERE id = '{session}'";
    let deactivate = "UPDATE users SET is_active = false WHERE id = '{id}'";
    let demote = "UPDATE users SET role = 'owner' WHERE id = '{id}'";
    for (role, change) in [
        ("owner", revoke),
        ("owner", deactivate),
        ("admin", revoke),
        ("admin", deactivate),
        ("admin", demote),
    ]
    .into_iter()
    .chain([("owner", "SELECT 1"), ("admin", "SELECT 1")])
    {
        let person = if role == "admin" { console.admin() } else { console.owner() };
        let other = console.owner();
        let project = console.project(&person, "shop");
        let change = change.replace("{id}", &person.id).replace("{session}", &person.session);
        let done = change == "SELECT 1";
        let held_project = format!("SELECT FROM projects WHERE id = '{project}' FOR UPDATE");
        let held_user = format!("SELECT FROM users WHERE id = '{}' FOR UPDATE", other.id);

        let archive = || person.post(&format!("/projects/{project}/archive"), &[]);
        let answer = while_locked(&console, &held_project, &change, archive);
        assert_eq!(answer.0, 303, "{role}: {change}");
        assert_eq!(answer.1 == "/login", !done, "{role}: {change}");
        let archived = console.count(&format!("projects WHERE id = '{project}' AND status = 'archived'"));
        assert_eq!(archived, i64::from(done), "{role}: {change}");
        let recorded = format!("\"ActivityLog\" WHERE \"projectId\" = '{project}'");
        assert_eq!(console.count(&recorded), i64::from(done), "{role}: {change}");
        if role == "owner" {
            continue;
        }

        console.sql(&format!("UPDATE users SET is_active = true, role = 'admin' WHERE id = '{}'", person.id));
        let admin = console.sign_in_as(&person.id);
        let change = change.replace(&person.session, &admin.session);
        let form = [("email", other.email.as_str()), ("name", "x"), ("role", "admin"), ("updated_at", "")];
        let seen = admin.get(&format!("/users/{}", other.id)).attribute("[name=updated_at]", "value");
        let form = [form[0], form[1], form[2], ("updated_at", seen.as_str())];
        let promote = || admin.post(&format!("/users/{}", other.id), &form);
        let answer = while_locked(&console, &held_user, &change, promote);
        assert_eq!(answer.0, 303, "{change}");
        assert_eq!(answer.1 == "/login", !done, "{change}");
        let admins = console.count(&format!("users WHERE id = '{}' AND role = 'admin'", other.id));
        assert_eq!(admins, i64::from(done), "{change}");
    }
}

#[test]
fn a_session_that_begins_beside_an_end_of_all_does_not_outlive_it() {
    let console = Console::start();
    let admin = console.admin();
    for deed in ["sessions/revoke", "deactivate"] {
        let (owner, _) = console.user("owner");
        let held = format!("SELECT FROM users WHERE id = '{owner}' FOR UPDATE");
        let begins = format!(
            "INSERT INTO sessions (user_id, token, expires_at) VALUES ('{owner}', '{owner}', now() + interval '1 day')"
        );
        let path = format!("/users/{owner}/{deed}");
        assert_eq!(while_locked(&console, &held, &begins, || admin.post(&path, &[])).0, 303);
        assert_eq!(console.count(&format!("sessions WHERE user_id = '{owner}'")), 1);
        assert_eq!(console.count(&format!("sessions WHERE user_id = '{owner}' AND is_active")), 0, "{deed}");
    }
    let owner = console.owner();
    let held = format!("SELECT FROM users WHERE id = '{}' FOR UPDATE", owner.id);
    let begins = format!(
        "INSERT INTO sessions (user_id, token, expires_at) VALUES ('{}', 'x', now() + interval '1 day')",
        owner.id
    );
    let revoke = || owner.post("/account/sessions/revoke-others", &[]);
    assert_eq!(while_locked(&console, &held, &begins, revoke).0, 303);
    assert_eq!(
        console.text("SELECT string_agg(token, '') FROM sessions WHERE NOT is_active AND token = 'x'"),
        "x"
    );
    assert!(owner.is_signed_in());
}

#[test]
fn two_who_sign_in_at_once_make_room_for_both() {
    let console = Console::start();
    let (id, email) = console.user("owner");
    console.sql(&format!(
        "INSERT INTO sessions (user_id, token, expires_at, last_activity) \
         SELECT '{id}', 'token ' || n, now() + interval '1 day', now() - n * interval '1 minute' \
         FROM generate_series(1, 19) n"
    ));
    let mut holder = console.db.connect_owner();
    holder.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = '{id}' FOR UPDATE")).unwrap();
    let paused = console.pause_hashing();
    std::thread::scope(|scope| {
        let sign_in =
            || console.anonymous().post("/login", &[("email", &email), ("password", PASSWORD)]).status;
        let both = [scope.spawn(sign_in), scope.spawn(sign_in)];
        console.hashes_wait(2);
        // Without their counts, nothing but the user's row makes them take turns.
        console.sql("DELETE FROM pilothouse.sign_in_failures");
        drop(paused);
        console.locks_wait(2);
        holder.batch_execute("COMMIT").unwrap();
        assert_eq!(both.map(|one| one.join().unwrap()), [303, 303]);
    });
    assert_eq!(console.count("sessions WHERE is_active"), 20);
}

#[test]
fn a_project_moves_on_from_where_it_is_and_not_from_where_it_was() {
    let console = Console::start();
    let owner = console.owner();
    for (status, change, deed, expected) in [
        ("archived", "status = 'deleted'", "unarchive", 409),
        ("active", "status = 'deleted'", "archive", 409),
        ("active", "name = 'renamed'", "delete", 422),
        ("deleted", "status = 'archived'", "restore", 409),
        ("active", "description = 'x'", "delete", 303),
    ] {
        let project = console.project(&owner, "shop");
        console.sql(&format!("UPDATE projects SET status = '{status}' WHERE id = '{project}'"));
        let held = format!("SELECT FROM projects WHERE id = '{project}' FOR UPDATE");
        let change = format!("UPDATE projects SET {change} WHERE id = '{project}'");
        let path = format!("/projects/{project}/{deed}");

        let (answered, _) =
            while_locked(&console, &held, &change, || owner.post(&path, &[("confirm", "shop")]));

        assert_eq!(answered, expected, "{deed} after {change}");
        let recorded = console.count(&format!("\"ActivityLog\" WHERE \"projectId\" = '{project}'"));
        assert_eq!(recorded, i64::from(expected == 303), "{deed} after {change}");
    }
}

#[test]
fn a_container_that_is_given_away_meanwhile_is_not_attached() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    for (change, made) in [(format!("user_id = '{}'", other.id), 0), ("url = 'x'".to_owned(), 1)] {
        let container = console.container(&owner, "c");
        let held = format!("SELECT FROM containers WHERE id = '{container}' FOR UPDATE");
        let change = format!("UPDATE containers SET {change} WHERE id = '{container}'");
        let form = [("name", "shop"), ("container", container.as_str())];

        let (answered, _) = while_locked(&console, &held, &change, || owner.post("/projects", &form));

        assert_eq!(answered, if made == 1 { 303 } else { 422 }, "{change}");
        assert_eq!(console.count(&format!("projects WHERE container_id = '{container}'")), made, "{change}");
    }
}

#[test]
fn a_password_set_by_command_is_set_for_whoever_has_the_address_by_then() {
    let console = Console::start();
    let (id, email) = console.user("owner");
    let mut holder = console.db.connect_owner();
    holder
        .batch_execute(&format!("BEGIN; UPDATE users SET email = 'moved@people.test' WHERE id = '{id}'"))
        .unwrap();
    let principal = Principal::system(console.app.clock.now());
    let mut conn = console.db.connect_owner();
    let set = |conn: &mut PgConnection, email: &str| {
        conn.transaction(|conn| commands::set_password_of(conn, &principal, email, ANOTHER_HASH))
    };
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| set(&mut conn, &email));
        console.locks_wait(1);
        holder.batch_execute("COMMIT").unwrap();
        late.join().unwrap()
    });
    assert!(matches!(late, Err(ChangeError::NotFound)), "{late:?}");
    assert!(set(&mut console.db.connect_owner(), "moved@people.test").is_ok());
}

/// What two deeds are answered that both wait for `lock`, which is held until both do.
fn both_at_once(console: &Console, lock: &str, deeds: [&(dyn Fn() -> Answer + Sync); 2]) -> [u16; 2] {
    let mut holder = console.db.connect_owner();
    holder.batch_execute(&format!("BEGIN; {lock}")).unwrap();
    std::thread::scope(|scope| {
        let both = deeds.map(|deed| scope.spawn(move || deed().status));
        console.locks_wait(2);
        holder.batch_execute("COMMIT").unwrap();
        both.map(|one| one.join().unwrap())
    })
}

#[test]
fn a_project_whose_deletion_was_acknowledged_stays_deleted_whatever_raced_with_it() {
    let console = Console::start();
    let owner = console.owner();
    let others = [("archive", "active"), ("unarchive", "archived")];
    for (n, (other, from)) in others.iter().cycle().take(40).enumerate() {
        let project = console.project(&owner, "shop");
        console.sql(&format!("UPDATE projects SET status = '{from}' WHERE id = '{project}'"));
        let make = |deed: &str| {
            let path = format!("/projects/{project}/{deed}");
            owner.twin().post(&path, &[("confirm", "shop")]).status
        };
        let (deleted, answered) = std::thread::scope(|scope| {
            let deleted = scope.spawn(|| make("delete"));
            let beside = scope.spawn(|| make(other));
            (deleted.join().unwrap(), beside.join().unwrap())
        });
        assert_eq!(deleted, 303, "round {n}");
        assert!([303, 409].contains(&answered), "round {n}: {answered}");
        let state = console.text(&format!("SELECT status FROM projects WHERE id = '{project}'"));
        assert_eq!(state, "deleted", "round {n}: {other} was answered {answered}");
        let told = console.count(&format!("\"ActivityLog\" WHERE \"projectId\" = '{project}'"));
        assert_eq!(told, 1 + i64::from(answered == 303), "round {n}");
    }
}

#[test]
fn a_command_itself_refuses_what_may_not_follow() {
    let console = Console::start();
    let owner = console.owner();
    let principal = Principal::system(console.app.clock.now());
    let mut conn = console.db.connect_owner();
    for (status, step, allowed) in [
        ("active", Move::Archive, true),
        ("active", Move::Delete, true),
        ("active", Move::Unarchive, false),
        ("active", Move::Restore, false),
        ("archived", Move::Archive, false),
        ("archived", Move::Unarchive, true),
        ("archived", Move::Delete, true),
        ("archived", Move::Restore, false),
        ("deleted", Move::Archive, false),
        ("deleted", Move::Unarchive, false),
        ("deleted", Move::Delete, false),
        ("deleted", Move::Restore, true),
        ("paused", Move::Archive, true),
    ] {
        let id = console.project(&owner, "shop");
        console.sql(&format!("UPDATE projects SET status = '{status}' WHERE id = '{id}'"));
        let made = conn.transaction(|conn| {
            project_commands::make_move(conn, &principal, id.parse().unwrap(), step, "shop")
        });
        assert_eq!(made.is_ok(), allowed, "{step:?} of {status}: {made:?}");
        let stored = console.text(&format!("SELECT status FROM projects WHERE id = '{id}'"));
        assert_eq!(stored == status, !allowed, "{step:?} of {status}");
    }
}

#[test]
fn what_an_edit_leaves_out_stays_as_somebody_else_has_made_it_meanwhile() {
    let console = Console::start();
    let owner = console.owner();
    for (change, status) in [("description = 'theirs'", 303), ("status = 'deleted'", 409)] {
        let project = console.project(&owner, "shop");
        let held = format!("SELECT FROM projects WHERE id = '{project}' FOR UPDATE");
        let change = format!("UPDATE projects SET {change} WHERE id = '{project}'");
        let path = format!("/projects/{project}");

        let (answered, _) = while_locked(&console, &held, &change, || owner.post(&path, &[("name", "mine")]));

        assert_eq!(answered, status, "{change}");
        let row = console.text(&format!(
            "SELECT concat_ws(' ', name, description, status) FROM projects WHERE id = '{project}'"
        ));
        assert_eq!(row, if status == 303 { "mine theirs active" } else { "shop deleted" }, "{change}");
    }
}

#[test]
fn of_two_projects_that_want_one_container_at_once_one_gets_it() {
    let console = Console::start();
    let owner = console.owner();
    let container = console.container(&owner, "c");
    let lock = format!("SELECT FROM containers WHERE id = '{container}' FOR UPDATE");
    let twin = owner.twin();
    let form = [("name", "shop"), ("container", container.as_str())];
    let mut answers = both_at_once(
        &console,
        &lock,
        [&|| owner.post("/projects", &form), &|| twin.post("/projects", &form)],
    );
    answers.sort_unstable();
    assert_eq!(answers, [303, 422]);
    assert_eq!(console.count(&format!("projects WHERE container_id = '{container}'")), 1);

    let page = owner.post("/projects", &form).expect(422);
    assert!(page.text("#container-error").contains("already"), "{}", page.body);
    let gone = console.container(&owner, "gone");
    console.sql(&format!("UPDATE containers SET status = 'deleted' WHERE id = '{gone}'"));
    let page = owner.post("/projects", &[("name", "shop"), ("container", &gone)]).expect(422);
    assert!(page.text("#container-error").contains("does not exist"), "{}", page.body);
    assert_eq!(console.count("projects"), 1);
}

#[test]
fn of_two_who_take_one_address_in_two_spellings_at_once_one_gets_it() {
    let console = Console::start();
    let admin = console.admin();
    let other = console.owner();
    let lock =
        format!("SELECT pg_advisory_xact_lock(hashtextextended('{}', 0))", commands::TAKING_AN_ADDRESS);
    let new = |email| move |person: &Person| person.post("/users", &[("email", email), ("role", "owner")]);
    let edit = |person: &Person| {
        let path = format!("/users/{}", other.id);
        let seen = console.text(&format!(
            "SELECT to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM users WHERE id = '{}'",
            other.id
        ));
        person.post(&path, &[("email", "GRACE@people.test"), ("role", "owner"), ("updated_at", &seen)])
    };
    let twin = admin.twin();
    let mut answers = both_at_once(
        &console,
        &lock,
        [&|| new("ada@people.test")(&admin), &|| new("Ada@people.test")(&twin)],
    );
    answers.sort_unstable();
    assert_eq!(answers, [303, 422]);
    assert_eq!(console.count("users WHERE lower(email) = 'ada@people.test'"), 1);

    let mut answers = both_at_once(&console, &lock, [&|| new("grace@people.test")(&admin), &|| edit(&twin)]);
    answers.sort_unstable();
    assert_eq!(answers, [303, 422]);
    assert_eq!(console.count("users WHERE lower(email) = 'grace@people.test'"), 1);
}

#[test]
fn a_link_is_not_made_for_somebody_who_is_deactivated_meanwhile() {
    let console = Console::start();
    let admin = console.admin();
    for (change, made) in [("is_active = false", 0), ("is_active = NULL", 0), ("name = 'x'", 1)] {
        let (user, _) = console.user("owner");
        let held = format!("SELECT FROM users WHERE id = '{user}' FOR UPDATE");
        let change = format!("UPDATE users SET {change} WHERE id = '{user}'");
        let path = format!("/users/{user}/link");

        let (answered, _) = while_locked(&console, &held, &change, || admin.post(&path, &[]));

        assert_eq!(answered, if made == 1 { 303 } else { 422 }, "{change}");
        let links = format!("pilothouse.password_links WHERE user_id = '{user}'");
        assert_eq!(console.count(&links), made, "{change}");
    }
}

#[test]
fn an_end_of_sessions_is_recorded_with_the_address_of_its_moment() {
    let console = Console::start();
    let admin = console.admin();
    let owner = console.owner();
    let held = format!("SELECT FROM users WHERE id = '{}' FOR UPDATE", owner.id);
    let change = format!("UPDATE users SET email = 'moved@people.test' WHERE id = '{}'", owner.id);
    let path = format!("/users/{}/sessions/revoke", owner.id);
    assert_eq!(while_locked(&console, &held, &change, || admin.post(&path, &[])).0, 303);
    assert_eq!(console.text("SELECT \"targetName\" FROM \"ActivityLog\""), "moved@people.test");
}
