//! Who gets to see a conversation, and how long it is kept.

use super::start::{SENTENCE, guest_cookie, say};
use crate::support::console::{Console, Person};

fn sees_nothing(person: &Person) {
    let page = person.get("/start").expect(200);
    assert_eq!(page.attribute("[data-score]", "data-score"), "0");
    assert!(!page.body.contains("bakeries"));
    assert_eq!(person.get("/start/draft").expect(303).location(), "/start");
    person.post("/start/draft", &[("slot", "budget"), ("act", "save"), ("value", "1")]).expect(404);
    person.post("/start/delete", &[]).expect(404);
    person.post("/start/claim", &[("act", "link")]).expect(404);
}

#[test]
fn nobody_enters_with_anything_but_the_secret() {
    let console = Console::start();
    let visitor = console.anonymous();
    say(&visitor, SENTENCE).expect(303);
    let (name, secret) = guest_cookie(&visitor).unwrap();
    let session = console.text("SELECT session_id FROM ai_assistant_sessions");
    let row = console.text("SELECT id::text FROM ai_assistant_sessions");
    let hash = console.text("SELECT hash FROM pilothouse.guests");
    let other = "0f".repeat(32);
    for wrong in [session.as_str(), &row, &hash, &other, "", "x", &secret[1..], &secret.to_uppercase()] {
        let stranger = console.anonymous();
        stranger.set_cookie(&name, wrong);
        sees_nothing(&stranger);
    }
    // Another visitor, with a conversation of their own.
    let another = console.anonymous();
    say(&another, "I want a game for kids").expect(303);
    assert!(!another.get("/start").expect(200).body.contains("bakeries"));
    assert!(visitor.get("/start").expect(200).body.contains("bakeries"));
    // Expired.
    console.sql("UPDATE pilothouse.guests SET expires_at = now() - interval '1 second'");
    sees_nothing(&visitor);
}

#[test]
fn guests_reach_no_page_of_users() {
    let console = Console::start();
    let visitor = console.anonymous();
    say(&visitor, SENTENCE).expect(303);
    let draft = console.text("SELECT id::text FROM job_drafts");
    for path in ["/", "/drafts", "/projects", "/intake", "/users"] {
        assert_eq!(visitor.get(path).status / 100, if path == "/intake" { 4 } else { 3 }, "{path}");
    }
    assert!(visitor.get(&format!("/drafts/{draft}")).location().starts_with("/login"));
    let owner = console.owner();
    owner.get(&format!("/drafts/{draft}")).expect(404);
    owner.post(&format!("/drafts/{draft}/post"), &[("consent", "yes")]).expect(404);
}

#[test]
fn conversations_end_after_thirty_days_and_are_deleted_after_ninety() {
    let console = Console::start();
    let (recent, silent, old, owner) =
        (console.anonymous(), console.anonymous(), console.anonymous(), console.owner());
    for person in [&recent, &silent, &old, &owner] {
        say(person, SENTENCE).expect(303);
    }
    console.sql(
        "WITH aged AS (SELECT id, row_number() OVER (ORDER BY started_at, id) AS n FROM ai_assistant_sessions) \
         UPDATE ai_assistant_sessions s SET last_activity_at = last_activity_at - \
             CASE n WHEN 1 THEN interval '1 day' WHEN 2 THEN interval '31 days' ELSE interval '91 days' END \
         FROM aged WHERE aged.id = s.id",
    );
    pilothouse::db::Db::write_blocking(&console.app.db, &pilothouse::db::Actor::System, |conn| {
        pilothouse::assistant::commands::end_silent(conn).map_err(pilothouse::db::DbError::from)
    })
    .unwrap();
    pilothouse::retention::run::run(&console.app.db, console.app.clock.now(), || false).unwrap();

    assert_eq!(console.count("ai_assistant_sessions"), 3, "the user's stays");
    assert_eq!(
        console.count("ai_assistant_sessions WHERE NOT is_active AND session_data->>'ended' = 'expired'"),
        1
    );
    assert_eq!(console.count("job_drafts"), 3);
    assert!(console.count("analytics") > 20, "what was counted stays");
    assert!(recent.get("/start").expect(200).body.contains("bakeries"));
    assert!(!silent.get("/start").expect(200).body.contains("bakeries"));
    assert!(owner.get("/start").expect(200).body.contains("bakeries"));
}
