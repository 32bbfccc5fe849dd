//! Posted drafts become opportunities in the CRM, each exactly once, whatever happens on the way.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilothouse::crm::{Contact, Crm, CrmError, Ghl, Opportunity};
use pilothouse::db::Db;
use pilothouse::drafts::selling::{self, Turn};
use pilothouse::outgoing::Outgoing;
use pilothouse::secret::Secret;
use serde_json::{Value, json};

use super::drafts::ready;
use crate::support::console::{Console, Person};
use crate::support::outside::{Asked, Outside, Told};

/// A CRM that writes down what it made.
#[derive(Default)]
struct Ledger {
    /// By address.
    contacts: BTreeMap<String, String>,
    /// Each with its contact, name and fields.
    opportunities: Vec<Value>,
}

fn make(ledger: &Mutex<Ledger>, asked: &Asked) -> Value {
    let mut ledger = ledger.lock().unwrap();
    if asked.path == "/contacts/upsert" {
        let number = ledger.contacts.len();
        let email = asked.body["email"].as_str().unwrap().to_owned();
        let id = ledger.contacts.entry(email).or_insert_with(|| format!("contact-{number}")).clone();
        return json!({ "new": true, "contact": { "id": id } });
    }
    if asked.method == "PUT" {
        let id = asked.path.rsplit('/').next().unwrap();
        let known = ledger.opportunities.iter_mut().find(|known| known["id"] == id).unwrap();
        for field in ["name", "monetaryValue", "source"] {
            known[field] = asked.body[field].clone();
        }
        return json!({ "succeded": true, "opportunity": { "id": id } });
    }
    if asked.method == "POST" {
        let id = format!("opportunity-{}", ledger.opportunities.len());
        let mut made = asked.body.clone();
        made["id"] = json!(id);
        // As it reads them back.
        made["customFields"] = json!([{ "id": "f1", "fieldValue": made["customFields"][0]["field_value"] }]);
        ledger.opportunities.push(made);
        return json!({ "opportunity": { "id": id } });
    }
    let contact = asked.path.split_once("contact_id=").unwrap().1.split('&').next().unwrap();
    let found: Vec<&Value> =
        ledger.opportunities.iter().filter(|known| known["contactId"] == contact).collect();
    json!({ "opportunities": found, "meta": { "total": found.len() } })
}

fn ghl(outside: &Outside) -> Ghl {
    let outgoing = Outgoing::to(vec!["127.0.0.0/8".parse().unwrap()]);
    let (url, token) = (outside.base.parse().unwrap(), Secret::new("pit-test"));
    Ghl::at(outgoing, url, token, "place".to_owned(), "pipe".to_owned()).within(Duration::from_millis(150))
}

/// Kills whoever asks, now and then: before or after the CRM has done it.
#[derive(Debug)]
struct Killing {
    crm: Ghl,
    calls: AtomicUsize,
}

impl Crm for Killing {
    fn upsert_contact(&self, contact: &Contact) -> Result<String, CrmError> {
        self.crm.upsert_contact(contact)
    }

    fn find(&self, contact: &str, opportunity: &Opportunity) -> Result<Option<String>, CrmError> {
        self.crm.find(contact, opportunity)
    }

    fn create(&self, contact: &str, opportunity: &Opportunity) -> Result<String, CrmError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(call % 11 != 3, "killed before");
        let created = self.crm.create(contact, opportunity);
        assert!(call % 7 != 5, "killed after");
        created
    }

    fn update(&self, id: &str, opportunity: &Opportunity) -> Result<(), CrmError> {
        self.crm.update(id, opportunity)
    }
}

/// Drafts of one owner that are posted, with consent.
fn post(console: &Console, owner: &Person, drafts: usize) {
    console.sql(&format!(
        "WITH made AS (INSERT INTO job_drafts (title, user_id, public_status, posted_at, source, attribution_chain, estimated_budget_range) \
           SELECT 'Shop ' || n, '{owner}', 'posted', now(), 'mail', 'mail:ada', '{{\"min\": 5000, \"max\": 9000}}' \
           FROM generate_series(1, {drafts}) n RETURNING id) \
         INSERT INTO pilothouse.crm_outbox (draft_id, user_id) SELECT id, '{owner}' FROM made",
        owner = owner.id
    ));
}

fn send_all(db: &Db, crm: &dyn Crm) {
    // Killed in the middle of it, whoever comes next goes on.
    while !matches!(catch_unwind(AssertUnwindSafe(|| selling::send_next(db, crm).unwrap())), Ok(Turn::Idle)) {
    }
}

#[test]
fn each_opportunity_is_made_exactly_once_through_timeouts_errors_and_kills() {
    const DRAFTS: usize = 200;
    const ROWS: i64 = 200;
    let console = Console::start();
    let owners: Vec<Person> = (0..4).map(|_| console.owner()).collect();
    for owner in &owners {
        post(&console, owner, DRAFTS / owners.len());
    }
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (kept, calls) = (Arc::clone(&ledger), AtomicUsize::new(0));
    let outside = Outside::answering(move |asked| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let too_many = || Told::with(429, &[("X-RateLimit-Interval-Milliseconds", "1000")], "{}");
        match call % 23 {
            2 => too_many(),
            5 => Told::Json(500, json!({})),
            8 => Told::Cut,
            // Done, and nobody is told.
            11 => {
                make(&kept, asked);
                Told::Json(502, json!({}))
            }
            14 => {
                make(&kept, asked);
                Told::Cut
            }
            17 => {
                make(&kept, asked);
                Told::Json(422, json!({ "message": "Opportunity could not be created" }))
            }
            20 if call % 5 == 0 => {
                make(&kept, asked);
                Told::Hang
            }
            _ => Told::Json(if asked.method == "POST" { 201 } else { 200 }, make(&kept, asked)),
        }
    });
    let crm = Killing { crm: ghl(&outside), calls: AtomicUsize::new(0) };

    for _ in 0..40 {
        // Two instances at once.
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| send_all(&console.app.db, &crm));
            }
        });
        if console.count("pilothouse.crm_outbox WHERE state <> 'sent'") == 0 {
            break;
        }
        // What waits for its time, and what somebody died over.
        console.sql("UPDATE pilothouse.crm_outbox SET retry_at = now(), attempts = 1 WHERE state <> 'sent'");
    }

    let left = console.text("SELECT string_agg(DISTINCT state || ' ' || last_error, ', ') FROM pilothouse.crm_outbox WHERE state <> 'sent'");
    assert_eq!(left, "", "{left}");
    let ledger = ledger.lock().unwrap();
    assert_eq!((ledger.contacts.len(), ledger.opportunities.len()), (owners.len(), DRAFTS));
    let names: std::collections::BTreeSet<&str> =
        ledger.opportunities.iter().map(|made| made["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), DRAFTS, "none twice");
    assert_eq!(console.count("ghl_opportunities"), ROWS);
    let known = "job_drafts d JOIN ghl_opportunities g ON g.job_draft_id = d.id AND g.ghl_opportunity_id = d.ghl_opportunity_id \
                 WHERE g.attribution_chain = 'mail:ada' AND g.monetary_value = 5000";
    assert_eq!(console.count(known), ROWS);
    assert_eq!(console.count("analytics WHERE event_type = 'opportunity_sent'"), ROWS);
    let one = &ledger.opportunities[0];
    assert_eq!(
        (&one["pipelineId"], &one["locationId"], &one["status"]),
        (&json!("pipe"), &json!("place"), &json!("open"))
    );
    let head = &outside.asked()[0].head.to_lowercase();
    assert!(
        head.contains("authorization: bearer pit-test") && head.contains("version: 2021-07-28"),
        "{head}"
    );
}

#[test]
fn what_the_crm_refuses_waits_for_a_person_and_says_so() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let state = || console.text("SELECT concat_ws(' ', state, attempts) FROM pilothouse.crm_outbox");
    let again = || console.sql("UPDATE pilothouse.crm_outbox SET retry_at = now()");
    post(&console, &owner, 1);
    assert!(admin.get("/intake/crm").expect(200).text("main").contains("No sales system is connected"));
    let answers = Arc::new(Mutex::new(Vec::<u16>::new()));
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (kept, told) = (Arc::clone(&ledger), Arc::clone(&answers));
    let outside = Outside::answering(move |asked| match told.lock().unwrap().pop() {
        None => Told::Json(200, make(&kept, asked)),
        Some(429) => Told::with(
            429,
            &[("X-RateLimit-Daily-Remaining", "0"), ("X-RateLimit-Daily-Reset", "7200000")],
            "{}",
        ),
        Some(status) => Told::Json(status, json!({})),
    });
    let crm = ghl(&outside);
    let send = || selling::send_next(&console.app.db, &crm).unwrap();

    // The day's share is used up: two hours, as its headers say, and no attempt of ours.
    answers.lock().unwrap().push(429);
    assert_eq!(send(), Turn::Paused(Duration::from_hours(2)));
    assert_eq!((state().as_str(), send()), ("pending 0", Turn::Idle));
    again();
    answers.lock().unwrap().push(401);
    send();
    assert_eq!(state(), "parked 1");
    again();
    assert_eq!(send(), Turn::Idle, "it waits for a person");
    let page = admin.get("/intake/crm").expect(200);
    assert!(
        page.text("[data-opportunity]").contains("does not take the token (401)")
            && page.text("main").contains("waits for you")
    );

    // It is asked for, nobody knows what came of it, and then the token is revoked: pressing Again looks it up first.
    let redo = page.attribute("[data-opportunity] form", "action");
    admin.post(&redo, &[]).expect(303);
    let (kept, calls) = (Arc::clone(&ledger), AtomicUsize::new(0));
    let flaky = Outside::answering(move |asked| {
        let made = make(&kept, asked);
        match calls.fetch_add(1, Ordering::SeqCst) {
            1 => Told::Cut,
            2 => Told::Json(401, json!({})),
            _ => Told::Json(200, made),
        }
    });
    let flaky = ghl(&flaky);
    selling::send_next(&console.app.db, &flaky).unwrap();
    assert_eq!(state(), "unknown 1");
    again();
    selling::send_next(&console.app.db, &flaky).unwrap();
    assert_eq!(state(), "parked 2");
    admin.post(&redo, &[]).expect(303);
    send();
    assert_eq!(state(), "sent 1");
    assert_eq!(ledger.lock().unwrap().opportunities.len(), 1);
    let page = admin.get("/intake/crm").expect(200);
    assert!(
        page.text("[data-opportunity]").contains("opportunity-0") && !page.has("[data-opportunity] form")
    );
    admin.post(&redo, &[]).expect(409);
    owner.get("/intake/crm").expect(404);
}

#[test]
fn what_is_corrected_after_it_was_sent_reaches_the_same_opportunity() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let path = ready(&console, &owner);
    owner.post(&format!("{path}/post"), &[("consent", "yes"), ("sales", "yes")]).expect(303);
    let answers = Arc::new(Mutex::new(Vec::<u16>::new()));
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (kept, told) = (Arc::clone(&ledger), Arc::clone(&answers));
    let outside = Outside::answering(move |asked| {
        let status = if asked.method == "PUT" { told.lock().unwrap().pop().unwrap_or(200) } else { 200 };
        match status {
            401 => Told::Json(401, json!({})),
            // Done, and nobody is told.
            0 => {
                make(&kept, asked);
                Told::Cut
            }
            status => Told::Json(status, make(&kept, asked)),
        }
    });
    let crm = ghl(&outside);
    let send = || selling::send_next(&console.app.db, &crm).unwrap();
    let again = || console.sql("UPDATE pilothouse.crm_outbox SET retry_at = now()");
    let page = || admin.get("/intake/crm").expect(200);
    let known = |field: &str| {
        let ledger = ledger.lock().unwrap();
        assert_eq!(ledger.opportunities.len(), 1, "never a second one");
        ledger.opportunities[0][field].clone()
    };
    send();
    assert_eq!(send(), Turn::Idle, "nothing was corrected");
    let name = known("name");

    // Its owner writes another title, and the answer to that is lost.
    owner.post(&path, &[("title", "Cakes by post"), ("estimated_budget_range", "7000")]).expect(303);
    assert!(page().text("[data-opportunity]").contains("correction waits"));
    answers.lock().unwrap().push(0);
    send();
    assert!(page().text("[data-opportunity]").contains("correction waits"), "nobody knows");
    again();
    send();
    assert!(known("name") != name && known("name").as_str().unwrap().starts_with("Cakes by post"));
    assert_eq!(known("monetaryValue"), 7000.0);
    assert_eq!(send(), Turn::Idle);

    // Somebody else is credited: numbers and opportunity follow, what was posted stays.
    let session = console.text("SELECT id::text FROM ai_assistant_sessions");
    let credit = format!("/intake/sessions/{session}/attribution");
    let form = [("developer_ref", "ada"), ("source", "mail")];
    owner.post(&credit, &form).expect(404);
    assert!(
        admin
            .post(&credit, &[("developer_ref", ""), ("source", "a b")])
            .expect(422)
            .text("main")
            .contains("at most 64")
    );
    admin.post(&credit, &form).expect(303);
    answers.lock().unwrap().push(401);
    send();
    let parked = page();
    assert!(parked.text("[data-opportunity]").contains("does not take the token"));
    admin.post(&parked.attribute("[data-opportunity] form", "action"), &[]).expect(303);
    send();
    assert_eq!(known("source"), "mail:ada");
    assert!(page().text("[data-opportunity]").contains("sent"));
    let credited =
        |table: &str| console.count(&format!("{table} WHERE developer_ref = 'ada' AND source = 'mail'"));
    assert_eq!((credited("ghl_opportunities"), credited("job_drafts")), (1, 0));
    assert_eq!(credited("analytics"), console.count("analytics"));
    assert_eq!(console.count("analytics WHERE event_type = 'opportunity_sent'"), 1);
    let record = console.text(
        "SELECT concat_ws(' ', before->>'developer_ref', after->>'developer_ref') FROM \"ActivityLog\" \
         WHERE \"activityType\" = 'assistant.credited'",
    );
    assert_eq!(record, "ada");

    // Nobody is credited, and the budget is open: the CRM forgets both, and so does what is recorded of it.
    admin.post(&credit, &[("developer_ref", ""), ("source", "")]).expect(303);
    owner.post(&path, &[("title", "Cakes by post"), ("estimated_budget_range", "")]).expect(303);
    send();
    assert_eq!((known("source"), known("monetaryValue")), (json!(""), json!(0.0)));
    let asked = outside.asked();
    let contact = asked.iter().rfind(|asked| asked.path == "/contacts/upsert").unwrap();
    assert_eq!(contact.body["source"], "");
    console.sql("UPDATE ghl_opportunities SET developer_ref = 'eve', attribution_chain = 'x:eve'");
    console.sql("UPDATE pilothouse.crm_outbox SET corrected_at = now(), retry_at = now()");
    send();
    let left = "ghl_opportunities WHERE concat(developer_ref, source, attribution_chain) <> ''";
    assert_eq!(console.count(left), 0, "what is recorded is what was told");
}
