//! How templates escape what they show (askama.toml names it): as askama does, but a text without a character
//! that HTML must escape is recognised by a table, and written in one piece. Almost all are such.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html as Askama};

/// Escapes for HTML, in texts and in quoted attributes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Html;

impl Escaper for Html {
    #[inline]
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        if is_plain(text) { dest.write_str(text) } else { Askama.write_escaped_str(dest, text) }
    }
}

/// How many bytes `text` takes in a page.
#[must_use]
pub fn weight(text: &str) -> usize {
    text.bytes().map(|byte| 1 + 4 * usize::from(SPECIAL[usize::from(byte)])).sum()
}

/// What is left of the bytes that a part of a page may take. Others store what they like; a page stays one that a
/// browser opens.
#[derive(Debug, Clone, Copy)]
pub struct PageBudget(usize);

impl PageBudget {
    /// Room for so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    /// Takes `bytes`, if there is room for them.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.0.checked_sub(bytes).map(|left| self.0 = left).is_some()
    }

    /// As much of the beginning of `text` as there is room for, and whether that is less than all.
    pub fn fit<'a>(&mut self, text: &'a str) -> (&'a str, bool) {
        if self.take(weight(text)) {
            return (text, false);
        }
        let mut end = 0;
        for (at, character) in text.char_indices() {
            let next = at + character.len_utf8();
            if !self.take(weight(text.get(at..next).unwrap_or_default())) {
                break;
            }
            end = next;
        }
        (text.get(..end).unwrap_or_default(), true)
    }
}

/// Whether askama writes `text` as it is.
fn is_plain(text: &str) -> bool {
    // Without an early end: a branch at each byte costs more than the bytes behind the first special one.
    text.bytes().fold(0, |found, byte| found | SPECIAL[usize::from(byte)]) == 0
}

/// 1 for each byte that HTML must escape.
const SPECIAL: [u8; 256] = {
    let mut table = [0; 256];
    table[b'"' as usize] = 1;
    table[b'&' as usize] = 1;
    table[b'\'' as usize] = 1;
    table[b'<' as usize] = 1;
    table[b'>' as usize] = 1;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_weighs_what_it_takes_in_a_page_and_is_cut_where_there_is_no_room() {
        for text in ["plain", "<b class=\"x\">'&'</b>", "é🚢"] {
            assert_eq!(weight(text), written(Html, text).len(), "{text}");
        }
        let mut room = PageBudget::of(12);
        assert_eq!(room.fit("ab"), ("ab", false));
        assert_eq!(room.fit("é<<"), ("é<", true));
        assert_eq!(room.fit("xyzé"), ("xyz", true));
        assert_eq!((room.fit("x"), room.fit("")), (("", true), ("", false)));
    }

    fn written(escaper: impl Escaper, text: &str) -> String {
        let mut html = String::new();
        escaper.write_escaped_str(&mut html, text).unwrap();
        html
    }

    #[test]
    fn every_character_is_escaped_as_askama_does_wherever_it_stands() {
        for character in ('\0'..='\u{17f}').chain(['\u{2028}', '\u{fffd}', '\u{1f980}']) {
            for before in [0, 1, 17] {
                for after in [0, 1, 17] {
                    let text = format!("{}{character}{}", "x".repeat(before), "y".repeat(after));
                    assert_eq!(written(Html, &text), written(Askama, &text), "{text:?}");
                }
            }
        }
        assert_eq!(written(Html, "1 < 2 & \"it's\" > 0"), "1 &#60; 2 &#38; &#34;it&#39;s&#34; &#62; 0");
    }
}
