//! The timeline: actions, events and audit entries that the viewer may see, newest first.
//!
//! One order for all sources, `(milliseconds, source, id)` descending, by keyset: a page costs the same
//! wherever it lies. Row-level security decides what is in it; [`Scope`] only says how to look.

mod fold;
mod query;
mod row;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::act::Act;
use super::action_type::ActionType;
use super::event_type::EventType;
use super::filter::{Filter, Reference, Words};
use super::sentence::{self, Actor, LinkTarget, Object, Part};
use super::status::{Outcome, RUNNING, Status};
use super::vocabulary::Group;
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::auth::Viewer;
use crate::db::ids::ProjectId;
use crate::users::Role;

pub(super) use query::{ACTIONS, AUDIT, EVENTS, RowStatement, Table, utc, with_names};
pub use row::CAUSED_BY;
pub(super) use row::Row;

/// How to look, never what may be seen: an owner who asks for everything still sees their own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One project.
    Project(ProjectId),
    /// All projects of the viewer, by way of each.
    Own,
    /// Everything there is, by time alone.
    Everything,
}

impl Scope {
    /// Everything that `viewer` may see.
    #[must_use]
    pub fn of(viewer: &Viewer) -> Self {
        match viewer.role {
            Role::Admin => Self::Everything,
            Role::Owner => Self::Own,
        }
    }
}

/// What kind of record an entry is, and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// Something happened to a project.
    Action(ActionType),
    /// An operation with a start and an end.
    Event(EventType),
    /// Something was done in the console.
    Audit(Act),
}

impl EntryKind {
    /// The stored type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Action(kind) => kind.as_str(),
            Self::Event(kind) => kind.as_str(),
            Self::Audit(act) => act.as_str(),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Action(kind) => kind.label(),
            Self::Event(kind) => kind.label(),
            Self::Audit(act) => act.label(),
        }
    }

    /// A symbol of the icon sprite.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self {
            Self::Action(kind) => kind.facts().icon,
            Self::Event(kind) => kind.facts().icon,
            Self::Audit(act) => act.facts().icon,
        }
    }

    /// Where filters list it.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::Action(kind) => kind.facts().group,
            Self::Event(kind) => kind.facts().group,
            Self::Audit(act) => act.facts().group,
        }
    }
}

/// When something happened, as it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Epoch milliseconds. Kept as the writer wrote it, even when it is odd.
    pub ms: i64,
    /// What is odd about it.
    pub oddity: Option<Oddity>,
}

/// Why a time is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// None was stored; the row stands at the epoch.
    Missing,
    /// It reads like seconds: the writer forgot to multiply.
    LooksLikeSeconds,
    /// Before 1990 or after 2100.
    Implausible,
}

impl Moment {
    pub(super) fn of(ms: i64, source: Source) -> Self {
        const YEAR_1990: i64 = 631_152_000_000;
        const YEAR_2100: i64 = 4_102_444_800_000;
        let oddity = match ms {
            0 if source != Source::Event => Some(Oddity::Missing),
            // 1990 to 2100, in seconds.
            631_152_000..=4_102_444_800 => Some(Oddity::LooksLikeSeconds),
            YEAR_1990..YEAR_2100 => None,
            _ => Some(Oddity::Implausible),
        };
        Self { ms, oddity }
    }
}

/// What is known of the project that an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectState {
    /// The viewer can open it.
    Exists,
    /// Its row was deleted; a tombstone keeps its name.
    Gone,
    /// There is no such project. Only admins see such rows.
    Unknown,
}

/// The project that an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName {
    /// The stored id; any text.
    pub id: String,
    /// Its name, or the id where none is known.
    pub name: String,
    /// Whether there is such a project.
    pub state: ProjectState,
}

impl ProjectName {
    fn as_object(&self) -> Object {
        let target = match self.state {
            ProjectState::Exists => LinkTarget::Project(self.id.clone()),
            ProjectState::Gone | ProjectState::Unknown => LinkTarget::Nowhere,
        };
        Object { target, label: self.name.clone() }
    }
}

/// One record of the timeline, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, and so its source and id.
    pub position: TimelineCursor,
    /// When.
    pub moment: Moment,
    /// What kind of record, and its type.
    pub kind: EntryKind,
    /// How it went; audit entries have none.
    pub status: Option<Status>,
    /// Where it happened; actions only.
    pub environment: Option<String>,
    /// Who.
    pub actor: Actor,
    /// To which project.
    pub project: Option<ProjectName>,
    /// Who did what to which thing.
    pub sentence: Vec<Part>,
    /// The second line: at most 2,000 characters.
    pub details: Option<String>,
    /// What it refers to: at most 24 pairs, scalars only, without the cause.
    pub references: Vec<Reference>,
    /// The request that it belongs to.
    pub request_id: Option<String>,
    /// The id of the record that led to it.
    pub caused_by: Option<String>,
    /// How long it took; events only.
    pub duration_ms: Option<i64>,
    /// Percent done; events only.
    pub progress: Option<u8>,
    /// Audit entries and events of the same request, which stand under this action.
    pub folded: Vec<Entry>,
}

impl Entry {
    /// The source's table.
    #[must_use]
    pub fn source(&self) -> Source {
        self.position.source
    }

    /// The record's id within its table.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.position.id
    }

    /// What `data-activity` holds: `ID`, `event:ID` or `audit:ID`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.position.source {
            Source::Action => self.position.id.clone(),
            Source::Event => format!("event:{}", self.position.id),
            Source::Audit => format!("audit:{}", self.position.id),
        }
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.outcome() == Outcome::Busy)
    }

    /// The sentence as plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        sentence::plain(&self.sentence)
    }
}

/// Records that are lost for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The project, when it is known.
    pub project: Option<String>,
    /// The first and last time, epoch milliseconds, between which records are missing.
    pub from_ms: i64,
    /// See `from_ms`.
    pub to_ms: i64,
    /// How many.
    pub lost: i64,
    /// Why.
    pub reason: String,
}

/// One page.
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
}

/// What stands on one day.
#[derive(Debug)]
pub struct Day<'a> {
    /// The day in the viewer's zone.
    pub date: NaiveDate,
    /// Entries and gaps, newest first.
    pub items: Vec<Item<'a>>,
    /// How many entries are shown, folded ones too.
    pub shown: usize,
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
                _ => days.push(Day { date, items: vec![item], shown }),
            }
        }
        days
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

/// How long something that never reported its end is shown as running. Actions are never updated, and a
/// worker may have died.
const RUNNING_AT_MOST_MS: i64 = 24 * 3_600_000;
/// Pinned operations at most.
const MOST_RUNNING: i64 = 10;

/// The page that `filter` asks for; `now_ms` is the app's clock. One round trip, and one more for the pinned
/// operations of the first page.
///
/// # Errors
/// When a statement fails.
pub fn page(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    now_ms: i64,
) -> QueryResult<TimelinePage> {
    let mut page = slice(conn, scope, filter, filter.from_ms())?;
    if filter.position.is_none() {
        page.running = running(conn, scope, filter, now_ms)?;
    }
    Ok(page)
}

/// How PostgreSQL reads the page that `filter` asks for: its plan, executed, a line each. For tests, and for
/// whoever wonders why a page is slow.
///
/// # Errors
/// When the statement fails.
pub fn plan_of_page(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Vec<String>> {
    let fetch = query::Fetch::for_page(filter.limit);
    let (from_ms, until_ms) = (filter.from_ms(), filter.until_ms());
    let ask = query::Ask { scope: &scope, filter, from_ms, until_ms, fetch };
    let Some(statement) = query::page(&ask) else { return Ok(Vec::new()) };
    let lines: Vec<(String,)> = statement.explained().load(conn)?;
    Ok(lines.into_iter().map(|(line,)| line).collect())
}

fn slice(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    from_ms: Option<i64>,
) -> QueryResult<TimelinePage> {
    let fetch = query::Fetch::for_page(filter.limit);
    let ask = query::Ask { scope: &scope, filter, from_ms, until_ms: filter.until_ms(), fetch };
    let rows: Vec<Row> = match query::page(&ask) {
        Some(statement) => statement.load(conn)?,
        None => Vec::new(),
    };
    Ok(from_rows(rows, filter))
}

fn from_rows(rows: Vec<Row>, filter: &Filter) -> TimelinePage {
    let (gaps, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.source == "gap");
    let mut entries: Vec<Entry> = rows.into_iter().filter_map(Row::into_entry).collect();
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    let backwards = matches!(filter.position, Some((Direction::After, _)));
    if backwards {
        // The nearest to the cursor are kept; then the page reads as any other.
        entries.sort_by(|a, b| a.position.cmp(&b.position));
        entries.truncate(limit);
        entries.reverse();
    } else {
        entries.sort_by(|a, b| b.position.cmp(&a.position));
        entries.truncate(limit);
    }
    let start = filter.position.as_ref().map(|(_, cursor)| cursor);
    let first = entries.first().map(|entry| &entry.position).or(start);
    let last = entries.last().map(|entry| &entry.position).or(start);
    let older = last.filter(|_| has_more || backwards).cloned();
    let newer = first.filter(|_| if backwards { has_more } else { start.is_some() }).cloned();
    let mut gaps: Vec<Gap> = gaps.into_iter().map(gap).collect();
    gaps.retain(|gap| match (&last, &first) {
        (Some(last), _) if has_more && !backwards => gap.to_ms >= last.ms,
        (_, Some(first)) if has_more && backwards => gap.to_ms < first.ms,
        _ => true,
    });
    TimelinePage { running: Vec::new(), gaps, older, newer, entries: fold::by_request(entries) }
}

fn gap(row: Row) -> Gap {
    Gap {
        project: row.project,
        from_ms: row.more.and_then(|from| from.parse().ok()).unwrap_or(row.at),
        to_ms: row.at,
        lost: row.amount.unwrap_or(1),
        reason: row.details.unwrap_or_default(),
    }
}

fn running(conn: &mut PgConnection, scope: Scope, filter: &Filter, now_ms: i64) -> QueryResult<Vec<Entry>> {
    let mut busy: Vec<String> =
        RUNNING.into_iter().filter(|word| filter.statuses.lets(word)).map(str::to_owned).collect();
    if filter.statuses.only.iter().any(|word| word == "IN_PROGRESS") {
        busy.push("IN_PROGRESS".to_owned());
    }
    if busy.is_empty() || filter.reference.is_some() {
        return Ok(Vec::new());
    }
    let mut sources = filter.sources.clone();
    sources.not.push(Source::Audit.as_str().to_owned());
    let narrowed = Filter {
        statuses: Words { only: busy, not: filter.statuses.not.clone() },
        sources,
        limit: MOST_RUNNING,
        ..filter.clone()
    };
    let since = now_ms.saturating_sub(RUNNING_AT_MOST_MS);
    let from_ms = Some(filter.from_ms().map_or(since, |from| from.max(since)));
    let page = slice(conn, scope, &narrowed, from_ms)?;
    Ok(page.entries)
}

#[cfg(test)]
mod tests;
