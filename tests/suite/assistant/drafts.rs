//! Drafts: edited, claimed, posted, made a project.

use std::thread;

use super::start::{SENTENCE, guest_cookie, say, slot};
use crate::support::console::{Console, Person};

/// A draft of `person`'s that can be posted; answers its path.
pub fn ready(console: &Console, person: &Person) -> String {
    say(person, SENTENCE).expect(303);
    say(person, "search and reviews too").expect(303);
    format!("/drafts/{}", console.text("SELECT max(id)::text FROM job_drafts"))
}

fn column(console: &Console, path: &str, column: &str) -> String {
    let id = path.rsplit('/').next().unwrap();
    console.text(&format!("SELECT coalesce({column}::text, '') FROM job_drafts WHERE id = {id}"))
}

#[test]
fn a_draft_begins_at_forty_and_is_listed() {
    let console = Console::start();
    let owner = console.owner();
    assert!(owner.get("/drafts").expect(200).text("main").contains("No drafts yet"));
    say(&owner, "I want to sell my cakes on the internet").expect(303);
    assert_eq!(console.count("job_drafts"), 0);
    say(&owner, "An online shop with login, payments and search").expect(303);
    assert_eq!(console.text("SELECT completion_score::text FROM job_drafts"), "55");
    let list = owner.get("/drafts").expect(200);
    assert!(list.text("[data-draft] .name").contains("Online shop with sign-in and payments"));
    assert_eq!(list.attribute("[data-draft] [data-score]", "data-score"), "55");
}

#[test]
fn what_a_person_wrote_is_never_overwritten() {
    let console = Console::start();
    let owner = console.owner();
    let path = ready(&console, &owner);
    let version = owner.get(&path).expect(200).attribute("input[name=updated_at]", "value");

    owner
        .post(
            &path,
            &[("title", "Cakes by post"), ("generated_skills", "Baking\n\nRust"), ("updated_at", &version)],
        )
        .expect(303);
    say(&owner, "It is for large hotels, with invoices").expect(303);

    assert_eq!(column(&console, &path, "title"), "Cakes by post");
    assert_eq!(column(&console, &path, "generated_skills"), "{Baking,Rust}");
    assert_eq!(
        column(&console, &path, "generated_title"),
        "Online shop for large hotels",
        "the assistant's own goes on"
    );
    assert!(column(&console, &path, "description").contains("large hotels"), "what nobody wrote follows");

    let stale = owner.post(&path, &[("title", "Another"), ("updated_at", &version)]).expect(409);
    assert!(stale.text("main").contains("What differs") && stale.attribute("#title", "value") == "Another");
    let invalid = owner.post(&path, &[("title", " "), ("estimated_budget_range", "fünf")]).expect(422);
    assert!(invalid.text("main").contains("Give it a title") && invalid.text("main").contains("in figures"));
    assert_eq!(column(&console, &path, "title"), "Cakes by post");
}

#[test]
fn posting_needs_the_score_the_required_answers_and_consent() {
    let console = Console::start();
    let owner = console.owner();
    say(&owner, "I want an online shop for cats").expect(303);
    slot(&owner, "budget", "save", "5000").expect(303);
    let path = format!("/drafts/{}", console.text("SELECT id::text FROM job_drafts"));
    let page = owner.get(&path).expect(200);
    assert!(page.text("aside").contains("can be posted from 70") && !page.has("form[action$='/post']"));
    assert!(
        owner
            .post(&format!("{path}/post"), &[("consent", "yes")])
            .expect(422)
            .text("main")
            .contains("Features")
    );

    say(&owner, "login, payments and search").expect(303);
    slot(&owner, "timeline", "save", "3 months").expect(303);
    let page = owner.get(&path).expect(200);
    assert!(!page.has("input[name=consent][checked]") && !page.has("input[name=sales][checked]"), "unticked");
    let without = owner.post(&format!("{path}/post"), &[]).expect(422);
    assert!(without.text("main").contains("Tick the box"));
    assert_eq!(column(&console, &path, "public_status"), "draft");

    owner.post(&format!("{path}/post"), &[("consent", "yes")]).expect(303);

    assert_eq!(column(&console, &path, "public_status"), "posted");
    assert_eq!(column(&console, &path, "consent->>'sales'"), "false");
    assert!(
        owner
            .post(&format!("{path}/post"), &[("consent", "yes")])
            .expect(422)
            .text("main")
            .contains("posted already")
    );
    let before = column(&console, &path, "title");
    say(&owner, "It is a marketplace for dogs instead").expect(303);
    assert_eq!(column(&console, &path, "title"), before, "a posted draft follows no conversation");
    assert_eq!(console.count("analytics WHERE event_type = 'draft_posted'"), 1);
}

#[test]
fn a_draft_moves_on_one_step_at_a_time_by_its_owner() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let path = ready(&console, &owner);
    let to = |person: &Person, status: &str| {
        person.post(&format!("{path}/status"), &[("public_status", status)]).status
    };
    assert_eq!((to(&owner, "in_progress"), to(&owner, "completed")), (422, 422), "not from a draft");
    owner.post(&format!("{path}/post"), &[("consent", "yes")]).expect(303);
    assert_eq!((to(&owner, "completed"), to(&owner, "draft"), to(&owner, "nonsense")), (422, 422, 422));
    assert_eq!(to(&admin, "in_progress"), 404, "an admin looks, and moves nothing");
    admin.get(&path).expect(200);
    assert_eq!(
        (to(&owner, "in_progress"), to(&owner, "completed"), to(&owner, "completed")),
        (303, 303, 422)
    );
    owner.post(&path, &[("title", "Too late")]).expect(409);
}

#[test]
fn a_project_is_made_of_a_draft_once() {
    let console = Console::start();
    let owner = console.owner();
    let path = ready(&console, &owner);
    owner.post(&format!("{path}/post"), &[("consent", "yes")]).expect(303);

    let made = owner.post(&format!("{path}/project"), &[]).expect(303);

    let page = owner.get(made.location()).expect(200);
    assert!(page.text("h1").contains("Online shop for small bakeries"));
    assert_eq!(column(&console, &path, "public_status"), "in_progress");
    assert_eq!(owner.get(&path).attribute(".page-actions a", "href"), made.location());
    assert!(owner.post(&format!("{path}/project"), &[]).expect(422).text("main").contains("already"));
    assert_eq!(console.count("projects"), 1);
    assert_eq!(console.count("analytics WHERE event_type = 'project_created'"), 1);
    let record =
        "\"ActivityLog\" WHERE \"activityType\" = 'draft.made_project' AND \"projectId\" IS NOT NULL";
    assert_eq!(console.count(record), 1, "the project's timeline knows the draft");
    // From the first message on, each step is caused by the one before it.
    let way = "WITH RECURSIVE way (id, kind, depth) AS ( \
          SELECT action_id, action_type, 0 FROM turbobackend.project_actions WHERE NOT reference_ids ? 'caused_by' \
          UNION ALL SELECT a.action_id, a.action_type, w.depth + 1 FROM way w \
          JOIN turbobackend.project_actions a ON a.reference_ids->>'caused_by' = w.id::text) \
        SELECT string_agg(kind, ' ' ORDER BY depth) FROM way";
    assert_eq!(console.text(way), "conversation_begun draft_created draft_posted project_created");
    let created = "SELECT action_id FROM turbobackend.project_actions WHERE action_type = 'project_created'";
    let thread = owner.get(&format!("/threads/{}", console.text(created))).expect(200);
    assert_eq!(thread.select("ol.timeline > li").len(), 4);
    assert!(thread.texts("ol.timeline > li")[0].contains("began to describe"));
}

#[test]
fn after_signing_in_a_conversation_is_offered_unticked_and_claimed() {
    let console = Console::start();
    let visitor = console.anonymous();
    say(&visitor, SENTENCE).expect(303);
    let gone = visitor.post("/start/claim", &[("act", "sign-in")]).expect(303);
    assert_eq!(gone.location(), "/login?next=%2Fstart%2Fclaim");
    assert_eq!(console.count("analytics WHERE event_type = 'signup_started'"), 1);

    let form = visitor.get("/login").expect(200);
    assert_eq!(form.attribute("input[name=next]", "value"), "/start/claim", "also after an invitation");

    // The same browser, signed in.
    let owner = console.owner();
    let (name, secret) = guest_cookie(&visitor).unwrap();
    owner.set_cookie(&name, &secret);
    let page = owner.get("/start/claim").expect(200);
    assert!(page.text("main").contains("Online shop for small bakeries"));
    assert!(page.has("input[name=claim]") && !page.has("input[name=claim][checked]"));
    assert!(owner.post("/start/claim", &[]).expect(422).text("[role=alert]").contains("Tick the box"));
    assert_eq!(console.count("ai_assistant_sessions WHERE user_id IS NOT NULL"), 0);

    owner.post("/start/claim", &[("claim", "yes")]).expect(303);

    assert!(guest_cookie(&owner).is_none(), "the visitor's cookie ends");
    for table in ["ai_assistant_sessions", "job_drafts", "analytics"] {
        assert_eq!(
            console.count(&format!("{table} WHERE user_id IS DISTINCT FROM '{}'", owner.id)),
            0,
            "{table}"
        );
    }
    assert!(owner.get("/drafts").expect(200).text("[data-draft]").contains("bakeries"));
    assert!(
        visitor.get("/start").expect(200).text("main").contains("Before you write"),
        "the old cookie opens nothing"
    );
    let again = console.owner();
    again.set_cookie(&name, &secret);
    again.post("/start/claim", &[("claim", "yes")]).expect(404);
    assert!(again.get("/start/claim").expect(200).text("main").contains("Nothing to claim"));
}

#[test]
fn of_two_who_claim_at_once_one_gets_it() {
    let console = Console::start();
    let visitor = console.anonymous();
    say(&visitor, SENTENCE).expect(303);
    let (name, secret) = guest_cookie(&visitor).unwrap();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let claims: Vec<_> = (0..4)
            .map(|_| {
                let person = console.owner();
                person.set_cookie(&name, &secret);
                scope.spawn(move || person.post("/start/claim", &[("claim", "yes")]).status)
            })
            .collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 3, "{statuses:?}");
    assert_eq!(console.count("\"ActivityLog\" WHERE \"activityType\" = 'assistant.claimed'"), 1);
}

#[test]
fn a_link_takes_a_conversation_to_another_device_once() {
    let console = Console::start();
    let visitor = console.anonymous();
    console.anonymous().post("/start/claim", &[("act", "link")]).expect(404);
    say(&visitor, SENTENCE).expect(303);

    let page = visitor.post("/start/claim", &[("act", "link")]).expect(200);

    let link = page.attribute("#link", "value");
    let (_, path) = link.split_once("/start").unwrap();
    let (path, secret) = (format!("/start{path}"), link.rsplit('=').next().unwrap().to_owned());
    assert_eq!(console.count(&format!("pilothouse.claim_links WHERE hash = '{secret}'")), 0);
    assert!(console.anonymous().get(&path).expect(200).text("main").contains("Sign in"));
    let (owner, late) = (console.owner(), console.owner());
    let offered = owner.get(&path).expect(200);
    assert_eq!(offered.header("referrer-policy"), "strict-origin");
    assert!(offered.text("main").contains("bakeries"));
    owner.post("/start/claim", &[("claim", "yes"), ("link", &secret)]).expect(303);
    late.post("/start/claim", &[("claim", "yes"), ("link", &secret)]).expect(404);
    assert!(late.get(&path).expect(200).text("main").contains("Nothing to claim"));
    assert_eq!(visitor.get("/start").expect(200).attribute("[data-score]", "data-score"), "0");
}

#[test]
fn a_wireframe_is_at_an_address_of_its_own_until_it_is_switched_off() {
    let console = Console::start();
    let owner = console.owner();
    let path = ready(&console, &owner);
    owner.post(&format!("{path}/wireframe"), &[]).expect(303);
    let address = column(&console, &path, "wireframe_url");
    let (_, secret) = address.split_once("/wireframes/").unwrap();
    assert_eq!(console.count(&format!("pilothouse.draft_files WHERE hash = '{secret}'")), 0);

    let page = console.anonymous().get(&format!("/wireframes/{secret}")).expect(200);

    assert!(page.text("h1").contains("Online shop for small bakeries"));
    let titles = page.texts("figcaption");
    assert_eq!(titles[1..], ["Sign in", "Pay", "Search", "Reviews"]);
    assert_eq!((page.header("x-robots-tag"), page.header("referrer-policy")), ("noindex", "strict-origin"));
    console.anonymous().get(&format!("/wireframes/{}", "0f".repeat(32))).expect(404);
    owner.post(&format!("{path}/wireframe"), &[]).expect(303);
    console.anonymous().get(&format!("/wireframes/{secret}")).expect(404);
    owner.post(&format!("{path}/wireframe"), &[("act", "off")]).expect(303);
    assert_eq!(
        (console.count("pilothouse.draft_files"), column(&console, &path, "wireframe_url")),
        (0, String::new())
    );
    owner.post(&format!("{path}/wireframe"), &[("act", "off")]).expect(422);
}

#[test]
fn the_sales_system_is_told_only_with_consent() {
    let console = Console::start();
    let (one, other, admin) = (console.owner(), console.owner(), console.admin());
    let path = ready(&console, &one);
    one.post(&format!("{path}/post"), &[("consent", "yes")]).expect(303);
    assert_eq!(console.count("pilothouse.crm_outbox"), 0);
    let path = ready(&console, &other);
    other.post(&format!("{path}/post"), &[("consent", "yes"), ("sales", "yes")]).expect(303);
    let page = admin.get("/intake/crm").expect(200);
    assert!(
        page.text("main").contains("No sales system is connected")
            && page.text("[data-opportunity]").contains("waits")
    );
    let id = page.attribute("[data-opportunity]", "data-opportunity");
    admin.post(&format!("/intake/crm/{id}/redo"), &[]).expect(409);
    console.sql("UPDATE pilothouse.crm_outbox SET state = 'parked', attempts = 3");
    admin.post(&format!("/intake/crm/{id}/redo"), &[]).expect(303);
    assert_eq!(console.text("SELECT state || attempts FROM pilothouse.crm_outbox"), "pending0");
}
