//! What the console's cookies are called.
//!
//! Cookies know no ports: two consoles on one host would take each other's, so the names tell them apart. All
//! instances of one console share their secret key, and with it the names.

use actix_session::{SessionExt, SessionStatus};
use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, CookieJar, Key, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use sha2::{Digest, Sha256, Sha512};

use super::session_store;
use crate::app::App;
use crate::auth::sessions;
use crate::config::Config;
use crate::db::{Actor, SecretHash};
use crate::error::AppError;
use crate::runtime::hex;
use crate::secret::Secret;

/// The key of all cookies, from the secret that all instances share.
#[must_use]
pub fn key(app: &App) -> Key {
    Key::from(&Sha512::digest(format!("pilothouse cookies {}", secret(&app.config))))
}

fn secret(config: &Config) -> &str {
    config.secret_key.as_ref().map(Secret::reveal).unwrap_or_default()
}

/// The session cookie's name before consoles were told apart. A session that it carries lives on until its end.
#[must_use]
pub fn earlier_session_name(config: &Config) -> &'static str {
    // The `__Host-` prefix makes browsers refuse a cookie from anywhere else.
    if config.insecure_cookies { "pilothouse" } else { "__Host-pilothouse" }
}

/// The session cookie's name.
#[must_use]
pub fn session_name(config: &Config) -> String {
    let digest = hex(&Sha256::digest(format!("pilothouse instance {}", secret(config))));
    format!("{}-{}", earlier_session_name(config), &digest[..6])
}

/// The name of the cookie with the message for the next page.
#[must_use]
pub fn flash_name(config: &Config) -> String {
    format!("{}-flash", session_name(config))
}

/// The name of the cookie with the secret of somebody who talks with the assistant without an account.
#[must_use]
pub fn guest_name(config: &Config) -> String {
    format!("{}-guest", session_name(config))
}

/// The name of the signed cookie that says who sent a visitor here.
#[must_use]
pub fn referrer_name(config: &Config) -> String {
    format!("{}-ref", session_name(config))
}

/// A cookie of this console under `name`, for so long.
#[must_use]
pub fn lasting(config: &Config, name: String, value: String, days: i64) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(!config.insecure_cookies)
        .same_site(SameSite::Lax)
        .max_age(actix_web::cookie::time::Duration::days(days))
        .finish()
}

/// A cookie with a session's token that this console signed.
struct Signed {
    /// As it goes over the wire.
    value: String,
    token: String,
    has_earlier_name: bool,
}

/// Lets at most one session through, under today's name. One that was begun under the earlier name goes on until it
/// ends. Of two under one name nobody can tell whose they are, so neither counts. Where an answer replaces or removes
/// the session, all that came with it end, and the earlier cookie goes. One that another console signed is left
/// alone.
pub async fn choose_session<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else { return next.call(request).await };
    let (signed, rest) = sessions_in(&app, request.headers());
    if signed.is_empty() {
        return next.call(request).await;
    }
    let has_todays = signed.iter().any(|cookie| !cookie.has_earlier_name);
    let mut candidates = signed.iter().filter(|cookie| cookie.has_earlier_name != has_todays);
    let chosen = candidates.next().filter(|first| candidates.all(|other| other.token == first.token));
    let value = chosen.map_or("", |cookie| &cookie.value);
    let line = format!("{}={value}{rest}", session_name(&app.config));
    if let Ok(line) = HeaderValue::from_bytes(line.as_bytes()) {
        request.headers_mut().insert(header::COOKIE, line);
    }
    let chosen = chosen.map(|cookie| cookie.token.clone());
    let mut response = next.call(request).await?;
    let status = response.request().get_session().status();
    if matches!(status, SessionStatus::Renewed | SessionStatus::Purged) {
        let others = signed.iter().filter(|cookie| chosen.as_ref() != Some(&cookie.token));
        end(&app, others.map(|cookie| SecretHash::of(&cookie.token)).collect()).await;
        if signed.iter().any(|cookie| cookie.has_earlier_name) {
            response.response_mut().add_cookie(&removal_of_earlier(&app.config))?;
        }
    }
    Ok(response)
}

/// The sessions that this console signed, and all other cookies, each behind a separator. Nothing when a line is no
/// text: then nobody finds a cookie there.
fn sessions_in(app: &App, headers: &HeaderMap) -> (Vec<Signed>, String) {
    let (today, earlier) = (session_name(&app.config), earlier_session_name(&app.config));
    let lines = headers.get_all(header::COOKIE).map(|line| std::str::from_utf8(line.as_bytes()));
    let lines: Result<Vec<&str>, _> = lines.collect();
    let mut signed = Vec::new();
    let mut rest = String::new();
    for pair in lines.unwrap_or_default().iter().flat_map(|line| line.split(';')).map(str::trim) {
        match pair.split_once('=') {
            Some((name, value)) if name == today || name == earlier => {
                signed.extend(token_in(app, value).map(|token| Signed {
                    value: value.to_owned(),
                    token,
                    has_earlier_name: name == earlier,
                }));
            }
            _ => rest.extend(["; ", pair]),
        }
    }
    (signed, rest)
}

/// What a session cookie's value holds when this console signed it.
fn token_in(app: &App, value: &str) -> Option<String> {
    let cookie = Cookie::parse_encoded(format!("session={value}")).ok()?;
    let cookie = CookieJar::new().signed(&key(app)).verify(cookie)?;
    session_store::is_token(cookie.value()).then(|| cookie.value().to_owned())
}

/// Ends sessions that a browser had beside the one that it was answered in.
async fn end(app: &App, sessions: Vec<SecretHash>) {
    if sessions.is_empty() {
        return;
    }
    let ended = app.db.write(&Actor::Gate, move |conn| {
        sessions.iter().try_for_each(|hash| sessions::end_by_token(conn, hash)).map_err(AppError::from)
    });
    if let Err(error) = ended.await {
        tracing::error!(%error, "sessions under an earlier cookie go on");
    }
}

fn removal_of_earlier(config: &Config) -> Cookie<'static> {
    let mut gone = Cookie::build(earlier_session_name(config), "")
        .path("/")
        .http_only(true)
        .secure(!config.insecure_cookies)
        .same_site(SameSite::Lax)
        .finish();
    gone.make_removal();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_key_and_tell_whether_they_need_https() {
        let config = |key: &str, insecure: &str| {
            let values = [("PILOTHOUSE_SECRET_KEY", key), ("PILOTHOUSE_INSECURE_COOKIES", insecure)];
            Config::from_values(values.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
                .unwrap()
        };
        let (one, other) = ("a key that is long enough for tests", "another key that is long enough, too");
        let name = session_name(&config(one, "false"));
        let mark = name.strip_prefix("__Host-pilothouse-").unwrap();
        assert!(mark.len() == 6 && mark.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        assert_eq!(session_name(&config(one, "true")), format!("pilothouse-{mark}"));
        assert_eq!(flash_name(&config(one, "true")), format!("pilothouse-{mark}-flash"));
        assert_eq!(flash_name(&config(one, "false")), format!("__Host-pilothouse-{mark}-flash"));
        assert_eq!(session_name(&config(one, "false")), name);
        assert_ne!(session_name(&config(other, "false")), name);
    }
}
