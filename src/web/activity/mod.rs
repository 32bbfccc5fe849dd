//! The timeline's pages.

pub mod audit_entry;
pub mod changes;
pub mod choices;
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
pub mod samples;
pub mod show;

use crate::activity::options::Options;
use crate::activity::timeline::TimelinePage;
use crate::activity::{Direction, Filter, TimelineCursor};
use crate::web::display::{Chips, Link, Pager, counted};
use crate::web::urls::with_query;

use display::{Day, Running};
use filters::Filters;
use presenter::TimelinePresenter;

/// What every page with a whole timeline shows; see `templates/activity/_timeline.html`.
#[derive(Debug)]
pub struct TimelineView {
    pub filters: Filters,
    /// The filters that are on.
    pub chips: Chips,
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
        let start = filter.position.as_ref().map(|(direction, cursor)| {
            let side = match direction {
                Direction::Before => "before",
                Direction::After => "after",
            };
            Link::new(
                format!("Entries {side} {}", presenter.moment(cursor.ms)),
                with_query(path, &filter.pairs()),
            )
        });
        Self {
            chips: filters::chips(path, filter, &options),
            filters: Filters::new(path, filter, options, presenter),
            start,
            running: page.running.iter().map(|entry| presenter.running(entry)).collect(),
            days: presenter.days(page),
            pager: pager(path, filter, page),
            zone: presenter.zone.name().to_owned(),
        }
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
    }
}
