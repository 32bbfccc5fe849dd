//! Requests that change something must come from this console's own pages.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`. No token is
//! needed in any form. A request with a session cookie and neither header is refused: no browser that
//! the console supports sends one.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use url::Url;

use super::cookies;
use crate::app::App;
use crate::error::AppError;

/// Lets a request pass, or answers 403.
pub async fn check<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if names_another_host(&request) {
        let refusal = AppError::BadRequest(TWO_HOSTS.to_owned()).error_response();
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe {
        let app = request.app_data::<web::Data<App>>();
        let base = app.and_then(|app| app.config.base_url.as_ref());
        let cookie = app.is_some_and(|app| request.cookie(&cookies::session_name(&app.config)).is_some());
        // Pages elsewhere may ask the assistant: whoever talks sends a secret, and cookies count for nothing there.
        let is_open = request.path().starts_with("/api/assistant/");
        // No site makes a browser send a token to another one, and a cookie beside it counts for nothing.
        let by_token =
            request.path().starts_with("/api/") && request.headers().contains_key(header::AUTHORIZATION);
        if !by_token
            && !is_open
            && let Err(reason) = judge(request.headers(), base, cookie)
        {
            let refusal = AppError::Forbidden(reason).error_response();
            return Ok(request.into_response(refusal).map_into_right_body());
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

const TWO_HOSTS: &str = "The request names two hosts: one in its first line, another in its Host header.";

/// Whether a whole address in the first line contradicts the Host header.
fn names_another_host(request: &ServiceRequest) -> bool {
    let host = request.headers().get(header::HOST).map(HeaderValue::as_bytes);
    let named = request.uri().authority().map(|named| named.as_str().as_bytes());
    named.zip(host).is_some_and(|(named, host)| !named.eq_ignore_ascii_case(host))
}

const FOREIGN: &str = "This request came from another site. Open the console's own page and try again.";
const UNPROVEN: &str = "This request carries a session but does not say where it comes from. A script sends an Origin header with the \
     console's address. When this is a page of the console, a proxy has taken Origin and Sec-Fetch-Site away.";
const NAMELESS: &str = "The browser does not say which page this came from (Origin: null). Over plain HTTP that is what \
     it says when a proxy in front of the console adds Referrer-Policy: no-referrer. Remove that header there, or \
     serve the console over HTTPS.";
const TWICE: &str =
    "This request says more than once where it comes from. Open the console's own page and try again.";

fn judge(headers: &HeaderMap, base: Option<&Url>, has_cookie: bool) -> Result<(), String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if ["sec-fetch-site", "origin"].iter().any(|name| headers.get_all(*name).count() > 1) {
        return Err(TWICE.to_owned());
    }
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), _) | (Some("none"), None) => Ok(()),
        (Some("none") | None, Some("null")) => Err(NAMELESS.to_owned()),
        (Some("none") | None, Some(origin)) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            if is_own(origin, base, host) { Ok(()) } else { Err(elsewhere(origin, base, host)) }
        }
        (Some(_), _) => Err(FOREIGN.to_owned()),
        (None, None) if has_cookie => Err(UNPROVEN.to_owned()),
        (None, None) => Ok(()),
    }
}

/// The two addresses that should be one: behind a proxy it shows which of them is set wrongly.
fn elsewhere(origin: &str, base: Option<&Url>, host: &str) -> String {
    let own = match base {
        Some(base) => format!("{} (PILOTHOUSE_BASE_URL)", base.origin().ascii_serialization()),
        None => format!("{} (the Host header)", short(host)),
    };
    format!(
        "This request came from a page at {}, and the console is at {own}. Open it there and try again.",
        short(origin)
    )
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

fn is_own(origin: &str, base: Option<&Url>, host: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if let Some(base) = base {
        return origin.origin() == base.origin();
    }
    // Without a configured address the scheme is unknown (a proxy may end TLS), the host is not.
    let Ok(own) = Url::parse(&format!("{}://{host}", origin.scheme())) else { return false };
    matches!(origin.scheme(), "http" | "https") && origin.origin() == own.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    fn judged(pairs: &[(&'static str, &'static str)], base: Option<&str>, cookie: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("console.example:8080"));
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        judge(&headers, base.map(|base| Url::parse(base).unwrap()).as_ref(), cookie).is_ok()
    }

    #[test]
    fn the_browsers_own_word_comes_first() {
        for (site, allowed) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            assert_eq!(judged(&[("sec-fetch-site", site)], None, true), allowed, "{site}");
        }
        assert!(!judged(
            &[("sec-fetch-site", "cross-site"), ("origin", "http://console.example:8080")],
            None,
            true
        ));
    }

    #[test]
    fn what_is_said_twice_or_against_itself_is_refused() {
        let own = ("origin", "http://console.example:8080");
        let foreign = ("origin", "http://evil.example");
        assert!(judged(&[("sec-fetch-site", "none"), own], None, true));
        for pairs in [
            vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            vec![own, foreign],
            vec![own, own],
            vec![("sec-fetch-site", "none"), foreign],
            vec![("sec-fetch-site", "none"), ("origin", "null")],
            vec![("sec-fetch-site", "Same-Origin")],
        ] {
            assert!(!judged(&pairs, None, true), "{pairs:?}");
            assert!(!judged(&pairs, None, false), "{pairs:?}");
        }
    }

    #[test]
    fn an_origin_must_be_our_own() {
        for (origin, allowed) in [
            ("http://console.example:8080", true),
            ("https://console.example:8080", true),
            ("http://console.example", false),
            ("http://evil.example:8080", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(judged(&[("origin", origin)], None, true), allowed, "{origin}");
        }
    }

    #[test]
    fn with_a_configured_address_the_scheme_counts() {
        let base = Some("https://console.example:8080");
        assert!(judged(&[("origin", "https://console.example:8080")], base, true));
        assert!(!judged(&[("origin", "http://console.example:8080")], base, true));
    }

    #[test]
    fn a_session_without_any_proof_is_refused_and_a_script_without_one_is_not() {
        assert!(!judged(&[], None, true));
        assert!(judged(&[], None, false));
    }
}
