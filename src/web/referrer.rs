//! Who sent a visitor here: what `?ref=` and `?source=` say waits in a signed cookie until something begins.

use actix_web::cookie::CookieJar;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::http::cookies;
use crate::http::query::Query;
use crate::referrals::{Attribution, Hop};

/// How long it waits.
const KEPT_DAYS: i64 = 30;

/// What is known of who sent this browser; nothing for one that asks not to be followed (Global Privacy Control).
#[must_use]
pub fn waiting(app: &App, request: &HttpRequest) -> Attribution {
    if asks_for_privacy(request) {
        return Attribution::default();
    }
    let mut jar = CookieJar::new();
    let name = cookies::referrer_name(&app.config);
    let Some(cookie) = request.cookie(&name) else { return Attribution::default() };
    jar.add_original(cookie);
    let plain = jar.signed(&cookies::key(app)).get(&name);
    plain.and_then(|cookie| serde_json::from_str(cookie.value()).ok()).unwrap_or_default()
}

/// Keeps what the address of `request` says for later; a page that was asked for by such a link calls it.
pub fn keep(app: &App, request: &HttpRequest, query: &Query, response: &mut HttpResponse) {
    let Some(hop) = Hop::read(query.first("ref"), query.first("source")) else { return };
    if asks_for_privacy(request) {
        return;
    }
    let known = waiting(app, request);
    let followed = known.clone().followed(hop);
    if followed == known {
        return;
    }
    let Ok(json) = serde_json::to_string(&followed) else { return };
    let mut jar = CookieJar::new();
    let name = cookies::referrer_name(&app.config);
    jar.signed_mut(&cookies::key(app)).add(cookies::lasting(&app.config, name, json, KEPT_DAYS));
    for cookie in jar.delta() {
        if let Err(error) = response.add_cookie(cookie) {
            tracing::error!(%error, "who sent a visitor was not kept");
        }
    }
}

/// `Sec-GPC: 1`
fn asks_for_privacy(request: &HttpRequest) -> bool {
    request.headers().get("sec-gpc").is_some_and(|value| value.as_bytes() == b"1")
}
