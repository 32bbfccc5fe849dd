//! The timeline: actions, events and audit entries that the viewer may see, newest first, out of one table.
//!
//! `pilothouse.timeline` has a row for each of them with everything that a page shows, kept by triggers of the tables
//! that they come from. One order holds for all, `(milliseconds, source, id)` descending, by keyset: a page costs the
//! same wherever it lies. Row-level security decides what is in it; [`Scope`] only says how to look.

mod conditions;
mod day;
mod entry;
pub mod exported;
mod fold;
mod known;
mod row;
mod select;
mod words;

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::filter::{Filter, Words};
use super::position::{Direction, TimelineCursor};
use super::silence;
use super::status::BUSY;
use crate::db::ids::ProjectId;
use crate::db::statement::Statement;
use crate::identity::{Role, Viewer};

pub(super) use conditions::scope;
pub use day::{Day, Gap, Item, TimelinePage, day_of};
pub use entry::{Entry, EntryKind, Moment, Oddity, ProjectName, ProjectState};
pub(super) use fold::{TYING, take_name};
pub use known::Known;
pub use row::CAUSED_BY;
pub(super) use row::Row;
pub(super) use select::{Ask, RowStatement, Rows, rows, shown, shown_beside};
pub use select::{COUNTED_AT_MOST, LOOKED_THROUGH};
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
/// How far before the middle of a page gaps are looked for.
const GAPS_AROUND_MS: i64 = 24 * 3_600_000;
/// Pinned operations.
const MOST_RUNNING: i64 = 10;

/// The page of `filter` within `scope`. On the first page what goes on now is pinned.
pub fn page(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    known: &Known,
    now_ms: i64,
) -> QueryResult<TimelinePage> {
    let mut page = match &filter.around {
        Some(middle) => around(conn, scope, filter, known, middle)?,
        None => from_position(conn, scope, filter, known, now_ms)?,
    };
    silence::tell_of_page(conn, &mut page)?;
    Ok(page)
}

fn from_position(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    known: &Known,
    now_ms: i64,
) -> QueryResult<TimelinePage> {
    let since = now_ms.saturating_sub(RUNNING_AT_MOST_MS);
    let since = filter.position.is_none().then_some(since);
    let read: Vec<Row> = select::page(&Ask::new(scope, filter), known, since).load(conn)?;
    let (runs, has_gaps) = read.first().map_or((false, false), |row| (row.runs, row.has_gaps));
    let mut page = cut(entries_of(read, known), filter);
    if runs {
        page.running = running(conn, scope, filter, known, now_ms)?;
    }
    if filter.q.is_some() && (page.older.is_none() || page.entries.is_empty()) {
        page.looked_until = looked_until(conn, scope, filter)?;
    }
    complete(conn, scope, filter, page, has_gaps)
}

/// What goes on within `scope`, the newest first.
pub fn what_runs(
    conn: &mut PgConnection,
    scope: Scope,
    known: &Known,
    zone: Tz,
    now_ms: i64,
) -> QueryResult<Vec<Entry>> {
    let running = running(conn, scope, &Filter::none(zone), known, now_ms)?;
    let mut page = TimelinePage { running, ..TimelinePage::default() };
    silence::tell_of_page(conn, &mut page)?;
    Ok(page.running)
}

/// The page with `middle` half way down.
fn around(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    known: &Known,
    middle: &TimelineCursor,
) -> QueryResult<TimelinePage> {
    // No text stands between an id and the same id with the lowest character behind it.
    let above = TimelineCursor { id: format!("{}\u{1}", middle.id), ..middle.clone() };
    let mut half = |direction, limit| {
        let half =
            Filter { position: Some((direction, above.clone())), limit, around: None, ..filter.clone() };
        let read: Vec<Row> = select::page(&Ask::new(scope, &half), known, None).load(conn)?;
        let has_gaps = read.first().is_some_and(|row| row.has_gaps);
        let page = cut(entries_of(read, known), &half);
        Ok::<_, diesel::result::Error>((page, has_gaps))
    };
    let (newer, _) = half(Direction::After, filter.limit / 2)?;
    let (mut page, has_gaps) = half(Direction::Before, filter.limit - filter.limit / 2)?;
    page.entries.splice(0..0, newer.entries);
    page.newer = newer.newer;
    page.beyond = [newer.beyond.into_iter().next().flatten(), page.beyond.into_iter().last().flatten()];
    complete(conn, scope, filter, page, has_gaps)
}

/// `page` with its gaps, the count of its day, and what belongs together folded.
fn complete(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    mut page: TimelinePage,
    has_gaps: bool,
) -> QueryResult<TimelinePage> {
    if has_gaps && shows_gaps(filter) {
        page.gaps = gaps(conn, scope, filter)?;
    }
    let backwards = matches!(filter.position, Some((Direction::After, _)));
    let (first, last) = (page.entries.first(), page.entries.last());
    let (first, last) = (first.map(|entry| entry.position.ms), last.map(|entry| entry.position.ms));
    let (ends_above, ends_below) = (page.newer.is_some(), page.older.is_some());
    page.gaps.retain(|gap| {
        let is_below = !backwards && ends_below && last.is_some_and(|last| gap.to_ms < last);
        let is_above = (backwards || filter.around.is_some())
            && ends_above
            && first.is_some_and(|first| gap.to_ms >= first);
        !is_below && !is_above
    });
    let is_one_day = filter.from.is_some() && filter.from == filter.to;
    if is_one_day
        && page.beyond.iter().any(Option::is_some)
        && filter.reference.is_none()
        && filter.q.is_none()
    {
        let whole = Filter { position: None, around: None, ..filter.clone() };
        page.of_day = Some(select::count(&Ask::new(scope, &whole)).get_result::<(i64,)>(conn)?.0);
    }
    page.entries = fold::related(page.entries, filter.zone);
    Ok(page)
}

/// The last record that a search for words has looked at; none when that is all there is.
fn looked_until(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
) -> QueryResult<Option<TimelineCursor>> {
    let last: Option<Row> = select::last_looked_at(&Ask::new(scope, filter)).get_result(conn).optional()?;
    Ok(last.and_then(|row| row.position()))
}

/// How PostgreSQL reads the entries of a page: for the tests that hold this against the number of rows.
pub fn plan_of_page(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    known: &Known,
    running_since: Option<i64>,
) -> QueryResult<Vec<String>> {
    select::page(&Ask::new(scope, filter), known, running_since).explain(conn)
}

fn entries_of(rows: Vec<Row>, known: &Known) -> Vec<Entry> {
    let complete = |mut row: Row| {
        known.complete(&mut row);
        row.into_entry()
    };
    rows.into_iter().filter_map(complete).collect()
}

/// What was read, newest first and no more than a page, with where the pages before and after it begin.
fn cut(mut entries: Vec<Entry>, filter: &Filter) -> TimelinePage {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    let backwards = matches!(filter.position, Some((Direction::After, _)));
    // The nearest to the cursor are kept; then the page reads as any other.
    entries.sort_by(|a, b| b.position.cmp(&a.position));
    let left_out = if backwards { entries.first() } else { entries.last() };
    let left_out = left_out.filter(|_| has_more).map(|entry| entry.position.ms);
    if backwards {
        entries.drain(..entries.len().saturating_sub(limit));
    } else {
        entries.truncate(limit);
    }
    let start = filter.position.as_ref().map(|(_, cursor)| cursor);
    let first = entries.first().map(|entry| &entry.position).or(start);
    let last = entries.last().map(|entry| &entry.position).or(start);
    let start_ms = start.map(|cursor| cursor.ms);
    TimelinePage {
        older: last.filter(|_| has_more || backwards).cloned(),
        newer: first.filter(|_| if backwards { has_more } else { start.is_some() }).cloned(),
        beyond: if backwards { [left_out, start_ms] } else { [start_ms, left_out] },
        entries,
        ..TimelinePage::default()
    }
}

fn running(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    known: &Known,
    now_ms: i64,
) -> QueryResult<Vec<Entry>> {
    let Some(narrowed) = narrowed_to_running(filter) else { return Ok(Vec::new()) };
    let since = now_ms.saturating_sub(RUNNING_AT_MOST_MS);
    let until = now_ms.saturating_add(CLOCKS_DIFFER_MS);
    let ask = Ask {
        from_ms: Some(filter.from_ms().map_or(since, |from| from.max(since))),
        until_ms: Some(filter.until_ms().map_or(until, |known| known.min(until))),
        ..Ask::new(scope, &narrowed)
    };
    let mut running = entries_of(select::page(&ask, known, None).load(conn)?, known);
    running.sort_by(|a, b| b.position.cmp(&a.position));
    running.truncate(usize::try_from(MOST_RUNNING).unwrap_or_default());
    Ok(running)
}

/// The filter that lets through only what goes on and what `filter` lets through; none when that is nothing.
fn narrowed_to_running(filter: &Filter) -> Option<Filter> {
    let statuses = status_words(&filter.statuses);
    let busy: Vec<String> = BUSY.into_iter().filter(|word| statuses.lets(word)).map(str::to_owned).collect();
    if busy.is_empty() || filter.reference.is_some() || filter.q.is_some() {
        return None;
    }
    let statuses = Words { only: busy, not: Vec::new() };
    Some(Filter { statuses, limit: MOST_RUNNING, ..filter.clone() })
}

/// What is missing says nothing about types or actors, so it stands in unfiltered timelines only.
fn shows_gaps(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    words.iter().all(|words| words.is_empty())
        && [&filter.target, &filter.q].into_iter().all(Option::is_none)
        && filter.address.is_none()
        && filter.reference.is_none()
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
        None => {
            if let Some(middle) = &filter.around {
                s.sql(" AND g.to_ms >= ").big(middle.ms.saturating_sub(GAPS_AROUND_MS));
            }
            filter.around.is_some()
        }
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
