//! What an act changed, field by field.

use serde_json::Value;

use super::display::Long;
use crate::web::escape::{PageBudget, weight};

/// Fields deeper than this are shown as the JSON that they are in.
const DEEPEST: usize = 6;
/// Characters of a value that stand in the table.
const SHOWN: usize = 200;

/// One field that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its way through the objects: `settings.build.command`.
    pub field: String,
    pub before: FieldValue,
    /// As it became.
    pub after: FieldValue,
}

/// A value as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldValue {
    /// What stands there; nothing for a field that was not there.
    pub text: String,
    pub more: Option<Long>,
}

impl FieldValue {
    fn new(value: Option<&Value>) -> Self {
        let text = match value {
            None | Some(Value::Null) => return Self::default(),
            Some(Value::String(text)) if text.trim().is_empty() => format!("{text:?}"),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(list)) if !list.is_empty() && list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            Some(nested @ (Value::Object(_) | Value::Array(_))) => {
                serde_json::to_string_pretty(nested).unwrap_or_default()
            }
            Some(plain) => plain.to_string(),
        };
        let length = text.chars().count();
        if length <= SHOWN {
            return Self { text, more: None };
        }
        let head = text.chars().take(SHOWN).collect();
        Self { text: head, more: Some(Long { label: format!("Show all {length} characters"), text }) }
    }
}

/// The fields that differ, in their order: of `before` first, then what came with `after`.
#[must_use]
pub fn between(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    collect(&mut changes, "", before, after, 0);
    changes
}

/// As many of `changes` as there is `room` for, whole values only where there is room for those too, and how many are
/// left out.
#[must_use]
pub fn within(changes: Vec<Change>, room: &mut PageBudget) -> (Vec<Change>, usize) {
    const ROW: usize = 200;
    let all = changes.len();
    let mut shown: Vec<Change> = Vec::new();
    for mut change in changes {
        let texts = [&change.field, &change.before.text, &change.after.text];
        if !room.take(ROW + texts.into_iter().map(|text| weight(text)).sum::<usize>()) {
            break;
        }
        for value in [&mut change.before, &mut change.after] {
            if let Some(more) = &value.more
                && !room.take(ROW + weight(&more.text))
            {
                value.more = None;
                value.text.push('…');
            }
        }
        shown.push(change);
    }
    let left_out = all - shown.len();
    (shown, left_out)
}

fn collect(
    changes: &mut Vec<Change>,
    field: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    depth: usize,
) {
    let some = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    if before == after || (!some(before) && !some(after)) {
        return;
    }
    let (old, new) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
    let nests = match (old, new) {
        (Some(old), Some(new)) => !old.is_empty() || !new.is_empty(),
        (Some(one), None) => !some(after) && !one.is_empty(),
        (None, Some(one)) => !some(before) && !one.is_empty(),
        (None, None) => false,
    };
    if !nests || depth == DEEPEST {
        let field = if field.is_empty() { "value" } else { field };
        let (before, after) = (FieldValue::new(before), FieldValue::new(after));
        changes.push(Change { field: field.to_owned(), before, after });
        return;
    }
    let names = old.into_iter().flat_map(|old| old.keys());
    let added = new.into_iter().flat_map(|new| new.keys());
    let added = added.filter(|name| old.is_none_or(|old| !old.contains_key(*name)));
    for name in names.chain(added) {
        let inner = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        let (was, is) = (old.and_then(|old| old.get(name)), new.and_then(|new| new.get(name)));
        collect(changes, &inner, was, is, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<(String, String, String)> {
        let changes = between(Some(before), Some(after));
        changes.into_iter().map(|c| (c.field, c.before.text, c.after.text)).collect()
    }

    fn row(field: &str, before: &str, after: &str) -> (String, String, String) {
        (field.to_owned(), before.to_owned(), after.to_owned())
    }

    #[test]
    fn only_what_differs_is_told_by_its_way_through_the_objects() {
        let before = json!({ "name": "shop", "type": "rust", "settings": { "build": { "command": "make", "jobs": 2 }, "x": null },
            "description": null, "gone": true });
        let after = json!({ "name": "store", "type": "rust", "settings": { "build": { "command": "just", "jobs": 2 } },
            "description": "", "new": [1] });
        assert_eq!(
            told(&before, &after),
            [
                row("name", "shop", "store"),
                row("settings.build.command", "make", "just"),
                row("description", "", "\"\""),
                row("gone", "true", ""),
                row("new", "", "[\n  1\n]"),
            ]
        );
    }

    #[test]
    fn what_came_to_be_and_what_went_is_told_by_field_too() {
        let after = json!({ "name": "shop", "settings": { "a": 1 }, "none": null, "empty": {} });
        assert_eq!(
            told(&Value::Null, &after),
            [row("name", "", "shop"), row("settings.a", "", "1"), row("empty", "", "{}")]
        );
        assert_eq!(
            told(&json!({ "settings": { "a": 1 } }), &json!({ "settings": null })),
            [row("settings.a", "1", "")]
        );
        assert_eq!(between(None, None), []);
        assert_eq!(told(&json!("a"), &json!("b")), [row("value", "a", "b")]);
        assert_eq!(
            told(&json!({ "a": 1 }), &json!({ "a": { "b": 1 } })),
            [row("a", "1", "{\n  \"b\": 1\n}")]
        );
    }

    #[test]
    fn a_list_of_texts_is_shown_as_its_lines() {
        assert_eq!(FieldValue::new(Some(&json!(["type=a", "q=b"]))).text, "type=a\nq=b");
        assert_eq!(FieldValue::new(Some(&json!([]))).text, "[]");
        assert_eq!(FieldValue::new(Some(&json!(["a", 1]))).text, "[\n  \"a\",\n  1\n]");
    }

    #[test]
    fn a_long_value_is_cut_and_kept_whole_beside_it() {
        let value = FieldValue::new(Some(&json!("é".repeat(5_000))));
        assert_eq!(value.text.chars().count(), SHOWN);
        let more = value.more.unwrap();
        assert_eq!((more.label.as_str(), more.text.chars().count()), ("Show all 5000 characters", 5_000));
    }

    #[test]
    fn nothing_is_so_deep_that_it_breaks_the_page() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        let changes = between(None, Some(&deep));
        assert_eq!((changes.len(), changes[0].field.as_str()), (1, "a.a.a.a.a.a"));
    }
}
