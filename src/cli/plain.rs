//! Other people's words on a line of the terminal.

use std::borrow::Cow;

/// `text` with every character written out that moves the cursor, begins a line, colours, hides or turns what stands
/// around it, so that a name is only a name: `\u{1b}`, `\n`, `\u{202e}`.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, line and paragraph separators, and what is invisible or turns the direction of writing.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_would_act_on_a_terminal_is_written_out_and_letters_stay() {
        assert_eq!(plain("Zoë \"größe\" 東京 \\d"), "Zoë \"größe\" 東京 \\d");
        assert_eq!(
            plain("a\nok    roles: fine\r\u{1b}[2K\u{9b}1A\u{202e}x\u{2028}\u{200b}\t"),
            "a\\nok    roles: fine\\r\\u{1b}[2K\\u{9b}1A\\u{202e}x\\u{2028}\\u{200b}\\t"
        );
    }
}
