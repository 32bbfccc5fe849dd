//! The timeline's SQL: one statement a page, whoever looks and whatever is filtered.
//!
//! Each source is a branch that reads its index in order and stops after a page. Bounds are comparisons of
//! `(time, id)` rows, which an index answers wherever the page lies. A branch over several projects (an
//! owner's) or several values of a reference reads *lanes*: the newest keys of each, enough for two pages in
//! all and cut at one; only lanes that reach the page are read further, and no further than it. Whole rows and
//! names are joined once the page is cut.

use super::Scope;
use super::conditions::{Bound, Lane, conditions, words_of};
use super::tables::{NEWEST_FIRST, OLDEST_FIRST, REFERRING, RowStatement, Table, with_names};
use crate::activity::act::Act;
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::{Filter, Reference};
use crate::activity::position::{Direction, Source};

/// Rows that a statement asks for. Few sizes, written into the text, so that few statements are kept and each
/// is planned for what it fetches; the caller cuts what is too much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch {
    sql: &'static str,
    rows: &'static str,
}

impl Fetch {
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

/// What a branch is asked for besides its source.
pub(super) struct Ask<'a> {
    pub scope: &'a Scope,
    pub filter: &'a Filter,
    /// The first millisecond, and the first one too late.
    pub from_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub fetch: Fetch,
}

impl Ask<'_> {
    fn backwards(&self) -> bool {
        matches!(self.filter.position, Some((Direction::After, _)))
    }
}

/// The statement of one page: see the module.
pub(super) fn page(ask: &Ask<'_>) -> Option<RowStatement> {
    let mut s = RowStatement::new();
    if !is_common(ask.filter) {
        s.prepare_each_time();
    }
    s.sql("WITH page AS MATERIALIZED (SELECT * FROM (");
    let mut branches = 0;
    for source in Source::ALL.into_iter().filter(|source| can_match(*source, ask.filter)) {
        let table = match (source, &ask.filter.reference) {
            (Source::Action, Some(_)) => &REFERRING,
            (source, _) => Table::of(source),
        };
        if branches > 0 {
            s.sql(" UNION ALL ");
        }
        branch(&mut s, source, table, ask);
        branches += 1;
        if undated_can_match(source, ask) {
            s.sql(" UNION ALL ");
            undated(&mut s, source, table, ask);
        }
    }
    if branches == 0 {
        return None;
    }
    s.sql(") x").sql(if ask.backwards() { OLDEST_FIRST } else { NEWEST_FIRST }).sql(ask.fetch.sql).sql(")");
    if shows_gaps(ask.filter) {
        s.sql(" SELECT * FROM (");
        with_names(&mut s, !ask.backwards());
        s.sql(") named");
        gaps(&mut s, ask);
    } else {
        s.sql(" ");
        with_names(&mut s, !ask.backwards());
    }
    Some(s)
}

/// Filters by one word, or none: their statements are worth keeping. The others have too many shapes, and a
/// reference's value decides its plan: some are everywhere, most are rare.
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

fn branch(s: &mut RowStatement, source: Source, table: &Table, ask: &Ask<'_>) {
    let order = if ask.backwards() { table.oldest_first } else { table.newest_first };
    let reference = ask.filter.reference.as_ref().filter(|_| source == Source::Action);
    let by_project = matches!(ask.scope, Scope::Own);
    s.sql("(");
    if by_project || reference.is_some() {
        s.sql("WITH lane AS MATERIALIZED (");
        lanes(s, by_project, reference);
        s.sql("), head AS MATERIALIZED (SELECT lane.k, lane.v, h.at, h.id FROM lane CROSS JOIN LATERAL (SELECT ");
        s.sql(table.time).sql(" AS at, ").sql(table.id).sql(" AS id FROM ").sql(table.from);
        conditions(s, source, table, ask, reference, Lane::named("lane"));
        s.sql(order)
            .sql(" LIMIT (SELECT greatest(1, 2 * ")
            .sql(ask.fetch.rows)
            .sql(" / count(*)) FROM lane)) h");
        s.sql(if ask.backwards() { " ORDER BY h.at, h.id" } else { " ORDER BY h.at DESC, h.id DESC" });
        s.sql(ask.fetch.sql).sql("), reached AS MATERIALIZED (SELECT DISTINCT k, v FROM head)");
        s.sql(", chosen AS MATERIALIZED (SELECT r.at, r.id FROM reached CROSS JOIN LATERAL (SELECT ");
        // Keys alone: most of what the lanes bring is thrown away when the page is cut.
        s.sql(table.time).sql(" AS at, ").sql(table.id).sql(" AS id FROM ").sql(table.from);
        conditions(s, source, table, ask, reference, Lane::named("reached"));
        reach(s, table, ask);
        s.sql(order).sql(ask.fetch.sql).sql(") r");
        s.sql(if ask.backwards() { " ORDER BY r.at, r.id" } else { " ORDER BY r.at DESC, r.id DESC" });
        s.sql(ask.fetch.sql).sql(") SELECT ").sql(table.millis.unwrap_or("chosen.at")).sql(" AS at, ");
        let whole = Table::of(source);
        s.sql(whole.columns).sql(" FROM chosen JOIN ").sql(whole.from).sql(whole.is_chosen);
    } else {
        table.select(s);
        conditions(s, source, table, ask, None, Lane::None);
        s.sql(order).sql(ask.fetch.sql);
    }
    s.sql(")");
}

/// Once the heads fill a page, nothing beyond the last of them can reach it.
fn reach(s: &mut RowStatement, table: &Table, ask: &Ask<'_>) {
    let (compare, extreme) = if ask.backwards() { (" <= ", "max(at)") } else { (" >= ", "min(at)") };
    let open = match (table.millis.is_some(), ask.backwards()) {
        (true, true) => "'infinity'::timestamp",
        (true, false) => "'-infinity'::timestamp",
        (false, true) => "9223372036854775807::bigint",
        (false, false) => "'-9223372036854775808'::bigint",
    };
    s.sql(" AND ").sql(table.time).sql(compare).sql("(SELECT CASE WHEN count(*) >= ").sql(ask.fetch.rows);
    s.sql(" THEN ").sql(extreme).sql(" ELSE ").sql(open).sql(" END FROM head)");
}

/// A lane is a project of the viewer's, a value of the reference, or both.
fn lanes(s: &mut RowStatement, by_project: bool, reference: Option<&Reference>) {
    s.sql("SELECT ").sql(if by_project { "m.k" } else { "NULL::text AS k" });
    s.sql(if reference.is_some() { ", w.v" } else { ", NULL::text AS v" }).sql(" FROM ");
    if by_project {
        s.sql(
            "(SELECT p.id_text AS k FROM public.projects p \
             UNION SELECT t.id FROM pilothouse.tombstones t WHERE t.kind = 'project') m",
        );
    }
    if by_project && reference.is_some() {
        s.sql(" CROSS JOIN ");
    }
    if let Some(reference) = reference {
        s.sql("(SELECT pilothouse.reference_text(").text(reference.value.as_str()).sql(") AS v");
        if reference.key == "container_id" {
            // Workers name the engine's id or the row's: both mean the same container.
            s.sql(" UNION SELECT c.id::text FROM public.containers c WHERE c.container_id = ");
            s.text(reference.value.as_str());
            if reference.value.parse::<uuid::Uuid>().is_ok() {
                s.sql(" UNION SELECT c.container_id::text FROM public.containers c WHERE c.id = ");
                s.text(reference.value.as_str()).sql("::uuid");
            }
        }
        s.sql(") w");
    }
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
    words_of(s, source, table, ask.filter);
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

/// Gaps concern everything that happened, so a page that shows a selection leaves them out.
pub(super) fn shows_gaps(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    words.iter().all(|words| words.is_empty()) && filter.reference.is_none() && filter.target.is_none()
}

/// The gaps of the record within the page, in the same round trip.
fn gaps(s: &mut RowStatement, ask: &Ask<'_>) {
    s.sql(
        " UNION ALL (SELECT g.to_ms, 'gap', g.id::text, g.project_id, NULL, NULL, NULL, g.reason, g.from_ms::text, \
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, g.lost, NULL, NULL, false, false, NULL, NULL, false, NULL \
         FROM pilothouse.recording_gaps g WHERE true",
    );
    if let Scope::Project(id) = ask.scope {
        s.sql(" AND (g.project_id = ").text(id.to_string()).sql(" OR g.project_id IS NULL)");
    }
    if let Some(from) = ask.from_ms {
        s.sql(" AND g.to_ms >= ").big(from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND g.to_ms < ").big(until);
    }
    match &ask.filter.position {
        Some((Direction::Before, cursor)) => {
            s.sql(" AND g.to_ms < ").big(cursor.ms);
        }
        Some((Direction::After, cursor)) => {
            s.sql(" AND g.to_ms >= ").big(cursor.ms);
        }
        None => {}
    }
    let (compare, extreme) = if ask.backwards() { (" <= ", "max(at)") } else { (" >= ", "min(at)") };
    let open = if ask.backwards() { "9223372036854775807" } else { "'-9223372036854775808'::bigint" };
    s.sql(" AND g.to_ms")
        .sql(compare)
        .sql("(SELECT CASE WHEN count(*) >= ")
        .sql(ask.fetch.rows)
        .sql(" THEN ");
    s.sql(extreme).sql(" ELSE ").sql(open).sql(" END FROM page) ORDER BY g.to_ms DESC LIMIT 20)");
}
