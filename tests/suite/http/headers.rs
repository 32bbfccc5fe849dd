//! Headers beyond what every answer of every test is checked for.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::console::Console;

#[test]
fn the_policy_allows_this_answers_own_script_and_nothing_else() {
    let console = Console::start();
    let owner = console.owner();
    let mut nonces = BTreeSet::new();
    for path in ["/login", "/projects", "/nothing", "/account", "/projects/new"] {
        for _ in 0..10 {
            let page = owner.get(path);
            let policy = page.header("content-security-policy");
            let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
            assert!(page.attributes("script", "nonce").iter().all(|own| own == nonce), "{path}");
            assert!(!page.select("script").is_empty(), "{path}");
            let expected = format!(
                "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self'; \
                 font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                 object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
            );
            assert_eq!(policy, expected);
            assert!(nonces.insert(nonce.to_owned()), "{path}: a nonce came twice");
        }
    }
}

#[test]
fn pages_are_not_stored_and_files_are_for_ever() {
    let console = Console::start();
    let owner = console.owner();
    for path in ["/projects", "/login", "/nothing", "/account", "/healthz"] {
        assert_eq!(owner.get(path).header("cache-control"), "no-store", "{path}");
    }
    let assets = pilothouse::web::assets::urls();
    for (path, kind) in [
        (&assets.css, "text/css; charset=utf-8"),
        (&assets.js, "text/javascript; charset=utf-8"),
        (&assets.icons, "image/svg+xml"),
        (&assets.favicon, "image/svg+xml"),
    ] {
        let file = console.anonymous().get(path).expect(200);
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("content-type"), kind);
        assert!(!file.body.is_empty());
    }
}

#[test]
fn nothing_tells_what_the_console_is_made_of() {
    let console = Console::start();
    for path in ["/login", "/nothing", "/healthz", "/projects"] {
        let answer = console.anonymous().get(path);
        for name in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(name), "", "{path}");
        }
    }
}

#[test]
fn large_answers_are_compressed_for_who_takes_it() {
    let console = Console::start();
    let person = console.anonymous();
    let request = person.request(Method::GET, &pilothouse::web::assets::urls().css);
    let answer = person.send(request.header("accept-encoding", "gzip")).expect(200);
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(answer.header("vary").to_ascii_lowercase().contains("accept-encoding"));
}

#[test]
fn an_odd_range_of_a_file_is_no_failure() {
    let console = Console::start();
    let person = console.anonymous();
    for range in ["", "bytes=0-,0-,0-,0-", "bytes=-1", "bytes=9-1", "lines=1"] {
        let request = person.request(Method::GET, &pilothouse::web::assets::urls().js).header("range", range);
        let answer = person.send(request);
        assert!([200, 206, 416].contains(&answer.status), "{range}: {}", answer.status);
    }
}
