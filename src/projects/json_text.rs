//! JSON typed into a form: what is broken is shown where it is, and nothing is changed in silence.
//!
//! `serde_json` says whether the text is JSON. It takes the last of two equal keys without a word, and
//! PostgreSQL refuses some texts and numbers that JSON allows; [`scan`] finds those in the same text.

use std::collections::HashSet;

use serde_json::Value;

/// The longest text, in bytes.
const LONGEST: usize = 64 * 1024;
/// How deep objects and arrays may stand in each other.
const DEEPEST: usize = 32;
/// The longest number, in characters, and its largest exponent: PostgreSQL writes numbers out in full.
const LONGEST_NUMBER: usize = 100;
const LARGEST_EXPONENT: i32 = 300;
/// How many repeated keys are named.
const MOST_NAMED: usize = 5;
/// How much of a line is shown before and after its broken place.
const SHOWN: usize = 48;

/// A JSON object typed into a form.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonText(Value);

/// Why a text can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenJson {
    /// A sentence for the field.
    pub what: String,
    /// Where, unless it is the whole.
    pub place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The line, or the part of it around the place.
    pub excerpt: String,
    /// How many characters stand before the place in `excerpt`.
    pub indent: usize,
}

impl JsonText {
    /// Checks `text`; empty means an empty object. Numbers keep every digit that was typed.
    ///
    /// # Errors
    /// What is broken, and where.
    pub fn parse(text: &str) -> Result<Self, BrokenJson> {
        if text.trim().is_empty() {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        if text.len() > LONGEST {
            return Err(whole(format!("Use at most {} kB.", LONGEST / 1024)));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let start =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            at(text, start + error.column().saturating_sub(1), &said(&error.to_string()))
        })?;
        if !value.is_object() {
            return Err(whole("Enter a JSON object, { … }.".to_owned()));
        }
        scan(text)?;
        Ok(Self(value))
    }

    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

fn whole(what: String) -> BrokenJson {
    BrokenJson { what, place: None }
}

/// `what` at the byte `offset` of `text`, with the line and column in front.
fn at(text: &str, offset: usize, what: &str) -> BrokenJson {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |length| offset + length);
    let (line, column) = (text[..offset].matches('\n').count() + 1, text[start..offset].chars().count() + 1);
    let cut = (column - 1).saturating_sub(SHOWN);
    let shown = text[start..end].trim_end_matches('\r').chars().skip(cut).take(2 * SHOWN);
    // One column each, so that the mark below stands where it belongs.
    let mut excerpt: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut indent = column - 1 - cut;
    if cut > 0 {
        excerpt.insert(0, '…');
        indent += 1;
    }
    BrokenJson {
        what: format!("Line {line}, column {column}: {what}."),
        place: Some(Place { line, column, excerpt, indent }),
    }
}

/// What `serde_json` found, in words for people.
fn said(error: &str) -> String {
    let known = [
        ("EOF while parsing a string", "the text ends inside of quotes"),
        ("EOF while parsing", "the text ends before everything is closed"),
        ("key must be a string", "a key stands in double quotes"),
        ("expected value", "a value is expected here"),
        ("expected ident", "only true, false and null stand without quotes"),
        ("trailing comma", "there is a comma, and nothing after it"),
        ("trailing characters", "something stands after the end"),
        ("control character", "a line break or tab in quotes is written as \\n or \\t"),
        ("recursion limit", "this stands too deep"),
    ];
    let words = known.iter().find(|(theirs, _)| error.starts_with(theirs)).map(|(_, ours)| *ours);
    words.unwrap_or_else(|| error.split(" at line").next().unwrap_or_default()).to_owned()
}

/// Looks through `text`, which is JSON, for what is lost or refused later.
fn scan(text: &str) -> Result<(), BrokenJson> {
    // The keys of each open object; none for an array.
    let mut open: Vec<Option<HashSet<String>>> = Vec::new();
    let mut repeated: Vec<(usize, String)> = Vec::new();
    let (mut offset, mut key_is_next) = (0, false);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(offset) {
        let begins = offset;
        offset += 1;
        match byte {
            b'{' | b'[' => {
                open.push((*byte == b'{').then(HashSet::new));
                key_is_next = *byte == b'{';
                if open.len() > DEEPEST {
                    return Err(at(text, begins, &format!("use at most {DEEPEST} levels")));
                }
            }
            b'}' | b']' => {
                open.pop();
                key_is_next = false;
            }
            b',' => key_is_next = open.last().is_some_and(Option::is_some),
            b':' => key_is_next = false,
            b'"' => {
                offset = end_of_string(bytes, offset);
                let string: String = serde_json::from_str(&text[begins..offset]).unwrap_or_default();
                if string.contains('\0') {
                    return Err(at(text, begins, "the database can't hold a NUL character"));
                }
                if key_is_next
                    && let Some(Some(keys)) = open.last_mut()
                    && !keys.insert(string.clone())
                {
                    repeated.push((begins, string));
                }
            }
            b'-' | b'0'..=b'9' => {
                offset = begins + number_length(&bytes[begins..]);
                if is_excessive(&text[begins..offset]) {
                    return Err(at(text, begins, "this number is too long to be kept as it is"));
                }
            }
            _ => {}
        }
    }
    match repeated.first() {
        None => Ok(()),
        Some((first, _)) => Err(at(text, *first, &twice(&repeated))),
    }
}

/// Where the string that begins before `offset` ends, behind its closing quote.
fn end_of_string(bytes: &[u8], mut offset: usize) -> usize {
    while let Some(byte) = bytes.get(offset) {
        match byte {
            b'"' => return offset + 1,
            b'\\' => offset += 2,
            _ => offset += 1,
        }
    }
    bytes.len()
}

fn number_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count()
}

fn is_excessive(number: &str) -> bool {
    let exponent = number.split_once(['e', 'E']).map(|(_, exponent)| exponent.parse::<i32>());
    let fits = exponent.is_none_or(|read| read.is_ok_and(|e| e.abs() <= LARGEST_EXPONENT));
    number.len() > LONGEST_NUMBER || !fits
}

fn twice(repeated: &[(usize, String)]) -> String {
    let mut names: Vec<String> = Vec::new();
    for (_, key) in repeated {
        let name = format!("“{}”", key.chars().filter(|c| !c.is_control()).take(60).collect::<String>());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let verb = if names.len() == 1 { "key comes" } else { "keys come" };
    let more = if names.len() > MOST_NAMED { " and others" } else { "" };
    names.truncate(MOST_NAMED);
    format!("the {verb} twice in one object: {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> BrokenJson {
        JsonText::parse(text).expect_err(text)
    }

    #[test]
    fn an_object_is_taken_with_its_numbers_as_they_are_written() {
        assert_eq!(JsonText::parse(" \r\n ").unwrap().value().to_string(), "{}");
        let text = r#"{"price":1.10,"big":12345678901234567890123,"small":1e-7,"zero":-0.0}"#;
        assert_eq!(JsonText::parse(text).unwrap().value().to_string(), text);
        for other in ["[1]", "1", "null", "\"{}\""] {
            assert_eq!(broken(other).place, None, "{other}");
        }
    }

    #[test]
    fn a_broken_place_is_shown_with_its_line() {
        let found = broken("{\"a\": 1,\r\n\t}");
        assert_eq!(found.what, "Line 2, column 2: there is a comma, and nothing after it.");
        assert_eq!(found.place, Some(Place { line: 2, column: 2, excerpt: " }".into(), indent: 1 }));
        let found = broken("{\"ü🛥️\": x}").place.unwrap();
        assert_eq!(found.excerpt.chars().nth(found.indent), Some('x'), "{found:?}");
        let long = format!("{{\"a\": \"{}\" x, \"b\": 1}}", "ü".repeat(300));
        let found = broken(&long).place.unwrap();
        assert_eq!(found.excerpt.chars().nth(found.indent), Some('x'), "{found:?}");
        assert!(found.excerpt.chars().count() <= 2 * SHOWN + 1);
        for text in [
            "{",
            "{\"a",
            "{a: 1}",
            "{}{}",
            "{\"a\": \"\u{1}\"}",
            "{\"a\": 01}",
            "\u{feff}{}",
            "{\"a\": \"\\ud800\"}",
        ] {
            assert!(broken(text).place.is_some(), "{text}");
        }
    }

    #[test]
    fn keys_that_come_twice_are_named() {
        let found = broken(r#"{"a": 1, "b": {"c": 1, "\u0063": 2}, "a": 3, "a": 4}"#);
        assert_eq!(found.what, "Line 1, column 24: the keys come twice in one object: “c”, “a”.");
        let fine = r#"{"a": {"a": 1}, "b": [{"a": "a"}, {"a": "a\",\"a"}], "A": ["a", "a"]}"#;
        assert!(JsonText::parse(fine).is_ok());
    }

    #[test]
    fn what_the_database_cannot_hold_is_refused_where_it_stands() {
        assert!(broken(r#"{"a": "\u0000"}"#).what.starts_with("Line 1, column 7"));
        assert!(JsonText::parse(r#"{"a": "\\u0000"}"#).is_ok(), "a backslash and some letters");
        for text in [r#"{"a": 1e301}"#, r#"{"a": 1e99999999999}"#, &format!("{{\"a\": {}}}", "9".repeat(101))]
        {
            assert!(broken(text).what.contains("number"), "{text}");
        }
        assert!(JsonText::parse(r#"{"a": 1e300, "b": -2E-300}"#).is_ok());
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(JsonText::parse(&nested(DEEPEST)).is_ok());
        assert!(broken(&nested(DEEPEST + 1)).what.contains("levels"));
        assert!(broken(&nested(2_000)).what.contains("deep"));
        assert!(broken(&format!("{{\"a\": \"{}\"}}", "x".repeat(LONGEST))).what.contains("64 kB"));
    }
}
