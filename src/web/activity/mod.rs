//! The timeline's pages.

pub mod audit_entry;
pub mod changes;
pub mod convert;
pub mod display;
pub mod export;
pub mod filters;
pub mod index;
pub mod samples;
pub mod show;

use crate::activity::timeline::TimelinePage;
use crate::activity::{Filter, TimelineCursor};
use crate::web::display::{Chips, Pager, counted};
use crate::web::urls::with_query;

use convert::Eyes;
use display::{Day, Running};
use filters::Filters;

/// What every page with a whole timeline shows; see `templates/activity/_timeline.html`.
#[derive(Debug)]
pub struct TimelineView {
    /// The filter form.
    pub filters: Filters,
    /// The filters that are on.
    pub chips: Chips,
    /// What runs now; on the first page.
    pub running: Vec<Running>,
    /// The entries by day.
    pub days: Vec<Day>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Records that were lost, where they can't be shown in their place.
    pub gaps: Option<String>,
}

impl TimelineView {
    /// `page` at `path` as `eyes` see it.
    #[must_use]
    pub fn new(
        path: &str,
        filter: &Filter,
        options: &crate::activity::options::Options,
        page: &TimelinePage,
        eyes: &Eyes,
    ) -> Self {
        Self {
            filters: Filters::new(path, filter, options, eyes),
            chips: filters::chips(path, filter, options),
            running: page.running.iter().map(|entry| eyes.running(entry)).collect(),
            days: eyes.days(page),
            pager: pager(path, filter, page),
            gaps: None,
        }
    }
}

/// The pager of a timeline at `path`.
#[must_use]
pub fn pager(path: &str, filter: &Filter, page: &TimelinePage) -> Pager {
    let link = |name: &'static str, cursor: &TimelineCursor| {
        let mut pairs = filter.pairs();
        pairs.push((name, cursor.to_string()));
        with_query(path, &pairs)
    };
    let count: usize = page.entries.iter().map(|entry| 1 + entry.folded.len()).sum();
    Pager {
        shown: counted(count, "entry", "entries"),
        newer: page.newer.as_ref().map(|cursor| link("after", cursor)),
        older: page.older.as_ref().map(|cursor| link("before", cursor)),
    }
}
