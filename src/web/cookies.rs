//! What the console's cookies are called.
//!
//! Cookies know no ports: two consoles on one host would take each other's, so the names tell them apart. All
//! instances of one console share their secret key, and with it the names.

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, CookieJar, Key};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use sha2::{Digest, Sha256, Sha512};

use crate::app::{App, hex};
use crate::config::{Config, Secret};

/// The key of all cookies, from the secret that all instances share.
#[must_use]
pub fn key(app: &App) -> Key {
    Key::from(&Sha512::digest(format!("pilothouse cookies {}", secret(&app.config))))
}

fn secret(config: &Config) -> &str {
    config.secret_key.as_ref().map(Secret::reveal).unwrap_or_default()
}

/// The session cookie's name before consoles were told apart. A session that it carries lives on until its end.
fn earlier_session_name(config: &Config) -> &'static str {
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

/// Takes a session cookie with the earlier name for one with today's, if this console signed it; once an answer
/// sets or removes the session, the earlier cookie goes. One that another console signed is left alone.
///
/// # Errors
/// Whatever the inner service answers.
pub async fn take_earlier_name<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else { return next.call(request).await };
    let (earlier, name) = (earlier_session_name(&app.config), session_name(&app.config));
    let signed_here = |value: &str| is_signed(&key(&app), earlier, value);
    let Some(value) = value_of(request.headers(), earlier).filter(|value| signed_here(value)) else {
        return next.call(request).await;
    };
    if value_of(request.headers(), &name).is_none()
        && let Ok(renamed) = HeaderValue::from_str(&format!("{name}={value}"))
    {
        request.headers_mut().append(header::COOKIE, renamed);
    }
    let mut response = next.call(request).await?;
    let is_replaced = response.response().cookies().any(|cookie| cookie.name() == name);
    if is_replaced {
        let mut gone = Cookie::build(earlier, "")
            .path("/")
            .http_only(true)
            .secure(!app.config.insecure_cookies)
            .same_site(actix_web::cookie::SameSite::Lax)
            .finish();
        gone.make_removal();
        response.response_mut().add_cookie(&gone)?;
    }
    Ok(response)
}

/// The first value of the cookie `name`, as it goes over the wire.
fn value_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

fn is_signed(key: &Key, name: &str, value: &str) -> bool {
    let Ok(cookie) = Cookie::parse_encoded(format!("{name}={value}")) else { return false };
    let mut jar = CookieJar::new();
    jar.add_original(cookie.into_owned());
    jar.signed(key).get(name).is_some()
}
