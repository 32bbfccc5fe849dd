//! Turns records of the timeline into what its templates show.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::display::{Day, DayItem, Entry, Gap, Long, MoreReferences, Part, ReferenceChip, Related, Running};
use crate::activity::sentence::{self, LinkTarget};
use crate::activity::timeline::{self, Item, TimelinePage};
use crate::activity::{Oddity, ProjectState, Reference, Source, Status, TimelineCursor};
use crate::auth::Viewer;
use crate::users::Role;
use crate::web::display::{Badge, Timestamp, counted, duration, instant};
use crate::web::urls;

/// Characters of a detail that stand in the list.
const DETAIL_SHOWN: usize = 240;
/// Characters of a detail that a timeline reads.
const MOST_DETAILS: usize = 2_000;
/// References that stand in the list.
const REFERENCES_SHOWN: usize = 8;

/// Who looks, and when: what decides how times and links are shown.
#[derive(Debug, Clone, Copy)]
pub struct Eyes {
    /// Now.
    pub now: DateTime<Utc>,
    /// Where times are shown for.
    pub zone: Tz,
    /// Whether links to users and audit entries lead somewhere.
    pub is_admin: bool,
}

impl Eyes {
    /// `viewer` at `now`.
    #[must_use]
    pub fn of(viewer: &Viewer, now: DateTime<Utc>) -> Self {
        Self { now, zone: viewer.zone, is_admin: viewer.role == Role::Admin }
    }

    /// The entries of `page` by day.
    #[must_use]
    pub fn days(&self, page: &TimelinePage) -> Vec<Day> {
        page.days(self.zone)
            .into_iter()
            .map(|day| Day {
                heading: self.heading(day.date),
                count: counted(day.shown, "entry", "entries"),
                items: day
                    .items
                    .iter()
                    .map(|item| match item {
                        Item::Entry(entry) => DayItem::Entry(Box::new(self.entry(entry))),
                        Item::Gap(gap) => DayItem::Gap(Gap { text: self.gap(gap) }),
                    })
                    .collect(),
            })
            .collect()
    }

    fn heading(&self, date: NaiveDate) -> String {
        if !(1..=9999).contains(&date.year()) {
            return "Beyond the calendar".to_owned();
        }
        let today = self.now.with_timezone(&self.zone).date_naive();
        let named = if date.year() == today.year() {
            date.format("%A %-d %B").to_string()
        } else {
            date.format("%A %-d %B %Y").to_string()
        };
        match (today - date).num_days() {
            0 => format!("Today, {named}"),
            1 => format!("Yesterday, {named}"),
            _ => named,
        }
    }

    fn gap(&self, gap: &timeline::Gap) -> String {
        let time = |ms| instant(ms).with_timezone(&self.zone).format("%-d %b %Y %H:%M").to_string();
        let lost = match gap.lost {
            1 => "1 record was lost".to_owned(),
            lost => format!("{lost} records were lost"),
        };
        format!(
            "{lost} between {} and {} ({}). What they recorded did happen.",
            time(gap.from_ms),
            time(gap.to_ms),
            gap.reason
        )
    }

    /// One record with what is folded under it.
    #[must_use]
    pub fn entry(&self, entry: &timeline::Entry) -> Entry {
        let badge = entry.status.as_ref().map(badge);
        let time = Timestamp::from_millis(entry.moment.ms, self.now, self.zone);
        // An audit entry's description says what its sentence says already.
        let said = entry.details.as_deref().filter(|text| *text != entry.kind.label());
        let (detail, detail_more) = details(said);
        let mut chips: Vec<ReferenceChip> = entry.references.iter().map(chip).collect();
        let rest = chips.split_off(chips.len().min(REFERENCES_SHOWN));
        Entry {
            id: entry.key(),
            url: self.page_of(entry),
            icon: entry.kind.icon(),
            tone: badge
                .as_ref()
                .map(|badge| badge.tone)
                .filter(|tone| matches!(*tone, "bad" | "busy"))
                .unwrap_or_default(),
            clock: time.clock.clone(),
            time,
            sentence: self.sentence(&entry.sentence),
            detail,
            detail_more,
            references: chips,
            references_more: (!rest.is_empty())
                .then(|| MoreReferences { label: format!("+{} more", rest.len()), items: rest }),
            badge,
            note: entry.duration_ms.map(duration).unwrap_or_default(),
            mark: self.mark(entry),
            related: (!entry.folded.is_empty()).then(|| Related {
                label: counted(entry.folded.len(), "related entry", "related entries"),
                entries: entry.folded.iter().map(|inner| self.entry(inner)).collect(),
            }),
        }
    }

    /// One operation that goes on.
    #[must_use]
    pub fn running(&self, entry: &timeline::Entry) -> Running {
        Running {
            id: entry.key(),
            url: self.page_of(entry),
            icon: entry.kind.icon(),
            sentence: self.sentence(&entry.sentence),
            badge: entry.status.as_ref().map_or_else(|| badge(&Status::running()), badge),
            elapsed: duration(self.now.timestamp_millis().saturating_sub(entry.moment.ms).max(0)),
            progress: entry.progress,
        }
    }

    /// The parts of a sentence with their addresses.
    #[must_use]
    pub fn sentence(&self, parts: &[sentence::Part]) -> Vec<Part> {
        parts
            .iter()
            .map(|part| match part {
                sentence::Part::Actor(actor) => {
                    let target = actor.user.clone().filter(|_| actor.exists).map(LinkTarget::User);
                    let url = target.and_then(|target| self.address(&target));
                    Part { text: actor.name.clone(), url, kind: "actor" }
                }
                sentence::Part::Text(text) => Part { text: text.clone(), url: None, kind: "word" },
                sentence::Part::Code(text) => Part { text: text.clone(), url: None, kind: "code" },
                sentence::Part::Link { target, label } => {
                    Part { text: label.clone(), url: self.address(target), kind: "object" }
                }
            })
            .collect()
    }

    /// The page of a thing, when it has one that these eyes may see.
    #[must_use]
    pub fn address(&self, target: &LinkTarget) -> Option<String> {
        match target {
            LinkTarget::Project(id) => id.parse().ok().map(urls::project),
            LinkTarget::Container(id) => id.parse().ok().map(urls::container),
            LinkTarget::User(id) => id.parse().ok().filter(|_| self.is_admin).map(urls::user),
            LinkTarget::Message { project, id } => {
                let chat = urls::project_part(project.parse().ok()?, "chat");
                Some(urls::message(&chat, id.parse().ok()?))
            }
            LinkTarget::Reference { key, value } => Some(urls::reference(key, value)),
            LinkTarget::Nowhere => None,
        }
    }

    /// The page of one record. Owners have none of audit entries: they are shown where they stand.
    #[must_use]
    pub fn page_of(&self, entry: &timeline::Entry) -> String {
        match entry.source() {
            Source::Action => urls::action(entry.id()),
            Source::Event => urls::event(entry.id()),
            Source::Audit if self.is_admin => urls::audit_entry(entry.id()),
            Source::Audit => around(entry),
        }
    }

    /// What is to be known of an entry besides what it says. Owners read who of those who did something to what
    /// is theirs was an admin; for admins that is no news.
    fn mark(&self, entry: &timeline::Entry) -> String {
        let project = match entry.project.as_ref().map(|project| project.state) {
            Some(ProjectState::Unknown) => "unknown project",
            Some(ProjectState::Gone) => "project is gone",
            Some(ProjectState::Exists) | None => "",
        };
        let time = match entry.moment.oddity {
            Some(Oddity::Missing) => "no time recorded",
            Some(Oddity::LooksLikeSeconds) => "time looks like seconds",
            Some(Oddity::Implausible) => "implausible time",
            None if entry.moment.is_ahead(self.now.timestamp_millis()) => "dated in the future",
            None => "",
        };
        let actor = if entry.actor.is_admin && !self.is_admin { "by an admin" } else { "" };
        [actor, project, time].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The timeline with `entry` in its upper part: two minutes on and everything before.
#[must_use]
pub fn around(entry: &timeline::Entry) -> String {
    let start = TimelineCursor {
        ms: entry.moment.ms.saturating_add(120_000),
        source: Source::Action,
        id: "0".to_owned(),
    };
    format!("{}#{}", urls::with_query("/activity", &[("before", start.to_string())]), entry.key())
}

/// How a status is shown.
#[must_use]
pub fn badge(status: &Status) -> Badge {
    let shown = status.badge();
    let tone = if shown.tone == "quiet" { "neutral" } else { shown.tone };
    Badge { icon: shown.icon, label: shown.label, tone }
}

fn details(text: Option<&str>) -> (Option<String>, Option<Long>) {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return (None, None) };
    let length = text.chars().count();
    if length <= DETAIL_SHOWN {
        return (Some(text.to_owned()), None);
    }
    let head = text.chars().take(DETAIL_SHOWN).collect();
    // The timeline brings that many at most; the entry's own page has the rest.
    let label = if length >= MOST_DETAILS {
        format!("Show the first {length} characters")
    } else {
        format!("Show all {length} characters")
    };
    (Some(head), Some(Long { label, text: text.to_owned() }))
}

/// What a reference's key is called.
#[must_use]
pub fn key_label(key: &str) -> &str {
    match key {
        "deployment_id" => "deployment",
        "github_push_id" => "push",
        "commit_sha" => "commit",
        "branch_name" => "branch",
        "container_id" => "container",
        "container_session_id" => "session",
        "database_id" => "database",
        "database_name" => "database name",
        "chat_message_id" => "message",
        "app_name" => "app",
        other => other,
    }
}

/// A reference as a chip: its value is shortened, its address is not.
#[must_use]
pub fn chip(reference: &Reference) -> ReferenceChip {
    let length = if reference.key == "commit_sha" { 7 } else { 32 };
    let mut value: String = reference.value.chars().take(length).collect();
    if reference.key != "commit_sha" && reference.value.chars().count() > length {
        value.push('…');
    }
    ReferenceChip {
        key: key_label(&reference.key).to_owned(),
        value,
        url: urls::reference(&reference.key, &reference.value),
    }
}
