//! How visitors get on, for admins; and what came of a referral, for owners.

use super::start::{SENTENCE, say, slot};
use crate::support::answer::Answer;
use crate::support::console::Console;

fn count(console: &Console) {
    console
        .app
        .db
        .write_blocking(&pilothouse::db::Actor::System, |conn| {
            pilothouse::analytics::funnel::keep(conn).map_err(pilothouse::db::DbError::from)
        })
        .unwrap();
}

fn cells(page: &Answer, step: &str) -> Vec<String> {
    page.texts(&format!("tr[data-step={step}] td"))
}

/// Sessions that began on a day, with events so many seconds after it.
fn way(console: &Console, session: &str, began: &str, code: &str, events: &[(&str, &str, i64)]) {
    console.sql(&format!(
        "INSERT INTO analytics (event_type, session_id, created_at, developer_ref, source) \
         VALUES ('session_started', '{session}', '{began}', '{code}', 'mail')"
    ));
    for (event, slot, seconds) in events {
        console.sql(&format!(
            "INSERT INTO analytics (event_type, session_id, slot_name, created_at, developer_ref, source) \
             VALUES ('{event}', '{session}', '{slot}', '{began}'::timestamptz + interval '{seconds} seconds', '{code}', 'mail')"
        ));
    }
}

#[test]
fn the_funnel_counts_steps_in_their_order_within_thirty_days() {
    let console = Console::start();
    let admin = console.admin();
    let day = "2026-11-20 12:00+00";
    let asked = ("slot_asked", "goal", 0);
    let filled = ("slot_filled", "goal", 60);
    way(
        &console,
        "all",
        day,
        "ada",
        &[
            asked,
            filled,
            ("draft_created", "", 120),
            ("session_claimed", "", 3720),
            ("draft_posted", "", 7320),
            ("project_created", "", 10920),
        ],
    );
    let claimed_late = ("session_claimed", "", 31 * 86_400);
    way(&console, "drafted", day, "ada", &[asked, filled, ("draft_created", "", 120), claimed_late]);
    // Whoever claimed it is the user of all its events.
    console.sql(&format!(
        "UPDATE analytics SET user_id = '{}' WHERE session_id IN ('all', 'drafted')",
        admin.id
    ));
    way(&console, "left", day, "bob", &[asked, filled, ("slot_asked", "budget", 61)]);
    way(&console, "silent", day, "bob", &[asked]);
    way(&console, "late", day, "bob", &[asked, filled, ("draft_created", "", 31 * 86_400)]);
    way(&console, "unordered", day, "bob", &[asked, ("draft_created", "", 10), filled]);
    way(&console, "another day", "2026-10-01 12:00+00", "bob", &[asked]);
    assert!(admin.get("/intake").expect(200).text("main").contains("Nothing is counted yet"));
    count(&console);

    let page = admin.get("/intake?from=2026-11-20&to=2026-11-20").expect(200);

    assert_eq!(cells(&page, "started")[0], "6");
    assert_eq!(cells(&page, "answered")[..3], ["5", "83.3 %", "83.3 %"]);
    assert_eq!(cells(&page, "answered")[3], "1 minute");
    assert_eq!(cells(&page, "drafted")[..3], ["2", "40.0 %", "33.3 %"]);
    assert_eq!(cells(&page, "account")[0], "1");
    assert_eq!(cells(&page, "account")[3], "58 minutes", "of an hour: off by five in a hundred at most");
    assert_eq!((cells(&page, "posted")[0].as_str(), cells(&page, "project")[0].as_str()), ("1", "1"));
    assert!(
        page.text("main").contains("Budget")
            && page.has("svg[role=img] title")
            && page.text("figcaption").contains("as of")
    );
    let of_ada = admin.get("/intake?from=2026-11-20&to=2026-11-20&developer_ref=ada").expect(200);
    assert_eq!((cells(&of_ada, "started")[0].as_str(), cells(&of_ada, "drafted")[0].as_str()), ("2", "2"));
    let of_nobody = admin.get("/intake?from=2026-11-20&to=2026-11-20&source=none").expect(200);
    assert_eq!(cells(&of_nobody, "started")[0], "0");
    admin.get("/intake?from=yesterday").expect(400);
    admin.get("/intake?from=2026-11-21&to=2026-11-20").expect(400);

    let json = admin.get("/api/intake/funnel?from=2026-11-20&to=2026-11-20").expect(200).json();
    assert_eq!((&json["steps"][0]["sessions"], &json["steps"][2]["sessions"]), (&6.into(), &2.into()));
    assert!(json["asOf"].is_string());
    let referred = admin.get("/intake/attribution?from=2026-11-20&to=2026-11-20").expect(200);
    assert_eq!(referred.texts("tbody tr:first-child td"), ["mail", "4", "0", "0", "0"], "bob's");

    // What goes on is counted again, whatever day it began on.
    way(&console, "more", "2026-11-20 13:00+00", "ada", &[]);
    console.sql(
        "INSERT INTO analytics (event_type, session_id, slot_name) VALUES ('slot_asked', 'more', 'goal')",
    );
    count(&console);
    assert_eq!(cells(&admin.get("/intake?from=2026-11-20&to=2026-11-20"), "started")[0], "7");
}

#[test]
fn a_conversation_is_read_only_for_a_reason_on_record() {
    let console = Console::start();
    let (visitor, admin) = (console.anonymous(), console.admin());
    say(&visitor, SENTENCE).expect(303);
    let list = admin.get("/intake/sessions").expect(200);
    let session = list.attribute("[data-session]", "data-session");
    assert_eq!(list.attribute("[data-session] [data-score]", "data-score"), "80");
    let path = list.attribute("[data-session] a", "href");
    assert!(
        admin
            .get(&format!("/intake/sessions?q={}&state=active&score=50", &session[..10]))
            .has("[data-session]")
    );
    for other in ["q=nothing", "state=claimed", "score=81"] {
        assert!(
            admin
                .get(&format!("/intake/sessions?{other}"))
                .expect(200)
                .text("main")
                .contains("Nothing matches"),
            "{other}"
        );
    }

    let closed = admin.get(&path).expect(200);
    assert!(!closed.body.contains("bakeries") && closed.text("main").contains("draft created"));
    assert!(!admin.post(&path, &[("reason", " ")]).expect(422).body.contains("bakeries"));
    assert_eq!(console.count("\"ActivityLog\""), 0);

    let read = admin.post(&path, &[("reason", "They asked us to look.")]).expect(200);

    assert!(read.text("main").contains("small bakeries"));
    let record =
        console.text("SELECT concat_ws(' ', \"activityType\", \"targetId\", after) FROM \"ActivityLog\"");
    assert_eq!(record, format!("assistant.read {session} {{\"reason\": \"They asked us to look.\"}}"));
    assert!(!admin.get(&path).expect(200).body.contains("bakeries"), "the next time wants a reason too");
}

#[test]
fn an_owner_learns_how_many_came_by_their_link_and_never_who() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    assert!(owner.get("/referrals").expect(200).has("input[name=code]"));
    for bad in ["", "a b", "<x>", "ab"] {
        owner.post("/referrals", &[("code", bad)]).expect(422);
    }
    owner.post("/referrals", &[("code", "ada-1")]).expect(303);
    assert!(
        other.post("/referrals", &[("code", "ada-1")]).expect(422).text("main").contains("Somebody else")
    );
    assert!(owner.post("/referrals", &[("code", "ada-2")]).expect(422).text("main").contains("already"));

    let page = owner.get("/referrals").expect(200);
    assert_eq!(page.attribute("#link", "value"), format!("{}/start?ref=ada-1", console.base));
    let figures = |page: &Answer| page.texts(".figures dd");
    assert_eq!(figures(&page), ["0", "0", "0", "0"]);
    let insert = |n: i32, who: &str| {
        console.sql(&format!(
            "INSERT INTO ai_assistant_sessions (session_id, developer_ref, user_id) \
             SELECT gen_random_uuid()::text, 'ada-1', {who} FROM generate_series(1, {n})"
        ));
    };
    insert(4, "NULL");
    insert(9, &format!("'{}'", owner.id));
    assert_eq!(figures(&owner.get("/referrals"))[0], "fewer than 5", "one's own do not count");
    insert(1, "NULL");
    assert_eq!(figures(&owner.get("/referrals"))[0], "5");
    assert!(figures(&other.get("/referrals")).is_empty());
}

#[test]
fn a_guest_who_left_an_address_is_invited_and_claims_what_they_described() {
    let console = Console::start();
    let (visitor, admin) = (console.anonymous(), console.admin());
    say(&visitor, SENTENCE).expect(303);
    let path = format!("/intake/sessions/{}", console.text("SELECT id::text FROM ai_assistant_sessions"));
    let invite = format!("{path}/invite");
    assert!(!admin.get(&path).expect(200).has(&format!("form[action='{invite}']")));
    assert!(admin.post(&invite, &[]).expect(422).text("[role=alert]").contains("no e-mail address"));
    slot(&visitor, "contact", "save", "grace@example.org").expect(303);
    assert!(!admin.get(&path).expect(200).body.contains("grace@"), "words of theirs");
    assert!(admin.get(&path).has(&format!("form[action='{invite}']")));

    let made = admin.post(&invite, &[]).expect(303);

    let link = admin.get(made.location()).expect(200).attribute("#link", "value");
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'assistant.invited'"), 1);
    assert!(admin.post(&invite, &[]).expect(422).text("[role=alert]").contains("claims the conversation"));

    // The browser that talked still holds its conversation while the password is set.
    let link = link.strip_prefix(&console.base).unwrap();
    assert!(visitor.get(link).expect(200).text("main").contains("is offered to you"));
    assert!(!console.anonymous().get(link).expect(200).text("main").contains("is offered to you"));
    let password = "seven quiet lanterns at noon";
    let set = visitor.post(link, &[("password", password)]).expect(303);
    let form = visitor.get(set.location()).expect(200);
    assert_eq!(form.attribute("input[name=next]", "value"), "/start/claim");
    let fields = [("email", "grace@example.org"), ("password", password), ("next", "/start/claim")];
    let signed_in = visitor.post("/login", &fields).expect(303);
    assert!(visitor.get(signed_in.location()).expect(200).text("main").contains("small bakeries"));
    visitor.post("/start/claim", &[("claim", "yes")]).expect(303);
    assert!(visitor.get("/drafts").expect(200).text("[data-draft]").contains("bakeries"));
    assert!(admin.post(&invite, &[]).expect(422).text("[role=alert]").contains("claimed already"));
}
