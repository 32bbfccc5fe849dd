//! When something should be ready: lengths of time, days, months, and words for them.

use chrono::{Datelike, NaiveDate};

use super::text::Clause;
use crate::assistant::slots::Answer;

const UNITS: [(&str, &str); 5] =
    [("day", "day"), ("week", "week"), ("wk", "week"), ("month", "month"), ("year", "year")];

const NUMBERS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Words of their own, and how much of an answer they are.
const WORDS: [(&str, &str, bool); 33] = [
    ("as soon as possible", "As soon as possible", false),
    ("asap", "As soon as possible", false),
    ("urgently", "As soon as possible", false),
    ("urgent", "As soon as possible", false),
    ("no fixed date", "No fixed date", true),
    ("no hurry", "No fixed date", true),
    ("no rush", "No fixed date", true),
    ("no deadline", "No fixed date", true),
    ("no time pressure", "No fixed date", true),
    ("not urgent", "No fixed date", true),
    ("whenever", "No fixed date", true),
    ("time is flexible", "No fixed date", true),
    ("end of the year", "By the end of the year", true),
    ("end of year", "By the end of the year", true),
    ("year end", "By the end of the year", true),
    ("end of the month", "By the end of the month", true),
    ("next week", "Next week", true),
    ("next month", "Next month", true),
    ("next quarter", "Next quarter", true),
    ("next year", "Next year", false),
    ("this month", "This month", true),
    ("this quarter", "This quarter", true),
    ("this year", "This year", false),
    ("christmas", "By Christmas", true),
    ("easter", "By Easter", true),
    ("in spring", "In spring", false),
    ("in summer", "In summer", false),
    ("in autumn", "In autumn", false),
    ("in winter", "In winter", false),
    ("a few weeks", "In a few weeks", false),
    ("a few months", "In a few months", false),
    ("soon", "Soon", false),
    ("in the summer", "In summer", false),
];

/// What stands before or after a length of time that is none of ours.
const BEFORE_OTHERS: [&str; 12] =
    ["every", "each", "per", "for", "last", "past", "after", "since", "once", "first", "over", "old"];
const AFTER_OTHERS: [&str; 11] = [
    "ago",
    "old",
    "experience",
    "trial",
    "free",
    "return",
    "returns",
    "warranty",
    "ahead",
    "later",
    "guarantee",
];

/// What a clause says about when. `is_expected` says that it was asked for.
#[must_use]
pub fn read(clause: &Clause, is_expected: bool, today: NaiveDate) -> Option<Answer> {
    if let Some(answer) = length(clause, is_expected).or_else(|| date(clause, is_expected, today)) {
        return Some(answer);
    }
    let positions = 0..clause.words.len();
    let found = WORDS.iter().find(|(phrase, ..)| positions.clone().any(|at| clause.has_at(at, phrase)));
    found.map(|(_, text, is_full)| if *is_full { Answer::full(*text) } else { Answer::vague(*text) })
}

fn count(word: &str) -> Option<u32> {
    match word {
        "a" | "an" => Some(1),
        "couple" => Some(2),
        "dozen" => Some(12),
        _ => {
            let spelled = NUMBERS.iter().zip(0..).find(|(name, _)| **name == word).map(|(_, number)| number);
            spelled.or_else(|| word.parse().ok()).filter(|number| (1..=520).contains(number))
        }
    }
}

/// "2" of "2-3", and the end of the range; "2" of "2".
fn counts(word: &str) -> Option<(u32, Option<u32>)> {
    let word = word.replace(['–', '—'], "-");
    match word.split_once('-') {
        Some((low, high)) => match (count(low), count(high)) {
            (Some(low), Some(high)) if low < high => Some((low, Some(high))),
            _ => None,
        },
        None => count(&word).map(|number| (number, None)),
    }
}

fn unit(word: &str) -> Option<&'static str> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    UNITS.iter().find(|(name, _)| *name == singular).map(|(_, unit)| *unit)
}

/// "3-month" and "6weeks" are a number and a unit.
fn joined(word: &str) -> Option<(u32, &'static str)> {
    let at = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = word.split_at(at);
    Some((count(number)?, unit(rest.trim_start_matches('-'))?))
}

fn length(clause: &Clause, is_expected: bool) -> Option<Answer> {
    let words = &clause.words;
    let low = |at: usize| words.get(at).map_or("", |word| word.low.as_str());
    for at in 0..words.len() {
        // Where it begins, how many, and of what.
        let (begins, from, to, unit) = if let Some((number, unit)) = joined(low(at)) {
            (at, number, None, unit)
        } else if let Some(unit) = unit(low(at)).filter(|_| at > 0) {
            let mut begins = at - 1;
            if low(begins) == "of" && begins > 0 {
                begins -= 1;
            }
            let Some((last, high)) = counts(low(begins)) else { continue };
            let is_range = begins >= 2 && matches!(low(begins - 1), "to" | "or" | "and" | "-");
            match (high, is_range.then(|| count(low(begins - 2))).flatten()) {
                (None, Some(first)) if first < last => (begins - 2, first, Some(last), unit),
                _ => (begins, last, high, unit),
            }
        } else {
            continue;
        };
        let before = if begins > 0 { low(begins - 1) } else { "" };
        let is_of_others = BEFORE_OTHERS.contains(&before)
            || AFTER_OTHERS.contains(&low(at + 1))
            || low(at + 1) == "of" && AFTER_OTHERS.contains(&low(at + 2));
        // "a day" and "a week" say how often, unless something says that they are waited for.
        let is_how_often = matches!(low(begins), "a" | "an")
            && !matches!(before, "in" | "within" | "about" | "than" | "half" | "over");
        if (is_of_others || is_how_often) && !is_expected || clause.is_negated(begins) {
            continue;
        }
        let many = |number: u32| if number == 1 { "" } else { "s" };
        return Some(Answer::full(match to {
            Some(to) => format!("{from}–{to} {unit}s"),
            None => format!("{from} {unit}{}", many(from)),
        }));
    }
    None
}

fn date(clause: &Clause, is_expected: bool, today: NaiveDate) -> Option<Answer> {
    let words = &clause.words;
    let low = |at: usize| words.get(at).map_or("", |word| word.low.as_str());
    let past = |text: String, day: NaiveDate| {
        if day < today { Answer::vague(format!("{text} (past)")) } else { Answer::full(text) }
    };
    for at in 0..words.len() {
        let word = low(at);
        let before = if at > 0 { low(at - 1) } else { "" };
        let numeric = [("%Y-%m-%d", false), ("%d.%m.%Y", true)]
            .iter()
            .find_map(|(format, _)| NaiveDate::parse_from_str(word, format).ok());
        if let Some(day) = numeric {
            return Some(past(format!("By {}", day.format("%-d %B %Y")), day));
        }
        if matches!(word, "q1" | "q2" | "q3" | "q4") {
            let year = low(at + 1).parse::<i32>().ok().filter(|year| (2000..2100).contains(year));
            let text = words[at].written.to_uppercase();
            return Some(match year {
                Some(year) if year < today.year() => Answer::vague(format!("{text} {year} (past)")),
                Some(year) => Answer::full(format!("By {text} {year}")),
                None => Answer::full(format!("By {text}")),
            });
        }
        let Some(month) = MONTHS
            .iter()
            .position(|name| *name == word || word.len() == 3 && name.starts_with(word) && word != "may")
        else {
            continue;
        };
        let name = capitalised(MONTHS[month]);
        let day_of = |text: &str| {
            let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
            digits.parse::<u32>().ok().filter(|day| (1..=31).contains(day))
        };
        let year_of = |text: &str| text.parse::<i32>().ok().filter(|year| (2000..2100).contains(year));
        let day = day_of(before).or_else(|| day_of(low(at + 1)));
        let year = year_of(low(at + 1)).or_else(|| year_of(low(at + 2)));
        let leads =
            ["by", "before", "until", "till", "in", "of", "mid", "early", "late", "end", "for", "until"];
        // "may" and "march" are words besides.
        if !(leads.contains(&before) || day.is_some() || year.is_some() || is_expected && words.len() <= 4) {
            continue;
        }
        let text = match (day, year) {
            (Some(day), Some(year)) => format!("By {day} {name} {year}"),
            (Some(day), None) => format!("By {day} {name}"),
            (None, Some(year)) => format!("By {name} {year}"),
            (None, None) => format!("By {name}"),
        };
        let number = u32::try_from(month + 1).unwrap_or(1);
        let last = |year| {
            let first_of_next = if number == 12 {
                NaiveDate::from_ymd_opt(year + 1, 1, 1)
            } else {
                NaiveDate::from_ymd_opt(year, number + 1, 1)
            };
            first_of_next.and_then(|day| day.pred_opt())
        };
        return Some(match year.and_then(last) {
            Some(day) => past(text, day),
            None => Answer::full(text),
        });
    }
    None
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
