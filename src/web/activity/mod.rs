//! The timeline's pages.

pub mod audit_entry;
pub mod changes;
pub mod choices;
mod days;
pub mod display;
pub mod export;
pub mod filters;
pub mod form;
pub mod index;
pub mod operation;
pub mod presenter;
pub mod raw;
pub mod reference;
pub mod reference_card;
pub mod second_line;
pub mod show;
pub mod shown;

use crate::activity::options::Options;
use crate::activity::timeline::{LOOKED_THROUGH, TimelinePage, day_of};
use crate::activity::{Direction, Filter, TimelineCursor};
use crate::web::display::{Chips, Link, Pager, counted, grouped};
use crate::web::urls::with_query;

use actix_web::http::StatusCode;
use display::{Day, DayItem, Entry, Running};
use filters::Filters;
use presenter::TimelinePresenter;

/// What every page with a whole timeline shows; see `templates/activity/_timeline.html`.
#[derive(Debug)]
pub struct TimelineView {
    pub filters: Filters,
    /// The filters that are on.
    pub chips: Chips,
    /// What of the address makes no sense, or nothing.
    pub complaint: Option<String>,
    /// How far a search for words has looked, and where it goes on.
    pub looked: String,
    pub further: Option<Link>,
    /// Where the page begins, when that is not now, and the way back to now.
    pub start: Option<Link>,
    /// What runs now; on the first page.
    pub running: Vec<Running>,
    pub days: Vec<Day>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// The zone of its times: "Europe/Berlin".
    pub zone: String,
}

impl TimelineView {
    /// `page` at `path`.
    #[must_use]
    pub fn new(
        path: &str,
        filter: &Filter,
        options: Options,
        page: &TimelinePage,
        presenter: &TimelinePresenter,
    ) -> Self {
        let start =
            start(filter, page, presenter).map(|text| Link::new(text, with_query(path, &filter.pairs())));
        let mut days = presenter.days(page);
        for day in days.iter_mut().filter(|day| day.is_cut) {
            let mut pairs = filter.pairs();
            pairs.retain(|(name, _)| !matches!(*name, "from" | "to"));
            pairs.extend(["from", "to"].map(|name| (name, day.date.to_string())));
            day.url = Some(with_query(path, &pairs));
        }
        let further = page.looked_until.as_ref().map(|until| {
            let mut pairs = filter.pairs();
            pairs.push((Direction::Before.name(), until.to_string()));
            Link::new("Look further back", with_query(path, &pairs))
        });
        Self {
            chips: filters::chips(path, filter, &options),
            filters: Filters::new(path, filter, options, presenter),
            complaint: None,
            looked: looked(filter, page, presenter),
            further,
            start,
            running: page.running.iter().map(|entry| presenter.running(entry)).collect(),
            days,
            pager: pager(path, filter, page),
            zone: presenter.zone.name().to_owned(),
        }
    }

    /// The same, with the sentence that says what of the address makes no sense.
    #[must_use]
    pub fn with(self, complaint: Option<String>) -> Self {
        Self { complaint, ..self }
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        if self.complaint.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    /// Calls `each` with every entry, folded ones too.
    pub(super) fn for_each_entry(&mut self, mut each: impl FnMut(&mut Entry)) {
        for item in self.days.iter_mut().flat_map(|day| &mut day.items) {
            if let DayItem::Entry(entry) = item {
                entry.for_each(&mut each);
            }
        }
    }
}

/// Where the page begins, when that is not now.
fn start(filter: &Filter, page: &TimelinePage, presenter: &TimelinePresenter) -> Option<String> {
    if let Some(middle) = &filter.around {
        return Some(format!("Entries around {}", presenter.moment(middle.ms)));
    }
    let (direction, cursor) = filter.position.as_ref()?;
    if let Some(day) = form::jumped_to(filter) {
        let newest = page.entries.first().map(|entry| day_of(entry.moment.ms, presenter.zone));
        if newest != Some(day) {
            let named = presenter.whole_day(day);
            let so = if filter.is_filtered() { "with these filters " } else { "" };
            let rest = if newest.is_some() {
                "What was before it follows."
            } else {
                "Neither was anything before it."
            };
            return Some(format!("Nothing happened {so}on {named}. {rest}"));
        }
    }
    let side = match direction {
        Direction::Before => "before",
        Direction::After => "after",
    };
    Some(format!("Entries {side} {}", presenter.moment(cursor.ms)))
}

/// How far a search for words has looked.
fn looked(filter: &Filter, page: &TimelinePage, presenter: &TimelinePresenter) -> String {
    let most = grouped(i64::try_from(LOOKED_THROUGH).unwrap_or(i64::MAX));
    match (&filter.q, &page.looked_until) {
        (None, _) => String::new(),
        (_, Some(until)) => {
            format!("Looked through the newest {most} entries, back to {}.", presenter.moment(until.ms))
        }
        (_, None) if page.older.is_some() => {
            format!("Each page looks through the newest {most} entries from where it begins.")
        }
        _ => format!("Looked through all entries, which are fewer than {most}."),
    }
}

#[must_use]
pub fn pager(path: &str, filter: &Filter, page: &TimelinePage) -> Pager {
    let link = |direction: Direction, cursor: &TimelineCursor| {
        let mut pairs = filter.pairs();
        pairs.push((direction.name(), cursor.to_string()));
        with_query(path, &pairs)
    };
    let count: usize = page.entries.iter().map(|entry| 1 + entry.folded.len()).sum();
    Pager {
        shown: counted(count, "entry", "entries"),
        newer: page.newer.as_ref().map(|cursor| link(Direction::After, cursor)),
        older: page.older.as_ref().map(|cursor| link(Direction::Before, cursor)),
        ..Pager::default()
    }
}
