//! One message for the next page, in an encrypted cookie that the next page removes.
//!
//! A browser may keep a cookie that it was told to remove, or hand it to another. So the message itself says for whose
//! session it is and until when, and a secret that comes with it is marked as shown in the database.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, CookieJar, SameSite};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::display::Tone;
use crate::app::App;
use crate::db::SecretHash;
use crate::http::{cookies, session_store};

/// What is said on the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The sentence.
    pub text: String,
    pub tone: Tone,
    /// A secret address that is shown this once.
    pub link: Option<SecretLink>,
    /// Where a POST takes it back.
    pub undo_url: Option<String>,
    /// The hash of the session that it is for; none for somebody who is not signed in.
    session: Option<String>,
    /// Epoch milliseconds; nothing before it is left.
    until: i64,
}

/// A one-time link on its way to the page that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretLink {
    /// What the address holds that nobody else knows.
    pub secret: String,
    /// The id of the user whose password it sets.
    pub user: String,
    /// Scheme, host and port as the browser knows them.
    pub base: String,
}

/// How long a message waits for its page.
const KEPT: TimeDelta = TimeDelta::minutes(2);

impl Flash {
    /// Something was done.
    #[must_use]
    pub fn good(text: impl Into<String>) -> Self {
        Self::new(text.into(), Tone::Good)
    }

    /// Something was not done.
    #[must_use]
    pub fn bad(text: impl Into<String>) -> Self {
        Self::new(text.into(), Tone::Bad)
    }

    /// Something happened meanwhile.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(text.into(), Tone::Warning)
    }

    fn new(text: String, tone: Tone) -> Self {
        Self { text, tone, link: None, undo_url: None, session: None, until: 0 }
    }

    /// Shows itself in the session with this hash and in no other.
    #[must_use]
    pub fn for_session(mut self, session: &SecretHash) -> Self {
        self.session = Some(session.as_str().to_owned());
        self
    }

    /// Offers to take it back by a POST to `url`, when there is one.
    #[must_use]
    pub fn with_undo(mut self, url: Option<String>) -> Self {
        self.undo_url = url;
        self
    }

    /// Shows `link` with the message, this once.
    #[must_use]
    pub fn with_link(mut self, link: SecretLink) -> Self {
        self.link = Some(link);
        self
    }
}

fn name(app: &App) -> String {
    cookies::flash_name(&app.config)
}

fn cookie(app: &App, value: String) -> Cookie<'static> {
    Cookie::build(name(app), value)
        .path("/")
        .http_only(true)
        .secure(!app.config.insecure_cookies)
        .same_site(SameSite::Lax)
        .max_age(Duration::minutes(KEPT.num_minutes()))
        .finish()
}

/// Whether `request` came with a flash cookie, readable or not.
#[must_use]
pub fn waits(app: &App, request: &HttpRequest) -> bool {
    request.cookie(&name(app)).is_some()
}

/// The message that waits for this page.
#[must_use]
pub fn waiting(app: &App, request: &HttpRequest) -> Option<Flash> {
    let mut jar = CookieJar::new();
    let name = name(app);
    jar.add_original(request.cookie(&name)?);
    let plain = jar.private(&cookies::key(app)).get(&name)?;
    let flash: Flash = serde_json::from_str(plain.value()).ok()?;
    let session = session_store::credential(request);
    let is_theirs = flash.session.as_deref() == session.as_ref().map(SecretHash::as_str);
    (is_theirs && app.clock.now_ms() < flash.until).then_some(flash)
}

/// Leaves `flash` for the next page.
pub fn leave(app: &App, response: &mut HttpResponse, flash: &Flash) {
    let until = (app.clock.now() + KEPT).timestamp_millis();
    let Ok(json) = serde_json::to_string(&Flash { until, ..flash.clone() }) else { return };
    let mut jar = CookieJar::new();
    jar.private_mut(&cookies::key(app)).add(cookie(app, json));
    for cookie in jar.delta() {
        if let Err(error) = response.add_cookie(cookie) {
            tracing::error!(%error, "a flash message could not be left");
        }
    }
}

/// Removes a message that has been shown.
pub fn clear(app: &App, response: &mut HttpResponse) {
    let mut gone = cookie(app, String::new());
    gone.make_removal();
    if let Err(error) = response.add_cookie(&gone) {
        tracing::error!(%error, "a flash message could not be removed");
    }
}
