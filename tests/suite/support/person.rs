//! Somebody with a browser that keeps cookies, follows no redirect, and proves where its forms come from.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, redirect};
use tokio::runtime::Runtime;
use url::form_urlencoded::Serializer;

use super::answer::Answer;

/// Requests run on it, so that tests read top-down.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static BROWSER: LazyLock<reqwest::Client> = LazyLock::new(|| {
    pilothouse::outgoing::use_ring();
    reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
});

/// See the module.
pub struct Person {
    /// `users.id`; empty for nobody.
    pub id: String,
    /// Their address.
    pub email: String,
    /// `sessions.id`.
    pub session: String,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Person {
    /// Nobody, at the console whose address is `base`.
    pub fn new(base: &str) -> Self {
        let nobody = String::new();
        Self {
            id: nobody.clone(),
            email: nobody.clone(),
            session: nobody,
            base: base.to_owned(),
            cookies: Mutex::default(),
        }
    }

    /// Another browser with the same cookies.
    pub fn twin(&self) -> Self {
        Self {
            id: self.id.clone(),
            email: self.email.clone(),
            session: self.session.clone(),
            base: self.base.clone(),
            cookies: Mutex::new(self.jar().clone()),
        }
    }

    /// The same browser at another instance, as a proxy leads it there.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.twin() }
    }

    /// Where the console is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Puts a cookie into the jar; `value` as it goes over the wire.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    /// The cookies whose names hold `part`.
    pub fn cookies_with(&self, part: &str) -> Vec<(String, String)> {
        let jar = self.jar();
        jar.iter().filter(|(name, _)| name.contains(part)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// A cookie as it goes over the wire.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    /// The session's cookie as it goes over the wire, whatever the console calls it.
    pub fn session_cookie(&self) -> Option<String> {
        let is_session = |name: &str| {
            name.starts_with("__Host-pilothouse")
                && !["-flash", "-guest", "-ref"].iter().any(|other| name.ends_with(other))
        };
        self.jar().iter().find(|(name, _)| is_session(name)).map(|(_, value)| value.clone())
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Answer {
        // A stream goes on for ever: its head says what there is to say.
        let is_stream = path.split('?').next().is_some_and(|path| path.ends_with("/live"));
        self.send(self.request(if is_stream { Method::HEAD } else { Method::GET }, path))
    }

    /// Walks from `start` along the links of kind `rel`, `next` or `prev`; answers what `read` finds on each page,
    /// and the last page's address.
    pub fn walk(
        &self,
        start: &str,
        rel: &str,
        read: impl Fn(&Answer) -> Vec<String>,
    ) -> (Vec<String>, String) {
        let (mut here, mut seen) = (start.to_owned(), Vec::new());
        loop {
            let page = self.get(&here).expect(200);
            let mut found = read(&page);
            assert!(seen.len() + found.len() < 30_000, "paging does not end: {start}");
            if rel == "prev" {
                found.reverse();
            }
            seen.extend(found);
            let Some(next) = page.attributes(&format!("a[rel={rel}]"), "href").pop() else {
                return (seen, here);
            };
            here = next;
        }
    }

    /// Sends a form to `path`, as this console's own page would.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_raw(path, &encoded(fields))
    }

    /// Sends `body` as a form to `path`, whatever it holds.
    pub fn post_raw(&self, path: &str, body: &str) -> Answer {
        self.send(as_form(self.own_post(path), body))
    }

    /// A POST with proof that it comes from this console's own page, to be filled.
    pub fn own_post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).header(ORIGIN, &self.base)
    }

    /// A request with the jar's cookies and nothing else.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = BROWSER.request(method, format!("{}{path}", self.base));
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    /// Whether the console still knows who this is.
    pub fn is_signed_in(&self) -> bool {
        let answer = self.get("/projects");
        if answer.status == 303 {
            assert_eq!(answer.location(), "/login?next=%2Fprojects");
        }
        answer.status == 200
    }

    /// Sends `request`, keeps the cookies that come back, and checks what holds for every answer.
    #[track_caller]
    pub fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let what = format!("{} {}", request.method(), request.url());
        let received = RUNTIME.block_on(async {
            let response = BROWSER.execute(request).await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        });
        let (status, headers, body) = received.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let answer = Answer::new(what, status, headers, String::from_utf8_lossy(&body).into_owned());
        for line in answer.headers.get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        answer.check();
        answer
    }

    fn keep(&self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.to_ascii_lowercase().contains("max-age=0") {
            self.jar().remove(name);
        } else {
            self.set_cookie(name, value);
        }
    }
}

/// `fields` as a browser sends them.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// `request` with `body` as its form.
pub fn as_form(request: RequestBuilder, body: &str) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.to_owned())
}
