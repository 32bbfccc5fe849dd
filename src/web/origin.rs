//! Requests that change something must come from this console's own pages.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`. No token is
//! needed in any form. A request with a session cookie and neither header is refused: no browser that
//! the console supports sends one.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use url::Url;

use crate::app::App;
use crate::error::AppError;

/// Lets a request pass, or answers 403.
///
/// # Errors
/// Whatever the inner service answers.
pub async fn check<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe {
        let app = request.app_data::<web::Data<App>>();
        let base = app.and_then(|app| app.config.base_url.as_ref());
        let cookie = app.is_some_and(|app| request.cookie(app.config.cookie_name()).is_some());
        if let Err(reason) = judge(request.headers(), base, cookie) {
            let refusal = AppError::Forbidden(reason).error_response();
            return Ok(request.into_response(refusal).map_into_right_body());
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

const FOREIGN: &str = "This request came from another site. Open the console's own page and try again.";
const UNPROVEN: &str =
    "This request carries a session but does not say where it comes from. Send an Origin header.";

fn judge(headers: &HeaderMap, base: Option<&Url>, has_cookie: bool) -> Result<(), &'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin" | "none"), _) => Ok(()),
        (Some(_), _) => Err(FOREIGN),
        (None, Some(origin)) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            if is_own(origin, base, host) { Ok(()) } else { Err(FOREIGN) }
        }
        (None, None) if has_cookie => Err(UNPROVEN),
        (None, None) => Ok(()),
    }
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
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn judged(pairs: &[(&'static str, &'static str)], base: Option<&str>, cookie: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("console.example:8080"));
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
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
