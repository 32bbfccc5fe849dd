//! The timeline's SQL: one statement a page, whoever looks and whatever is filtered.
//!
//! Each source is a branch that reads its index in order and stops after a page (see [`super::lanes`]). What
//! else a page shows, its running operations, its gaps and what its filters offer, comes as further rows of the
//! same statement (see [`super::extras`]), told apart by their first column: a page is one round trip. Names are
//! joined once all rows are chosen.

use super::Scope;
use super::conditions::{Bound, Lane, words_of};
use super::extras;
use super::lanes::branch;
use super::tables::{NEWEST_FIRST, OLDEST_FIRST, REFERRING, RowStatement, Table, with_names};
use crate::activity::act::Act;
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::Filter;
use crate::activity::position::{Direction, Source};

/// Rows that a statement asks for. Few sizes, written into the text, so that few statements are kept and each
/// is planned for what it fetches; the caller cuts what is too much.
#[derive(Debug, Clone, Copy)]
pub(in crate::activity) struct Fetch {
    pub(super) sql: &'static str,
    pub(super) rows: &'static str,
}

impl Fetch {
    /// The one row that comes next.
    pub(in crate::activity) const NEXT: Self = Self { sql: " LIMIT 1", rows: "1" };

    /// At least `limit + 1` rows, so that it shows whether there are more; for exports 250 and one.
    pub(super) fn for_page(limit: i64) -> Self {
        match limit {
            ..=10 => Self { sql: " LIMIT 11", rows: "11" },
            11..=25 => Self { sql: " LIMIT 26", rows: "26" },
            26..=50 => Self { sql: " LIMIT 51", rows: "51" },
            51..=100 => Self { sql: " LIMIT 101", rows: "101" },
            _ => Self { sql: " LIMIT 251", rows: "251" },
        }
    }
}

/// What a list of rows is asked for.
pub(in crate::activity) struct Ask<'a> {
    pub scope: &'a Scope,
    pub filter: &'a Filter,
    /// The first millisecond, and the first one too late.
    pub from_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub fetch: Fetch,
}

impl Ask<'_> {
    pub(super) fn backwards(&self) -> bool {
        matches!(self.filter.position, Some((Direction::After, _)))
    }
}

/// The statement of one page, with the operations of `running` and what its filters offer when that is wanted.
/// None when no source can hold what is asked for and nothing else is wanted.
pub(super) fn page(ask: &Ask<'_>, running: Option<&Ask<'_>>, with_options: bool) -> Option<RowStatement> {
    let running = running.filter(|running| is_answerable(running));
    if !is_answerable(ask) && running.is_none() && !with_options {
        return None;
    }
    let mut s = RowStatement::new();
    if !is_common(ask.filter) {
        s.of_a_rare_shape();
    }
    s.sql("WITH RECURSIVE page AS MATERIALIZED (");
    rows(&mut s, "page", ask);
    s.sql(")");
    if let Some(running) = running {
        s.sql(", running AS MATERIALIZED (");
        rows(&mut s, "running", running);
        s.sql(")");
    }
    if with_options {
        extras::present(&mut s, *ask.scope, &ask.filter.actors);
    }
    s.sql(" SELECT * FROM (");
    if running.is_some() {
        with_names(&mut s, "(SELECT * FROM page UNION ALL SELECT * FROM running)");
    } else {
        with_names(&mut s, "page");
    }
    s.sql(") named");
    if extras::shows_gaps(ask.filter) {
        extras::gaps(&mut s, ask);
    }
    if with_options {
        extras::options(&mut s);
    }
    Some(s)
}

fn is_answerable(ask: &Ask<'_>) -> bool {
    Source::ALL.into_iter().any(|source| can_match(source, ask.filter))
}

/// `SELECT part, at, columns` of the rows that `ask` asks for, in the timeline's order; the part `name`, which
/// the reader tells them by, is a piece of SQL.
pub(in crate::activity) fn rows(s: &mut RowStatement, name: &'static str, ask: &Ask<'_>) {
    s.sql("SELECT '").sql(name).sql("'::text AS part, x.* FROM (");
    let mut branches = 0;
    for source in Source::ALL.into_iter().filter(|source| can_match(*source, ask.filter)) {
        let table = match (source, &ask.filter.reference) {
            (Source::Action, Some(_)) => &REFERRING,
            (source, _) => Table::of(source),
        };
        if branches > 0 {
            s.sql(" UNION ALL ");
        }
        branch(s, source, table, ask);
        branches += 1;
        if undated_can_match(source, ask) {
            s.sql(" UNION ALL ");
            undated(s, source, table, ask);
        }
    }
    if branches == 0 {
        Table::of(Source::Action).select(s);
        s.sql(" WHERE false");
    }
    s.sql(") x").sql(if ask.backwards() { OLDEST_FIRST } else { NEWEST_FIRST }).sql(ask.fetch.sql);
}

/// Filters by one word, or none: their statements are worth keeping whatever else is asked for.
fn is_common(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    let used: usize = words.iter().map(|words| words.only.len() + 2 * words.not.len()).sum();
    used <= 1
        && filter.reference.is_none()
        && filter.target.is_none()
        && filter.from.is_some() == filter.to.is_some()
}

/// Whether a source can hold rows that the filter lets through. A word that belongs to one source alone
/// must not make the others be searched to their end.
pub(super) fn can_match(source: Source, filter: &Filter) -> bool {
    filter.lets_source(source)
        && (filter.types.only.is_empty() || filter.types.only.iter().any(|word| may_be_of(source, word)))
}

fn may_be_of(source: Source, word: &str) -> bool {
    let homes = [
        (Source::Action, ActionType::from_stored(word).is_known()),
        (Source::Event, EventType::from_stored(word).is_known()),
        (Source::Audit, Act::from_stored(word).is_known()),
    ];
    homes.contains(&(source, true)) || homes.iter().all(|(_, is_known)| !is_known)
}

/// Rows that were written without a time before the console filled it in: they stand at the epoch, so that
/// nothing is left out, and are marked.
fn undated(s: &mut RowStatement, source: Source, table: &Table, ask: &Ask<'_>) {
    s.sql("(SELECT 0::bigint AS at, ").sql(table.columns).sql(" FROM ").sql(table.from);
    s.sql(" WHERE ").sql(table.time).sql(" IS NULL");
    if let Scope::Project(id) = ask.scope {
        s.sql(" AND ").sql(table.project).sql(" = ").text(id.to_string());
    }
    if let Some(bound) =
        ask.filter.position.as_ref().and_then(|(direction, cursor)| Bound::of(source, *direction, cursor))
    {
        s.sql(" AND (0::bigint, ").sql(table.id).sql(")").sql(bound.compare).sql("(").big(bound.ms).sql(", ");
        s.text(bound.id).sql(")");
    }
    words_of(s, source, table, ask.filter, Lane::None);
    s.sql(if ask.backwards() { table.oldest_first } else { table.newest_first }).sql(ask.fetch.sql).sql(")");
}

fn undated_can_match(source: Source, ask: &Ask<'_>) -> bool {
    let within = match &ask.filter.position {
        None => true,
        Some((Direction::Before, cursor)) => cursor.ms >= 0,
        Some((Direction::After, cursor)) => cursor.ms <= 0,
    };
    source != Source::Event
        && ask.filter.reference.is_none()
        && within
        && ask.from_ms.is_none_or(|from| from <= 0)
        && ask.until_ms.is_none_or(|until| until > 0)
}
