//! What templates show: everything is computed here, so that they only compare and print.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::urls::external;

/// A state in words, with the icon and tone that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// The word.
    pub label: String,
    pub tone: Tone,
}

impl Badge {
    #[must_use]
    pub fn new(icon: &'static str, label: impl Into<String>, tone: Tone) -> Self {
        Self { icon, label: label.into(), tone }
    }
}

/// What a state or a message means at a glance; `data-tone` in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    Good,
    Busy,
    Warning,
    Bad,
    Neutral,
}

impl Tone {
    #[must_use]
    pub fn is_neutral(self) -> bool {
        self == Self::Neutral
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        })
    }
}

/// A number of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteSize {
    /// "12.4 kB"
    pub short: String,
    /// "12,400 bytes"
    pub exact: String,
}

impl ByteSize {
    /// `bytes` for people, in steps of a thousand. Less than none is nothing that a file can have.
    #[must_use]
    pub fn new(bytes: i64) -> Self {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        let exact = format!("{} bytes", grouped(bytes));
        if bytes < 1000 {
            let short = if bytes < 0 { "—".to_owned() } else { format!("{bytes} B") };
            return Self { short, exact: if bytes == 1 { "1 byte".to_owned() } else { exact } };
        }
        // Tenths are enough, and whole numbers know no rounding errors.
        let mut unit = 1_i64;
        let mut name = "";
        for next in UNITS {
            if !name.is_empty() && bytes / unit < 1000 {
                break;
            }
            unit = unit.saturating_mul(1000);
            name = next;
        }
        let (whole, tenth) = (bytes / unit, bytes % unit / (unit / 10));
        let short = if whole < 100 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") };
        Self { short, exact }
    }
}

/// `number` with a comma before each three digits.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `text` with what can't be seen, or turns around what stands beside it, written out: a name of a file is
/// read as it is.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        let is_hidden = character.is_control()
            || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
                | '\u{061C}' | '\u{FEFF}');
        // It joins emoji, and letters of some scripts.
        if is_hidden && character != '\u{200D}' {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// The first `length` characters of `text`, and whether there are more.
#[must_use]
pub fn beginning(text: &str, length: usize) -> (&str, bool) {
    if text.len() <= length {
        // Each character has a byte at least.
        return (text, false);
    }
    text.char_indices().nth(length).map_or((text, false), |(end, _)| (text.get(..end).unwrap_or(text), true))
}

/// `text`, or its first `length` characters and an ellipsis.
#[must_use]
pub fn in_short(text: &str, length: usize) -> String {
    match beginning(text, length) {
        (shown, true) => format!("{shown}…"),
        (whole, false) => whole.to_owned(),
    }
}

/// Characters of a fact, and of one under a title: workers store what they like.
const FACT_SHOWN: usize = 600;
const META_SHOWN: usize = 300;

/// `count` with the right form of its noun: "1 entry", "2 entries".
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// A labelled address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is called.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

impl Link {
    #[must_use]
    pub fn new(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), url: url.into() }
    }
}

/// A quiet fact under a page's title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The fact.
    pub label: String,
    /// Where it leads, if anywhere.
    pub url: Option<String>,
}

impl Meta {
    /// A fact that leads nowhere.
    #[must_use]
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: in_short(&label.into(), META_SHOWN), url: None }
    }

    /// A fact that leads to `url`.
    #[must_use]
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::text(label) }
    }
}

/// One line of a list of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub value: String,
    /// Where the value leads, if anywhere.
    pub url: Option<String>,
    /// Whether it is an id or the like.
    pub mono: bool,
    /// Whether people copy it.
    pub copied: bool,
}

impl Fact {
    /// A fact in words.
    #[must_use]
    pub fn text(label: impl Into<String>, value: impl Into<String>) -> Self {
        let (label, value) = (in_short(&label.into(), FACT_SHOWN), in_short(&value.into(), FACT_SHOWN));
        Self { label, value, url: None, mono: false, copied: false }
    }

    /// An id, a port, an image.
    #[must_use]
    pub fn mono(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { mono: true, ..Self::text(label, value) }
    }

    /// What a thing is called by programs, to copy.
    #[must_use]
    pub fn id(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { copied: true, ..Self::mono(label, value) }
    }

    /// A fact whose value leads to `url`.
    #[must_use]
    pub fn link(label: impl Into<String>, value: impl Into<String>, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::text(label, value) }
    }
}

impl Fact {
    /// An address that somebody else wrote: it leads there only when that is safe.
    #[must_use]
    pub fn address(label: impl Into<String>, text: &str) -> Self {
        Self { url: external(text), ..Self::text(label, text) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its word.
    pub label: &'static str,
    /// Where it leads.
    pub url: String,
    /// Whether it is shown.
    pub current: bool,
}

/// One option of a select, radio group or list of boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    pub chosen: bool,
}

impl Choice {
    /// The option `value`, chosen when `current` says so.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>, current: &str) -> Self {
        let value = value.into();
        Self { chosen: value == current, label: label.into(), value }
    }
}

/// One active filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// What it says.
    pub label: String,
    /// The page without it.
    pub remove_url: String,
}

/// The active filters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chips {
    pub items: Vec<Chip>,
    /// The page without any.
    pub clear_url: String,
}

/// The way to the neighbouring pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pager {
    /// What is shown: "50 entries, more".
    pub shown: String,
    /// The first page.
    pub first: Option<String>,
    /// The last page, where it is known.
    pub last: Option<String>,
    /// The page before.
    pub newer: Option<String>,
    /// The page after.
    pub older: Option<String>,
}

/// A button of a page's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonLink {
    /// Its verb.
    pub label: String,
    /// Where it leads.
    pub url: String,
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
}

/// A field that a form carries along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenField {
    pub name: String,
    pub value: String,
}

/// Whether a text may change the direction of the words beside it: it holds letters that are written from right to left,
/// or characters that turn direction and nothing else.
#[must_use]
pub fn turns_direction(text: impl AsRef<str>) -> bool {
    let text = text.as_ref();
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(c,
                '\u{590}'..='\u{8ff}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_exact() {
        for (bytes, short, exact) in [
            (0, "0 B", "0 bytes"),
            (1, "1 B", "1 byte"),
            (999, "999 B", "999 bytes"),
            (1_000, "1.0 kB", "1,000 bytes"),
            (12_400, "12.4 kB", "12,400 bytes"),
            (999_999, "999 kB", "999,999 bytes"),
            (1_000_000, "1.0 MB", "1,000,000 bytes"),
            (i64::MAX, "9.2 EB", "9,223,372,036,854,775,807 bytes"),
            (-7, "—", "-7 bytes"),
        ] {
            let size = ByteSize::new(bytes);
            assert_eq!((size.short.as_str(), size.exact.as_str()), (short, exact));
        }
    }

    #[test]
    fn what_can_not_be_seen_is_written_out() {
        assert_eq!(visible("invoice\u{202e}gpj.exe"), "invoice\\u{202e}gpj.exe");
        assert_eq!(visible("a\nb\t"), "a\\u{a}b\\u{9}");
        assert_eq!(visible("名前 🦀 👩\u{200d}💻 é"), "名前 🦀 👩\u{200d}💻 é");
        assert_eq!(beginning("äöü", 2), ("äö", true));
        assert_eq!(beginning("äöü", 3), ("äöü", false));
    }

    #[test]
    fn what_is_written_from_right_to_left_or_turns_direction_is_known() {
        for turning in ["\u{202e}exe", "a\u{2067}b", "שלום", "x مرحبا", "\u{200f}"] {
            assert!(turns_direction(turning), "{turning:?}");
        }
        for plain in ["shop-api", "", "Ünïcödé — 名前 🦀 👩\u{200d}💻", "“quoted”…"] {
            assert!(!turns_direction(plain), "{plain:?}");
        }
    }
}
