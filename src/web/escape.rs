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
