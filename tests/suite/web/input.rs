//! Input that no page of the console would send.

use reqwest::header::CONTENT_TYPE;

use crate::support::console::Console;
use crate::support::raw::Wire;

/// What the console answers to `bytes` on a connection of their own: its status.
fn raw(console: &Console, bytes: &[u8]) -> u16 {
    let mut wire = Wire::open(console);
    // The console may answer, and close, before it has read everything.
    wire.send(bytes);
    wire.answer(&String::from_utf8_lossy(&bytes[..bytes.len().min(60)])).map_or(0, |answer| answer.status)
}

#[test]
fn what_is_no_id_is_a_page_that_does_not_exist() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop");
    let simple = id.replace('-', "");
    let braces = format!("%7B{id}%7D");
    let (nul, slash, space) = (format!("{id}%00"), format!("{id}%2F"), format!("%20{id}"));
    let ids = [
        "0",
        "-1",
        "abc",
        "1.5",
        "1e3",
        "%201",
        "%D9%A1%D9%A2%D9%A3",
        "0x10",
        "1%00",
        "%00",
        "%FF%FE",
        "..%2f..%2fetc%2fpasswd",
        "%25",
        "null",
        "undefined",
        "'%20OR%20true--",
        &simple,
        &braces,
        &nul,
        &slash,
        &space,
    ];
    for id in ids {
        for path in [
            "/projects/ID",
            "/projects/ID/settings",
            "/projects/ID/archive",
            "/containers/ID",
            "/containers/ID/stop",
            "/activity/ID",
            "/events/ID",
            "/references/commit_sha/ID",
        ] {
            owner.get(&path.replace("ID", id)).expect(404);
        }
        owner.post(&format!("/projects/{id}"), &[("name", "renamed")]).expect(404);
        owner.post(&format!("/projects/{id}/delete"), &[("confirm", "shop")]).expect(404);
    }
    assert!(console.holds("(SELECT bool_and(name = 'shop' AND status = 'active') FROM projects)"));
}

#[test]
fn paths_are_not_normalised_into_other_routes() {
    let console = Console::start();
    let owner = console.owner();
    for path in [
        "//projects",
        "/projects//",
        "/./projects/",
        "/projects/.",
        "/login/",
        "/LOGIN",
        "/%6cogin/x",
        "/projects;x=1",
        "/projects%3Fq=1",
    ] {
        let answer = owner.get(path);
        assert_eq!(answer.status, 404, "{}", answer.what);
    }
    owner.get(&format!("/{}", "a".repeat(8_000))).expect(404);
    // Clients resolve these themselves, unless they are up to something.
    for path in [
        "/projects/../login",
        "/projects/%2e%2e/login",
        "/assets/..%2f..%2fCargo.toml",
        "/./login",
        "/x/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer =
            raw(&console, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(answer, 404, "{path}");
    }
}

#[test]
fn limits_are_clamped_and_nonsense_is_named() {
    let console = Console::start();
    let owner = console.owner();
    for n in 0..120 {
        console.project(&owner, &format!("project {n}"));
    }
    let rows =
        |query: &str| owner.get(&format!("/projects?{query}")).expect(200).select("[data-project]").len();
    let counted = [
        ("", 50),
        ("limit=1", 1),
        ("limit=007", 7),
        ("limit=100", 100),
        ("limit=101", 100),
        ("limit=1000000", 100),
        ("limit=9223372036854775808", 100),
        ("limit=99999999999999999999999999", 100),
        ("limit=", 50),
        ("x=1&y[]=2", 50),
        ("unknown=%F0%9F%9A%A2", 50),
    ];
    for (query, expected) in counted {
        assert_eq!(rows(query), expected, "{query}");
    }
    for path in ["/projects", "/containers", "/activity"] {
        for limit in ["0", "-1", "1.5", "1e3", "abc", "٣", "0x10", "+5", "1%202", "000"] {
            let page = owner.get(&format!("{path}?limit={limit}")).expect(400);
            assert!(page.has("[role=alert] h1"), "{path} {limit}");
        }
    }
}

#[test]
fn a_position_that_is_none_is_refused() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.project(&owner, "shop");
    let positions = [
        "garbage".to_owned(),
        "AAAA".to_owned(),
        id.clone(),
        format!("{id}x"),
        "00000000.1".to_owned(),
        "%00".repeat(3),
        format!("{id}.{}", "x".repeat(400)),
        "ü".repeat(30),
    ];
    for path in ["/projects", "/containers", "/activity"] {
        for name in ["before", "after"] {
            for position in &positions {
                owner.get(&format!("{path}?{name}={position}")).expect(400);
            }
        }
    }
    // A position of another order or of another's row is only a place.
    for harmless in [
        format!("{id}.zzz"),
        format!("{id}."),
        format!("{id}.99999999999999999999999999"),
        format!("{id}.-1"),
    ] {
        owner.get(&format!("/projects?before={harmless}")).expect(200);
        owner.get(&format!("/projects?after={harmless}&sort=name")).expect(200);
    }
}

#[test]
fn a_search_is_text_whatever_it_looks_like() {
    let console = Console::start();
    let owner = console.owner();
    for name in ["100% done", "a_b", "axb", "back\\slash", "quo'te", "(a+)+$"] {
        console.project(&owner, name);
    }
    let table = [
        ("100%25", vec!["100% done"]),
        ("a_b", vec!["a_b"]),
        ("%5C", vec!["back\\slash"]),
        ("'", vec!["quo'te"]),
        ("(a%2B)%2B%24", vec!["(a+)+$"]),
        ("a+%26+!", vec![]),
        ("%27;drop+table+projects--", vec![]),
        ("QUO", vec!["quo'te"]),
    ];
    for path in ["/projects", "/containers"] {
        for (q, found) in &table {
            let page = owner.get(&format!("{path}?q={q}")).expect(200);
            if path == "/projects" {
                assert_eq!(page.texts("[data-project] .name"), *found, "{q}");
            }
        }
        for odd in ["sort=id;drop", "sort=password_hash", "status=%27", "type=%00x", "status=nothing"] {
            let page = owner.get(&format!("{path}?{odd}"));
            assert!([200, 400].contains(&page.status), "{odd}: {}", page.status);
        }
    }
}

#[test]
fn an_address_that_cannot_be_decoded_is_refused() {
    let console = Console::start();
    let owner = console.owner();
    for query in ["q=%zz", "q=%", "q=%f", "q=%ff", "q=%00", "%zz=1", "q=%ed%a0%80"] {
        for path in ["/projects", "/containers", "/login", "/activity"] {
            owner.get(&format!("{path}?{query}")).expect(400);
        }
    }
    let many: Vec<String> = (0..2000).map(|n| format!("p{n}=1")).collect();
    owner.get(&format!("/projects?{}", many.join("&"))).expect(200);
}

#[test]
fn a_form_is_taken_whole_or_not_at_all() {
    let console = Console::start();
    let owner = console.owner();
    let refused = [
        "name=a&name=b",
        "name=%zz",
        "name=%",
        "name=%ff",
        "name=a%00b",
        "name=%ed%a0%80",
        "name=a&type=nextjs&type=rust",
    ];
    for body in refused {
        let page = owner.post_raw("/projects", body).expect(400);
        assert!(page.has("[role=alert] h1"), "{body}");
    }
    for body in ["name[]=a", "", "name=", "name=+++", "{\"name\":\"a\"}"] {
        owner.post_raw("/projects", body).expect(422);
    }
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "nonsense"] {
        let request = owner.own_post("/projects").header(CONTENT_TYPE, kind).body("name=a");
        owner.send(request).expect(415);
    }
    assert_eq!(console.count("projects"), 0);
}

#[test]
fn a_form_may_not_decide_what_is_not_its_own() {
    let console = Console::start();
    let (owner, other) = (console.owner(), console.owner());
    let theirs = console.container(&other, "theirs");
    let form = [
        ("name", "shop"),
        ("type", "nextjs"),
        ("user_id", other.id.as_str()),
        ("id", "00000000-0000-4000-8000-000000000000"),
        ("status", "deleted"),
        ("created_at", "2000-01-01"),
        ("role", "admin"),
    ];
    owner.post("/projects", &form).expect(303);
    assert!(console.holds(&format!(
        "(SELECT user_id = '{}' AND status = 'active' AND created_at > now() - interval '1 hour' \
          AND id <> '00000000-0000-4000-8000-000000000000' FROM projects)",
        owner.id
    )));
    for container in [theirs.as_str(), "00000000-0000-4000-8000-000000000000", "x"] {
        let page = owner
            .post("/projects", &[("name", "b"), ("type", "nextjs"), ("container", container)])
            .expect(422);
        assert!(page.text("#container-error").contains("does not exist"), "{}", page.body);
    }
    assert_eq!(console.count("projects"), 1);
}

#[test]
fn a_body_has_a_limit_whether_it_is_announced_or_not() {
    let console = Console::start();
    let owner = console.owner();
    let large = format!("name=a&description={}", "x".repeat(300 * 1024));
    owner.post_raw("/projects", &large).expect(413);
    owner.post_raw("/login", &large).expect(413);
    let cookie = format!("Cookie: {}={}", console.cookie_name(), owner.session_cookie().unwrap());
    let head = |length: &str| {
        format!(
            "POST /projects HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\n{cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n",
            console.base.trim_start_matches("http://"),
            console.base
        )
    };
    let announced = raw(&console, head("Content-Length: 1000000000000").as_bytes());
    assert_eq!(announced, 413);
    let mut chunked = head("Transfer-Encoding: chunked").into_bytes();
    for _ in 0..300 {
        chunked.extend(format!("400\r\n{}\r\n", "x".repeat(1024)).bytes());
    }
    chunked.extend(b"0\r\n\r\n");
    let answered = raw(&console, &chunked);
    assert_eq!(answered, 413);
    assert_eq!(console.count("projects"), 0);
    assert!(owner.is_signed_in());
}

#[test]
fn a_request_that_can_be_read_in_two_ways_is_not_read() {
    let console = Console::start();
    let cases: [(&str, &str); 15] = [
        ("two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b"),
        ("length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("unknown coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("negative length", "Content-Length: -1\r\n\r\n"),
        ("odd chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n"),
        ("NUL in a header", "X: a\0b\r\n\r\n"),
        ("a bare LF behind a header", "X: y\nContent-Length: 0\r\n\r\n"),
        ("a bare LF behind the head", "Content-Length: 0\r\n\n"),
        ("a bare CR in a header", "X: y\rContent-Length: 0\r\n\r\n"),
        ("a header that goes on in the next line", "X: y\r\n z\r\n\r\n"),
        ("space before a colon", "Content-Length : 0\r\n\r\n"),
        ("space before a name", " X: y\r\n\r\n"),
        ("another host", "Host: y\r\n\r\n"),
        ("the same host again", "Host: x\r\n\r\n"),
        ("a name with a tab", "X\tY: z\r\n\r\n"),
    ];
    for (name, rest) in cases {
        let answer = raw(
            &console,
            format!("POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}").as_bytes(),
        );
        assert!((400..500).contains(&answer), "{name}: {answer}");
    }
    for first in
        ["GET / HTTP/1.1\nHost: x", "\nGET / HTTP/1.1\r\nHost: x", "GET http://y/ HTTP/1.1\r\nHost: x"]
    {
        let answer = raw(&console, format!("{first}\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(answer, 400, "{first:?}");
    }
    for first in ["\r\nGET /login HTTP/1.1", "GET http://X/login HTTP/1.1"] {
        let cookies = "Cookie: a=b\r\nCookie: c=d";
        let answer =
            raw(&console, format!("{first}\r\nHost: x\r\n{cookies}\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(answer, 200, "{first:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(130 * 1024));
    let answer = raw(&console, long.as_bytes());
    assert!((400..500).contains(&answer), "{answer}");
    console.anonymous().get("/healthz").expect(200);
}

#[test]
fn names_that_deceive_or_do_not_fit_are_refused_and_kept() {
    let console = Console::start();
    let owner = console.owner();
    for name in ["", "   ", "a\u{202E}b", "a\u{7}b", "a\nb", &"x".repeat(101), "\u{2066}x", "\u{200B}"] {
        let page = owner
            .post("/projects", &[("name", name), ("description", "kept"), ("type", "nextjs")])
            .expect(422);
        assert!(page.has("[role=alert]") && page.has("#name[aria-invalid]"), "{name:?}");
        assert_eq!(page.text("#description"), "kept", "{name:?}");
    }
    for name in ["<script>alert(1)</script>", "名前", "🛥️", "O'Brien & \"co\"", "{{7*7}}", &"ü".repeat(100)]
    {
        let made = owner.post("/projects", &[("name", name), ("type", "nextjs")]).expect(303);
        assert_eq!(owner.get(made.location()).expect(200).text("h1"), *name);
    }
}

#[test]
fn text_that_would_run_is_shown_as_text_everywhere() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let hostile = "\"><script>alert(1)</script>'</title><img src=x onerror=alert(1)><!--";
    console.text_with(
        "UPDATE users SET name = $1 WHERE id = $2::uuid RETURNING id::text",
        &[hostile, &owner.id],
    );
    let project = console.project(&owner, hostile);
    let container = console.container(&owner, hostile);
    console.text_with(
        "UPDATE containers SET status = left($1, 50), image_name = $1, url = 'javascript:alert(1)', \
             labels = jsonb_build_object($1::text, $1::text), metadata = jsonb_build_object($1::text, $1::text) \
         WHERE id = $2::uuid RETURNING id::text",
        &[hostile, &container],
    );
    console.text_with(
        "UPDATE projects SET description = $1, type = $1, status = left($1, 50), container_id = $3::uuid WHERE id = $2::uuid \
         RETURNING id::text",
        &[hostile, &project, &container],
    );
    let action = console.text_with(
        "INSERT INTO turbobackend.project_actions VALUES ('<b>' || $1, $2, $1, $1, $1, $1, $1, $1, \
             jsonb_build_object('commit_sha', $1::text, $1::text, $1::text, 'app_url', 'javascript:alert(1)'), 1763640000000) \
         RETURNING action_id",
        &[hostile, &project],
    );
    let segment = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let paths = [
        "/".to_owned(),
        "/projects".to_owned(),
        format!("/projects/{project}"),
        format!("/projects/{project}/activity"),
        format!("/projects/{project}/settings"),
        format!("/projects/{project}/archive"),
        "/containers".to_owned(),
        format!("/containers/{container}"),
        format!("/containers/{container}/stop"),
        "/activity".to_owned(),
        format!("/activity/{}", segment(&action)),
        format!("/references/commit_sha/{}", segment(hostile)),
        format!("/projects?q={}", segment(hostile)),
        "/account".to_owned(),
    ];
    let admins = ["/users".to_owned(), format!("/users/{}", owner.id), "/audit".to_owned()];
    let mut shown = 0;
    for (person, path) in
        paths.iter().map(|path| (&owner, path)).chain(paths.iter().chain(&admins).map(|path| (&admin, path)))
    {
        let page = person.get(path).expect(200);
        assert!(!page.has("img, script:not([src]), [onerror]"), "{path}\n{}", page.body);
        assert!(page.attributes("a", "href").iter().all(|href| !href.starts_with("javascript:")), "{path}");
        shown += page.body.matches("alert(1)").count();
    }
    assert!(shown > 40, "{shown}");
}

#[test]
fn json_that_is_nested_deeper_than_anybody_reads_breaks_no_page() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.message(&container, "s1", 0, "user", "hello");
    let action = console.action(&project, "deployment", 1_763_640_000_000, r#"{"commit_sha": "4be1d07c"}"#);
    let deep = format!("'{}{}'::jsonb", "{\"a\":".repeat(400), format_args!("1{}", "}".repeat(400)));
    console.sql(&format!(
        "UPDATE projects SET settings = {deep}, metadata = {deep}; \
         UPDATE containers SET labels = {deep}, metadata = {deep}; \
         UPDATE chat_messages SET attachments = {deep}, metadata = {deep}; \
         UPDATE turbobackend.project_actions SET reference_ids = {deep}; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, metadata) \
         VALUES ('deep', '{project}', 'APR_REVIEW', 'x', 'Review', {deep})"
    ));
    for path in [
        format!("/projects/{project}"),
        format!("/projects/{project}/settings"),
        format!("/projects/{project}/activity"),
        format!("/projects/{project}/chat?session=s1"),
        format!("/api/projects/{project}/activities"),
        format!("/containers/{container}"),
        format!("/activity/{action}"),
        "/events/deep".to_owned(),
        "/".to_owned(),
    ] {
        owner.get(&path).expect(200);
    }
}
