//! One message for the next page, in an encrypted cookie that the next page removes.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, CookieJar, SameSite};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::cookies;
use crate::app::App;

/// What is said on the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The sentence.
    pub text: String,
    /// `good`, `warning` or `bad`.
    pub tone: String,
    /// A secret address that is shown this once.
    pub link: Option<String>,
}

impl Flash {
    /// Something was done.
    #[must_use]
    pub fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: "good".to_owned(), link: None }
    }

    /// Something was not done.
    #[must_use]
    pub fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: "bad".to_owned(), link: None }
    }

    /// Shows `link` with the message, this once.
    #[must_use]
    pub fn with_link(mut self, link: String) -> Self {
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
        .max_age(Duration::minutes(2))
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
    serde_json::from_str(plain.value()).ok()
}

/// Leaves `flash` for the next page.
pub fn leave(app: &App, response: &mut HttpResponse, flash: &Flash) {
    let Ok(json) = serde_json::to_string(flash) else { return };
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
