//! The timeline's SQL: one statement a page, whoever looks and whatever is filtered.
//!
//! Each source is a branch that reads its index in order and stops after a page (see [`super::lanes`]); the later
//! ones also stop where the first one's page ends. What else a page shows, its running operations, its gaps, what
//! its filters offer and what things are called, comes as further rows of the same statement (see
//! [`super::extras`]), told apart by their first column: a page is one round trip.
//!
//! A statement's text decides how PostgreSQL reads, never a value in it (see [`crate::db`]): so each condition has
//! an index of its own, or a walk that ends soon.

use super::Scope;
use super::conditions::{Bound, Lane, words_of};
use super::extras;
use super::lanes::{branch, mine};
use super::tables::{NEWEST_FIRST, OLDEST_FIRST, REFERRING, RowStatement, Table, with_names};
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::Filter;
use crate::activity::position::{Direction, Source};
use crate::audit::Act;

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
    /// Only operations that go on.
    pub running: bool,
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
    s.sql("WITH ");
    if matches!(ask.scope, Scope::Own) {
        mine(&mut s);
    }
    s.sql("page AS MATERIALIZED (");
    rows(&mut s, "page", ask);
    s.sql(")");
    if let Some(running) = running {
        s.sql(", running AS MATERIALIZED (");
        rows(&mut s, "running", running);
        s.sql(")");
    }
    if with_options {
        extras::held(&mut s, *ask.scope, &ask.filter.actors);
    }
    s.sql(" ");
    let parts: &[&'static str] = if running.is_some() { &["page", "running"] } else { &["page"] };
    let project = match ask.scope {
        Scope::Project(id) => Some(*id),
        _ => None,
    };
    with_names(&mut s, parts, project, with_options.then_some(extras::WHO));
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
    let branches: Vec<(Source, &Table)> = Source::ALL
        .into_iter()
        .filter(|source| can_match(*source, ask.filter))
        .map(|source| match (source, &ask.filter.reference) {
            (Source::Action, Some(_)) => (source, &REFERRING),
            (source, _) => (source, Table::of(source)),
        })
        .collect();
    let Some(((first, table), others)) = branches.split_first() else {
        s.sql("SELECT '").sql(name).sql("'::text AS part, x.* FROM (");
        Table::of(Source::Action).select(s);
        s.sql(" WHERE false) x");
        return;
    };
    s.sql("WITH first AS MATERIALIZED (");
    branch(s, *first, table, ask, Reach::Far);
    s.sql("), reach AS MATERIALIZED (");
    reach(s, ask);
    s.sql(") SELECT '").sql(name).sql("'::text AS part, x.* FROM (SELECT * FROM first");
    for (source, table) in others {
        s.sql(" UNION ALL ");
        branch(s, *source, table, ask, Reach::OfFirst);
    }
    for (source, table) in &branches {
        if undated_can_match(*source, ask) {
            s.sql(" UNION ALL ");
            undated(s, *source, table, ask);
        }
    }
    s.sql(") x").sql(if ask.backwards() { OLDEST_FIRST } else { NEWEST_FIRST }).sql(ask.fetch.sql);
}

/// How far a branch has to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Until it has a page.
    Far,
    /// No further than the CTE `reach` says: the first branch has filled a page by then.
    OfFirst,
}

/// Where the first branch's page ends, as the time of the others, and whether rows at the epoch may be on it. A second
/// is added, so that no rounding of far times cuts off a row; the calendar's edge stands for all beyond it.
fn reach(s: &mut RowStatement, ask: &Ask<'_>) {
    let (end, within, margin, open, at_epoch) = if ask.backwards() {
        ("max(at)", "-62135596800000 AND 253402300799998", " + 1000", "'infinity'::timestamp", "max(at) >= 0")
    } else {
        (
            "min(at)",
            "-62135596799999 AND 253402300799999",
            " - 1000",
            "'-infinity'::timestamp",
            "min(at) <= 0",
        )
    };
    s.sql("SELECT CASE WHEN count(*) < ").sql(ask.fetch.rows).sql(" THEN ").sql(open);
    s.sql(" WHEN ")
        .sql(end)
        .sql(" BETWEEN ")
        .sql(within)
        .sql(" THEN timestamp 'epoch' + (")
        .sql(end)
        .sql(margin);
    s.sql(") * interval '1 millisecond' WHEN ")
        .sql(end)
        .sql(" < 0 THEN '-infinity' ELSE 'infinity' END AS t, count(*) >= ");
    s.sql(ask.fetch.rows).sql(" AS is_full, ");
    s.sql("count(*) < ").sql(ask.fetch.rows).sql(" OR ").sql(at_epoch).sql(" AS at_epoch FROM first");
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
    s.sql(" WHERE (SELECT at_epoch FROM reach) AND ").sql(table.time).sql(" IS NULL");
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
