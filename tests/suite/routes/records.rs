//! Every act of the route table stands in the audit log, once and whole, or it did not happen.

use super::table::{Route, routes};
use super::{Answer, Console, Person, Scene};
use crate::support::console::PASSWORD;
use crate::support::person::{as_form, encoded};

/// Addresses whose act leaves no audit entry, and why that is right.
const UNRECORDED: [(&str, &str); 26] = [
    ("/intake/sessions/TALK/invite", "refused: somebody has this conversation in an account"),
    ("/api/assistant/sessions", "a visitor's conversation is a record itself"),
    ("/api/assistant/sessions/x/messages", "refused: it comes without a visitor's secret"),
    ("/api/assistant/sessions/x/claim", "refused, too"),
    ("/start/messages", "a conversation is a record itself, and a blank message is none"),
    ("/start/draft", "a conversation, too"),
    ("/projects/PROJECT/chat", "a message is a record itself, and so is its event"),
    (
        "/login",
        "a wrong password changes nothing, and an append-only log must not be anybody's to fill: tries are counted",
    ),
    ("/api/projects/PROJECT/activities", "a report is a record itself, and pilothouse.reports says whose"),
    ("/api/projects/PROJECT/events", "a report, too"),
    ("/api/projects/PROJECT/pushes", "a report, too"),
    ("/webhooks/github/HOOK", "refused: it is not signed"),
    ("/users/USER/activate", "this user is active already"),
    ("/api/containers/CONTAINER/start", "refused: no engine is connected"),
    ("/projects/PROJECT/unlock", "refused: this project is not locked"),
    ("/projects/PROJECT/unarchive", "refused: this project is not archived"),
    ("/projects/PROJECT/restore", "refused: this project is not deleted"),
    ("/containers/stop", "refused: it names no container"),
    ("/containers/CONTAINER/logs", "how lines are shown is nobody's act on anything"),
    ("/containers/CONTAINER/start", "refused: no engine is connected"),
    ("/containers/CONTAINER/stop", "refused: no engine is connected"),
    ("/containers/CONTAINER/restart", "refused: no engine is connected"),
    ("/containers/CONTAINER/recreate", "refused: no engine is connected"),
    ("/containers/CONTAINER/rename", "refused: no engine is connected"),
    ("/events/OPERATION/again", "it made no container"),
    ("/containers/CONTAINER/delete", "refused: no engine is connected"),
];

/// Acts that have neither a before nor an after: what changed is a secret, or nothing but the act itself.
const WITHOUT_FIELDS: [&str; 4] =
    ["session.started", "password.set", "password.changed", "password.link_made"];

const CLIENT: &str = "198.51.100.7";
const BROWSER: &str = "Mozilla/5.0 of a test";

fn console() -> Console {
    Console::with(&[("PILOTHOUSE_TRUSTED_PROXIES", "127.0.0.0/8")])
}

fn acts() -> impl Iterator<Item = Route> {
    let is_recorded = |route: &Route| !UNRECORDED.iter().any(|(path, _)| *path == route.example);
    routes().filter(|route| route.method == "POST").filter(is_recorded)
}

/// Somebody whom `route` lets act: the owner of its things, or an admin.
fn actor(console: &Console, scene: &Scene, route: &Route) -> Person {
    if route.owner == "404" { console.admin() } else { scene.owner.twin() }
}

fn act(person: &Person, scene: &Scene, route: &Route) -> Answer {
    let path = scene.fill(route.example);
    let form = as_form(person.own_post(&path), &scene.fill(&encoded(route.fields)));
    person.send(form.header("x-forwarded-for", CLIENT).header("user-agent", BROWSER))
}

/// What is not right with the newest entry of the audit log as the record of `person`'s act.
fn faults(console: &Console, person: &Person) -> String {
    let secrets = WITHOUT_FIELDS.map(|act| format!("'{act}'")).join(", ");
    console.text(&format!(
        "SELECT concat_ws(', ', \
             CASE WHEN \"userId\" IS DISTINCT FROM '{id}' THEN 'actor ' || coalesce(\"userId\", 'none') END, \
             CASE WHEN \"actorEmail\" IS DISTINCT FROM '{email}' THEN 'address ' || coalesce(\"actorEmail\", 'none') END, \
             CASE WHEN coalesce(\"actorName\", '') = '' THEN 'no name' END, \
             CASE WHEN \"actorRole\" IS DISTINCT FROM (SELECT role FROM users WHERE id = '{id}') THEN 'role' END, \
             CASE WHEN host(ip) IS DISTINCT FROM '{CLIENT}' THEN 'from ' || coalesce(host(ip), 'nowhere') END, \
             CASE WHEN \"userAgent\" IS DISTINCT FROM '{BROWSER}' THEN 'browser' END, \
             CASE WHEN coalesce(\"requestId\", '') = '' THEN 'no request' END, \
             CASE WHEN coalesce(\"targetType\", '') = '' OR coalesce(\"targetName\", '') = '' THEN 'no target' END, \
             CASE WHEN \"targetId\" = '' AND \"targetType\" <> 'export' THEN 'no id of the target' END, \
             CASE WHEN before IS NULL AND after IS NULL AND \"activityType\" NOT IN ({secrets}) THEN 'no before or after' END) \
         FROM \"ActivityLog\" WHERE id NOT LIKE 'audit-%' ORDER BY \"createdAt\" DESC LIMIT 1",
        id = person.id,
        email = person.email,
    ))
}

#[test]
fn every_act_leaves_one_audit_entry_that_says_who_from_where_what_and_how() {
    let console = console();
    let (mut wrong, mut recorded) = (Vec::new(), 0);
    for route in acts() {
        let scene = Scene::set(&console);
        let person = actor(&console, &scene, &route);
        let before = console.count("\"ActivityLog\"");
        let answer = act(&person, &scene, &route);
        let entries = console.count("\"ActivityLog\"") - before;
        // A user comes with a link to set a password, and a draft becomes a project: two acts of one form.
        let expected = if ["/users", "/drafts/DRAFT/project"].contains(&route.example) { 2 } else { 1 };
        let faults =
            if entries == expected { faults(&console, &person) } else { format!("{entries} entries") };
        if !faults.is_empty() || answer.status >= 400 {
            wrong.push(format!("{} {}: {faults}", route.example, answer.status));
        }
        recorded += 1;
    }
    let scene = Scene::set(&console);
    let visitor = console.anonymous();
    let fields = encoded(&[("email", &scene.owner.email), ("password", PASSWORD)]);
    let form = as_form(visitor.own_post("/login"), &fields).header("x-forwarded-for", CLIENT);
    visitor.send(form.header("user-agent", BROWSER)).expect(303);
    assert_eq!(faults(&console, &scene.owner), "", "signing in");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(recorded > 15, "{recorded}");
}

#[test]
fn what_can_not_be_put_on_record_does_not_happen() {
    let console = console();
    let everything = || {
        // A password's try is counted before it is checked, whatever comes of it.
        console.sql("DELETE FROM pilothouse.sign_in_failures");
        console.text(
            "SELECT string_agg(md5(schema_to_xml(name, true, false, '')::text), ' ') \
             FROM unnest(ARRAY['public', 'turbobackend', 'pilothouse']) name",
        )
    };
    console.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''could not extend file''; END'; \
         CREATE TRIGGER full_disk BEFORE INSERT ON \"ActivityLog\" FOR EACH ROW \
             WHEN (NEW.id NOT LIKE 'audit-%') EXECUTE FUNCTION full_disk()",
    );
    for route in acts() {
        let scene = Scene::set(&console);
        let person = actor(&console, &scene, &route);
        let before = everything();
        let answer = act(&person, &scene, &route);
        assert_eq!(answer.status, 503, "{}", answer.what);
        assert_eq!(everything(), before, "{}: done, but not on record", answer.what);
    }
    let scene = Scene::set(&console);
    let fields = [("email", scene.owner.email.as_str()), ("password", PASSWORD)];
    let visitor = console.anonymous();
    visitor.post("/login", &fields).expect(503);
    assert!(!visitor.is_signed_in());
}
