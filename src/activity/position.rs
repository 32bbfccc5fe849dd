//! Where a page of the timeline ends and the next one begins: the last row's time, source and id.
//!
//! A cursor is a bare position. It names no filter and grants nothing: row-level security decides what
//! lies on either side of it, so a foreign or an old cursor is harmless, and a page's address stays right.
//! Written as text it is safe in an address without further escaping, and each position has exactly one text.

use std::fmt;
use std::str::FromStr;

/// The longest text that is read as a cursor, in bytes.
const LONGEST: usize = 2_048;

/// Which side of its position a page lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Older.
    Before,
    /// Newer.
    After,
}

impl Direction {
    /// What an address calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The text is no cursor that the console writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the timeline")]
pub struct NotACursor;

/// Which table a row of the timeline comes from. The order of the variants is the timeline's order among
/// rows of the same millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `turbobackend.project_actions`
    Action,
    /// `"ActivityLog"`
    Audit,
    /// `pilothouse.engine_events`
    Engine,
    /// `"ActivityEvent"` and `pilothouse.operations`
    Event,
}

impl Source {
    /// Every source, in the timeline's order.
    pub const ALL: [Self; 4] = [Self::Action, Self::Audit, Self::Engine, Self::Event];

    /// What an entry's key in a timeline names: `event:ID`, `audit:ID`, `engine:ID` or `action:ID`; a bare id is an action's.
    #[must_use]
    pub fn of_key(key: &str) -> (Self, &str) {
        let named = key.split_once(':').and_then(|(word, id)| {
            Self::ALL.into_iter().find(|source| source.as_str() == word).map(|source| (source, id))
        });
        named.unwrap_or((Self::Action, key))
    }

    /// `action`, `audit`, `engine` or `event`: sorts like the variants.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Audit => "audit",
            Self::Engine => "engine",
            Self::Event => "event",
        }
    }

    /// Reads [`Source::as_str`].
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }

    fn letter(self) -> &'static str {
        match self {
            Self::Action => "a",
            Self::Audit => "l",
            Self::Engine => "n",
            Self::Event => "e",
        }
    }
}

/// A position in the timeline. Positions compare as rows do, older first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineCursor {
    /// The row's time in epoch milliseconds.
    pub ms: i64,
    /// The row's table.
    pub source: Source,
    /// The row's id.
    pub id: String,
}

impl TimelineCursor {
    /// The position before every row of the millisecond `ms`, and after every row that is older.
    #[must_use]
    pub fn start_of(ms: i64) -> Self {
        // No id is shorter or sorts lower: PostgreSQL holds no NUL, and ids are never empty.
        Self { ms, source: Source::Action, id: "\u{1}".to_owned() }
    }

    /// The row as `data-activity` names it: `ID`, `event:ID`, `audit:ID`, `engine:ID`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.source {
            Source::Action => self.id.clone(),
            source => format!("{}:{}", source.as_str(), self.id),
        }
    }
}

impl fmt::Display for TimelineCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.ms, self.source.letter(), Escaped(&self.id))
    }
}

impl FromStr for TimelineCursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let [ms, letter, id] = parts(text)?;
        let source = Source::ALL.into_iter().find(|source| source.letter() == letter).ok_or(NotACursor)?;
        Ok(Self { ms: number(ms)?, source, id: unescape(id)? })
    }
}

fn parts(text: &str) -> Result<[&str; 3], NotACursor> {
    if text.len() > LONGEST {
        return Err(NotACursor);
    }
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(first), Some(second), Some(third), None) => Ok([first, second, third]),
        _ => Err(NotACursor),
    }
}

/// Only the form that the console writes: no plus sign, no leading zeros, no minus zero.
fn number(text: &str) -> Result<i64, NotACursor> {
    let value: i64 = text.parse().map_err(|_| NotACursor)?;
    if value.to_string() == text { Ok(value) } else { Err(NotACursor) }
}

/// What stands for itself; everything else is written as `~` and two hexadecimal digits a byte.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if is_plain(byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "~{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// An id is never empty, and PostgreSQL holds no NUL.
fn unescape(text: &str) -> Result<String, NotACursor> {
    if text.is_empty() {
        return Err(NotACursor);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'~' => {
                let high = rest.next().and_then(hex_digit).ok_or(NotACursor)?;
                let low = rest.next().and_then(hex_digit).ok_or(NotACursor)?;
                let escaped = high * 16 + low;
                if escaped == 0 || is_plain(escaped) {
                    return Err(NotACursor);
                }
                bytes.push(escaped);
            }
            plain if is_plain(plain) => bytes.push(plain),
            _ => return Err(NotACursor),
        }
    }
    String::from_utf8(bytes).map_err(|_| NotACursor)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator: the same texts in each run.
    struct Texts(u64);

    impl Texts {
        fn number(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0 >> 16
        }

        fn text(&mut self, from: &[char]) -> String {
            let length = 1 + self.number() % 24;
            (0..length).map(|_| from[usize::try_from(self.number()).unwrap() % from.len()]).collect()
        }
    }

    #[test]
    fn every_position_survives_its_text_which_needs_no_escaping_in_an_address() {
        let alphabet: Vec<char> = "aZ09-_.~:%/ +&=?#\u{202e}é漢🚢\n\"'".chars().collect();
        let mut texts = Texts(7);
        for _ in 0..5_000 {
            let ms = i64::from_ne_bytes((texts.number() << 20 ^ texts.number()).to_ne_bytes());
            let source = Source::ALL[usize::try_from(texts.number() % 4).unwrap()];
            let cursor = TimelineCursor { ms, source, id: texts.text(&alphabet) };
            let text = cursor.to_string();
            assert!(text.bytes().all(|b| is_plain(b) || b == b'.' || b == b'~'), "{text}");
            assert_eq!(text.parse(), Ok(cursor));
        }
    }

    #[test]
    fn whatever_is_read_is_written_the_same_way() {
        let alphabet: Vec<char> = "ae019-.~ts_lf%".chars().collect();
        let (mut texts, mut read) = (Texts(11), 0);
        for _ in 0..50_000 {
            let text = format!("{}.a.{}", texts.number() % 100, texts.text(&alphabet));
            if let Ok(cursor) = text.parse::<TimelineCursor>() {
                assert_eq!(cursor.to_string(), text);
                read += 1;
            }
        }
        assert!(read > 1_000, "the texts must not all be refused: {read}");
    }

    #[test]
    fn garbage_is_refused() {
        let long = format!("1.a.{}", "x".repeat(LONGEST));
        for bad in [
            "",
            ".",
            "..",
            "1.a",
            "1.a.",
            "1.a.x.y",
            "1.b.x",
            "1.A.x",
            "+1.a.x",
            "01.a.x",
            "-0.a.x",
            "1e3.a.x",
            " 1.a.x",
            "9223372036854775808.a.x",
            "1.a.~",
            "1.a.~4",
            "1.a.~41",
            "1.a.~2E",
            "1.a.~zz",
            "1.a.~00",
            "1.a.~ff",
            "1.a.é",
            "1.a.x y",
            "1.a.x%20",
            &long,
        ] {
            assert_eq!(bad.parse::<TimelineCursor>(), Err(NotACursor), "{bad}");
        }
    }

    #[test]
    fn positions_compare_by_time_then_source_then_id() {
        let mut cursors: Vec<TimelineCursor> =
            ["2.a.a", "1.e.z", "1.n.a", "1.l.b", "1.l.a", "1.a.c", "-1.e.z"]
                .map(|text| text.parse().unwrap())
                .into();
        cursors.sort();
        let texts: Vec<String> = cursors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["-1.e.z", "1.a.c", "1.l.a", "1.l.b", "1.n.a", "1.e.z", "2.a.a"]);
    }
}
