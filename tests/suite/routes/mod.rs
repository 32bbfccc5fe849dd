//! The route matrix: every route, as everybody, with every proof of where a request comes from.

mod records;
pub mod registered;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use pilothouse::db::SecretHash;
use reqwest::Method;
use reqwest::header::ORIGIN;
use table::{Route, routes};

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};
use crate::support::person::{as_form, encoded};

/// Well-formed, and nobody's.
pub const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// Everybody who calls, and what the owner has. New for each call, since calls change things.
pub struct Scene {
    pub owner: Person,
    pub stranger: Person,
    pub things: Vec<(&'static str, String)>,
}

impl Scene {
    #[expect(clippy::too_many_lines, reason = "one thing after another")]
    pub fn set(console: &Console) -> Self {
        let (owner, stranger) = (console.owner(), console.owner());
        let project = console.project(&owner, "shop-api");
        let container = console.container(&owner, "shop-api-web");
        let branch = format!("feature/{project}");
        let action = console.action(
            &project,
            "deployment",
            1_763_640_000_000,
            &format!(r#"{{"branch_name": "{branch}"}}"#),
        );
        let event = console.text(&format!(
            "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status) \
             VALUES ('event-{project}', '{project}', 'INDEXING_STARTED', 'indexing', 'Indexing', 'COMPLETED') RETURNING id"
        ));
        let audit = console.text(&format!(
            "INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"actorName\") \
             VALUES ('audit-{project}', '{project}', 'project.updated', 'Ada') RETURNING id"
        ));
        let version = console.text(&format!(
            "SELECT to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM users WHERE id = '{}'",
            owner.id
        ));
        let link = console.app.entropy.secret();
        console.sql(&format!(
            "INSERT INTO pilothouse.password_links (hash, user_id, expires_at) VALUES ('{}', '{}', now() + interval '1 day')",
            SecretHash::of(&link).as_str(),
            owner.id
        ));
        let job = console.text(
            "INSERT INTO pilothouse.jobs (kind, state, attempts, last_error, ended_at) \
             VALUES ('deliver', 'failed', 12, 'nobody answers', now()) RETURNING id::text",
        );
        let operation = format!("op_{}", uuid::Uuid::new_v4().simple());
        let (seen, engine) = (format!("eng_{}", uuid::Uuid::new_v4().simple()), hex64());
        console.sql(&format!(
            "INSERT INTO pilothouse.operations (id, verb, container_id, container_name, project_id, owner_id, asked_by, asked_by_name) \
             VALUES ('{operation}', 'start', '{container}', 'shop', '{project}', '{0}', '{0}', 'The owner'); \
             INSERT INTO pilothouse.engines (id, address, name, version, api_version) \
             VALUES ('E', 'unix:///x', 'e', '20', '1.41') ON CONFLICT DO NOTHING; \
             INSERT INTO pilothouse.engine_containers (engine_id, container_id, name, image, state) \
             VALUES ('E', '{engine}', 'stray', 'bb', 'running'); \
             INSERT INTO pilothouse.engine_events (id, engine_id, kind, engine_container_id, container_id, project_id, owner_id, at, at_nanos, title) \
             VALUES ('{seen}', 'E', 'container_crashed', '{engine}', '{container}', '{project}', '{0}', now(), 1, 'shop crashed')",
            owner.id
        ));
        let token = console.text(&format!(
            "INSERT INTO pilothouse.api_tokens (hash, name, created_by) VALUES ('hash of {project}', 'CI', '{}') \
             RETURNING id",
            owner.id
        ));
        let hook = console.text(&format!(
            "INSERT INTO pilothouse.webhooks (project_id, name, secret) VALUES ('{project}', 'shop-api', 'sealed') \
             RETURNING id"
        ));
        let delivery = console.text(&format!(
            "INSERT INTO pilothouse.deliveries (webhook_id, project_id, guid, event, body, state) \
             VALUES ('{hook}', '{project}', 'guid', 'ping', '{{}}', 'done') RETURNING id"
        ));
        // A conversation of the owner's with enough for a draft, one that a visitor left a link to, and a posted draft.
        let (talk, claim) = (format!("as_{}", uuid::Uuid::new_v4().simple()), console.app.entropy.secret());
        let answers = ["goal", "project_type", "features", "audience", "timeline"].map(|slot| {
            format!(r#""{slot}": {{"answer": {{"text": "An online shop", "quality": "full", "by": "assistant"}}}}"#)
        });
        console.sql(&format!(
            "INSERT INTO ai_assistant_sessions (session_id, user_id, session_data, completion_score) \
             VALUES ('{talk}', '{0}', '{{\"slots\": {{{1}}}}}', 75), ('of {talk}', NULL, '{{}}', 0); \
             INSERT INTO pilothouse.claim_links (hash, session_id) VALUES ('{2}', 'of {talk}')",
            owner.id,
            answers.join(", "),
            SecretHash::of(&claim).as_str()
        ));
        // Ids that stand nowhere else in a page.
        let draft = |session: &str, status: &str| {
            console.text(&format!(
                "INSERT INTO job_drafts (id, user_id, title, description, session_id, public_status, completion_score) \
                 VALUES ({}, '{}', 'An online shop', 'It sells.', {session}, '{status}', 75) RETURNING id::text",
                uuid::Uuid::new_v4().as_u128() % 9_000_000_000_000_000,
                owner.id
            ))
        };
        let (draft, posted) = (draft(&format!("'{talk}'"), "draft"), draft("NULL", "posted"));
        let wireframe = console.app.entropy.secret();
        console.sql(&format!(
            "INSERT INTO pilothouse.draft_files (draft_id, kind, hash, title, content) \
             VALUES ({posted}, 'wireframe', '{}', 'An online shop', '[]'); \
             INSERT INTO pilothouse.crm_outbox (draft_id, user_id, state) VALUES ({posted}, '{}', 'parked')",
            SecretHash::of(&wireframe).as_str(),
            owner.id
        ));
        let opportunity =
            console.text(&format!("SELECT id::text FROM pilothouse.crm_outbox WHERE draft_id = {posted}"));
        let row =
            console.text(&format!("SELECT id::text FROM ai_assistant_sessions WHERE session_id = '{talk}'"));
        let held = console.text(
            "INSERT INTO pilothouse.holds (kind, id, name, reason, placed_by) \
             VALUES ('user', gen_random_uuid(), 'grace', 'a dispute', 'ada') RETURNING id",
        );
        let things = vec![
            ("TALK", row),
            ("WIREFRAME", wireframe),
            ("OPPORTUNITY", opportunity),
            ("CLAIM", claim),
            ("DRAFT", draft),
            ("POSTED", posted),
            ("HELD", held),
            ("JOB", job),
            ("OPERATION", operation),
            ("SEEN", seen),
            ("ENGINE", engine),
            ("HOOK", hook),
            ("DELIVERY", delivery),
            ("TOKEN", token),
            ("UNIQUE", format!("new-{project}")),
            ("LINK", link),
            ("VERSION", version),
            ("SESSION", console.sign_in_as(&owner.id).session),
            ("PROJECT", project),
            ("CONTAINER", container),
            ("ACTION", action),
            ("EVENT", event),
            ("AUDIT", audit),
            ("REFERENCE", branch),
            ("USER", owner.id.clone()),
            ("CSS", pilothouse::web::assets::urls().css.clone()),
        ];
        Self { owner, stranger, things }
    }

    /// `text` with the owner's things in it.
    pub fn fill(&self, text: &str) -> String {
        self.things.iter().fold(text.to_owned(), |text, (name, thing)| text.replace(name, thing))
    }

    fn names_a_thing(text: &str) -> bool {
        let things = [
            "PROJECT",
            "CONTAINER",
            "ACTION",
            "EVENT",
            "AUDIT",
            "REFERENCE",
            "USER",
            "SESSION",
            "JOB",
            "OPERATION",
            "SEEN",
            "ENGINE",
            "TOKEN",
            "HOOK",
            "DELIVERY",
            "CLAIM",
            "TALK",
            "OPPORTUNITY",
            "DRAFT",
            "POSTED",
        ];
        things.iter().any(|thing| text.contains(thing))
    }
}

/// A container's full id at an engine.
fn hex64() -> String {
    format!("{0}{0}", uuid::Uuid::new_v4().simple())
}

/// Asks as `route` does, for `path`, with the fields that `scene` fills in.
pub fn call(person: &Person, route: &Route, scene: &Scene, path: &str) -> Answer {
    match route.method {
        "GET" => person.get(path),
        "POST" | "PATCH" | "DELETE" if path.starts_with("/api/") => {
            let fields =
                route.fields.iter().map(|(name, value)| ((*name).to_owned(), scene.fill(value).into()));
            let body = serde_json::Value::Object(fields.collect());
            let method = Method::from_bytes(route.method.as_bytes()).unwrap();
            person.send(person.request(method, path).header(ORIGIN, person.base()).json(&body))
        }
        "POST" => person.post_raw(path, &scene.fill(&encoded(route.fields))),
        other => panic!("the table has a {other}"),
    }
}

#[test]
fn the_table_has_every_registered_route_and_no_other() {
    let mut expected: BTreeSet<(String, String)> =
        routes().map(|route| (route.method.to_owned(), route.pattern.to_owned())).collect();
    // What answers GET answers HEAD.
    let heads: Vec<_> = expected.iter().filter(|(method, _)| method == "GET").cloned().collect();
    expected.extend(heads.into_iter().map(|(_, pattern)| ("HEAD".to_owned(), pattern)));

    let registered = registered::routes();

    let missing: Vec<_> = registered.difference(&expected).collect();
    assert!(missing.is_empty(), "enter into tests/suite/routes/table.rs: {missing:#?}");
    let gone: Vec<_> = expected.difference(&registered).collect();
    assert!(gone.is_empty(), "the table has routes that are not registered: {gone:#?}");
}

#[test]
fn each_route_answers_each_caller_as_the_table_says() {
    let console = Console::start();
    let mut wrong = Vec::new();
    for route in routes() {
        let column = |name: &str,
                      who: &dyn Fn(&Scene) -> Option<Person>,
                      expected: &str,
                      wrong: &mut Vec<String>| {
            let scene = Scene::set(&console);
            let person = who(&scene);
            let caller = match name {
                "owner" => &scene.owner,
                "stranger" => &scene.stranger,
                _ => person.as_ref().unwrap(),
            };
            let answer = call(caller, &route, &scene, &scene.fill(route.example));
            let (status, location) = expected.split_once(' ').unwrap_or((expected, ""));
            let location = scene.fill(location);
            if answer.status.to_string() != status || !answer.location().starts_with(&location) {
                let Route { method, example, .. } = route;
                wrong.push(format!("{method} {example} as {name}: {} {}", answer.status, answer.location()));
            }
            if expected == "303 /login" {
                assert!(!answer.has("main"), "{}: a page beside a redirect", answer.what);
            }
        };
        column("anonymous", &|_| Some(console.anonymous()), route.anonymous, &mut wrong);
        column("stranger", &|_| None, route.stranger, &mut wrong);
        column("owner", &|_| None, route.owner, &mut wrong);
        // A new one each time: nobody may start many exports within a minute.
        column("admin", &|_| Some(console.admin()), route.admin, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a timeline may be asked for; a page further on, too.
const FILTERED: [&str; 8] = [
    "",
    "?type=deployment",
    "?status=failed&status=-success",
    "?actor=nobody&environment=production",
    "?source=event&type=-deployment",
    "?ref=branch_name:main",
    "?from=2026-01-01&to=2026-01-31",
    "?before=1790000000000.a.a&type=deployment&limit=10",
];

/// A page's statements are prepared once a connection, and a session's use is written once a minute: neither is
/// the page's, so it is asked for before it is counted.
#[test]
fn no_page_takes_more_than_nine_round_trips_and_no_timeline_more_than_four() {
    let (console, wire) = Console::wired();
    let admin = console.admin();
    let scene = Scene::set(&console);
    // Pages that show what goes on read it in a statement of its own.
    console.sql("UPDATE pilothouse.operations SET status = 'COMPLETED', ended_at = now()");
    let is_touched = |person: &Person| {
        person.get("/account");
        console.holds(&format!(
            "(SELECT last_activity IS NOT NULL FROM sessions WHERE id = '{}')",
            person.session
        ))
    };
    for person in [&scene.owner, &admin] {
        let tries = (0..200).inspect(|_| std::thread::sleep(std::time::Duration::from_millis(20)));
        assert!(tries.into_iter().any(|_| is_touched(person)), "the session's use is not written");
    }
    let (mut wrong, mut counted) = (Vec::new(), 0);
    for route in routes().filter(|route| route.method == "GET") {
        let path = scene.fill(route.example);
        let is_timeline = ["/activity", "/projects/{id}/activity"].contains(&route.pattern);
        let most = if is_timeline { 4 } else { 9 };
        for (person, expected) in [(&scene.owner, route.owner), (&admin, route.admin)] {
            if expected != "200" {
                continue;
            }
            for asked in if is_timeline { &FILTERED[..] } else { &[""] } {
                let path = format!("{path}{asked}");
                for _ in 0..2 {
                    person.get(&path).expect(200);
                }
                wire.trips();
                person.get(&path);
                let trips = wire.trips();
                counted += usize::from(trips > 0);
                if trips > most {
                    wrong.push(format!("{path}: {trips}"));
                }
            }
        }
    }
    assert!(counted > 20, "only {counted} pages asked anything");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_foreign_thing_and_an_unknown_one_are_told_apart_by_nothing() {
    let console = Console::start();
    let mut compared = 0;
    for route in routes().filter(|route| route.stranger == "404" && Scene::names_a_thing(route.example)) {
        let scene = Scene::set(&console);
        let foreign_path = scene.fill(route.example);
        let foreign = call(&scene.stranger, &route, &scene, &foreign_path).expect(404);
        for (name, id) in &scene.things {
            if !route.example.contains(name) {
                continue;
            }
            let unknown_path = foreign_path.replace(id, UNKNOWN);
            let unknown = call(&scene.stranger, &route, &scene, &unknown_path).expect(404);
            assert_eq!(
                foreign.body_without_chance().replace(id, "ID"),
                unknown.body_without_chance().replace(UNKNOWN, "ID"),
                "{}",
                foreign.what
            );
            assert_eq!(names(&foreign), names(&unknown), "{}", foreign.what);
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}

fn names(answer: &Answer) -> BTreeSet<String> {
    answer.headers.keys().map(ToString::to_string).collect()
}

#[test]
fn what_an_admin_alone_may_see_does_not_exist_for_an_owner() {
    let console = Console::start();
    let owner = console.owner();
    let nothing = owner.get("/nothing-here").expect(404);
    let is_page = |route: &Route| !route.pattern.starts_with("/api/");
    for route in routes().filter(|route| route.owner == "404" && route.admin == "200" && is_page(route)) {
        let scene = Scene::set(&console);
        let hidden = call(&owner, &route, &scene, &scene.fill(route.example)).expect(404);
        assert_eq!(hidden.text("main"), nothing.text("main"), "{}", hidden.what);
    }
}

#[test]
fn an_act_without_proof_of_where_it_comes_from_is_refused_and_changes_nothing() {
    let console = Console::start();
    let scene = Scene::set(&console);
    let state = || {
        console.text(
            "SELECT (SELECT string_agg(p::text, '|' ORDER BY id) FROM projects p) || (SELECT count(*) FROM users) \
             || (SELECT string_agg(is_active::text, '|' ORDER BY id) FROM sessions) \
             || (SELECT count(*) FROM \"ActivityLog\") || (SELECT count(*) FROM turbobackend.project_actions)",
        )
    };
    let before = state();
    let mut acts = 0;
    // No cookie counts at the assistant's JSON: `assistant::api` tries that.
    let is_open = |route: &Route| route.pattern.starts_with("/api/assistant/");
    for route in routes().filter(|route| route.method != "GET" && !is_open(route)) {
        let path = scene.fill(route.example);
        let form = encoded(route.fields);
        let own = |name: &str, value: &str| as_form(scene.owner.own_post(&path), &form).header(name, value);
        let bare = || as_form(scene.owner.request(Method::POST, &path), &form);
        let refused = [
            own("sec-fetch-site", "cross-site"),
            own("sec-fetch-site", "same-site"),
            bare(),
            bare().header(ORIGIN, "https://evil.example"),
            bare().header(ORIGIN, "null"),
            bare().header("referer", "http://127.0.0.1/"),
            bare().header("sec-fetch-site", "none").header(ORIGIN, "https://evil.example"),
            own("sec-fetch-site", "same-origin").header("sec-fetch-site", "cross-site"),
            own("sec-fetch-site", "same-origin").header("sec-fetch-site", "same-origin"),
            own("origin", "https://evil.example"),
        ];
        for request in refused {
            let answer = scene.owner.send(request).expect(403);
            let is_told = if path.starts_with("/api/") || path.starts_with("/webhooks/") {
                answer.header("content-type") == "application/problem+json"
            } else {
                answer.has("[role=alert]")
            };
            assert!(is_told, "{}", answer.what);
        }
        // Without a session a script may post, but a browser still says where it is.
        let foreign = as_form(console.anonymous().request(Method::POST, &path), &form);
        console.anonymous().send(foreign.header("sec-fetch-site", "cross-site")).expect(403);
        acts += 1;
    }
    assert!(acts > 10, "{acts}");
    assert_eq!(state(), before);
}

#[test]
fn reading_across_sites_is_allowed() {
    let console = Console::start();
    let owner = console.owner();
    let request = owner.request(Method::GET, "/projects").header("sec-fetch-site", "cross-site");
    owner.send(request).expect(200);
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let console = Console::start();
    let scene = Scene::set(&console);
    for route in routes().filter(|route| route.method == "GET") {
        let path = scene.fill(route.example);
        for person in [&scene.owner, &scene.stranger, &console.anonymous()] {
            let get = person.get(&path);
            let head = person.send(person.request(Method::HEAD, &path));
            assert_eq!((head.status, head.location()), (get.status, get.location()), "{}", head.what);
            assert_eq!(head.header("content-type"), get.header("content-type"), "{}", head.what);
            assert_eq!(head.body, "", "{}", head.what);
        }
    }
}

#[test]
fn looking_changes_nothing() {
    let console = Console::start();
    let (scene, admin) = (Scene::set(&console), console.admin());
    let everything = || {
        console.text(
            "SELECT string_agg(md5(schema_to_xml(name, true, false, '')::text), ' ') \
             FROM unnest(ARRAY['public', 'turbobackend', 'pilothouse']) name",
        )
    };
    let before = everything();
    for route in routes().filter(|route| route.method == "GET") {
        for person in [&scene.owner, &scene.stranger, &admin, &console.anonymous()] {
            person.get(&scene.fill(route.example));
        }
    }
    assert_eq!(everything(), before);
    scene.owner.post("/projects", &[("name", "shop"), ("type", "rust")]).expect(303);
    assert_ne!(everything(), before, "a change would have been seen");
}

#[test]
fn a_method_that_an_address_does_not_take_is_refused() {
    let console = Console::start();
    let scene = Scene::set(&console);
    let mut addresses: BTreeMap<&str, (String, BTreeSet<&str>)> = BTreeMap::new();
    for route in routes() {
        let address = addresses.entry(route.pattern).or_insert((scene.fill(route.example), BTreeSet::new()));
        address.1.insert(route.method);
    }
    for (path, taken) in addresses.values() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "FOO", "TRACE"] {
            if taken.contains(method) {
                continue;
            }
            let request = scene.owner.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
            let answer = scene.owner.send(request.header(ORIGIN, &console.base)).expect(405);
            let allowed = answer.header("allow");
            assert!(taken.iter().all(|method| allowed.contains(method)), "{}: {allowed}", answer.what);
        }
    }
}

#[test]
fn a_header_does_not_change_the_method() {
    let console = Console::start();
    let scene = Scene::set(&console);
    let request = scene.owner.request(Method::GET, &scene.fill("/projects/PROJECT"));
    scene
        .owner
        .send(request.header("x-http-method-override", "DELETE").header("x-method", "POST"))
        .expect(200);
    assert!(console.holds("(SELECT bool_and(status = 'active') FROM projects)"));
}
