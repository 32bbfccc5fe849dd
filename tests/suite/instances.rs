//! Two consoles on one database: whatever one of them knows, the other one knows too.

use pilothouse::activity::{ActionType, NewAction, spool};
use pilothouse::db::SecretHash;
use pilothouse::identity::Principal;

use crate::support::console::{Console, PASSWORD};

#[test]
fn a_session_that_begins_at_one_instance_holds_and_ends_at_both() {
    let one = Console::start();
    let other = one.beside();
    let (_, email) = one.user("owner");
    let person = one.anonymous();
    person.post("/login", &[("email", &email), ("password", PASSWORD)]).expect(303);

    let there = person.at(&other.base);
    assert!(person.is_signed_in() && there.is_signed_in());

    there.post("/logout", &[]).expect(303);
    assert!(!person.is_signed_in(), "the cookie is still in this browser, and worth nothing");
}

#[test]
fn a_notice_that_one_instance_leaves_is_shown_by_the_other() {
    let one = Console::start();
    let other = one.beside();
    let owner = one.owner();
    let project = owner.post("/projects", &[("name", "shop")]).expect(303).location().to_owned();
    let page = owner.at(&other.base).get(&project).expect(200);
    assert!(page.body.contains("Project shop created."), "{}", page.body);
}

#[test]
fn tries_to_sign_in_count_at_all_instances_together() {
    let one = Console::start();
    let other = one.beside();
    let (_, email) = one.user("owner");
    let guesser = one.anonymous();
    let elsewhere = guesser.at(&other.base);
    let mut refused = None;
    for n in 0..40 {
        let browser = if n % 2 == 0 { &guesser } else { &elsewhere };
        let answer = browser.post("/login", &[("email", &email), ("password", "wrong every time")]);
        if answer.status == 429 {
            refused = Some(n);
            break;
        }
        answer.expect(422);
    }
    // Each instance alone would have let ten pass.
    assert!(refused.is_some_and(|n| n <= 12), "{refused:?}");
    for browser in [&guesser, &elsewhere] {
        browser.post("/login", &[("email", &email), ("password", PASSWORD)]).expect(429);
    }
}

#[test]
fn a_link_works_once_wherever_it_is_opened() {
    let one = Console::start();
    let other = one.beside();
    let (user, _) = one.user("owner");
    let token = one.app.entropy.secret();
    one.sql(&format!(
        "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) \
         VALUES ('{}', '{user}', now() + interval '1 hour')",
        SecretHash::of(&token).as_str()
    ));
    let path = format!("/passwords/{token}");
    let form = [("password", "a password from a link")];
    let here = one.anonymous();
    let there = here.at(&other.base);
    here.get(&path).expect(200);
    let answers = [here.post(&path, &form), there.post(&path, &form)].map(|answer| answer.status);
    assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
}

#[test]
fn an_action_that_one_instance_spooled_is_recorded_once_by_whichever_comes_first() {
    let one = Console::start();
    let other = one.beside();
    let owner = one.owner();
    let project = one.project(&owner, "shop");
    let principal = Principal::system(one.app.clock.now());
    for _ in 0..30 {
        let action =
            NewAction::by(&principal, project.parse().unwrap(), ActionType::Deployment, String::new());
        spool::keep(&one.app.db, &action, "the record was full");
    }
    let recorded: usize = std::thread::scope(|scope| {
        let runs = [&one.app.db, &other.app.db].map(|db| scope.spawn(|| spool::retry(db).unwrap().recorded));
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(recorded, 30);
    assert_eq!(one.count("turbobackend.project_actions"), 30);
    assert_eq!(one.count("pilothouse.action_spool"), 0);
}

#[test]
fn an_instance_that_is_about_to_end_says_so_and_still_serves() {
    let one = Console::start();
    let other = one.beside();
    let owner = one.owner();
    other.app.draining.begin();
    let there = owner.at(&other.base);

    assert_eq!(there.get("/readyz").expect(503).json()["status"], "stopping");
    let page = there.get("/projects").expect(200);
    assert_eq!(page.header("connection"), "close");
    there.post("/projects", &[("name", "shop")]).expect(303);
    owner.get("/readyz").expect(200);
    assert!(owner.get("/projects").expect(200).header("connection").is_empty());
}
