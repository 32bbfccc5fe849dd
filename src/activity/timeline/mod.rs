//! The timeline: actions, events and audit entries that the viewer may see, newest first.
//!
//! One order for all sources, `(milliseconds, source, id)` descending, by keyset: a page costs the same
//! wherever it lies. Row-level security decides what is in it; [`Scope`] only says how to look.

mod conditions;
mod day;
mod entry;
mod fold;
mod query;
pub mod records;
mod row;
mod tables;

use diesel::prelude::*;

use super::filter::{Filter, Words};
use super::position::{Direction, Source};
use super::status::RUNNING;
use crate::auth::Viewer;
use crate::db::ids::ProjectId;
use crate::users::Role;

pub(super) use conditions::utc;
pub use day::{Day, Gap, Item, TimelinePage, day_of};
pub use entry::{AHEAD_AT_MOST_MS, Entry, EntryKind, Moment, Oddity, ProjectName, ProjectState};
pub(super) use fold::take_name;
pub use row::CAUSED_BY;
pub(super) use row::Row;
pub(super) use tables::{ACTIONS, AUDIT, EVENTS, RowStatement, Table, with_names};

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
