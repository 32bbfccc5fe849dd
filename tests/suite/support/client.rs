//! A browser without a screen: keeps cookies, follows nothing, and proves where its forms come from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, redirect};
use tokio::runtime::Runtime;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::answer::Answer;

/// Requests of all tests, which are no futures themselves.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
});

/// See the module.
pub struct Client {
    /// Whose session it has; nil for nobody.
    pub user: Uuid,
    address: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Client {
    /// One without cookies, for the console at `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self { user: Uuid::nil(), address, cookies: Mutex::default() }
    }

    /// Another browser with the same cookies.
    pub fn twin(&self) -> Self {
        let cookies = self.jar().clone();
        Self { user: self.user, address: self.address, cookies: Mutex::new(cookies) }
    }

    /// Puts a cookie into the jar; `value` as it goes over the wire.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    /// A cookie as it goes over the wire.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The console's address with `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// GET `path`.
    pub fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
    }

    /// POST `fields` to `path` as this console's own page does.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(with_form(self.own_post(path), fields))
    }

    /// A POST with proof that it comes from this console's own page, to be filled.
    pub fn own_post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).header(ORIGIN, self.url(""))
    }

    /// A request with the jar's cookies and nothing else.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = HTTP.request(method, self.url(path));
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    /// Sends `request`, keeps the cookies that come back, and checks what holds for every answer.
    pub fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let what = format!("{} {}", request.method(), request.url());
        let answer = RUNTIME.block_on(async {
            let response = HTTP.execute(request).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            Answer::new(what, status, headers, body.to_vec())
        });
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

/// `request` with `fields` as a browser encodes them.
pub fn with_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}
