//! The security headers that every answer carries, errors, redirects and files included.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use crate::app::App;
use crate::runtime::Entropy;

/// The nonce of one answer's content security policy.
#[derive(Debug, Clone)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce of the answer to `request`.
    #[must_use]
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|nonce| nonce.0.clone()).unwrap_or_default()
    }
}

const FIXED: [(&str, &str); 9] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-permitted-cross-domain-policies", "none"),
];

/// Makes the nonce, and adds the headers to whatever comes back.
pub async fn secure<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let nonce = request.app_data::<web::Data<App>>().map(|app| app.entropy.nonce()).unwrap_or_default();
    request.extensions_mut().insert(Nonce(nonce.clone()));
    let mut response = next.call(request).await?;
    add(response.headers_mut(), &nonce);
    Ok(response)
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; \
         img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The answer to something that is no request that a handler could see: the same headers, no body, and the
/// connection ends. `status` is a code and its reason.
#[must_use]
pub fn bare_answer(status: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n");
    if status.starts_with("503") {
        text.push_str("retry-after: 2\r\n");
    }
    let fixed = FIXED.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let made =
        [("content-security-policy", policy(&Entropy.nonce())), ("cache-control", "no-store".to_owned())];
    for (name, value) in fixed.chain(made) {
        text.extend([name, ": ", &value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

pub fn add(headers: &mut HeaderMap, nonce: &str) {
    if let Ok(policy) = HeaderValue::from_str(&policy(nonce)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in FIXED {
        let name = HeaderName::from_static(name);
        // A page may be stricter: the address of a one-time link goes nowhere at all.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
