//! Turns records of the timeline into what its templates show.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::display::{Day, DayItem, Entry, Part, Related, Running, badge};
use super::{reference, second_line};
use crate::activity::sentence::{self, LinkTarget};
use crate::activity::timeline;
use crate::activity::whole_thread::WholeThread;
use crate::activity::{Oddity, ProjectState, Source, Status};
use crate::db::ids::ProjectId;
use crate::identity::{Role, Viewer};
use crate::web::display::{Badge, Tone, beginning};
use crate::web::escape::{PageBudget, weight};
use crate::web::time::{self, TimeOfDay, duration, instant};
use crate::web::urls;

/// Characters of a name or a title that stand in the list: nobody reads more, and anybody may write it.
const PART_SHOWN: usize = 120;
/// Of one at the head of its own page.
const HEADING_SHOWN: usize = 500;
/// How long an operation may be silent before nobody believes that it still runs.
const BELIEVED_MS: i64 = 24 * 3_600_000;

/// Who looks, and when: what decides how times and links are shown.
#[derive(Debug, Clone)]
pub struct TimelinePresenter {
    pub now: DateTime<Utc>,
    /// Where times are shown for.
    pub zone: Tz,
    /// Whether links to users and audit entries lead somewhere.
    pub is_admin: bool,
    /// The key of the entry that a link points at.
    pub here: Option<String>,
    /// The id of the project whose timeline it is: there, fifty links to it would lead nowhere.
    pub own_project: Option<String>,
    /// Whether times are shown to the second.
    pub seconds: bool,
}

impl TimelinePresenter {
    #[must_use]
    pub fn of(viewer: &Viewer, now: DateTime<Utc>) -> Self {
        Self {
            now,
            zone: viewer.zone,
            is_admin: viewer.role == Role::Admin,
            here: None,
            own_project: None,
            seconds: false,
        }
    }

    /// The same, pointed at the entry with the key `here`.
    #[must_use]
    pub fn pointed_at(self, here: Option<String>) -> Self {
        Self { here, ..self }
    }

    /// The same, on the timeline of `project`.
    #[must_use]
    pub fn within(self, project: ProjectId) -> Self {
        Self { own_project: Some(project.to_string()), ..self }
    }

    /// The same, with times to the second.
    #[must_use]
    pub fn to_the_second(self) -> Self {
        Self { seconds: true, ..self }
    }

    /// "Thursday 19 November 2026"
    #[must_use]
    pub fn whole_day(&self, day: NaiveDate) -> String {
        time::long_day(day, NaiveDate::MIN)
    }

    /// A moment in a sentence: "19 Nov 2025, 14:02".
    #[must_use]
    pub fn moment(&self, ms: i64) -> String {
        time::short_moment(instant(ms).with_timezone(&self.zone).naive_local())
    }

    /// One record with what is folded under it.
    #[must_use]
    pub fn entry(&self, entry: &timeline::Entry) -> Entry {
        let mut shown = self.alone(entry);
        shown.related = (!entry.folded.is_empty()).then(|| {
            let entries: Vec<Entry> = entry.folded.iter().map(|inner| self.alone(inner)).collect();
            let is_open = entries.iter().any(|inner| inner.is_here);
            // What the audit log has of the same act says nothing new.
            let says_more = is_open || entry.folded.iter().any(|inner| !inner.is_twin_of(entry));
            let failed = entries.iter().filter(|inner| inner.tone == Some(Tone::Bad)).count();
            Related {
                label: if says_more { format!("{} related", entries.len()) } else { String::new() },
                kinds: kinds(&entry.folded),
                failed: if failed == 0 { String::new() } else { format!("{failed} failed") },
                is_open,
                entries,
            }
        });
        shown
    }

    /// What led to an entry and what followed, as far as there is room for it, and how many are left out: the nearest
    /// stay.
    #[must_use]
    pub fn thread(
        &self,
        (before, after): (Vec<&timeline::Entry>, Vec<&timeline::Entry>),
        from: &timeline::Entry,
    ) -> (Vec<Entry>, Vec<Entry>, usize) {
        let all = before.len() + after.len();
        let mut room = PageBudget::of(MOST_THREAD);
        let mut fits = |other: &&timeline::Entry| {
            let shown = self.entry_apart(other, from);
            room.take(weight_of(&shown)).then_some(shown)
        };
        let mut led: Vec<Entry> = Vec::new();
        let mut followed: Vec<Entry> = Vec::new();
        let (mut earlier, mut later) = (before.iter().rev(), after.iter());
        loop {
            let (one, other) = (earlier.next().and_then(&mut fits), later.next().and_then(&mut fits));
            if one.is_none() && other.is_none() {
                break;
            }
            led.extend(one);
            followed.extend(other);
        }
        led.reverse();
        let left_out = all - led.len() - followed.len();
        (led, followed, left_out)
    }

    /// One record of the thread of another, with the day and how far it lies from `from`.
    fn entry_apart(&self, entry: &timeline::Entry, from: &timeline::Entry) -> Entry {
        let mut shown = self.alone(entry);
        if shown.detail_more.take().is_some() {
            // The rest stands on its own page.
            shown.detail = shown.detail.map(|head| format!("{head}…"));
        }
        let apart = entry.moment.ms.saturating_sub(from.moment.ms);
        shown.apart = match apart {
            0 => "at the same moment".to_owned(),
            1.. => format!("{} later", duration(apart)),
            _ => format!("{} earlier", duration(apart.saturating_neg())),
        };
        let day = timeline::day_of(entry.moment.ms, self.zone);
        if day != timeline::day_of(from.moment.ms, self.zone) {
            shown.time.clock = time::short_day(day);
        }
        shown
    }

    /// A page of a whole thread by day, oldest first, each with how long after the one before it it came. `before` is
    /// when the one before the page was.
    #[must_use]
    pub fn whole_thread(&self, thread: &WholeThread, before: Option<i64>) -> Vec<Day> {
        let mut days: Vec<Day> = Vec::new();
        let mut before = before;
        for entry in &thread.entries {
            let mut shown = self.entry(entry);
            shown.apart = match before.map(|before| entry.moment.ms.saturating_sub(before)) {
                None => String::new(),
                Some(0) => "at the same moment".to_owned(),
                Some(apart @ 1..) => format!("{} later", duration(apart)),
                Some(apart) => format!("{} earlier, by its clock", duration(apart.saturating_neg())),
            };
            if thread.inferred.contains(&shown.id) {
                let marks = [shown.mark.as_str(), "cause inferred"];
                shown.mark = marks.into_iter().filter(|mark| !mark.is_empty()).collect::<Vec<_>>().join(", ");
            }
            before = Some(entry.moment.ms);
            let date = timeline::day_of(entry.moment.ms, self.zone);
            match days.last_mut() {
                Some(day) if day.date == date => day.items.push(DayItem::Entry(Box::new(shown))),
                _ => days.push(Day {
                    heading: self.heading(date),
                    count: String::new(),
                    url: None,
                    date,
                    is_cut: false,
                    items: vec![DayItem::Entry(Box::new(shown))],
                }),
            }
        }
        days
    }

    fn alone(&self, entry: &timeline::Entry) -> Entry {
        let badge = entry.status.as_ref().map(|status| self.state(entry, status));
        let id = entry.key();
        let (detail, detail_more) = second_line::of(entry);
        let (references, references_more) = reference::chips(entry);
        Entry {
            url: self.page_of(entry),
            icon: entry.kind.icon(),
            tone: badge
                .as_ref()
                .map(|badge| if badge.tone == Tone::Warning { Tone::Busy } else { badge.tone })
                .filter(|tone| matches!(tone, Tone::Bad | Tone::Busy)),
            is_here: self.here.as_deref() == Some(id.as_str()),
            id,
            time: if self.seconds {
                TimeOfDay::to_the_second(entry.moment.ms, self.zone)
            } else {
                TimeOfDay::from_millis(entry.moment.ms, self.zone)
            },
            apart: String::new(),
            sentence: shortened(self.sentence(&entry.sentence), PART_SHOWN),
            detail,
            detail_more,
            references,
            references_more,
            badge,
            note: entry.duration_ms.filter(|ms| *ms >= 0).map(duration).unwrap_or_default(),
            mark: self.mark(entry),
            related: None,
        }
    }

    /// How it went, and whether it takes longer than usual. What has been silent for a day is not shown as running for ever.
    #[must_use]
    pub fn state(&self, entry: &timeline::Entry, status: &Status) -> Badge {
        if let Some(since) = entry.silent_since {
            return Badge::new("unknown", format!("silent since {}", self.moment(since)), Tone::Neutral);
        }
        let silent = self.now.timestamp_millis().saturating_sub(entry.moment.ms);
        if entry.is_running() && silent > BELIEVED_MS {
            return Badge::new("unknown", "no word since", Tone::Neutral);
        }
        if let Some(usual) = entry.usual_ms.filter(|usual| silent > *usual) {
            return Badge::new("warning", format!("slower than usual ({})", duration(usual)), Tone::Warning);
        }
        badge(status)
    }

    /// One operation that goes on.
    #[must_use]
    pub fn running(&self, entry: &timeline::Entry) -> Running {
        let elapsed = self.now.timestamp_millis().saturating_sub(entry.moment.ms);
        let badge = entry
            .status
            .as_ref()
            .map_or_else(|| badge(&Status::running()), |status| self.state(entry, status));
        Running {
            id: entry.key(),
            url: self.page_of(entry),
            icon: entry.kind.icon(),
            sentence: shortened(self.sentence(&entry.sentence), PART_SHOWN),
            usual_ms: entry.usual_ms.filter(|_| badge.tone == Tone::Busy),
            badge,
            time: TimeOfDay::from_millis(entry.moment.ms, self.zone),
            // A worker's clock may be ahead.
            elapsed: if elapsed < 1_000 { "just now".to_owned() } else { duration(elapsed) },
            progress: entry.progress,
        }
    }

    /// A sentence at the head of a page.
    #[must_use]
    pub fn headline(&self, parts: &[sentence::Part]) -> Vec<Part> {
        shortened(self.sentence(parts), HEADING_SHOWN)
    }

    #[must_use]
    pub fn sentence(&self, parts: &[sentence::Part]) -> Vec<Part> {
        parts
            .iter()
            .map(|part| match part {
                sentence::Part::Actor(actor) => {
                    let target = actor.user.clone().filter(|_| actor.exists).map(LinkTarget::User);
                    let url = target.and_then(|target| self.address(&target));
                    Part { text: actor.name.clone().into(), url, kind: "actor" }
                }
                sentence::Part::Text(text) => Part { text: text.clone(), url: None, kind: "word" },
                sentence::Part::Code(text) => Part { text: text.clone().into(), url: None, kind: "code" },
                sentence::Part::Link { target, label } => {
                    Part { text: label.clone().into(), url: self.address(target), kind: "object" }
                }
            })
            .collect()
    }

    /// The page of a thing, when it has one that the viewer may see.
    #[must_use]
    pub fn address(&self, target: &LinkTarget) -> Option<String> {
        match target {
            LinkTarget::Project(id) if self.own_project.as_ref() == Some(id) => None,
            LinkTarget::Project(id) => id.parse().ok().map(urls::project),
            LinkTarget::Container(id) => id.parse().ok().map(urls::container),
            LinkTarget::User(id) => id.parse().ok().filter(|_| self.is_admin).map(urls::user),
            LinkTarget::Message { project, id } => {
                let chat = urls::project_part(project.parse().ok()?, "chat");
                Some(urls::message(&chat, id.parse().ok()?))
            }
            LinkTarget::Reference { key, value } => Some(urls::reference(key, value)),
            LinkTarget::ReferenceWithin { project, key, value } => {
                Some(reference::address(key, value, Some(project)))
            }
            LinkTarget::Nowhere => None,
        }
    }

    /// The page of one record. Owners have none of audit entries: they are shown where they stand.
    #[must_use]
    pub fn page_of(&self, entry: &timeline::Entry) -> String {
        match entry.source() {
            Source::Action => urls::action(entry.id()),
            Source::Event => urls::event(entry.id()),
            Source::Engine => urls::observation(entry.id()),
            Source::Audit if self.is_admin => urls::audit_entry(entry.id()),
            Source::Audit => {
                let is_here = self.own_project.is_some()
                    && self.own_project.as_ref() == entry.project.as_ref().map(|project| &project.id);
                if is_here { around_at("", entry) } else { around(entry) }
            }
        }
    }

    /// What is to be known of an entry besides what it says. Owners read who of those who did something to what
    /// is theirs was an admin; for admins that is no news.
    #[must_use]
    pub fn mark(&self, entry: &timeline::Entry) -> String {
        let project = match entry.project.as_ref().map(|project| project.state) {
            Some(ProjectState::Unknown) => "unknown project",
            Some(ProjectState::Gone) => "project is gone",
            Some(ProjectState::Exists) | None => "",
        };
        let time = match entry.moment.oddity {
            Some(Oddity::Missing) => "no time recorded",
            Some(Oddity::LooksLikeSeconds) => "time looks like seconds",
            Some(Oddity::Implausible) => "implausible time",
            Some(Oddity::Ahead) => "dated in the future",
            None => "",
        };
        let actor = if entry.actor.is_admin && !self.is_admin { "by an admin" } else { "" };
        [actor, project, time].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The timeline with `entry` half way down, marked. In its project where there is one.
#[must_use]
pub fn around(entry: &timeline::Entry) -> String {
    let project = entry.project.as_ref().filter(|project| project.state == ProjectState::Exists);
    let path = match project.and_then(|project| project.id.parse().ok()) {
        Some(id) => urls::project_part(id, "activity"),
        None => "/activity".to_owned(),
    };
    around_at(&path, entry)
}

fn around_at(path: &str, entry: &timeline::Entry) -> String {
    let mut address = urls::with_query(path, &[("around", entry.position.to_string())]);
    address.push_str("#here");
    address
}

/// Bytes that the thread of an entry takes on its page at most.
const MOST_THREAD: usize = 120_000;
/// Bytes of a row besides its texts, with some to spare.
const ROW: usize = 450;

/// About how many bytes a row takes.
fn weight_of(entry: &Entry) -> usize {
    let parts = entry.sentence.iter().map(|part| weight(&part.text) + part.url.as_deref().map_or(0, weight));
    let chips =
        entry.references.iter().map(|chip| weight(&chip.key) + weight(&chip.value) + weight(&chip.url));
    let texts = [&entry.id, &entry.url, &entry.url, &entry.mark].into_iter().map(|text| weight(text));
    ROW + texts.chain(parts).chain(chips).sum::<usize>() + entry.detail.as_deref().map_or(0, weight)
}

/// What folds under an entry, each kind once: "Push, 2 × Container session".
fn kinds(entries: &[timeline::Entry]) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for label in entries.iter().map(|entry| entry.kind.label()) {
        match counted.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => counted.push((label, 1)),
        }
    }
    let more = if counted.len() > 3 { ", …" } else { "" };
    let named = counted.into_iter().take(3).map(|(label, count)| match count {
        1 => label,
        count => format!("{count} × {label}"),
    });
    named.collect::<Vec<_>>().join(", ") + more
}

fn shortened(mut parts: Vec<Part>, length: usize) -> Vec<Part> {
    for part in &mut parts {
        if let (shown, true) = beginning(&part.text, length) {
            part.text = format!("{shown}…").into();
        }
    }
    parts
}
