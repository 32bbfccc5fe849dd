//! A message as clauses of words, so that a keyword is a word and a "no" reaches as far as it does in speech.

/// So much of a message is read.
pub const LONGEST: usize = 2000;

/// One word: as it was written without the marks around it, and in small letters for looking up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub written: String,
    pub low: String,
    /// A comma or colon follows.
    pub ends_part: bool,
}

/// A sentence, or a line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    pub text: String,
    pub words: Vec<Word>,
}

/// `text` without what nobody sees: control characters, marks that turn text around, marks of Markdown.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars().take(LONGEST) {
        match character {
            '\n' | '\r' => plain.push('\n'),
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => {}
            '\t' | '\u{A0}' | '\u{202F}' | '\u{2009}' | '*' | '`' | '#' | '|' | '~' => plain.push(' '),
            '’' | '‘' => plain.push('\''),
            '“' | '”' | '„' => plain.push('"'),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    without_targets(&plain)
}

/// Of a link in Markdown its text.
fn without_targets(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("](") {
        kept.push_str(&before.replacen('[', "", 1));
        rest = after.split_once(')').map_or(after, |(_, rest)| rest);
    }
    kept.push_str(rest);
    kept
}

/// The clauses of a plain text.
#[must_use]
pub fn clauses(plain: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut current = String::new();
    let characters: Vec<char> = plain.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let before_gap = characters.get(at + 1).is_none_or(|next| next.is_whitespace());
        let ends = match character {
            '\n' | ';' => true,
            '.' | '!' | '?' => before_gap && !is_abbreviation(&current),
            _ => false,
        };
        if ends {
            clauses.extend(clause(&current));
            current.clear();
        } else {
            current.push(*character);
        }
    }
    clauses.extend(clause(&current));
    clauses
}

fn is_abbreviation(before: &str) -> bool {
    let last = before.rsplit(' ').next().unwrap_or_default().to_lowercase();
    ["e.g", "i.e", "approx", "etc", "max", "min", "incl", "mio", "st"].contains(&last.as_str())
}

fn clause(text: &str) -> Option<Clause> {
    let text = text.trim().trim_start_matches(['-', '•', '–', '>', '+']).trim();
    let words: Vec<Word> = text.split_whitespace().flat_map(words_of).collect();
    (!words.is_empty()).then(|| Clause { text: text.to_owned(), words })
}

/// "e-commerce" stays one word with a blank for the look-up tables; "and/or" is two.
fn words_of(token: &str) -> Vec<Word> {
    let parts: Vec<&str> =
        if token.contains("://") || token.contains('@') { vec![token] } else { token.split('/').collect() };
    let last = parts.len() - 1;
    let word = |(at, part): (usize, &&str)| {
        let written = part.trim_matches(|c: char| !c.is_alphanumeric() && !"€$£+".contains(c));
        let ends_part = at == last && part.ends_with([',', ':', ')']);
        (!written.is_empty()).then(|| Word {
            written: written.to_owned(),
            low: written.to_lowercase(),
            ends_part,
        })
    };
    parts.iter().enumerate().filter_map(word).collect()
}

impl Clause {
    /// Whether the words of `phrase` stand at `at`, the last one perhaps in its plural.
    #[must_use]
    pub fn has_at(&self, at: usize, phrase: &str) -> bool {
        let mut wanted = phrase.split(' ').peekable();
        let mut here = at;
        while let Some(part) = wanted.next() {
            let Some(word) = self.words.get(here) else { return false };
            let low = word.low.strip_suffix("'s").unwrap_or(&word.low);
            let is_plural = || {
                low.strip_prefix(part).is_some_and(|rest| rest == "s" || rest == "es")
                    || part.strip_suffix('y').and_then(|stem| low.strip_prefix(stem)) == Some("ies")
            };
            if low != part && !(wanted.peek().is_none() && is_plural()) {
                return false;
            }
            here += 1;
        }
        true
    }

    /// Whether `phrase` stands anywhere.
    #[must_use]
    pub fn has(&self, phrase: &str) -> bool {
        (0..self.words.len()).any(|at| self.has_at(at, phrase))
    }

    /// Whether a "no" before the word at `at` reaches it: it does not go over a comma or a "but", nor further than five
    /// words.
    #[must_use]
    pub fn is_negated(&self, at: usize) -> bool {
        let mut here = at;
        while here > 0 && at - here < 5 {
            here -= 1;
            let word = &self.words[here];
            // In "no login, no payments and search" the comma ends the no; "no login, payments or search" goes on.
            if word.ends_part && !self.goes_on_with_or(here, at) {
                return false;
            }
            match word.low.as_str() {
                "but" | "just" | "only" | "however" | "instead" => {
                    // "instead of a website" is a no, "but a website" is none.
                    let of = self.words.get(here + 1).is_some_and(|next| next.low == "of");
                    return word.low == "instead" && of;
                }
                "rather" if self.words.get(here + 1).is_some_and(|next| next.low == "than") => return true,
                "no" | "not" | "without" | "never" | "neither" | "nor" | "don't" | "doesn't" | "dont"
                | "won't" | "isn't" | "needn't" | "except" | "cannot" | "can't" | "drop" | "remove"
                | "forget" => {
                    let next = self.words.get(here + 1).map_or("", |next| &next.low);
                    let why = here > 0 && self.words[here - 1].low == "why";
                    return !why
                        && !matches!(next, "only" | "just" | "sure" | "more" | "less" | "hurry" | "rush");
                }
                _ => {}
            }
        }
        false
    }

    fn goes_on_with_or(&self, comma: usize, at: usize) -> bool {
        let after = &self.words[comma + 1..];
        let has_or = after.iter().take(4).any(|word| matches!(word.low.as_str(), "or" | "nor"));
        has_or && at - comma <= 4
    }
}

/// Whether a text is made of letters that the tables could know, and not of one endless word.
#[must_use]
pub fn is_readable(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    letters >= 2 && latin * 2 >= letters && text.split_whitespace().all(|word| word.chars().count() <= 60)
}

/// Whether a text is meant for a machine: code, markup, or orders to whoever reads it.
#[must_use]
pub fn is_for_machines(text: &str) -> bool {
    const MARKS: [&str; 23] = [
        "drop table",
        "select *",
        "delete from",
        "insert into",
        "union select",
        "<script",
        "<img",
        "{{",
        "${",
        "<?php",
        "or 1=1",
        "ignore your instructions",
        "ignore all",
        "ignore previous",
        "ignore the above",
        "disregard",
        "system prompt",
        "you are now",
        "act as",
        "jailbreak",
        "your instructions",
        "rm -rf",
        "../",
    ];
    let low = text.to_lowercase();
    MARKS.iter().any(|mark| low.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_a_number_or_an_address_ends_nothing() {
        let texts = |text: &str| clauses(&plain(text)).into_iter().map(|c| c.text).collect::<Vec<_>>();
        assert_eq!(texts("About 1.500,50 €. Write to a@b.test!"), ["About 1.500,50 €", "Write to a@b.test"]);
        assert_eq!(texts("- login\n- **search**"), ["login", "search"]);
        assert_eq!(texts("e.g. a shop"), ["e.g. a shop"]);
        assert!(texts(" \n ?!.").is_empty());
    }

    #[test]
    fn a_no_reaches_as_far_as_in_speech() {
        let negated = |text: &str, word: &str| {
            let clause = clauses(&plain(text)).remove(0);
            let at = clause.words.iter().position(|w| w.low == word).unwrap();
            clause.is_negated(at)
        };
        assert!(negated("no login", "login") && negated("we don't need any login", "login"));
        assert!(
            negated("no login or payments", "payments") && negated("no login, payments or search", "search")
        );
        assert!(!negated("no login, payments needed", "payments"));
        assert!(
            !negated("not a website but a shop", "shop") && negated("not a website but a shop", "website")
        );
        assert!(!negated("not only a shop", "shop") && !negated("why not a shop", "shop"));
        assert!(negated("a shop instead of a website", "website"));
    }
}
