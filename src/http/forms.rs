//! Forms: strict in what they take, and they keep what was typed.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::error::AppError;

/// The largest form, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// A URL-encoded body read into `F`. Fields that `F` does not name are ignored; a field that comes twice,
/// a broken escape, invalid UTF-8 or a NUL is a 400.
#[derive(Debug, Clone)]
pub struct Form<F>(pub F);

impl<F: DeserializeOwned + 'static> FromRequest for Form<F> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = is_plain_form(request);
        let declared: Option<u64> = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        let body = web::Payload::from_request(request, payload).into_inner();
        let request = request.clone();
        Box::pin(async move {
            if declared.is_some_and(|length| length > LARGEST as u64) {
                return Err(AppError::TooLarge);
            }
            let body = body.map_err(|_| AppError::BadRequest(UNREADABLE.to_owned()))?;
            let bytes = match body.to_bytes_limited(LARGEST).await {
                Err(_) => return Err(AppError::TooLarge),
                Ok(Err(_)) => return Err(AppError::BadRequest(UNREADABLE.to_owned())),
                Ok(Ok(bytes)) => bytes,
            };
            if !is_form && !bytes.is_empty() {
                return Err(AppError::UnsupportedMediaType);
            }
            request.extensions_mut().insert(Sent(bytes.clone()));
            decode(&bytes).map(Self).map_err(AppError::BadRequest)
        })
    }
}

/// The form of a request, as it came.
struct Sent(web::Bytes);

/// What was typed into a form that was not taken, to be sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// Names and values that may be shown.
    pub kept: Vec<(String, String)>,
    /// Names of what is not kept, because nobody else may read it: it has to be typed again.
    pub secrets: Vec<String>,
}

/// Parts of names whose values are never shown again.
const SECRET: [&str; 5] = ["password", "passphrase", "secret", "token", "credential"];

/// What was typed into the form of `request`; nothing without one.
#[must_use]
pub fn sent(request: &HttpRequest) -> Option<Typed> {
    let bytes = request.extensions().get::<Sent>().map(|sent| sent.0.clone())?;
    let is_secret =
        |(name, _): &(String, String)| SECRET.iter().any(|word| name.to_lowercase().contains(word));
    // One that was left empty is no secret, and need not be typed again.
    let is_secret = |pair: &(String, String)| is_secret(pair) && !pair.1.is_empty();
    let (secrets, kept): (Vec<_>, Vec<_>) = pairs(&bytes).ok()?.into_iter().partition(is_secret);
    Some(Typed { kept, secrets: secrets.into_iter().map(|(name, _)| name).collect() })
}

/// Whether the body is said to be a URL-encoded form in UTF-8 that is not packed (or nothing is said).
fn is_plain_form(request: &HttpRequest) -> bool {
    let is = |name, allowed: &dyn Fn(&str) -> bool| {
        request.headers().get_all(name).all(|value| value.to_str().is_ok_and(allowed))
    };
    let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other);
    is(header::CONTENT_ENCODING, &|coding| same(coding, "identity"))
        && is(header::CONTENT_TYPE, &|value| {
            let mut parts = value.split(';');
            parts.next().is_some_and(|kind| same(kind, "application/x-www-form-urlencoded"))
                && parts.all(|parameter| match parameter.split_once('=') {
                    Some((name, value)) if same(name, "charset") => {
                        same(value.trim().trim_matches('"'), "utf-8")
                    }
                    _ => true,
                })
        })
}

const UNREADABLE: &str = "The form did not arrive whole. Send it again.";

/// Reads `bytes` as URL-encoded pairs into `F`.
pub fn decode<F: DeserializeOwned>(bytes: &[u8]) -> Result<F, String> {
    let pairs = pairs(bytes)?;
    serde_urlencoded::from_bytes(bytes).map_err(|error| {
        let text = error.to_string();
        let twice =
            pairs.iter().enumerate().find(|(i, (key, _))| pairs[..*i].iter().any(|(other, _)| other == key));
        match twice {
            Some((_, (key, _))) if text.contains("duplicate") => format!("The field {key:?} came twice."),
            _ if text.contains("missing field") => {
                format!("The form is incomplete: it lacks {}.", text.trim_start_matches("missing field "))
            }
            _ => "A field of the form has a value of the wrong kind.".to_owned(),
        }
    })
}

/// The pairs of a URL-encoded text, strictly: no broken escape, no invalid UTF-8, no NUL.
pub fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        if digits.is_none() {
            return Err("A % in the address or form is not followed by two hexadecimal digits.".to_owned());
        }
        rest = &rest[at + 3..];
    }
    let mut pairs = Vec::new();
    for part in bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        let (key, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (&part[..at], &part[at + 1..]),
            None => (part, &[][..]),
        };
        pairs.push((text(key)?, text(value)?));
    }
    Ok(pairs)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
    let text =
        String::from_utf8(decoded).map_err(|_| "The address or form is not valid UTF-8.".to_owned())?;
    if text.contains('\0') {
        return Err("The address or form holds a NUL character.".to_owned());
    }
    Ok(text)
}

/// One field of a form as its page shows it: what was typed, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// What was typed; empty for secrets.
    pub value: String,
    /// What is wrong, a sentence each.
    pub errors: Vec<String>,
}

impl Field {
    /// A field that holds `value`.
    #[must_use]
    pub fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), errors: Vec::new() }
    }

    /// What the field holds: `stored` to the letter, when it came back as it was shown.
    #[must_use]
    pub fn or_untouched<'a>(&'a self, stored: Option<&'a str>) -> &'a str {
        stored.filter(|stored| is_untouched(&self.value, stored)).unwrap_or(&self.value)
    }

    /// Adds what is wrong.
    pub fn refuse(&mut self, error: impl Into<String>) {
        self.errors.push(error.into());
    }
}

/// Whether `sent` is what a field sends that showed `stored` and that nobody touched: browsers write line breaks in
/// their own way, and leave them out of a field of one line.
#[must_use]
pub fn is_untouched(sent: &str, stored: &str) -> bool {
    let without_breaks = |text: &'_ str| text.replace(['\r', '\n'], "");
    let with_one_kind = |text: &'_ str| text.replace("\r\n", "\n").replace('\r', "\n");
    sent == stored || with_one_kind(sent) == with_one_kind(stored) || sent == without_breaks(stored)
}

/// Whether `path` is a path of this console that a redirect may lead to, whatever a browser makes of
/// backslashes, tabs or a second slash.
#[must_use]
pub fn is_local_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    // Nobody decodes a query and takes what comes out for a place.
    let place = rest.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(place).decode_utf8_lossy();
    !rest.starts_with(['/', '\\'])
        && !decoded.starts_with(['/', '\\'])
        && !path.chars().any(|c| c.is_control() || c == '\\')
        && !decoded.chars().any(|c| c.is_control() || c == '\\')
        && path.len() <= 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Sample {
        name: String,
    }

    #[test]
    fn a_form_is_read_and_fields_that_it_does_not_name_are_ignored() {
        assert_eq!(decode::<Sample>(b"name=a+b%21&role=admin").unwrap(), Sample { name: "a b!".into() });
    }

    #[test]
    fn twice_broken_or_odd_is_refused() {
        for bad in ["name=a&name=b", "name=%zz", "name=%", "name=%ff", "name=%00", "other=x"] {
            assert!(decode::<Sample>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_field_that_comes_back_as_it_was_shown_is_untouched() {
        for (sent, stored) in [("", ""), ("a\r\nb", "a\nb"), ("ab", "a\nb"), ("a\r\n\r\nb", "a\r\n\rb")] {
            assert!(is_untouched(sent, stored), "{stored:?}");
        }
        for (sent, stored) in [("a", "b"), ("a b", "ab"), ("", "a"), ("a\nb", "ab"), ("a", "a ")] {
            assert!(!is_untouched(sent, stored), "{stored:?}");
        }
    }

    #[test]
    fn only_paths_of_this_console_are_followed() {
        for good in ["/", "/projects?type=a&x=%2F", "/activity/a%2Fb", "/entries?id=a%5Cb%0A"] {
            assert!(is_local_path(good), "{good}");
        }
        for bad in [
            "",
            "//evil",
            "/\\evil",
            "https:evil",
            "/%2fevil",
            "/%2F%2Fevil",
            "/%09/evil",
            "/\t/evil",
            "javascript:x",
            "/%5cevil",
        ] {
            assert!(!is_local_path(bad), "{bad}");
        }
    }
}
