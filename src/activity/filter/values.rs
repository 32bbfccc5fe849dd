//! The values of a timeline's address.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::{MAX_LIMIT, MOST_WORDS, Reference, TimelineCursor, Words};

/// What a stored word, key or value of a filter can be at most, in characters.
const LONGEST_VALUE: usize = 2_000;

/// Sources are named in both numbers: `actions` and `action` are the same.
pub(super) fn singular(value: &str) -> &str {
    match value {
        "actions" | "-actions" | "events" | "-events" => value.trim_end_matches('s'),
        value => value,
    }
}

pub(super) fn add_word(words: &mut Words, name: &str, value: &str) -> Result<(), String> {
    if value.chars().count() > LONGEST_VALUE || value.contains('\0') {
        return Err(format!("{} is no value of {name}.", quoted(value)));
    }
    words.add(value);
    Ok(())
}

/// Refuses more than [`MOST_WORDS`].
///
/// # Errors
/// A sentence that names the bound.
pub fn refuse_many(words: usize) -> Result<(), String> {
    if words > MOST_WORDS {
        return Err(format!("A filter takes {MOST_WORDS} values at most. Leave some of them out."));
    }
    Ok(())
}

/// An id of a user as it is stored: a uuid in one writing, whichever it came in.
pub(super) fn user(value: &str) -> String {
    let (sign, id) = value.strip_prefix('-').map_or(("", value), |id| ("-", id));
    uuid::Uuid::try_parse(id.trim())
        .map_or_else(|_| value.to_owned(), |id| format!("{sign}{}", id.hyphenated()))
}

pub(super) fn set_once<T: PartialEq>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match slot {
        Some(known) if *known != value => Err(format!("Give {name} once.")),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

/// A day as browsers send it: `2026-11-20`, in the years 1 to 9999.
///
/// # Errors
/// A sentence that names the value.
pub fn day(value: &str) -> Result<NaiveDate, String> {
    let refuse = || format!("{} is no day. Write it as 2026-11-20.", quoted(value));
    let shape = value.len() == 10
        && value
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !shape || value.starts_with("0000") {
        return Err(refuse());
    }
    value.parse().map_err(|_| refuse())
}

pub(super) fn reference(value: &str) -> Result<Reference, String> {
    let wrong = || format!("{} is no reference. Write it as key:value.", quoted(value));
    let (key, referred) = value.split_once(':').ok_or_else(wrong)?;
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= LONGEST_VALUE && !text.contains('\0');
    if !fits(key) || !fits(referred) {
        return Err(wrong());
    }
    Ok(Reference { key: key.to_owned(), value: referred.to_owned() })
}

pub(super) fn id(value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.chars().count() > LONGEST_VALUE || value.contains('\0') {
        return Err(format!("{} is no id.", quoted(value)));
    }
    Ok(value.to_owned())
}

/// How long words may be that are searched for, in characters.
const LONGEST_SEARCHED: usize = 200;

pub(super) fn searched(value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.chars().count() > LONGEST_SEARCHED || value.contains('\0') {
        return Err(format!(
            "{} is too long to look for. Give {LONGEST_SEARCHED} characters at most.",
            quoted(value)
        ));
    }
    Ok(value.to_owned())
}

pub(super) fn address(value: &str) -> Result<IpAddr, String> {
    let address = value.trim().trim_start_matches('[').trim_end_matches(']').parse();
    let written = || format!("{} is no address. Write it as 192.0.2.7 or 2001:db8::7.", quoted(value));
    address.map(|address: IpAddr| address.to_canonical()).map_err(|_| written())
}

pub(super) fn cursor(value: &str) -> Result<TimelineCursor, String> {
    value.parse().map_err(|_| format!("{} is no position in a timeline.", quoted(value)))
}

/// A page's size: a whole number from 1; more than [`MAX_LIMIT`] is clamped.
///
/// # Errors
/// A sentence that names the value.
pub fn limit(value: &str) -> Result<i64, String> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    if !digits || value.bytes().all(|b| b == b'0') {
        return Err(format!("{} is no limit. Give a whole number from 1 to {MAX_LIMIT}.", quoted(value)));
    }
    // Only a number too large for the type fails from here on.
    Ok(value.parse::<i64>().unwrap_or(MAX_LIMIT).min(MAX_LIMIT))
}

/// `value` for a message: short, and without characters that turn it around.
pub(crate) fn quoted(value: &str) -> String {
    let safe: String = value.chars().filter(|c| !crate::identity::is_deceptive(*c)).take(60).collect();
    format!("“{safe}”")
}

/// The day's first instant in `zone`, in epoch milliseconds. Where a change of the clock skips midnight, the
/// day begins at the first time that exists; where it repeats it, at the first of both.
#[must_use]
pub fn first_ms(day: NaiveDate, zone: Tz) -> i64 {
    let midnight = day.and_time(NaiveTime::MIN);
    if let Some(at) = zone.from_local_datetime(&midnight).earliest() {
        return at.timestamp_millis();
    }
    // The clock jumps over it: the first instant at which it shows more, whatever length the jump has.
    let is_before = |ms: i64| {
        DateTime::from_timestamp_millis(ms)
            .is_some_and(|at| zone.from_utc_datetime(&at.naive_utc()).naive_local() < midnight)
    };
    let around = midnight.and_utc().timestamp_millis();
    let (mut before, mut since) = (around - FARTHEST_MS, around + FARTHEST_MS);
    while before + 1 < since {
        let between = before.midpoint(since);
        if is_before(between) { before = between } else { since = between }
    }
    since
}

/// No zone is farther from UTC, a day that one left out included.
const FARTHEST_MS: i64 = 48 * 3_600_000;
