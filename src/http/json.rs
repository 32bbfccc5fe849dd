//! JSON that programs send, strictly: what would be lost or refused later is refused here, in words.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use tokio::sync::OwnedSemaphorePermit;

use super::bodies;
use crate::app::App;
use crate::error::AppError;

/// The largest body, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

/// A JSON body, and the SHA-256 of its bytes.
#[derive(Debug)]
pub struct Json {
    pub value: Value,
    pub hash: [u8; 32],
    /// Room among the large bodies, for as long as this one is in memory.
    _room: Option<OwnedSemaphorePermit>,
}

impl FromRequest for Json {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload).into_inner();
        let request = request.clone();
        Box::pin(async move {
            let unreadable = || AppError::BadRequest("The body can't be read.".to_owned());
            let payload = payload.map_err(|_| unreadable())?;
            let app = request.app_data::<web::Data<App>>().ok_or_else(unreadable)?;
            if !is_json(&request) {
                return Err(AppError::NotJson);
            }
            let body = bodies::read(&request, payload, LARGEST, &app.large_bodies).await?;
            let value = parse(&body.bytes).map_err(AppError::BadRequest)?;
            let (bytes, room) = body.into_parts();
            Ok(Self { value, hash: <sha2::Sha256 as sha2::Digest>::digest(&bytes).into(), _room: room })
        })
    }
}

/// Whether the body is said to be JSON. It has no charset but UTF-8.
fn is_json(request: &HttpRequest) -> bool {
    let mut lines = request.headers().get_all(header::CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(line) = line.to_str() else { return false };
    let kind = line.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json"
}

/// Reads `bytes` as one JSON text.
///
/// # Errors
/// What is wrong and where, in a sentence.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let (what, place) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
        let place = if place.is_empty() { String::new() } else { format!(" (line {place})") };
        format!("The body is not the JSON that can be taken: {what}{place}.")
    })?;
    Ok(value)
}

/// What stands for a number's key while `serde_json` hands on its digits.
const NUMBER: &str = "$serde_json::private::Number";
/// The longest number, in characters, and its largest exponent: PostgreSQL writes numbers out in full.
const LONGEST_NUMBER: usize = 100;
const LARGEST_EXPONENT: u32 = 300;

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        if text.contains('\0') {
            return Err(E::custom("a text holds the character U+0000"));
        }
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if key == NUMBER {
                return number(&fields.next_value::<String>()?).map_err(A::Error::custom);
            }
            if key.contains('\0') {
                return Err(A::Error::custom("a key holds the character U+0000"));
            }
            let Strict(value) = fields.next_value()?;
            if map.contains_key(&key) {
                let key: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format!("the key {key:?} comes twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

fn number(digits: &str) -> Result<Value, String> {
    let exponent = digits.find(['e', 'E']).map(|at| digits[at + 1..].trim_start_matches(['+', '-']));
    let fits = exponent.is_none_or(|text| text.parse::<u32>().is_ok_and(|size| size <= LARGEST_EXPONENT));
    if digits.len() > LONGEST_NUMBER || !fits {
        return Err("a number is too long or too large".to_owned());
    }
    if digits == "-0" {
        return Ok(0.into());
    }
    digits.parse::<Number>().map(Value::Number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_or_refused_later_is_refused() {
        for bad in [
            "",
            "{\"a\":1,}",
            "{\"a\":1}{\"b\":2}",
            "\u{FEFF}{}",
            "{\"a\":1,\"a\":2}",
            "[{\"b\":{\"a\":1,\"a\":2}}]",
            "\"\\u0000\"",
            "{\"\\u0000\":1}",
            "1e301",
            "\"\\ud800\"",
            "NaN",
            "'a'",
            "{\"$serde_json::private::Number\":\"x\"}",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"\"\xff\"").is_err() && parse(&b"{".repeat(10_000)).is_err());
        assert!(parse(&b"[".repeat(100_000)).is_err(), "as deep as the stack");
        let twice = parse(b"{\n \"tenant\": \"A\", \"tenant\": \"B\"}").unwrap_err();
        assert!(twice.contains("\"tenant\" comes twice") && twice.contains("line 2"), "{twice}");
    }

    #[test]
    fn numbers_keep_every_digit() {
        let text = "{\"a\":[9007199254740993,12345678901234567890.5,0,1e+2,-7],\"b\":null,\"c\":true}";
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(parse(b"-0").unwrap(), 0);
    }
}
