//! What a row says under its sentence, when that is more than the sentence says.

use super::display::Long;
use crate::activity::timeline::Entry;
use crate::web::display::beginning;

/// Characters of a detail that stand in the list.
const SHOWN: usize = 240;
/// Characters of a detail that a timeline reads.
const MOST: usize = 2_000;

/// The second line of `entry`, and the whole of a long one.
#[must_use]
pub fn of(entry: &Entry) -> (Option<String>, Option<Long>) {
    let Some(stored) = entry.details.as_deref().filter(|text| says_more(text, entry)) else {
        return (None, None);
    };
    let text = stored.trim();
    let (head, is_long) = beginning(text, SHOWN);
    if !is_long {
        return (Some(text.to_owned()).filter(|text| !text.is_empty()), None);
    }
    let is_cut = stored.chars().count() >= MOST;
    let length = text.chars().count();
    // The timeline brings that many at most; the entry's own page has the rest.
    let label = if is_cut {
        format!("Show the first {length} characters")
    } else {
        format!("Show all {length} characters")
    };
    (Some(head.to_owned()), Some(Long { label, text: text.to_owned() }))
}

/// How an entry begins in one line, for lists that have no room for more.
#[must_use]
pub fn in_short(entry: &Entry, length: usize) -> Option<String> {
    let line = entry.details.as_deref().filter(|text| says_more(text, entry))?;
    Some(crate::web::display::in_short(line, length)).filter(|line| !line.is_empty())
}

/// Whether `text` has a word that the row does not have already.
fn says_more(text: &str, entry: &Entry) -> bool {
    const WORDLESS: [&str; 16] = [
        "a",
        "an",
        "the",
        "to",
        "of",
        "in",
        "on",
        "from",
        "by",
        "was",
        "is",
        "has",
        "been",
        "successfully",
        "project",
        "new",
    ];
    let known = format!("{} {}", entry.plain(), entry.kind.label()).to_lowercase();
    let known: Vec<&str> = words(&known).collect();
    let text = text.to_lowercase();
    words(&text).any(|word| !known.contains(&word) && !WORDLESS.contains(&word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !"-_.#/@".contains(c))
        .map(|word| word.trim_matches(['.', '-']))
        .filter(|word| !word.is_empty())
}
