//! Clients that are slow, in each way that there is.

use std::time::Duration;

use pilothouse::app::Deadlines;

use crate::support::console::{Console, Person};
use crate::support::raw::{Wire, head};

const HEAD: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_millis(800);
const REQUEST: Duration = Duration::from_millis(1500);
const STALL: Duration = Duration::from_millis(1500);

/// Short deadlines, and one that no test reaches for all but the one that is tried.
fn impatient(change: impl Fn(&mut Deadlines)) -> Console {
    let never = Duration::from_mins(10);
    let mut deadlines =
        Deadlines { head: never, idle: never, request: never, stall: never, ..Deadlines::default() };
    change(&mut deadlines);
    Console::with_deadlines(deadlines)
}

const SHORT: Duration = Duration::from_millis(20);
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn a_first_head_that_trickles_in_is_given_up() {
    let slow = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: {}\r\n", "x".repeat(2000));

    let console = impatient(|deadlines| deadlines.head = HEAD);
    let mut wire = Wire::open(&console);
    wire.trickle(&slow, SHORT);
    wire.answer("a slow first head").unwrap().expect(408);
    wire.expect_end("a slow first head");

    let console = impatient(|_| {});
    let mut wire = Wire::open(&console);
    wire.trickle(&slow[..100], SHORT);
    wire.send("\r\n\r\n");
    wire.answer("a slow head within its time").unwrap().expect(200);
}

#[test]
fn a_later_head_that_trickles_in_is_given_up_too() {
    let slow = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: {}\r\n", "x".repeat(2000));
    let console = impatient(|deadlines| (deadlines.head, deadlines.idle) = (HEAD, IDLE));
    let mut wire = Wire::open(&console);
    for _ in 0..3 {
        wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        wire.answer("a quick head").unwrap().expect(200);
    }
    wire.trickle(&slow, SHORT);
    wire.answer("a slow later head").unwrap().expect(408);
    wire.expect_end("a slow later head");

    let console = impatient(|_| {});
    let mut wire = Wire::open(&console);
    wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.answer("a quick head").unwrap().expect(200);
    wire.trickle(&slow[..100], SHORT);
    wire.send("\r\n\r\n");
    wire.answer("a slow later head within its time").unwrap().expect(200);
}

#[test]
fn a_connection_without_requests_is_ended() {
    let console = impatient(|deadlines| deadlines.idle = IDLE);
    let mut wire = Wire::open(&console);
    wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.answer("a request").unwrap().expect(200);
    wire.expect_end("an idle connection");

    // One that has never asked for anything waits for its first head.
    let console = impatient(|deadlines| deadlines.head = HEAD);
    Wire::open(&console).expect_end("a silent connection");
}

#[test]
fn a_body_that_trickles_in_is_given_up_on_every_request() {
    let console = impatient(|deadlines| deadlines.request = REQUEST);
    let owner = console.owner();
    for earlier in [0, 2] {
        for framing in ["Content-Length: 2000", "Transfer-Encoding: chunked"] {
            let mut wire = Wire::open(&console);
            for _ in 0..earlier {
                wire.send(head(&console, &owner, "GET", "/login") + "\r\n");
                wire.answer("an earlier request").unwrap().expect(200);
            }
            let head = head(&console, &owner, "POST", "/projects");
            wire.send(format!("{head}{FORM}{framing}\r\n\r\n"));
            let piece = if framing.starts_with('C') { "x" } else { "1\r\nx\r\n" };
            for _ in 0..20 {
                std::thread::sleep(REQUEST / 10);
                wire.send(piece);
            }
            let answer = wire.answer("a slow body").unwrap().expect(408);
            assert!(answer.has("[role=alert] h1"), "{framing}");
            assert_eq!(answer.header("connection"), "close", "{framing}");
        }
    }
    assert_eq!(console.count("projects"), 0);

    let console = impatient(|_| {});
    let owner = console.owner();
    let mut wire = Wire::open(&console);
    let body = "name=shop&type=rust";
    let head = head(&console, &owner, "POST", "/projects");
    wire.send(format!("{head}{FORM}Content-Length: {}\r\n\r\n", body.len()));
    wire.trickle(body, SHORT);
    wire.answer("a slow body within its time").unwrap().expect(303);
    assert_eq!(console.count("projects"), 1);
}

#[test]
fn the_rest_of_a_body_that_nobody_reads_holds_no_connection() {
    let console = impatient(|deadlines| (deadlines.head, deadlines.idle) = (HEAD, IDLE));
    let owner = console.owner();
    let mut wire = Wire::open(&console);
    let head = head(&console, &owner, "GET", "/healthz");
    wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    wire.answer("a request with a body that goes on").unwrap().expect(200);
    let still_open = (0..600).take_while(|_| {
        std::thread::sleep(SHORT);
        wire.send("1\r\nx\r\n")
    });
    assert!(still_open.count() < 600, "a body that nobody reads goes on for ever");
}

/// Asks for the same large page many times over at once, so that no buffer holds all of the answers.
fn ask_for_much(console: &Console, person: &Person, wire: &mut Wire) {
    let request = head(console, person, "GET", "/projects?limit=100") + "\r\n";
    for _ in 0..MANY {
        wire.send(&request);
    }
}

const MANY: usize = 16;

fn fill(console: &Console, owner: &Person) {
    console.sql(&format!(
        "INSERT INTO projects (name, description, user_id) \
         SELECT 'project ' || n, repeat('long ', 400), '{}' FROM generate_series(1, 100) n",
        owner.id
    ));
}

#[test]
fn a_client_that_does_not_take_its_answers_is_given_up() {
    let console = impatient(|deadlines| deadlines.stall = STALL);
    let owner = console.owner();
    fill(&console, &owner);
    let mut wire = Wire::narrow(&console);
    ask_for_much(&console, &owner, &mut wire);
    std::thread::sleep(STALL * 3);

    let mut answered = 0;
    let whole = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        while wire.answer("an answer that was left lying").is_some() {
            answered += 1;
        }
    }));
    assert!(whole.is_err() || answered < MANY, "{answered} answers waited for a client that took none");
}

#[test]
fn a_client_that_takes_its_answers_slowly_gets_them_whole() {
    let console = impatient(|deadlines| {
        (deadlines.stall, deadlines.head, deadlines.idle) = (STALL, HEAD, IDLE);
    });
    let owner = console.owner();
    fill(&console, &owner);
    let mut wire = Wire::narrow(&console);
    ask_for_much(&console, &owner, &mut wire);

    let began = std::time::Instant::now();
    for n in 0..MANY {
        std::thread::sleep(STALL / 5);
        let answer =
            wire.answer("an answer that is taken slowly").unwrap_or_else(|| panic!("{n}")).expect(200);
        assert!(answer.body.contains("</html>"));
    }
    assert!(began.elapsed() > STALL * 2, "slower than anything that is given up");
}

/// Twelve pieces a second are more than any stall time is given for, and too little where more is asked for.
#[test]
fn a_client_that_takes_less_than_the_least_rate_is_given_up_although_it_never_stalls() {
    let taken = |least_a_second: u64| {
        let console = impatient(|deadlines| {
            (deadlines.stall, deadlines.least_a_second) = (Duration::from_secs(3), least_a_second);
        });
        let owner = console.owner();
        let (project, container) = console.project_in_container(&owner, "shop");
        let message = console.message(&container, "s", 0, "user", &"a".repeat(4_000_000));
        let mut wire = Wire::narrow(&console);
        let raw = format!("/projects/{project}/chat/{message}/raw");
        wire.send(head(&console, &owner, "GET", &raw) + "\r\n");
        let mut taken = 0;
        while let piece @ 1.. = wire.read(10_000).len() {
            taken += piece;
            if taken > ENOUGH {
                break;
            }
            std::thread::sleep(Duration::from_millis(80));
        }
        taken
    };
    assert!(taken(8 * 1024) > ENOUGH, "it takes enough, and is served on");
    assert!(taken(8 * 1024 * 1024) < ENOUGH, "it goes on for ever");
}

/// What takes three times the stall time.
const ENOUGH: usize = 1_500_000;

/// A megabyte each, that nobody reads.
#[test]
fn answers_that_nobody_takes_are_few_and_cost_others_nothing() {
    let console = impatient(|_| {});
    let (owner, other) = (console.owner(), console.owner());
    let mut raw = Vec::new();
    for person in [&owner, &other] {
        let (project, container) = console.project_in_container(person, "shop");
        let message = console.message(&container, "s", 0, "user", &"ä".repeat(500_000));
        raw.push(format!("/projects/{project}/chat/{message}/raw"));
    }
    let mut wires: Vec<Wire> = (0..24)
        .map(|_| {
            let mut wire = Wire::narrow(&console);
            wire.send(head(&console, &owner, "GET", &raw[0]) + "\r\n");
            wire
        })
        .collect();
    let refused = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        owner.get(&raw[0]).status == 503
    });
    assert!(refused, "24 MB wait for one reader");
    assert!(!owner.get(&raw[0]).expect(503).header("retry-after").is_empty());
    owner.get("/projects").expect(200);
    other.get(&raw[1]).expect(200);
    // Some were refused; the others come whole, to whoever reads them at last.
    let answers: Vec<u16> =
        wires.iter_mut().map(|wire| wire.answer("a late reader").unwrap().status).collect();
    let whole = answers.iter().filter(|status| **status == 200).count();
    assert!(
        (10..24).contains(&whole) && answers.iter().all(|status| [200, 503].contains(status)),
        "{answers:?}"
    );
    let served = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        owner.get(&raw[0]).status == 200
    });
    assert!(served, "what was taken does not count any more");
}

#[test]
fn a_streamed_answer_goes_on_as_long_as_somebody_reads_it() {
    let console = impatient(|deadlines| {
        (deadlines.stall, deadlines.head, deadlines.idle, deadlines.request) = (STALL, HEAD, IDLE, REQUEST);
    });
    let owner = console.owner();
    let project = console.project(&owner, "shop");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, action_details, status, \
             environment, reference_ids, created_at) \
         SELECT 'action_' || n, '{project}', '{}', 'deployment', repeat(md5(n::text), 30), 'success', 'production', '{{}}', \
             1763640000000 + n FROM generate_series(1, 4000) n",
        owner.id
    ));
    let mut wire = Wire::narrow(&console);
    let head = head(&console, &owner, "POST", "/activity/export");
    let body = "format=jsonl";
    wire.send(format!("{head}{FORM}Content-Length: {}\r\n\r\n{body}", body.len()));
    let (mut read, began) = (0, std::time::Instant::now());
    let mut end = Vec::new();
    loop {
        std::thread::sleep(STALL / 20);
        let piece = wire.read(64 * 1024);
        read += piece.len();
        end = [end, piece.clone()].concat();
        end.drain(..end.len().saturating_sub(64));
        if end.ends_with(b"\r\n0\r\n\r\n") {
            break;
        }
        assert!(!piece.is_empty(), "cut after {read} bytes");
    }
    assert!(
        read > 4_000 * 900 && began.elapsed() > REQUEST.max(STALL),
        "{read} bytes in {:?}",
        began.elapsed()
    );
}

#[test]
fn what_is_no_request_is_answered_with_the_same_headers_as_everything() {
    let console = Console::start();
    let long = "a".repeat(200 * 1024);
    let many = (0..300).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let cases = [
        ("nonsense", "nonsense\r\n\r\n".to_owned(), 400),
        ("no version", "GET /\r\n\r\n".to_owned(), 400),
        ("another version", "GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
        ("a long header", format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"), 431),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        (
            "a second length",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            400,
        ),
    ];
    for (name, bytes, status) in cases {
        for earlier in [0, 1] {
            let mut wire = Wire::open(&console);
            for _ in 0..earlier {
                wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
                wire.answer("an earlier request").unwrap().expect(200);
            }
            wire.send(&bytes);
            // The answer checker looks at the headers.
            let answer = wire.answer(name).unwrap_or_else(|| panic!("{name}: no answer"));
            assert!(answer.status == status || answer.status == 400, "{name}: {}", answer.status);
            assert_eq!(answer.body, "", "{name}");
            wire.expect_end(name);
        }
    }
    console.anonymous().get("/healthz").expect(200);
}

#[test]
fn a_bare_line_feed_ends_no_line_of_a_head_and_bodies_may_hold_it() {
    let console = Console::start();
    let owner = console.owner();
    let good = head(&console, &owner, "GET", "/healthz") + "\r\n";
    let body = "name=shop&type=rust&description=one\ntwo\r\n\nthree";
    let form = head(&console, &owner, "POST", "/projects") + FORM;
    let counted = format!("{form}Content-Length: {}\r\n\r\n{body}", body.len());
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let (one, other) = body.split_at(40);
    let chunked = format!("{form}Transfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk(one), chunk(other));
    let mut wire = Wire::open(&console);
    wire.send(format!("{good}{counted}{good}{chunked}{good}"));
    for status in [200, 303, 200, 303, 200] {
        wire.answer("requests of a connection").unwrap().expect(status);
    }
    let kept = "SELECT count(*)::text FROM projects WHERE description LIKE E'one\\ntwo%three'";
    assert_eq!(console.text(kept), "2");

    for (before, answers) in [("", 0), (good.as_str(), 1), (counted.as_str(), 1), (chunked.as_str(), 1)] {
        for at_once in [true, false] {
            let bare = format!("GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n{good}");
            let mut wire = Wire::open(&console);
            if at_once {
                wire.send(format!("{before}{bare}"));
            } else {
                wire.send(before);
                // What comes after the connection has ended would take the answer away.
                let (told, _) = bare.split_once("X: y").unwrap();
                wire.trickle(told, Duration::from_millis(1));
            }
            for _ in 0..answers {
                assert!([200, 303].contains(&wire.answer("a good request").unwrap().status));
            }
            if at_once && answers > 0 {
                // It may come in one piece with the answer before it, which is nobody's to change.
                assert!(wire.read(usize::MAX).starts_with(b"HTTP/1.1 400 "));
            } else {
                wire.answer("a bare LF").unwrap().expect(400);
                wire.expect_end("a bare LF");
            }
        }
    }
}

#[test]
fn idle_connections_make_room_for_whoever_asks() {
    let console = Console::with_room_for(40);
    let owner = console.owner();
    let request = head(&console, &owner, "GET", "/projects") + "\r\n";
    let mut idle: Vec<Wire> = (0..200)
        .map(|n| {
            let mut wire = Wire::open(&console);
            if n % 2 == 0 {
                wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
                wire.answer("one of many").unwrap().expect(200);
            }
            wire
        })
        .collect();
    for _ in 0..5 {
        let mut wire = Wire::open(&console);
        wire.send(&request);
        wire.answer("a request beside many idle connections").unwrap().expect(200);
    }
    // The oldest are gone, the newest are not.
    for mut wire in idle.drain(..100) {
        wire.expect_end("an idle connection that made room");
    }
    let mut newest = idle.pop().unwrap();
    newest.send(&request);
    newest.answer("the newest of many").unwrap().expect(200);
}

#[test]
fn whoever_finds_no_room_is_told_when_to_come_back() {
    let console = Console::with_room_for(3);
    let owner = console.owner();
    let form = head(&console, &owner, "POST", "/projects") + FORM;
    let body = "name=shop&type=rust";
    let mut busy: Vec<Wire> = (0..3)
        .map(|_| {
            let mut wire = Wire::open(&console);
            wire.send(format!("{form}Content-Length: {}\r\n\r\n", body.len()));
            wire
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    for bytes in [head(&console, &owner, "GET", "/projects") + "\r\n", "GET ".to_owned()] {
        let mut wire = Wire::open(&console);
        wire.send(bytes);
        let answer = wire.answer("one too many").unwrap().expect(503);
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        wire.expect_end("one too many");
    }
    busy[0].send(body);
    busy[0].answer("one of those who were there").unwrap().expect(303);
    // Its place is free a moment after its client has read the answer.
    std::thread::sleep(Duration::from_millis(300));
    let mut wire = Wire::open(&console);
    wire.send(head(&console, &owner, "GET", "/projects") + "\r\n");
    wire.answer("once somebody is done").unwrap().expect(200);
}
