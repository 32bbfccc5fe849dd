//! Every kind of odd input at every place of every route.
//!
//! What holds for each answer (no 5xx, no word about the inside, the headers) is checked by the answer
//! itself. Here: which statuses a kind may get, and that whatever is refused has written nothing.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::kinds;
use crate::routes::table::{Route, routes};
use crate::routes::{Scene, UNKNOWN, call};
use crate::support::console::{Console, Person};
use crate::support::person::{as_form, encoded};

/// How many rows each table has, in one number a table. What counts tries to sign in is left out: a try counts
/// before it is read.
struct Rows {
    query: String,
}

impl Rows {
    fn of(console: &Console) -> Self {
        let query = console.text(
            "SELECT string_agg(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename), ' UNION ALL ') \
             FROM pg_tables WHERE schemaname IN ('public', 'turbobackend', 'pilothouse') \
             AND tablename <> 'sign_in_failures'",
        );
        assert!(query.matches("count").count() > 15, "{query}");
        Self { query: format!("SELECT string_agg(n::text, ' ') FROM ({query}) counts") }
    }

    fn counted(&self, console: &Console) -> String {
        console.text(&self.query)
    }
}

/// The path of `example` with its `n`th thing replaced by `segment`, while it has one.
fn with_segment(route: &Route, n: usize, segment: &str) -> Option<String> {
    const THINGS: [&str; 9] =
        ["PROJECT", "CONTAINER", "ACTION", "EVENT", "AUDIT", "REFERENCE", "USER", "SESSION", "LINK"];
    let places: Vec<&str> =
        route.example.split('/').filter(|part| THINGS.iter().any(|thing| part.contains(thing))).collect();
    places.get(n).map(|place| route.example.replacen(place, segment, 1))
}

#[test]
fn no_odd_text_in_a_path_is_anything() {
    let console = Console::start();
    let (scene, admin, rows) = (Scene::set(&console), console.admin(), Rows::of(&console));
    let before = rows.counted(&console);
    let mut tried = 0;
    for route in routes() {
        for n in 0..3 {
            for (which, segment) in kinds::segments().iter().enumerate() {
                let Some(path) = with_segment(&route, n, segment) else { break };
                // The owner each time, the admin for a part: their pages differ in what they may see.
                let people = [&scene.owner, &admin];
                for person in &people[..if which % 5 == 0 { 2 } else { 1 }] {
                    let answer = call(person, &route, &scene, &scene.fill(&path));
                    assert_eq!(answer.status, 404, "{}", answer.what);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 1_500, "{tried}");
    assert_eq!(rows.counted(&console), before);
    // What would be found if it were there.
    scene.owner.get(&scene.fill("/projects/PROJECT")).expect(200);
    scene.owner.get(&format!("/projects/{UNKNOWN}")).expect(404);
}

#[test]
fn no_text_in_a_path_leads_out_of_its_place() {
    let console = Console::start();
    let scene = Scene::set(&console);
    for tail in [
        "/",
        "//",
        "/.",
        "/..",
        "/%2e%2e",
        "/../..",
        ";",
        ".html",
        ".json",
        "%20",
        "%00",
        "/x",
        "?%00",
        "/%2e%2e%2fusers",
    ] {
        for path in [
            "/projects",
            "/projects/PROJECT",
            "/containers/CONTAINER",
            "/account",
            "/activity/ACTION",
            "/api/projects/PROJECT/activities",
        ] {
            let answer = scene.owner.get(&scene.fill(&format!("{path}{tail}")));
            assert!([200, 303, 400, 404].contains(&answer.status), "{}", answer.what);
            assert!(!answer.has("[data-user]"), "{}", answer.what);
        }
    }
}

/// Addresses that read a query, those with the same parser together, and the parameters that they read. Each value
/// meets each parameter of each parser, on one of its addresses in turn.
const READERS: &[(&[&str], &[&str])] = &[
    (
        &["/activity", "/projects/{id}/activity", "/audit", "/references/"],
        &[
            "type",
            "status",
            "environment",
            "actor",
            "source",
            "from",
            "to",
            "ref",
            "target",
            "address",
            "q",
            "around",
            "project",
            "limit",
            "before",
            "after",
            "at",
            "hide",
            "ref_key",
            "ref_value",
            "jump",
            "list",
        ],
    ),
    (
        &["/users", "/projects", "/containers"],
        &["q", "sort", "status", "type", "role", "name", "limit", "before", "after"],
    ),
    (&["/projects/{id}/chat"], &["q", "session", "message", "limit", "before", "after"]),
    (
        &["/projects/{id}/files"],
        &["q", "sort", "path", "from", "file", "deleted", "limit", "before", "after"],
    ),
    (&["/operations"], &["limit", "before", "after"]),
    (&["/operations/retention/{class}"], &["days"]),
    (&["/containers/{id}/logs"], &["lines", "since", "until", "find", "stream", "timestamps", "wrap", "at"]),
    (&["/insights", "/projects/{id}/insights"], &["from", "to", "environment", "project", "table", "format"]),
    (&["/containers/{id}/figures"], &["hours"]),
    (&["/start", "/start/claim"], &["ref", "source", "link"]),
    (&["/intake", "/intake/attribution", "/api/intake/funnel"], &["from", "to", "developer_ref", "source"]),
    (&["/intake/sessions", "/drafts"], &["q", "state", "score", "before"]),
    (&["/api/projects", "/api/containers"], &["status", "limit", "cursor"]),
    (&["/api/projects/{id}/{records:pushes|deployments|databases|sessions|costs}"], &["limit", "cursor"]),
    (
        &["/api/activity/feed", "/api/insights/codebase"],
        &["projectId", "eventType", "status", "from", "to", "days", "limit", "cursor"],
    ),
    (&["/search"], &["q"]),
    (&["/entries", "/entries/raw"], &["id"]),
    (&["/threads", "/threads/"], &["id", "before", "after"]),
    (&["/references"], &["key", "value", "before", "limit"]),
    (&["/"], &["days"]),
    (&["/login"], &["next", "notice"]),
    (
        &["/api/projects/{id}/activities"],
        &["limit", "offset", "cursor", "since", "until", "action_type", "status", "environment"],
    ),
];

/// The readers of a route, if it is one of them.
fn readers_of(pattern: &str) -> Option<usize> {
    let reads = |known: &str| {
        known == pattern || known.len() > 1 && known.ends_with('/') && pattern.starts_with(known)
    };
    READERS.iter().position(|(patterns, _)| patterns.iter().any(|known| reads(known)))
}

/// What a file of the console asks a query for by name.
fn asked_for(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.split("query.first(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_corpus_knows_each_parameter_that_some_page_reads() {
    let known: BTreeSet<&str> = READERS.iter().flat_map(|(_, parameters)| *parameters).copied().collect();
    let mut folders = vec![std::path::PathBuf::from("src/web")];
    let mut asked = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                asked.extend(asked_for(path.to_str().unwrap()));
            }
        }
    }
    assert!(asked.len() > 10, "{asked:?}");
    // The form of an export is sent by POST, and tried as a field.
    let unknown: Vec<_> =
        asked.iter().filter(|name| !known.contains(name.as_str()) && *name != "format").collect();
    assert!(unknown.is_empty(), "{unknown:?} are read and not tried");
}

/// Whether a route reads the query at all.
fn reads_query(person: &Person, path: &str) -> bool {
    person.get(&format!("{path}?q=%zz")).status == 400
}

#[test]
fn each_parameter_takes_every_odd_value_or_refuses_it() {
    let console = Console::start();
    let (scene, admin, rows) = (Scene::set(&console), console.admin(), Rows::of(&console));
    let before = rows.counted(&console);
    let values = kinds::values();
    let mut paths: Vec<Vec<(Route, String)>> = READERS.iter().map(|_| Vec::new()).collect();
    for route in routes().filter(|route| route.method == "GET" && route.admin == "200") {
        let path = scene.fill(route.example.split('?').next().unwrap());
        if !reads_query(&admin, &path) {
            admin.get(&format!("{path}?q=x&limit=abc&before=garbage&x[]=1")).expect(200);
            continue;
        }
        for broken in kinds::UNDECODABLE {
            admin.get(&format!("{path}?type={broken}")).expect(400);
            admin.get(&format!("{path}?{broken}type=1")).expect(400);
        }
        let readers =
            readers_of(route.pattern).unwrap_or_else(|| panic!("{} is not in READERS", route.pattern));
        paths[readers].push((route, path));
    }
    let (mut tried, mut taken) = (0, 0);
    for ((_, parameters), paths) in READERS.iter().zip(&paths) {
        for (place, parameter) in parameters.iter().enumerate() {
            for (which, value) in values.iter().enumerate() {
                let (route, path) = &paths[(which + place) % paths.len()];
                // Nothing that fits the filters: a reference that nothing carries is not found.
                let allowed: &[u16] = match route.pattern {
                    "/projects/{id}/chat"
                    | "/projects/{id}/files"
                    | "/entries"
                    | "/entries/raw"
                    | "/threads"
                    | "/api/activity/feed"
                    | "/api/insights/codebase" => &[200, 400, 404],
                    pattern if pattern.starts_with("/references") => &[200, 400, 404],
                    "/insights" => &[200, 303, 400, 404],
                    "/operations/retention/{class}" => &[200, 422],
                    "/start/claim" => &[200, 303, 404],
                    _ => &[200, 303, 400],
                };
                let person = if route.owner == "200" && which % 3 != 0 { &scene.owner } else { &admin };
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                // Another name, and so nobody's: a part of the values is enough.
                let as_list = (which % 8 == place % 8).then(|| format!("{parameter}[]={value}"));
                for query in as_list.into_iter().chain([format!("{parameter}={value}")]) {
                    let answer = person.get(&format!("{path}?{query}"));
                    assert!(allowed.contains(&answer.status), "{}: {}", answer.what, answer.status);
                    taken += usize::from(answer.status == 200);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 6_000 && taken > 1_000 && taken < tried, "{taken} of {tried}");
    assert_eq!(rows.counted(&console), before);
}

#[test]
fn what_has_one_value_is_refused_with_two_also_by_the_api() {
    let console = Console::start();
    let scene = Scene::set(&console);
    let paths = ["/projects", "/containers", "/activity", "/search", "/api/projects/PROJECT/activities"];
    for path in paths.map(|path| scene.fill(path)) {
        for (name, one, other) in [
            ("limit", "1", "2"),
            ("q", "a", "b"),
            ("sort", "name", "created"),
            ("before", "x", "y"),
            ("offset", "0", "1"),
            ("cursor", "1.a.x", "2.a.x"),
            ("since", "1", "2"),
            ("until", "1", "2"),
            ("from", "2026-01-01", "2026-01-02"),
        ] {
            let answer = scene.owner.get(&format!("{path}?{name}={one}&x=1&{name}={other}")).expect(400);
            if path.starts_with("/api") {
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert!(answer.json()["detail"].as_str().unwrap().contains(name), "{}", answer.body);
            }
        }
        scene.owner.get(&format!("{path}?limit=1&type=a&limit=1")).expect(200);
    }
}

#[test]
fn unknown_and_many_parameters_are_passed_over() {
    let console = Console::start();
    let scene = Scene::set(&console);
    let many = (0..2_000).map(|n| format!("p{n}=1&")).collect::<Vec<_>>().concat();
    let same: String = "type=x&".repeat(2_000);
    for route in routes().filter(|route| route.method == "GET" && route.owner == "200") {
        let path = scene.fill(route.example);
        let path = format!("{path}{}", if path.contains('?') { '&' } else { '?' });
        for query in ["x=1", "x[]=1&y[a][b]=2&__proto__=1&constructor=2", "=1&&&=", "a;b;c", many.as_str()] {
            scene.owner.get(&format!("{path}{query}")).expect(200);
        }
        let answer = scene.owner.get(&format!("{path}{same}"));
        let fits = [200, 400].contains(&answer.status) || route.pattern.starts_with("/references");
        assert!(fits, "{}", answer.status);
    }
}

/// What a route answers to its own form, for `owner` or, where that is not found, for `admin`.
fn sender<'a>(route: &Route, scene: &'a Scene, admin: &'a Person) -> (&'a Person, &'static str) {
    if route.owner == "404" { (admin, route.admin) } else { (&scene.owner, route.owner) }
}

/// What takes a form; programs send JSON.
fn forms() -> impl Iterator<Item = Route> {
    routes().filter(|route| {
        route.method == "POST" && !route.fields.is_empty() && !route.example.starts_with("/api/")
    })
}

#[test]
fn each_field_takes_every_odd_value_or_refuses_it_and_writes_nothing() {
    let console = Console::start();
    let admin = console.admin();
    let rows = Rows::of(&console);
    let values = kinds::values();
    let (mut taken, mut refused) = (0, 0);
    for route in forms() {
        let mut scene = Scene::set(&console);
        let admin = console.sign_in_as(&admin.id);
        // Hashing makes these slow: a part of the values.
        let step = if route.fields.iter().any(|(name, _)| *name == "password") { 9 } else { 3 };
        let mut before = rows.counted(&console);
        for n in 0..route.fields.len() {
            for value in values.iter().skip(n % step).step_by(step) {
                let mut fields: Vec<(&str, String)> =
                    route.fields.iter().map(|(name, value)| (*name, scene.fill(value))).collect();
                fields[n].1.clone_from(value);
                let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
                let (person, usual) = sender(&route, &scene, &admin);
                let answer = person.post(&scene.fill(route.example), &fields);
                if answer.status >= 400 {
                    let usual = usual.parse().unwrap_or(422);
                    let known = [400, 404, 409, 413, 422, 429, usual].contains(&answer.status);
                    assert!(known, "{} {:?}: {}", answer.what, fields[n], answer.status);
                    assert_eq!(rows.counted(&console), before, "{} {:?}", answer.what, fields[n]);
                    refused += 1;
                } else {
                    assert!([200, 303].contains(&answer.status), "{}", answer.status);
                    taken += 1;
                    scene = Scene::set(&console);
                    before = rows.counted(&console);
                }
            }
        }
    }
    assert!(taken > 50 && refused > 200, "{taken} {refused}");
}

#[test]
fn a_body_that_is_no_form_is_refused_and_writes_nothing() {
    let console = Console::start();
    let admin = console.admin();
    let rows = Rows::of(&console);
    let mut tried = BTreeSet::new();
    for route in forms() {
        let scene = Scene::set(&console);
        let before = rows.counted(&console);
        let (person, usual) = sender(&route, &scene, &admin);
        let harmless = ["/account", "/projects/PROJECT", "/drafts/DRAFT", "/containers/CONTAINER/logs"]
            .iter()
            .any(|page| usual.starts_with(&format!("303 {page}")));
        for (kind, content_type, headers, body) in kinds::bodies(&scene.fill(&encoded(route.fields))) {
            let mut request = person.own_post(&scene.fill(route.example)).body(body);
            if let Some(content_type) = content_type {
                request = request.header(CONTENT_TYPE, content_type);
            }
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = person.send(request);
            let allowed = [400, 404, 413, 415, 422, 429, 409];
            // A form whose fields may all be left out takes an empty one.
            assert!(
                allowed.contains(&answer.status)
                    || (usual == "503" && answer.status == 503)
                    || (harmless && content_type.is_some_and(|t| t.contains("form-urlencoded"))),
                "{}: {kind}: {}",
                answer.what,
                answer.status
            );
            if answer.status >= 400 {
                tried.insert(kind);
            }
        }
        if !harmless {
            assert_eq!(rows.counted(&console), before, "{}", route.example);
        }
    }
    assert!(tried.len() >= 25, "{tried:?}");
}

#[test]
fn odd_headers_change_nothing() {
    let console = Console::start();
    let (scene, rows) = (Scene::set(&console), Rows::of(&console));
    let before = rows.counted(&console);
    let own = |path: &str| scene.owner.get(path).status;
    for path in [
        "/",
        "/projects",
        "/projects/PROJECT/activity",
        "/login",
        "/healthz",
        "CSS",
        "/nothing",
        "/api/projects/PROJECT/activities",
    ] {
        let path = scene.fill(path);
        let usual = own(&path);
        for (name, value) in kinds::headers() {
            let mut request = scene.owner.request(Method::GET, &path);
            let Ok(value) = HeaderValue::from_bytes(&value) else { panic!("{name}: {value:?}") };
            request = request.header(name, &value);
            let answer = scene.owner.send(request);
            let fits = answer.status == usual
                || (name == "range" && [206, 416].contains(&answer.status))
                || (name.starts_with("if-") && [304, 412].contains(&answer.status))
                // Whoever sends a token to the API is that token's, whatever cookie comes with it.
                || (name == "authorization" && path.starts_with("/api/") && answer.status == 401)
                // A line of cookies that can't be read holds none.
                || (name == "cookie" && [303, 401].contains(&answer.status))
                || (["host", "expect", "accept-encoding", "connection", "upgrade"].contains(&name)
                    && [400, 404, 406, 417].contains(&answer.status))
                || answer.status == 431;
            assert!(fits, "{} {name}: {value:?}: {}", answer.what, answer.status);
        }
    }
    assert_eq!(rows.counted(&console), before);
}

#[test]
fn a_post_with_odd_headers_is_decided_by_its_origin_alone() {
    let console = Console::start();
    let scene = Scene::set(&console);
    for (name, value) in kinds::headers() {
        if ["origin", "sec-fetch-site", "host", "content-length", "expect", "cookie"].contains(&name) {
            continue;
        }
        let request = as_form(scene.owner.own_post("/projects"), "name=a&type=");
        let answer = scene.owner.send(request.header(name, HeaderValue::from_bytes(&value).unwrap()));
        assert!([303, 406, 422, 431].contains(&answer.status), "{name}: {}", answer.status);
    }
}

#[test]
fn a_cookie_that_is_no_session_is_nobody_whatever_it_holds() {
    let console = Console::start();
    let owner = console.owner();
    let (name, valid) = (console.cookie_name(), owner.session_cookie().unwrap());
    let cookie = |rest: &[u8]| [name.as_bytes(), rest].concat();
    let mut flipped = valid.clone().into_bytes();
    *flipped.last_mut().unwrap() ^= 1;
    let cookies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", cookie(b"=")),
        ("no value", cookie(b"")),
        ("long", [cookie(b"="), vec![b'x'; 4_097]].concat()),
        ("not UTF-8", cookie(b"=\xff\xfe\x80")),
        ("NUL", cookie(b"=%00")),
        ("quotes", format!("{name}=\"{valid}\"x").into_bytes()),
        ("bit flipped", [cookie(b"="), flipped].concat()),
        ("cut", format!("{name}={}", &valid[..valid.len() / 2]).into_bytes()),
        ("twice, both wrong", format!("{name}=a; {name}=b").into_bytes()),
        ("another name", format!("pilothouse={valid}").into_bytes()),
        ("another case", format!("__host-Pilothouse={valid}").into_bytes()),
        ("signed, no token", format!("{name}={}", console.signed("x")).into_bytes()),
        ("signed, unknown", format!("{name}={}", console.signed(&"a".repeat(64))).into_bytes()),
    ];
    let nobody = console.anonymous();
    for (kind, cookie) in cookies {
        let ask = |path: &str| {
            let request = nobody.request(Method::GET, path);
            nobody.send(request.header("cookie", HeaderValue::from_bytes(&cookie).unwrap()))
        };
        assert_eq!(ask("/projects").expect(303).location(), "/login?next=%2Fprojects", "{kind}");
        ask("/login").expect(200);
        ask(&format!("/api/projects/{UNKNOWN}/activities")).expect(401);
    }
    let twice = format!("{name}=a; {name}={valid}");
    let answer = nobody.send(nobody.request(Method::GET, "/projects").header("cookie", twice));
    answer.expect(200);
    owner.get("/projects").expect(200);
}
