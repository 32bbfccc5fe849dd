//! The timeline: actions, events and audit entries that the viewer may see, newest first, out of one table.
//!
//! `pilothouse.timeline` has a row for each of them with everything that a page shows, kept by triggers of the tables
//! that they come from. One order holds for all, `(milliseconds, source, id)` descending, by keyset: a page costs the
//! same wherever it lies. Row-level security decides what is in it; [`Scope`] only says how to look.

mod day;
mod entry;
pub mod exported;
mod fold;
mod row;
mod select;
mod words;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::filter::{Filter, Words};
use super::position::{Direction, TimelineCursor};
use super::status::BUSY;
use crate::db::ids::ProjectId;
use crate::db::statement::Statement;
use crate::identity::{Role, Viewer};

pub use day::{Day, Gap, Item, TimelinePage, day_of};
pub use entry::{Entry, EntryKind, Moment, Oddity, ProjectName, ProjectState};
pub(super) use fold::{TYING, take_name};
pub use row::CAUSED_BY;
pub(super) use row::Row;
pub(super) use select::{Ask, RowStatement, Rows, rows, scope, shown};
pub use words::WordColumn;
pub(super) use words::{status_words, words};

/// How to look at the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Project(ProjectId),
    /// All projects of an owner.
    Own,
    /// Everything, for admins.
    Everything,
}

impl Scope {
    /// All that `viewer` may see.
    #[must_use]
    pub fn of(viewer: &Viewer) -> Self {
        match viewer.role {
            Role::Admin => Self::Everything,
            Role::Owner => Self::Own,
        }
    }
}

/// An operation that began longer ago is not pinned, whatever it says: nothing runs that long, its end was lost.
const RUNNING_AT_MOST_MS: i64 = 24 * 3_600_000;
/// An operation that begins later than this from now is dated wrongly.
const CLOCKS_DIFFER_MS: i64 = 3_600_000;
/// Pinned operations.
const MOST_RUNNING: i64 = 10;

/// The page of `filter` within `scope`. On the first page what goes on now is pinned.
pub fn page(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    now_ms: i64,
) -> QueryResult<TimelinePage> {
    let since = now_ms.saturating_sub(RUNNING_AT_MOST_MS);
    let since = filter.position.is_none().then_some(since);
    let read: Vec<Row> = select::page(&Ask::new(scope, filter), since).load(conn)?;
    let (runs, has_gaps) = read.first().map_or((false, false), |row| (row.runs, row.has_gaps));
    let entries = read.into_iter().filter_map(Row::into_entry).collect();
    let (entries, older, newer) = cut(entries, filter);
    let running = if runs { running(conn, scope, filter, now_ms)? } else { Vec::new() };
    let mut gaps = if has_gaps && shows_gaps(filter) { gaps(conn, scope, filter)? } else { Vec::new() };
    let backwards = matches!(filter.position, Some((Direction::After, _)));
    gaps.retain(|gap| match (entries.last(), entries.first()) {
        (Some(last), _) if !backwards && older.is_some() => gap.to_ms >= last.position.ms,
        (_, Some(first)) if backwards && newer.is_some() => gap.to_ms < first.position.ms,
        _ => true,
    });
    Ok(TimelinePage { running, gaps, older, newer, entries: fold::related(entries) })
}

/// How PostgreSQL reads the entries of a page: for the tests that hold this against the number of rows.
pub fn plan_of_page(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Vec<String>> {
    select::page(&Ask::new(scope, filter), None).explain(conn)
}

/// What was read, newest first and no more than a page, and where the pages before and after it begin.
fn cut(
    mut entries: Vec<Entry>,
    filter: &Filter,
) -> (Vec<Entry>, Option<TimelineCursor>, Option<TimelineCursor>) {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    let backwards = matches!(filter.position, Some((Direction::After, _)));
    // The nearest to the cursor are kept; then the page reads as any other.
    entries.sort_by(|a, b| b.position.cmp(&a.position));
    if backwards {
        entries.drain(..entries.len().saturating_sub(limit));
    } else {
        entries.truncate(limit);
    }
    let start = filter.position.as_ref().map(|(_, cursor)| cursor);
    let first = entries.first().map(|entry| &entry.position).or(start);
    let last = entries.last().map(|entry| &entry.position).or(start);
    let older = last.filter(|_| has_more || backwards).cloned();
    let newer = first.filter(|_| if backwards { has_more } else { start.is_some() }).cloned();
    (entries, older, newer)
}

fn running(conn: &mut PgConnection, scope: Scope, filter: &Filter, now_ms: i64) -> QueryResult<Vec<Entry>> {
    let Some(narrowed) = narrowed_to_running(filter) else { return Ok(Vec::new()) };
    let since = now_ms.saturating_sub(RUNNING_AT_MOST_MS);
    let until = now_ms.saturating_add(CLOCKS_DIFFER_MS);
    let ask = Ask {
        from_ms: Some(filter.from_ms().map_or(since, |from| from.max(since))),
        until_ms: Some(filter.until_ms().map_or(until, |known| known.min(until))),
        ..Ask::new(scope, &narrowed)
    };
    let read: Vec<Row> = select::page(&ask, None).load(conn)?;
    let mut running: Vec<Entry> = read.into_iter().filter_map(Row::into_entry).collect();
    running.sort_by(|a, b| b.position.cmp(&a.position));
    running.truncate(usize::try_from(MOST_RUNNING).unwrap_or_default());
    Ok(running)
}

/// The filter that lets through only what goes on and what `filter` lets through; none when that is nothing.
fn narrowed_to_running(filter: &Filter) -> Option<Filter> {
    let statuses = status_words(&filter.statuses);
    let busy: Vec<String> = BUSY.into_iter().filter(|word| statuses.lets(word)).map(str::to_owned).collect();
    if busy.is_empty() || filter.reference.is_some() {
        return None;
    }
    let statuses = Words { only: busy, not: Vec::new() };
    Some(Filter { statuses, limit: MOST_RUNNING, ..filter.clone() })
}

/// What is missing says nothing about types or actors, so it stands in unfiltered timelines only.
fn shows_gaps(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    words.iter().all(|words| words.is_empty()) && filter.reference.is_none() && filter.target.is_none()
}

fn gaps(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Vec<Gap>> {
    let mut s = Statement::<(Nullable<Text>, BigInt, BigInt, BigInt, Text, Bool)>::new();
    s.sql(
        "SELECT g.project_id, g.from_ms, g.to_ms, g.lost, left(g.reason, 500), g.source IS NOT NULL \
         FROM pilothouse.recording_gaps g WHERE true",
    );
    if let Scope::Project(id) = scope {
        s.sql(" AND (g.project_id = ").text(id.to_string()).sql(" OR g.project_id IS NULL)");
    }
    if let Some(from) = filter.from_ms() {
        s.sql(" AND g.to_ms >= ").big(from);
    }
    if let Some(until) = filter.until_ms() {
        s.sql(" AND g.to_ms < ").big(until);
    }
    let backwards = match &filter.position {
        Some((Direction::Before, cursor)) => {
            s.sql(" AND g.to_ms < ").big(cursor.ms);
            false
        }
        Some((Direction::After, cursor)) => {
            s.sql(" AND g.to_ms >= ").big(cursor.ms);
            true
        }
        None => false,
    };
    // Those next to the cursor; whoever reads them keeps what lies within the page.
    s.sql(if backwards { " ORDER BY g.to_ms LIMIT 20" } else { " ORDER BY g.to_ms DESC LIMIT 20" });
    let read: Vec<(Option<String>, i64, i64, i64, String, bool)> = s.load(conn)?;
    let mut gaps: Vec<Gap> = read
        .into_iter()
        .map(|(project, from_ms, to_ms, lost, reason, is_kept)| Gap {
            project,
            from_ms,
            to_ms,
            lost,
            reason,
            is_kept,
        })
        .collect();
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.to_ms));
    Ok(gaps)
}

#[cfg(test)]
mod tests;
