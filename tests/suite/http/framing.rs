//! How long an answer is, told in a way that each client understands.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::support::console::{Console, Person};
use crate::support::raw::{Wire, head};

/// The head of a request as HTTP/1.0 has it: nothing is kept unless it is asked for.
fn old_head(console: &Console, person: &Person, method: &str, path: &str, more: &str) -> String {
    head(console, person, method, path).replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n") + more
}

const FORM: &str =
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\nformat=jsonl";
const KEEP: &str = "Connection: keep-alive\r\n";
const GZIP: &str = "Accept-Encoding: gzip\r\n";

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// Head and body of the one answer that a connection gives before it ends.
fn whole_connection(console: &Console, request: &str) -> (String, Vec<u8>) {
    let mut wire = Wire::open(console);
    wire.send(request);
    let all = wire.read(usize::MAX);
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(all[..end].to_vec()).unwrap().to_ascii_lowercase(), all[end + 4..].to_vec())
}

#[test]
fn over_http_1_0_a_streamed_answer_ends_with_its_connection_and_says_nothing_of_chunks() {
    let console = Console::start();
    let owner = console.owner();
    for n in 0..600 {
        console.project(&owner, &format!("project {n}"));
    }
    let whole = owner.post_raw("/projects/export", "format=jsonl").expect(200).body;
    assert!(whole.lines().count() == 600, "{}", whole.len());
    for more in ["", KEEP, GZIP, &format!("{KEEP}{GZIP}")] {
        console.sql("UPDATE \"ActivityLog\" SET \"createdAt\" = \"createdAt\" - interval '1 hour'");
        let request = old_head(&console, &owner, "POST", "/projects/export", more) + FORM;
        let (head, body) = whole_connection(&console, &request);
        assert!(head.starts_with("http/1.0 200 "), "{head}");
        for never in ["transfer-encoding", "content-length", "keep-alive"] {
            assert!(!head.contains(never), "{more:?}: {head}");
        }
        let packed = head.contains("content-encoding: gzip");
        assert_eq!(packed, more.contains("gzip"), "{head}");
        let body = if packed { unpacked(&body) } else { String::from_utf8(body).unwrap() };
        assert_eq!(body, whole, "{more:?}");
    }
}

#[test]
fn over_http_1_0_a_page_tells_its_length_and_a_connection_is_kept_for_whoever_asks() {
    let console = Console::start();
    let owner = console.owner();
    for gzip in ["", GZIP] {
        for method in ["GET", "HEAD"] {
            for path in ["/projects", "/login", "/nothing"] {
                let request = old_head(&console, &owner, method, path, &format!("{gzip}\r\n"));
                let (head, body) = whole_connection(&console, &request);
                assert!(head.starts_with("http/1.0 "), "{head}");
                assert!(!head.contains("transfer-encoding"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let sent = if method == "GET" { body.len().to_string() } else { length.to_owned() };
                assert_eq!(sent, length, "{method} {path} {gzip}");
                assert_eq!(body.is_empty(), method == "HEAD", "{method} {path} {gzip}");
            }
        }
        let mut wire = Wire::open(&console);
        for _ in 0..3 {
            wire.send(old_head(&console, &owner, "GET", "/projects", &format!("{KEEP}{gzip}\r\n")));
            let page = wire.answer("a kept page").unwrap().expect(200);
            assert_eq!(page.header("connection"), "keep-alive");
        }
        // What can't be read ends it, with our own headers.
        wire.send("nonsense\r\n\r\n");
        wire.answer("nonsense after HTTP/1.0").unwrap().expect(400);
        wire.expect_end("nonsense after HTTP/1.0");
    }
}

#[test]
fn a_packed_page_tells_its_length_and_a_packed_export_is_streamed() {
    let console = Console::start();
    let owner = console.owner();
    let plain = owner.get("/projects").expect(200);
    let request = format!("{}{GZIP}Connection: close\r\n\r\n", head(&console, &owner, "GET", "/projects"));
    let (told, body) = whole_connection(&console, &request);
    assert!(told.contains("content-encoding: gzip") && !told.contains("transfer-encoding"), "{told}");
    assert!(told.contains(&format!("content-length: {}\r\n", body.len())), "{told}");
    assert_eq!(unpacked(&body).len(), plain.body.len());

    let request = format!("{}{GZIP}", head(&console, &owner, "POST", "/projects/export"));
    let (told, _) = whole_connection(&console, &format!("{request}Connection: close\r\n{FORM}"));
    assert!(told.contains("content-encoding: gzip") && told.contains("transfer-encoding: chunked"), "{told}");
}
