//! What a timeline shows: filters as they stand in an address, read into values.

use std::net::IpAddr;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::activity::position::{Direction, Source, TimelineCursor};

pub(crate) use values::quoted;
use values::{add_word, address, cursor, id, reference, searched, set_once, singular, user};
pub use values::{day, first_ms, limit, refuse_many};

/// Entries on a page when the address does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// Entries on a page at most; more is clamped.
pub const MAX_LIMIT: i64 = 100;
/// Words that a filter takes in all: each of them is looked for in each source.
pub const MOST_WORDS: usize = 30;

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

/// Keys whose values name one record, which few actions carry: any other value may be everybody's, as a branch is.
macro_rules! record_keys {
    ($($key:literal),+) => {
        const RECORD_KEYS: &[&str] = &[$($key),+];

        impl Reference {
            /// The same of a row `r` of `action_references`: which index answers depends on it.
            pub(in crate::activity) const NAMES_ONE_RECORD: &'static str =
                concat!("r.key = ANY ('{", record_keys!(@list $($key),+), "}')");
            /// The predicate of `action_references_shared_idx`.
            pub(in crate::activity) const MAY_BE_SHARED: &'static str =
                concat!("r.key <> ALL ('{", record_keys!(@list $($key),+), "}')");
        }
    };
    (@list $first:literal $(, $key:literal)*) => { concat!($first $(, ",", $key)*) };
}
record_keys!(
    "commit_sha",
    "container_session_id",
    "database_id",
    "deployment_id",
    "github_push_id",
    "message_id",
    "request_id"
);

impl Reference {
    pub(in crate::activity) fn names_one_record(&self) -> bool {
        RECORD_KEYS.contains(&self.key.as_str())
    }
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
    /// The id of what was acted on, or how its name begins; audit entries only.
    pub target: Option<String>,
    /// Where the act came from; audit entries only, and for admins alone.
    pub address: Option<IpAddr>,
    /// Words that title or details hold.
    pub q: Option<String>,
    /// Entries on a page: 1 to [`MAX_LIMIT`].
    pub limit: i64,
    /// Where the page begins, and in which direction it goes on.
    pub position: Option<(Direction, TimelineCursor)>,
    /// What stands half way down the page, instead.
    pub around: Option<TimelineCursor>,
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
            address: None,
            q: None,
            limit: DEFAULT_LIMIT,
            position: None,
            around: None,
            zone,
        }
    }

    /// Reads an address's pairs. Blank values and unknown names are ignored; an unknown word is kept, and
    /// matches nothing.
    ///
    /// # Errors
    /// A sentence that names the value that makes no sense.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, zone: Tz) -> Result<Self, String> {
        match Self::parse_in_part(pairs, zone)? {
            (filter, None) => Ok(filter),
            (_, Some(complaint)) => Err(complaint),
        }
    }

    /// [`Filter::parse`] without the days and the address that make no sense, and the sentence that names the first.
    ///
    /// # Errors
    /// A sentence that names any other value that makes no sense.
    pub fn parse_in_part<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        zone: Tz,
    ) -> Result<(Self, Option<String>), String> {
        let mut filter = Self::none(zone);
        let mut complaint = None;
        for (name, value) in pairs {
            if value.trim().is_empty() {
                continue;
            }
            match filter.take(name, value) {
                Err(sentence) if matches!(name, "from" | "to" | "address") => {
                    complaint.get_or_insert(sentence);
                }
                taken => taken?,
            }
            refuse_many(filter.words().iter().map(|words| words.only.len() + words.not.len()).sum())?;
        }
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && from > to
        {
            (filter.from, filter.to) = (None, None);
            complaint.get_or_insert(format!("The first day, {from}, is after the last, {to}."));
        }
        Ok((filter, complaint))
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
            "address" => set_once(&mut self.address, name, address(value)?),
            "q" => set_once(&mut self.q, name, searched(value)?),
            "limit" => {
                self.limit = limit(value)?;
                Ok(())
            }
            "before" => self.start_at(Direction::Before, value),
            "after" => self.start_at(Direction::After, value),
            "around" => {
                let middle = cursor(value)?;
                self.has_no_position()?;
                self.around = Some(middle);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start_at(&mut self, direction: Direction, value: &str) -> Result<(), String> {
        let position = cursor(value)?;
        self.has_no_position()?;
        self.position = Some((direction, position));
        Ok(())
    }

    fn has_no_position(&self) -> Result<(), String> {
        if self.position.is_some() || self.around.is_some() {
            return Err("Give one position: before, after or around.".to_owned());
        }
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
            || self.address.is_some()
            || self.q.is_some()
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
        pairs.extend(self.address.map(|address| ("address", address.to_string())));
        pairs.extend(self.q.iter().map(|text| ("q", text.clone())));
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
            && (source == Source::Audit || (self.target.is_none() && self.address.is_none()))
    }
}

/// The key that names a container: operations and what engines saw carry it too.
pub const CONTAINER: &str = "container_id";

#[cfg(test)]
mod tests;
mod values;
