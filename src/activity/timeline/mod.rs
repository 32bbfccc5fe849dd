//! The timeline: actions, events and audit entries that the viewer may see, newest first.
//!
//! One order for all sources, `(milliseconds, source, id)` descending, by keyset: a page costs the same
//! wherever it lies. Row-level security decides what is in it; [`Scope`] only says how to look.

mod conditions;
mod day;
mod entry;
mod extras;
mod fold;
mod lanes;
mod names;
mod query;
pub mod records;
mod row;
mod tables;
mod unindexed;

use diesel::prelude::*;

use super::filter::{Filter, Words};
use super::options::Options;
use super::position::{Direction, Source};
use super::status::RUNNING;
use crate::db::ids::ProjectId;
use crate::identity::{Role, Viewer};

pub(super) use conditions::utc;
pub use day::{Day, Gap, Item, TimelinePage, day_of};
pub use entry::{AHEAD_AT_MOST_MS, Entry, EntryKind, Moment, Oddity, ProjectName, ProjectState};
pub(super) use fold::{TYING, take_name};
pub(super) use names::Names;
pub(super) use query::{Ask, Fetch, rows};
pub use row::CAUSED_BY;
pub(super) use row::Row;
pub(super) use tables::{ACTIONS, AUDIT, EVENTS, RowStatement, Table, with_names};
pub use unindexed::carrying;

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

/// How long something that never reported its end is shown as running. Actions are never updated, and a
/// worker may have died.
const RUNNING_AT_MOST_MS: i64 = 24 * 3_600_000;
/// How far a worker's clock may be ahead for its operations to be pinned. Later ones stand in the list alone.
const CLOCKS_DIFFER_MS: i64 = 3_600_000;
/// Pinned operations at most.
const MOST_RUNNING: i64 = 10;

/// The page that `filter` asks for, in one round trip; `now_ms` is the app's clock.
///
/// # Errors
/// When the statement fails.
pub fn page(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    now_ms: i64,
) -> QueryResult<TimelinePage> {
    Ok(ask(conn, scope, filter, now_ms, false)?.0)
}

/// [`page`] and what its filters offer, in the same round trip: the words that the console knows, those of the
/// viewer's newest actions, and where the viewer sees everything each type and status that there is.
///
/// # Errors
/// When the statement fails.
pub fn page_with_options(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    now_ms: i64,
) -> QueryResult<(TimelinePage, Options)> {
    ask(conn, scope, filter, now_ms, true)
}

fn ask(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    now_ms: i64,
    with_options: bool,
) -> QueryResult<(TimelinePage, Options)> {
    let running = filter.position.is_none().then(|| narrowed_to_running(filter)).flatten();
    let running = running.as_ref().map(|narrowed| Ask {
        scope: &scope,
        filter: narrowed,
        from_ms: Some(latest(filter.from_ms(), now_ms.saturating_sub(RUNNING_AT_MOST_MS))),
        until_ms: Some(earliest(filter.until_ms(), now_ms.saturating_add(CLOCKS_DIFFER_MS))),
        fetch: Fetch::for_page(MOST_RUNNING),
        running: true,
    });
    let Some(statement) = query::page(&whole(&scope, filter), running.as_ref(), with_options) else {
        return Ok((from_rows(Vec::new(), &Names::default(), filter).1, Options::default()));
    };
    // Names come after the rows that they name, so all are read before any becomes an entry.
    let (rows, names) = Names::split_from(statement.load(conn)?);
    let (words, page) = from_rows(rows, &names, filter);
    let options = if with_options { Options::with(words, &names, filter, &page) } else { Options::default() };
    Ok((page, options))
}

fn latest(known: Option<i64>, other: i64) -> i64 {
    known.map_or(other, |known| known.max(other))
}

fn earliest(known: Option<i64>, other: i64) -> i64 {
    known.map_or(other, |known| known.min(other))
}

fn whole<'a>(scope: &'a Scope, filter: &'a Filter) -> Ask<'a> {
    let fetch = Fetch::for_page(filter.limit);
    Ask { scope, filter, from_ms: filter.from_ms(), until_ms: filter.until_ms(), fetch, running: false }
}

/// How PostgreSQL reads the page that `filter` asks for: its plan, executed, a line each. For tests, and for
/// whoever wonders why a page is slow.
///
/// # Errors
/// When the statement fails.
pub fn plan_of_page(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Vec<String>> {
    let Some(statement) = query::page(&whole(&scope, filter), None, false) else { return Ok(Vec::new()) };
    statement.explain(conn)
}

/// The rows that hold words for filters, and the page that the others make.
fn from_rows(rows: Vec<Row>, names: &Names, filter: &Filter) -> (Vec<Row>, TimelinePage) {
    let (mut words, mut gaps, mut running, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.part.as_str() {
            "option" => words.push(row),
            "gap" => gaps.push(gap(row)),
            "running" => running.extend(row.into_entry(names)),
            _ => entries.extend(row.into_entry(names)),
        }
    }
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
    gaps.retain(|gap| match (&last, &first) {
        (Some(last), _) if has_more && !backwards => gap.to_ms >= last.ms,
        (_, Some(first)) if has_more && backwards => gap.to_ms < first.ms,
        _ => true,
    });
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.to_ms));
    running.sort_by(|a, b| b.position.cmp(&a.position));
    running.truncate(usize::try_from(MOST_RUNNING).unwrap_or_default());
    (words, TimelinePage { running, gaps, older, newer, entries: fold::related(entries) })
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

/// The filter of the operations that go on among what `filter` shows; none where it shows no such.
fn narrowed_to_running(filter: &Filter) -> Option<Filter> {
    let mut busy: Vec<String> =
        RUNNING.into_iter().filter(|word| filter.statuses.lets(word)).map(str::to_owned).collect();
    if filter.statuses.only.iter().any(|word| word == "IN_PROGRESS") {
        busy.push("IN_PROGRESS".to_owned());
    }
    if busy.is_empty() || filter.reference.is_some() {
        return None;
    }
    let mut sources = filter.sources.clone();
    sources.not.push(Source::Audit.as_str().to_owned());
    let statuses = Words { only: busy, not: filter.statuses.not.clone() };
    Some(Filter { statuses, sources, limit: MOST_RUNNING, ..filter.clone() })
}

#[cfg(test)]
mod tests;
