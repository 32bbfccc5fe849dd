//! Fields of JSON that a program sent: each is taken as it should be, or told by its place.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::db::ids::UserId;
use crate::error::{AppError, FieldProblem};

/// Problems that one answer names.
const MOST_TOLD: usize = 50;

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    pub fn add(&mut self, field: String, detail: impl Into<String>) {
        if self.0.len() < MOST_TOLD {
            self.0.push(FieldProblem { field, detail: detail.into() });
        }
    }

    /// # Errors
    /// [`AppError::Fields`] when anything was wrong.
    pub fn check(self) -> Result<(), AppError> {
        if self.0.is_empty() { Ok(()) } else { Err(AppError::Fields(self.0)) }
    }
}

/// One object, and where it stands.
pub struct Fields<'a> {
    at: String,
    object: &'a Map<String, Value>,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// The object `value`, which stands at `at` (empty for the whole) and may have these fields and no other.
    pub fn of(at: &str, value: &'a Value, known: &[&str], problems: &'a mut Problems) -> Option<Self> {
        let Some(object) = value.as_object() else {
            problems
                .add(if at.is_empty() { "body".to_owned() } else { at.to_owned() }, "Send an object, { … }.");
            return None;
        };
        let fields = Self { at: at.to_owned(), object, problems };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let place = fields.place(&name.chars().take(60).collect::<String>());
            fields.problems.add(place, format!("There is no such field. Known are: {}.", known.join(", ")));
        }
        Some(fields)
    }

    fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.problems.add(self.place(name), detail);
    }

    /// What `name` holds; null is nothing.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A text of up to `longest` characters.
    pub fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.value(name)?;
        match value.as_str() {
            Some(text) if text.chars().count() <= longest => return Some(text.to_owned()),
            Some(_) => self.refuse(name, format!("Use at most {longest} characters.")),
            None => self.refuse(name, "Send a text."),
        }
        None
    }

    /// A text that has to be there and may not be empty.
    pub fn needed(&mut self, name: &str, longest: usize) -> String {
        if self.value(name).is_none() {
            self.refuse(name, "This field is needed.");
            return String::new();
        }
        let text = self.text(name, longest).unwrap_or_default();
        if self.object.get(name).and_then(Value::as_str) == Some("") {
            self.refuse(name, "This field may not be empty.");
        }
        text
    }

    /// An id that the sender made: it has to survive an address.
    pub fn id(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, 200)?;
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            self.refuse(name, "An id is a text of 1 to 200 characters without control characters.");
            return None;
        }
        Some(text)
    }

    /// One of the words in `known`.
    pub fn word(&mut self, name: &str, known: &[&str]) -> Option<String> {
        let text = self.text(name, 200)?;
        if known.contains(&text.as_str()) {
            return Some(text);
        }
        self.refuse(name, format!("This is not known here. Known are: {}.", known.join(", ")));
        None
    }

    /// A whole number within `range`.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(name)?;
        // JSON knows one kind of number: 40.0 is whole.
        let exact = |number: f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        let whole = || value.as_f64().filter(|number| exact(*number)).map(|number| number as i64);
        match value.as_i64().or_else(whole) {
            Some(number) if range.contains(&number) => return Some(number),
            _ => self.refuse(
                name,
                format!("Send a whole number from {} to {}, without quotes.", range.start(), range.end()),
            ),
        }
        None
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Option<Value> {
        let value = self.value(name)?;
        if !value.is_object() {
            self.refuse(name, "Send an object, { … }.");
            return None;
        }
        Some(value.clone())
    }

    /// Epoch milliseconds, or RFC 3339.
    pub fn time(&mut self, name: &str) -> Option<i64> {
        let value = self.value(name)?;
        let ms = match value {
            Value::Number(_) => value.as_i64(),
            Value::String(text) => {
                DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
            }
            _ => None,
        };
        // What a calendar can show.
        let ms = ms.filter(|ms| (-62_135_596_800_000..=253_402_300_799_999).contains(ms));
        if ms.is_none() {
            self.refuse(name, "Send a time as 2026-11-20T12:00:00Z or as milliseconds since 1970.");
        }
        ms
    }

    pub fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.time(name).and_then(DateTime::from_timestamp_millis)
    }

    /// A user, in the one writing of ids where it is one.
    pub fn user(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, 200)?;
        Some(text.parse::<UserId>().map_or(text, |id| id.to_string()))
    }
}
