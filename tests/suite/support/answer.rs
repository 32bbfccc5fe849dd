//! What came back, and what holds for everything that comes back.

use std::sync::LazyLock;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use scraper::{ElementRef, Html, Selector};

/// An answer that kept the rules of [`Answer::check`].
pub struct Answer {
    /// Method and address, for messages.
    pub what: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub bytes: Vec<u8>,
    html: std::cell::OnceCell<Html>,
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

/// The security headers of every answer, and what each must hold.
const HEADERS: [(&str, &str); 9] = [
    ("content-security-policy", "default-src 'none'; script-src 'nonce-"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=()"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000"),
    ("cache-control", ""),
];

impl Answer {
    /// Not checked yet: see [`Answer::check`].
    pub fn new(what: String, status: StatusCode, headers: HeaderMap, bytes: Vec<u8>) -> Self {
        Self { what, status, headers, bytes, html: std::cell::OnceCell::new() }
    }

    /// Fails unless the answer is one that the console may give at all: no 5xx but a 503 that says when to
    /// come back, no word of its inside, the security headers whatever happened.
    pub fn check(&self) {
        let Self { what, status, .. } = self;
        let may_retry =
            *status == StatusCode::SERVICE_UNAVAILABLE && self.headers.contains_key("retry-after");
        assert!(!status.is_server_error() || may_retry, "{what}: {status}\n{}", self.body());
        for (name, beginning) in HEADERS {
            let value = self.header(name);
            // The address of a one-time link goes nowhere at all.
            let stricter = name == "referrer-policy" && value == "no-referrer";
            assert!(value.starts_with(beginning) || stricter, "{what}: {status} has {name}: {value:?}");
        }
        for line in self.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            for attribute in ["__Host-", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(line.contains(attribute), "{what}: {line:?} lacks {attribute}");
            }
            assert!(!line.contains("Domain") && line.len() < 4096, "{what}: {line:?}");
        }
        assert!(self.header("access-control-allow-origin").is_empty(), "{what}");
        let kind = self.header("content-type");
        if kind.starts_with("text/html") || kind.contains("json") || kind.starts_with("text/plain") {
            let body = self.body();
            for word in NEVER_SHOWN {
                assert!(!body.contains(word), "{what}: {status} shows {word:?}\n{body}");
            }
        }
    }

    /// The body as text.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads; empty without one.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.what, self.body()))
    }

    /// The body as a page.
    pub fn html(&self) -> &Html {
        self.html.get_or_init(|| Html::parse_document(&self.body()))
    }

    /// The elements that match `css`.
    pub fn select(&self, css: &str) -> Vec<ElementRef<'_>> {
        self.html().select(&Selector::parse(css).unwrap()).collect()
    }

    /// The first element that matches `css`; fails without one.
    pub fn first(&self, css: &str) -> ElementRef<'_> {
        let found = self.select(css);
        *found
            .first()
            .unwrap_or_else(|| panic!("{}: {} without {css}\n{}", self.what, self.status, self.body()))
    }

    /// What the first element that matches `css` says, with single spaces; fails without one.
    pub fn text_of(&self, css: &str) -> String {
        text(self.first(css))
    }

    /// What each element that matches `css` says.
    pub fn texts_of(&self, css: &str) -> Vec<String> {
        self.select(css).into_iter().map(text).collect()
    }

    /// An attribute of the first element that matches `css`; fails without one.
    pub fn attribute(&self, css: &str, name: &str) -> String {
        let value = self.first(css).attr(name);
        value.unwrap_or_else(|| panic!("{}: {css} has no {name}", self.what)).to_owned()
    }

    /// An attribute of each element that matches `css`.
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        self.select(css).into_iter().filter_map(|element| element.attr(name)).map(str::to_owned).collect()
    }

    /// Fails unless the status is `expected`.
    #[track_caller]
    pub fn is(self, expected: u16) -> Self {
        assert_eq!(self.status.as_u16(), expected, "{}\n{}\n{}", self.what, self.location(), self.body());
        self
    }

    /// The body without what differs from one answer to the next: nonce and request id.
    pub fn body_without_chance(&self) -> String {
        static HEX: LazyLock<Selector> = LazyLock::new(|| Selector::parse("[nonce]").unwrap());
        let mut body = self.body();
        for element in self.html().select(&HEX) {
            body = body.replace(element.attr("nonce").unwrap(), "NONCE");
        }
        body
    }
}

/// What an element says, with single spaces.
pub fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
