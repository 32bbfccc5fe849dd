//! What a timeline shows: filters as they stand in an address, read into values.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::activity::position::{Direction, Source, TimelineCursor};

/// Entries on a page when the address does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// Entries on a page at most; more is clamped.
pub const MAX_LIMIT: i64 = 100;
/// Words that a filter takes in all: each of them is looked for in each source.
pub const MOST_WORDS: usize = 30;
/// What a stored word, key or value of a filter can be at most, in characters.
const LONGEST_VALUE: usize = 2_000;

/// Words to show alone, and words to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Only these; all when empty.
    pub only: Vec<String>,
    /// Not these.
    pub not: Vec<String>,
}

impl Words {
    /// Leaves out what was shown alone.
    pub fn turn_into_exclusions(&mut self) {
        for word in std::mem::take(&mut self.only) {
            if !self.not.contains(&word) {
                self.not.push(word);
            }
        }
    }

    /// Whether nothing is filtered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.only.is_empty() && self.not.is_empty()
    }

    /// Whether a row that holds `word` is shown.
    #[must_use]
    pub fn lets(&self, word: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only == word))
            && !self.not.iter().any(|not| not == word)
    }

    fn add(&mut self, value: &str) {
        let (list, word) = match value.strip_prefix('-') {
            Some(word) if !word.is_empty() => (&mut self.not, word),
            _ => (&mut self.only, value),
        };
        if !list.iter().any(|known| known == word) {
            list.push(word.to_owned());
        }
    }

    fn pairs<'a>(&'a self, name: &'static str) -> impl Iterator<Item = (&'static str, String)> + 'a {
        let only = self.only.iter().map(move |word| (name, word.clone()));
        only.chain(self.not.iter().map(move |word| (name, format!("-{word}"))))
    }
}

/// One key and value of `reference_ids`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// For example `deployment_id`.
    pub key: String,
    /// For example `deploy_abc123`.
    pub value: String,
}

/// Everything that a timeline's address can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Stored types of actions, events and audit entries.
    pub types: Words,
    pub statuses: Words,
    pub environments: Words,
    /// Ids of users.
    pub actors: Words,
    pub sources: Words,
    /// First day shown, in the viewer's zone.
    pub from: Option<NaiveDate>,
    /// Last day shown, in the viewer's zone.
    pub to: Option<NaiveDate>,
    /// What the entries must refer to.
    pub reference: Option<Reference>,
    /// The id of what was acted on; audit entries only.
    pub target: Option<String>,
    /// Entries on a page: 1 to [`MAX_LIMIT`].
    pub limit: i64,
    /// Where the page begins, and in which direction it goes on.
    pub position: Option<(Direction, TimelineCursor)>,
    /// The zone that days are meant in.
    pub zone: Tz,
}

impl Filter {
    /// No filter: the newest entries.
    #[must_use]
    pub fn none(zone: Tz) -> Self {
        Self {
            types: Words::default(),
            statuses: Words::default(),
            environments: Words::default(),
            actors: Words::default(),
            sources: Words::default(),
            from: None,
            to: None,
            reference: None,
            target: None,
            limit: DEFAULT_LIMIT,
            position: None,
            zone,
        }
    }

    /// Reads an address's pairs. Blank values and unknown names are ignored; an unknown word is kept, and
    /// matches nothing.
    ///
    /// # Errors
    /// A sentence that names the value that makes no sense.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, zone: Tz) -> Result<Self, String> {
        let mut filter = Self::none(zone);
        for (name, value) in pairs {
            if !value.trim().is_empty() {
                filter.take(name, value)?;
                refuse_many(filter.words().iter().map(|words| words.only.len() + words.not.len()).sum())?;
            }
        }
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && from > to
        {
            return Err(format!("The first day, {from}, is after the last, {to}."));
        }
        Ok(filter)
    }

    fn words(&self) -> [&Words; 5] {
        [&self.types, &self.statuses, &self.environments, &self.actors, &self.sources]
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "type" => add_word(&mut self.types, name, value),
            "status" => add_word(&mut self.statuses, name, value),
            "environment" => add_word(&mut self.environments, name, value),
            "actor" => add_word(&mut self.actors, name, &user(value)),
            "source" => add_word(&mut self.sources, name, singular(value)),
            "from" => set_once(&mut self.from, name, day(value)?),
            "to" => set_once(&mut self.to, name, day(value)?),
            "ref" => set_once(&mut self.reference, name, reference(value)?),
            "target" => set_once(&mut self.target, name, id(value)?),
            "limit" => {
                self.limit = limit(value)?;
                Ok(())
            }
            "before" => self.start_at(Direction::Before, value),
            "after" => self.start_at(Direction::After, value),
            _ => Ok(()),
        }
    }

    fn start_at(&mut self, direction: Direction, value: &str) -> Result<(), String> {
        let cursor = value.parse().map_err(|_| format!("{} is no position in a timeline.", quoted(value)))?;
        if self.position.is_some() {
            return Err("Give one position: before or after.".to_owned());
        }
        self.position = Some((direction, cursor));
        Ok(())
    }

    /// Whether anything but the page is filtered.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.words().iter().any(|words| !words.is_empty())
            || self.from.is_some()
            || self.to.is_some()
            || self.reference.is_some()
            || self.target.is_some()
    }

    /// The filters as pairs for an address, without the position. The limit only when it is not the default.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        pairs.extend(self.types.pairs("type"));
        pairs.extend(self.statuses.pairs("status"));
        pairs.extend(self.environments.pairs("environment"));
        pairs.extend(self.actors.pairs("actor"));
        pairs.extend(self.sources.pairs("source"));
        pairs.extend(self.from.map(|day| ("from", day.to_string())));
        pairs.extend(self.to.map(|day| ("to", day.to_string())));
        pairs.extend(self.reference.as_ref().map(|r| ("ref", format!("{}:{}", r.key, r.value))));
        pairs.extend(self.target.iter().map(|id| ("target", id.clone())));
        if self.limit != DEFAULT_LIMIT {
            pairs.push(("limit", self.limit.to_string()));
        }
        pairs
    }

    /// How many values are on.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pairs().iter().filter(|(name, _)| *name != "limit").count()
    }

    /// The words of the filter that an address calls `name`.
    pub fn words_mut(&mut self, name: &str) -> Option<&mut Words> {
        match name {
            "type" => Some(&mut self.types),
            "status" => Some(&mut self.statuses),
            "environment" => Some(&mut self.environments),
            "actor" => Some(&mut self.actors),
            "source" => Some(&mut self.sources),
            _ => None,
        }
    }

    /// The first millisecond shown.
    #[must_use]
    pub fn from_ms(&self) -> Option<i64> {
        self.from.map(|day| first_ms(day, self.zone))
    }

    /// The first millisecond after those shown.
    #[must_use]
    pub fn until_ms(&self) -> Option<i64> {
        let next = self.to?.checked_add_days(Days::new(1));
        next.map(|day| first_ms(day, self.zone))
    }

    /// Whether rows of `source` are shown at all.
    #[must_use]
    pub fn lets_source(&self, source: Source) -> bool {
        self.sources.lets(source.as_str())
            && (source == Source::Action
                || (self.reference.as_ref().is_none_or(|r| source != Source::Audit && r.key == CONTAINER)
                    && self.environments.only.is_empty()))
            && (source != Source::Audit || self.statuses.only.is_empty())
            && (source == Source::Audit || self.target.is_none())
    }
}

/// The key that names a container: operations and what engines saw carry it too.
pub const CONTAINER: &str = "container_id";

/// Sources are named in both numbers: `actions` and `action` are the same.
fn singular(value: &str) -> &str {
    match value {
        "actions" | "-actions" | "events" | "-events" | "engines" | "-engines" => value.trim_end_matches('s'),
        value => value,
    }
}

fn add_word(words: &mut Words, name: &str, value: &str) -> Result<(), String> {
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
fn user(value: &str) -> String {
    let (sign, id) = value.strip_prefix('-').map_or(("", value), |id| ("-", id));
    uuid::Uuid::try_parse(id.trim())
        .map_or_else(|_| value.to_owned(), |id| format!("{sign}{}", id.hyphenated()))
}

fn set_once<T: PartialEq>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
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

fn reference(value: &str) -> Result<Reference, String> {
    let wrong = || format!("{} is no reference. Write it as key:value.", quoted(value));
    let (key, referred) = value.split_once(':').ok_or_else(wrong)?;
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= LONGEST_VALUE && !text.contains('\0');
    if !fits(key) || !fits(referred) {
        return Err(wrong());
    }
    Ok(Reference { key: key.to_owned(), value: referred.to_owned() })
}

fn id(value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.chars().count() > LONGEST_VALUE || value.contains('\0') {
        return Err(format!("{} is no id.", quoted(value)));
    }
    Ok(value.to_owned())
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

#[cfg(test)]
mod tests;
