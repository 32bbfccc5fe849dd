//! What an audit entry must not repeat: values whose name says that they are a secret.
//!
//! The log is append-only, so what gets into it stays. A project's settings may hold a token; the log says that
//! it was changed, and not to what.

use serde_json::Value;

/// Stands for a secret that stayed as it was, or that only one side has.
pub const HIDDEN: &str = "[hidden]";
/// Stands for a secret that became another one.
pub const HIDDEN_CHANGED: &str = "[hidden, changed]";

/// Parts of names whose texts are secrets.
const SECRET: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "credential",
    "authorization",
];

fn is_secret(name: &str, value: &Value) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    // A number of tokens is no token.
    let can_hold_one = matches!(value, Value::String(_) | Value::Object(_) | Value::Array(_));
    can_hold_one
        && *value != HIDDEN
        && *value != HIDDEN_CHANGED
        && SECRET.iter().any(|word| name.contains(word))
}

/// Hides the secrets of what was `before` and what is `after`. Doing it twice changes nothing more.
pub fn hide(before: Option<&mut Value>, after: Option<&mut Value>) {
    match (before, after) {
        (Some(before), Some(after)) => hide_both(before, after),
        (Some(one), None) | (None, Some(one)) => hide_one(one),
        (None, None) => {}
    }
}

fn hide_both(before: &mut Value, after: &mut Value) {
    if let (Value::Object(old), Value::Object(new)) = (&mut *before, &mut *after) {
        for (name, value) in new.iter_mut() {
            match old.get_mut(name) {
                Some(was) if is_secret(name, was) && is_secret(name, value) => {
                    let word = if was == value { HIDDEN } else { HIDDEN_CHANGED };
                    *was = HIDDEN.into();
                    *value = word.into();
                }
                Some(was) if !is_secret(name, was) && !is_secret(name, value) => hide_both(was, value),
                _ => {}
            }
        }
    }
    // Lists, and names that one side alone has.
    hide_one(before);
    hide_one(after);
}

fn hide_one(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                if is_secret(name, value) {
                    *value = HIDDEN.into();
                } else {
                    hide_one(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide_one),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_hidden_and_its_change_is_told() {
        let mut before = json!({ "name": "shop", "settings": { "API_KEY": "a", "Access-Token": "x", "old_password": "p",
            "list": [{ "secret": "s" }], "credentials": { "user": "u" } } });
        let mut after = json!({ "name": "store", "settings": { "API_KEY": "b", "Access-Token": "x",
            "list": [{ "secret": "t" }], "credentials": { "user": "v" } } });
        hide(Some(&mut before), Some(&mut after));
        let expected = (
            json!({ "name": "shop", "settings": { "API_KEY": "[hidden]", "Access-Token": "[hidden]", "old_password": "[hidden]",
                "list": [{ "secret": "[hidden]" }], "credentials": "[hidden]" } }),
            json!({ "name": "store", "settings": { "API_KEY": "[hidden, changed]", "Access-Token": "[hidden]",
                "list": [{ "secret": "[hidden]" }], "credentials": "[hidden, changed]" } }),
        );
        assert_eq!((&before, &after), (&expected.0, &expected.1));
        hide(Some(&mut before), Some(&mut after));
        assert_eq!((before, after), expected, "once is enough");
    }

    #[test]
    fn what_only_sounds_like_a_secret_stays() {
        let mut value = json!({ "max_tokens": 100, "password_set": true, "author": "ada", "secret": null });
        let before = value.clone();
        hide(None, Some(&mut value));
        assert_eq!(value, before);
    }
}
