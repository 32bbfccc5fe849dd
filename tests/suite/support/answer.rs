//! What the console answered, and what holds for all of its answers.

use std::cell::OnceCell;

use memchr::memmem;
use reqwest::header::HeaderMap;
use scraper::{ElementRef, Html, Selector};

/// See the module.
pub struct Answer {
    /// Method and address, for messages.
    pub what: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    page: OnceCell<Html>,
}

/// What only a defect lets into a body.
const NEVER_SHOWN: [&str; 14] = [
    "panicked",
    "Diesel",
    "DatabaseError",
    "serde",
    "SELECT ",
    "INSERT INTO",
    "UPDATE ",
    "DELETE FROM",
    "violates",
    "pilothouse_",
    "backtrace",
    ".rs:",
    "/src/",
    "/tmp/",
];

/// The security headers, and how each begins.
const HEADERS: [(&str, &str); 9] = [
    ("content-security-policy", "default-src 'none'; script-src 'nonce-"),
    ("x-content-type-options", "nosniff"),
    // "no-referrer" would take the Origin from the forms of a page as well.
    ("referrer-policy", "s"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=()"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000"),
    ("cache-control", ""),
];

impl Answer {
    /// Not checked yet: see [`Answer::check`].
    pub fn new(what: String, status: u16, headers: HeaderMap, body: String) -> Self {
        Self { what, status, headers, body, page: OnceCell::new() }
    }

    /// Fails unless this is an answer that the console may give at all: no 5xx but a 503 that says when to
    /// come back, not a word about its inside, whatever happened the security headers, and no cookie that
    /// another site could set or read.
    #[track_caller]
    pub fn check(&self) {
        let Self { what, status, headers, body, .. } = self;
        let may_retry = *status == 503 && headers.contains_key("retry-after");
        assert!(*status < 500 || may_retry, "{what}: {status}\n{body}");
        for (name, beginning) in HEADERS {
            assert!(headers.contains_key(name), "{what}: {status} without {name}");
            assert!(
                self.header(name).starts_with(beginning),
                "{what}: {status} with {name}: {}",
                self.header(name)
            );
        }
        // The assistant alone is for pages elsewhere, and takes no cookie from them.
        let is_open = what.contains("/api/assistant/");
        assert!(is_open || !headers.contains_key("access-control-allow-origin"), "{what}");
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            for part in ["__Host-", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(line.contains(part), "{what}: {line:?} lacks {part}");
            }
            assert!(!line.contains("Domain=") && line.len() < 4096, "{what}: {line:?}");
        }
        let kind = self.header("content-type");
        if ["text/html", "text/plain", "application/json", "application/problem+json"]
            .iter()
            .any(|k| kind.starts_with(k))
        {
            for word in NEVER_SHOWN {
                let shown = memmem::find(body.as_bytes(), word.as_bytes()).is_some();
                assert!(!shown, "{what}: {status} shows {word:?}\n{body}");
            }
        }
    }

    /// The status must be `status`; anything else shows the page.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}\n{}", self.what, self.location(), self.body);
        self
    }

    /// The first value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.what, self.body))
    }

    /// The elements that `selector` finds.
    pub fn select(&self, selector: &str) -> Vec<ElementRef<'_>> {
        let page = self.page.get_or_init(|| Html::parse_document(&self.body));
        page.select(&Selector::parse(selector).unwrap()).collect()
    }

    /// The texts of the elements that `selector` finds, white space collapsed.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.select(selector)
            .into_iter()
            .map(|element| {
                element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// All texts of what `selector` finds, in one.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).join(" | ")
    }

    /// The values of an attribute of the elements that `selector` finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        self.select(selector)
            .into_iter()
            .filter_map(|element| element.attr(name))
            .map(str::to_owned)
            .collect()
    }

    /// The value of an attribute of the first element that `selector` finds; it must be there.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let found = self.attributes(selector, name);
        assert!(!found.is_empty(), "{}: no {selector} with {name}\n{}", self.what, self.body);
        found[0].clone()
    }

    /// Whether `selector` finds anything.
    pub fn has(&self, selector: &str) -> bool {
        !self.select(selector).is_empty()
    }

    /// The body without what differs each time: a page's nonce, a problem's request id.
    pub fn body_without_chance(&self) -> String {
        if self.header("content-type").contains("json") {
            let mut problem = self.json();
            assert!(problem["request_id"].take().is_string(), "{}", self.body);
            return problem.to_string();
        }
        let policy = self.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        assert!(nonce.len() >= 22, "{policy}");
        self.body.replace(nonce, "NONCE")
    }
}
