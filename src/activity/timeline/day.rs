//! One page of the timeline, and how it falls into days.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::entry::Entry;
use super::entry::utc;
use crate::activity::position::TimelineCursor;

/// Records that are lost for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The project, when it is known.
    pub project: Option<String>,
    /// The first and last time, epoch milliseconds, between which records are missing.
    pub from_ms: i64,
    pub to_ms: i64,
    /// How many.
    pub lost: i64,
    /// Why.
    pub reason: String,
    /// The records are there, and will be in the timeline once that is mended or filled in.
    pub is_kept: bool,
}

#[derive(Debug, Clone, Default)]
pub struct TimelinePage {
    /// Operations that go on, newest first; on the first page only. They stand in `entries` as well.
    pub running: Vec<Entry>,
    /// Newest first. Folded ones count towards the limit.
    pub entries: Vec<Entry>,
    /// Gaps within the page, newest first.
    pub gaps: Vec<Gap>,
    /// Where the older page begins: use it as `before`.
    pub older: Option<TimelineCursor>,
    /// Where the newer page begins: use it as `after`.
    pub newer: Option<TimelineCursor>,
    /// When the nearest records are that stand on the pages before and after, as far as that is known.
    pub beyond: [Option<i64>; 2],
    /// How many records the one day of its filter holds, where the page has not all of them.
    pub of_day: Option<i64>,
    /// The last record that a search for words has looked at; none when it has looked at all there are.
    pub looked_until: Option<TimelineCursor>,
}

#[derive(Debug)]
pub struct Day<'a> {
    /// The day in the viewer's zone.
    pub date: NaiveDate,
    /// Entries and gaps, newest first.
    pub items: Vec<Item<'a>>,
    /// How many entries are shown, folded ones too.
    pub shown: usize,
    /// Whether more of the day stands on another page.
    pub is_cut: bool,
}

/// Something that stands on a day.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// A record.
    Entry(&'a Entry),
    /// Missing records.
    Gap(&'a Gap),
}

impl Item<'_> {
    fn ms(&self) -> i64 {
        match self {
            Self::Entry(entry) => entry.moment.ms,
            Self::Gap(gap) => gap.to_ms,
        }
    }
}

impl TimelinePage {
    /// The page by day, in `zone`.
    #[must_use]
    pub fn days(&self, zone: Tz) -> Vec<Day<'_>> {
        let mut items: Vec<Item<'_>> = self.entries.iter().map(Item::Entry).collect();
        items.extend(self.gaps.iter().map(Item::Gap));
        // Stable: entries keep their own order.
        items.sort_by_key(|item| std::cmp::Reverse(item.ms()));
        let mut days: Vec<Day<'_>> = Vec::new();
        let beyond = self.beyond.map(|ms| ms.map(|ms| day_of(ms, zone)));
        for item in items {
            let date = day_of(item.ms(), zone);
            let shown = match item {
                Item::Entry(entry) => 1 + entry.folded.len(),
                Item::Gap(_) => 0,
            };
            match days.last_mut() {
                Some(day) if day.date == date => {
                    day.items.push(item);
                    day.shown += shown;
                }
                _ => {
                    let is_cut = beyond.contains(&Some(date));
                    days.push(Day { date, items: vec![item], shown, is_cut });
                }
            }
        }
        days
    }

    /// Every record by itself, newest first, nothing folded: for lists and files that have no folds.
    #[must_use]
    pub fn into_unfolded(self) -> Vec<Entry> {
        let unfold = |mut entry: Entry| {
            let folded = std::mem::take(&mut entry.folded);
            std::iter::once(entry).chain(folded)
        };
        let mut entries: Vec<Entry> = self.entries.into_iter().flat_map(unfold).collect();
        entries.sort_by(|a, b| b.position.cmp(&a.position));
        entries
    }

    /// The ids of its records, folded ones too.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let each = self.entries.iter().flat_map(|entry| std::iter::once(entry).chain(&entry.folded));
        each.map(|entry| entry.id().to_owned()).collect()
    }

    /// Whether there is nothing on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.running.is_empty() && self.gaps.is_empty()
    }
}

/// The day of `ms` in `zone`; times that no calendar holds stand at its edge.
#[must_use]
pub fn day_of(ms: i64, zone: Tz) -> NaiveDate {
    let at: DateTime<Utc> = utc(ms).and_utc();
    at.with_timezone(&zone).date_naive()
}
