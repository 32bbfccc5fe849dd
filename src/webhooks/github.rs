//! What GitHub sends, as far as it is used: everything may be missing, and texts are cut to what a record holds.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A delivery's JSON: the body as it is, or the `payload` of a form.
pub(super) fn payload(body: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return value.is_object().then_some(value);
    }
    let (_, payload) = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
    serde_json::from_str(&payload).ok().filter(Value::is_object)
}

/// A text at `path`, cut to `longest` characters; PostgreSQL holds no NUL.
pub(super) fn text(value: &Value, path: &[&str], longest: usize) -> Option<String> {
    let found = at(value, path);
    let text = match found {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text: String = text.chars().filter(|c| *c != '\0').take(longest).collect();
    (!text.is_empty()).then_some(text)
}

/// What stands at `path`; null where nothing does.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// A time, in epoch milliseconds: seconds in a push, RFC 3339 everywhere else.
pub(super) fn time(value: &Value, path: &[&str]) -> Option<i64> {
    match at(value, path) {
        Value::Number(seconds) => seconds.as_i64().and_then(|seconds| seconds.checked_mul(1_000)),
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis()),
        _ => None,
    }
    .filter(|ms| DateTime::<Utc>::from_timestamp_millis(*ms).is_some())
}

/// A commit's id that is not all zeros, which stands for none.
pub(super) fn sha(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path, 64).filter(|sha| sha.bytes().any(|byte| byte != b'0'))
}

/// The name behind `refs/heads/` or `refs/tags/`, and whether it is a tag's.
pub(super) fn branch_or_tag(git_ref: &str) -> (&str, bool) {
    match (git_ref.strip_prefix("refs/heads/"), git_ref.strip_prefix("refs/tags/")) {
        (Some(branch), _) => (branch, false),
        (None, Some(tag)) => (tag, true),
        (None, None) => (git_ref, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_delivery_is_read_as_json_and_as_a_form() {
        assert_eq!(payload(br#"{"zen":"x"}"#), Some(json!({"zen": "x"})));
        assert_eq!(payload(b"payload=%7B%22zen%22%3A%22a+b%22%7D"), Some(json!({"zen": "a b"})));
        for none in [&b"x"[..], b"", b"[]", b"5", b"payload=x", b"other=%7B%7D", b"\xff"] {
            assert_eq!(payload(none), None);
        }
    }

    #[test]
    fn parts_are_found_or_nothing() {
        let value = json!({"a": {"b": "te\u{0}xt", "n": 5, "zero": "0000", "s": 1_557_933_657, "t": "2019-05-15T15:20:55Z"}});
        assert_eq!(text(&value, &["a", "b"], 3).as_deref(), Some("tex"));
        assert_eq!(text(&value, &["a", "n"], 3).as_deref(), Some("5"));
        assert_eq!(text(&value, &["a", "x", "y"], 3), None);
        assert_eq!(sha(&value, &["a", "zero"]), None);
        assert_eq!(time(&value, &["a", "s"]), Some(1_557_933_657_000));
        assert_eq!(time(&value, &["a", "t"]), Some(1_557_933_655_000));
        assert_eq!(branch_or_tag("refs/heads/a/b"), ("a/b", false));
        assert_eq!(branch_or_tag("refs/tags/v1"), ("v1", true));
    }
}
