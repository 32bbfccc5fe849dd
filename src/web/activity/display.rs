//! Entries of the timeline as `templates/components/timeline.html` shows them.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::presenter::TimelinePresenter;
use crate::activity::timeline;
use crate::activity::{Outcome, Status};
use crate::web::display::{Badge, Tone, in_short};
use crate::web::time::TimeOfDay;

#[derive(Debug, Clone)]
pub struct Day {
    /// "Thursday 19 November".
    pub heading: String,
    /// "14 entries", or "45 shown" and "45 of 57 entries" where more of the day stands on another page.
    pub count: String,
    /// Where the whole day is, when this is not all of it.
    pub url: Option<String>,
    pub date: NaiveDate,
    pub is_cut: bool,
    /// Entries and gaps, newest first.
    pub items: Vec<DayItem>,
}

/// Something that stands on a day.
#[derive(Debug, Clone)]
pub enum DayItem {
    /// A record.
    Entry(Box<Entry>),
    /// Records that were lost.
    Gap(Gap),
}

/// Records that were lost.
#[derive(Debug, Clone)]
pub struct Gap {
    /// How many, when, and why.
    pub text: String,
}

impl Gap {
    #[must_use]
    pub fn of(gap: &timeline::Gap, presenter: &TimelinePresenter) -> Self {
        Self { text: text_of(gap, presenter) }
    }
}

fn text_of(gap: &timeline::Gap, presenter: &TimelinePresenter) -> String {
    if gap.is_kept {
        let to = presenter.moment(gap.to_ms);
        return match gap.lost {
            0 => format!("Records of before {to} are still being taken into the timeline."),
            _ => format!(
                "A record of {to} is kept and could not be put into the timeline. \
                     An admin takes it in with “pilothouse timeline rebuild”."
            ),
        };
    }
    let (lost, it) = match gap.lost {
        1 => ("1 record was lost".to_owned(), "What it recorded"),
        lost => (format!("{lost} records were lost"), "What they recorded"),
    };
    let (from, to) = (presenter.moment(gap.from_ms), presenter.moment(gap.to_ms));
    let when = if from == to { format!("on {from}") } else { format!("between {from} and {to}") };
    let reason = if gap.reason.trim().is_empty() { "nobody knows why" } else { gap.reason.trim() };
    format!("{lost} {when}: {reason}. {it} did happen.")
}

/// One record.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `ID`, `event:ID` or `audit:ID`.
    pub id: String,
    /// Its own page.
    pub url: String,
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// `bad` fills the mark, `busy` colours it.
    pub tone: Option<Tone>,
    /// Whether a link points at it.
    pub is_here: bool,
    /// When; its clock may be a day, "19 Nov", beside entries of another day.
    pub time: TimeOfDay,
    /// How far it lies from the entry whose page this is: "4 m 2 s earlier", or nothing.
    pub apart: String,
    /// Who did what to which thing.
    pub sentence: Vec<Part>,
    /// The second line.
    pub detail: Option<String>,
    pub detail_more: Option<Long>,
    /// What it refers to, the first few.
    pub references: Vec<ReferenceChip>,
    /// "and 34 more": the rest stands on its own page.
    pub references_more: String,
    /// How it went.
    pub badge: Option<Badge>,
    /// How long it took.
    pub note: String,
    /// What is odd about it: "unknown project".
    pub mark: String,
    /// What stands under it.
    pub related: Option<Related>,
}

impl Entry {
    /// Calls `each` with itself and what stands under it.
    pub(super) fn for_each(&mut self, each: &mut impl FnMut(&mut Self)) {
        each(self);
        for inner in self.related.iter_mut().flat_map(|related| &mut related.entries) {
            inner.for_each(each);
        }
    }
}

/// A piece of a sentence.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its words.
    pub text: Cow<'static, str>,
    /// Where they lead, if anywhere.
    pub url: Option<String>,
    /// `actor`, `object`, `code` or `word`.
    pub kind: &'static str,
}

/// A text that is too long for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Long {
    /// "Show all 10,000 characters".
    pub label: String,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct ReferenceChip {
    /// What it is called: "commit".
    pub key: Cow<'static, str>,
    /// Its value, shortened when it is long.
    pub value: String,
    /// Its page.
    pub url: String,
}

/// Entries that stand under another one.
#[derive(Debug, Clone)]
pub struct Related {
    /// "3 related", "28 times since 08:12"; nothing when all of them only repeat the row, and are not shown.
    pub label: String,
    /// What they are: "Push, Container session".
    pub kinds: String,
    /// "1 failed", or nothing.
    pub failed: String,
    /// Whether they are shown at first: a link points at one of them.
    pub is_open: bool,
    /// Newest first.
    pub entries: Vec<Entry>,
}

/// An operation that goes on.
#[derive(Debug, Clone)]
pub struct Running {
    /// `ID` or `event:ID`.
    pub id: String,
    /// Its own page.
    pub url: String,
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// Who does what to which thing.
    pub sentence: Vec<Part>,
    /// Its state; a warning where it takes longer than usual.
    pub badge: Badge,
    /// After how many milliseconds it will take longer than usual.
    pub usual_ms: Option<i64>,
    /// Since when.
    pub time: TimeOfDay,
    /// Since how long.
    pub elapsed: String,
    /// Percent, if the operation says so.
    pub progress: Option<u8>,
}

#[must_use]
pub fn badge(status: &Status) -> Badge {
    let (icon, tone) = match status.outcome() {
        Outcome::Good => ("success", Tone::Good),
        Outcome::Bad => ("failed", Tone::Bad),
        Outcome::Busy if status.as_str().eq_ignore_ascii_case("pending") => ("pending", Tone::Busy),
        Outcome::Busy => ("running", Tone::Busy),
        Outcome::Unknown => ("unknown", Tone::Neutral),
    };
    Badge::new(icon, in_short(&status.label(), 60), tone)
}
