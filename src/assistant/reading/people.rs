//! Who it is for, and how whoever asks can be reached.

use super::text::Clause;
use super::words::AUDIENCE;
use crate::assistant::slots::Answer;
use crate::identity::Email;

/// Words that begin to tell who it is for.
const LEADS: [&str; 9] =
    ["for", "used by", "aimed at", "target", "targeting", "helps", "help", "users are", "audience is"];
/// Words that end it.
const STOPS: [&str; 36] = [
    "with",
    "that",
    "which",
    "who",
    "so",
    "in",
    "on",
    "by",
    "where",
    "to",
    "using",
    "within",
    "under",
    "and we",
    "budget",
    "including",
    "because",
    "from",
    "about",
    "at",
    "via",
    "when",
    "while",
    "up",
    "until",
    "before",
    "after",
    "without",
    "find",
    "book",
    "buy",
    "order",
    "manage",
    "track",
    "is",
    "it",
];

/// "small bakeries" in "an online shop for small bakeries with login".
#[must_use]
pub fn audience(clause: &Clause) -> Option<(std::ops::Range<usize>, Answer)> {
    for lead in LEADS {
        let length = lead.split(' ').count();
        for at in 0..clause.words.len() {
            if !clause.has_at(at, lead) || clause.is_negated(at) {
                continue;
            }
            let begins = at + length;
            let mut ends = begins;
            while let Some(word) = clause.words.get(ends) {
                let is_stop = STOPS.contains(&word.low.as_str())
                    || word.low == "and"
                        && clause.words.get(ends + 1).is_some_and(|next| !is_noun(&next.low))
                    || word.low.starts_with(|c: char| c.is_ascii_digit() || "€$£".contains(c))
                        && ends > begins;
                if is_stop || ends - begins >= 8 {
                    break;
                }
                ends += 1;
                if word.ends_part {
                    break;
                }
            }
            let words = &clause.words[begins..ends];
            let is_people = words.iter().any(|word| is_noun(&word.low));
            if is_people && !words.is_empty() {
                let text = words.iter().map(|word| word.written.as_str()).collect::<Vec<_>>().join(" ");
                return Some((begins..ends, Answer::full(text)));
            }
        }
    }
    None
}

fn is_noun(low: &str) -> bool {
    let low = low.strip_suffix("'s").unwrap_or(low);
    AUDIENCE.iter().any(|noun| {
        low == *noun
            || low.strip_prefix(noun).is_some_and(|rest| rest == "s" || rest == "es")
            || noun.strip_suffix('y').and_then(|stem| low.strip_prefix(stem)) == Some("ies")
    })
}

/// An e-mail address or a telephone number.
#[must_use]
pub fn contact(text: &str) -> Option<Answer> {
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| "<>()[]\"',;:!?".contains(c)).trim_end_matches('.');
        let word = word.strip_prefix("mailto:").unwrap_or(word);
        if word.contains('@') && word.contains('.') && Email::parse(word).is_ok() {
            return Some(Answer::full(word));
        }
    }
    phone(text).map(Answer::full)
}

/// "+49 30 1234567" in "call +49 30 1234567 in the morning": seven digits at least, with a plus or a leading zero.
fn phone(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let begins = characters[at] == '+' || characters[at] == '0';
        let is_inside = at > 0 && (characters[at - 1].is_alphanumeric() || ".,".contains(characters[at - 1]));
        if !begins || is_inside {
            at += 1;
            continue;
        }
        let rest = characters[at..].iter().take_while(|c| c.is_ascii_digit() || " +-/()".contains(**c));
        let number: String = rest.collect();
        let digits = number.chars().filter(char::is_ascii_digit).count();
        if (7..=15).contains(&digits) {
            return Some(number.trim().trim_end_matches(['-', '/', '(']).trim().to_owned());
        }
        at += number.chars().count().max(1);
    }
    None
}
