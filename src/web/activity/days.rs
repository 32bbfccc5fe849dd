//! A page of the timeline by day. Rows that say the same one after the other are one.

use chrono::{Datelike, NaiveDate};

use super::display::{Day, DayItem, Entry, Gap, Related};
use super::presenter::TimelinePresenter;
use crate::activity::timeline::{COUNTED_AT_MOST, Item, TimelinePage};
use crate::web::display::{counted, grouped};
use crate::web::time;

/// Rows that say the same from which on they fold: two take no more room than their fold.
const SHORTEST_RUN: usize = 3;

impl TimelinePresenter {
    #[must_use]
    pub fn days(&self, page: &TimelinePage) -> Vec<Day> {
        page.days(self.zone)
            .into_iter()
            .map(|day| Day {
                heading: self.heading(day.date),
                count: match (day.is_cut, page.of_day) {
                    (true, Some(all)) if all > COUNTED_AT_MOST => {
                        format!("{} of more than {} entries", day.shown, grouped(COUNTED_AT_MOST))
                    }
                    (true, Some(all)) => format!("{} of {} entries", day.shown, grouped(all)),
                    (true, None) => format!("{} shown", day.shown),
                    (false, _) => counted(day.shown, "entry", "entries"),
                },
                url: None,
                date: day.date,
                is_cut: day.is_cut && page.of_day.is_none(),
                items: {
                    let mut items = self.items(&day.items);
                    for item in &mut items {
                        if let DayItem::Entry(entry) = item {
                            entry.for_each(&mut |entry| entry.time.leave_out_day());
                        }
                    }
                    items
                },
            })
            .collect()
    }

    pub(super) fn heading(&self, date: NaiveDate) -> String {
        if !(1..=9999).contains(&date.year()) {
            return "Beyond the calendar".to_owned();
        }
        let today = self.now.with_timezone(&self.zone).date_naive();
        let named = time::long_day(date, today);
        match (today - date).num_days() {
            0 => format!("Today, {named}"),
            1 => format!("Yesterday, {named}"),
            _ => named,
        }
    }

    /// What stands on a day; what says the same one after the other is one row.
    fn items(&self, items: &[Item<'_>]) -> Vec<DayItem> {
        let is_run = |a: &Item<'_>, b: &Item<'_>| match (a, b) {
            (Item::Entry(a), Item::Entry(b)) => a.says_same(b),
            _ => false,
        };
        let mut shown = Vec::new();
        for run in items.chunk_by(is_run) {
            if let (true, Some(row)) = (run.len() >= SHORTEST_RUN, self.run(run)) {
                shown.push(DayItem::Entry(Box::new(row)));
                continue;
            }
            shown.extend(run.iter().map(|item| match item {
                Item::Entry(entry) => DayItem::Entry(Box::new(self.entry(entry))),
                Item::Gap(gap) => DayItem::Gap(Gap::of(gap, self)),
            }));
        }
        shown
    }

    /// The newest of `run`, with the others under it.
    fn run(&self, run: &[Item<'_>]) -> Option<Entry> {
        let entry = |item: &Item<'_>| match item {
            Item::Entry(entry) => Some(self.entry(entry)),
            Item::Gap(_) => None,
        };
        let mut all = run.iter().filter_map(entry).flat_map(|mut entry| {
            let twins = entry.related.take().map(|twins| twins.entries).unwrap_or_default();
            std::iter::once(entry).chain(twins)
        });
        let mut newest = all.next()?;
        let entries: Vec<Entry> = all.collect();
        let since = &entries.last()?.time.clock;
        newest.related = Some(Related {
            label: format!("{} times since {since}", run.len()),
            kinds: String::new(),
            failed: String::new(),
            is_open: entries.iter().any(|inner| inner.is_here),
            entries,
        });
        Some(newest)
    }
}
