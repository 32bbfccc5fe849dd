//! What happened since the viewer was here last.

use chrono::{DateTime, Utc};

use crate::activity::timeline::TimelinePage;
use crate::activity::{Entry, EntryKind, Outcome};
use crate::audit::AuditAction;
use crate::db::ids::UserId;
use crate::web::activity::display::Day;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::counted;
use crate::web::time::Timestamp;
use crate::web::urls;

/// Entries that are read: what is counted is counted among these.
pub const READ: i64 = 100;
const SHOWN: usize = 12;

/// See `templates/dashboard/_since.html`.
#[derive(Debug, Clone)]
pub struct Since {
    /// The end of the last visit; None for somebody who was never here before.
    pub visit: Option<Timestamp>,
    /// "23 entries, 2 failed"; empty without a visit.
    pub summary: String,
    /// What is not shown: "All 23 entries".
    pub more: Option<String>,
    /// The timeline that has it.
    pub more_url: String,
    /// What is shown are older entries, since nothing is new.
    pub nothing_new: bool,
    pub days: Vec<Day>,
}

impl Since {
    /// What `page`, the newest [`READ`] entries, says to `viewer`, who was here until `visit`. Entries of the
    /// future are left out: they would stand first for ever. So is that the viewer came and went, which they know.
    #[must_use]
    pub fn new(
        mut page: TimelinePage,
        visit: Option<DateTime<Utc>>,
        viewer: Option<UserId>,
        presenter: &TimelinePresenter,
    ) -> Self {
        let now_ms = presenter.now.timestamp_millis();
        let reads_more = page.older.is_some();
        page.entries.retain(|entry| !is_own_coming(entry, viewer));
        let visit_ms = visit.map(|at| at.timestamp_millis());
        let is_new = |entry: &Entry| visit_ms.is_some_and(|visit| entry.moment.ms > visit);
        let new = page.entries.iter().filter(|entry| is_new(entry)).count();
        // Everything that was read is new: there may be more of it.
        let is_cut = reads_more && new > 0 && new == page.entries.len();
        let of_new = || {
            let each =
                page.entries.iter().take(new).flat_map(|entry| std::iter::once(entry).chain(&entry.folded));
            each.filter(|entry| is_new(entry))
        };
        let failed = of_new().filter(|entry| is_bad(entry)).count();
        let entries = of_new().count();
        let summary = match (visit, entries) {
            (None, _) => String::new(),
            (_, 0) => "Nothing new.".to_owned(),
            _ => summary(entries, failed, is_cut),
        };
        let nothing_new = visit.is_some() && new == 0;
        let shown = if new == 0 { SHOWN } else { new.min(SHOWN) };
        if let Some(next) = page.entries.get(shown) {
            page.beyond = [None, Some(next.moment.ms)];
        }
        page.entries.truncate(shown);
        let last = page.entries.last().map(|entry| entry.moment.ms);
        page.gaps.retain(|gap| last.is_none_or(|last| gap.to_ms >= last) && gap.to_ms <= now_ms);
        let day = visit.map(|at| at.with_timezone(&presenter.zone).date_naive().to_string());
        Self {
            more: (new > SHOWN)
                .then(|| if is_cut { "All of them".to_owned() } else { format!("All {entries} entries") }),
            more_url: urls::with_query(
                "/activity",
                &day.map(|day| ("from", day)).into_iter().collect::<Vec<_>>(),
            ),
            visit: visit.map(|at| Timestamp::new(at, presenter.now, presenter.zone)),
            summary,
            nothing_new,
            days: presenter.days(&page),
        }
    }
}

fn is_own_coming(entry: &Entry, viewer: Option<UserId>) -> bool {
    matches!(entry.kind, EntryKind::Audit(AuditAction::SignedIn | AuditAction::SignedOut))
        && viewer.is_some_and(|viewer| entry.actor.user.as_deref() == Some(viewer.to_string().as_str()))
}

fn is_bad(entry: &Entry) -> bool {
    entry.status.as_ref().is_some_and(|status| status.outcome() == Outcome::Bad)
}

fn summary(entries: usize, failed: usize, is_cut: bool) -> String {
    match (is_cut, failed) {
        (false, 0) => format!("{}, none failed.", counted(entries, "entry", "entries")),
        (false, failed) => format!("{}, {failed} failed.", counted(entries, "entry", "entries")),
        (true, 0) => format!("More than {entries} entries; none of the latest {entries} failed."),
        (true, failed) => format!("More than {entries} entries; {failed} of the latest {entries} failed."),
    }
}
