//! One source's rows, in order and no more than a page of them.
//!
//! Bounds are comparisons of `(time, id)` rows, which an index answers wherever the page lies. A branch over
//! several projects (an owner's), several values of a reference or several words of one filter reads *lanes*:
//! the newest times of each, enough for two pages in all and cut at one; only lanes that reach the page are read
//! further, and no further than it. Whoever asks cuts what is too much.

use super::Scope;
use super::conditions::{Lane, action_statuses, conditions};
use super::query::{Ask, Reach};
use super::tables::{RowStatement, Table};
use crate::activity::filter::{Filter, Reference};
use crate::activity::position::Source;
use crate::db::spelling::spellings;

/// Which lanes a branch has: each combination of what is set here is one.
struct Lanes<'a> {
    by_project: bool,
    reference: Option<&'a Reference>,
    /// Words that one of the table's columns must hold.
    words: Option<(&'static str, Vec<String>)>,
}

impl<'a> Lanes<'a> {
    fn of(source: Source, table: &Table, ask: &Ask<'a>) -> Self {
        let reference = ask.filter.reference.as_ref().filter(|_| source == Source::Action);
        // What goes on is little in all projects together.
        let by_project = matches!(ask.scope, Scope::Own) && !ask.running;
        // A reference's own index leads.
        let words = reference.is_none().then(|| several_words(source, table, ask)).flatten();
        Self { by_project, reference, words }
    }

    fn is_needed(&self) -> bool {
        self.by_project || self.reference.is_some() || self.words.is_some()
    }
}

/// No index answers "one of these words, newest first" in order; one walk a word does.
fn several_words(source: Source, table: &Table, ask: &Ask<'_>) -> Option<(&'static str, Vec<String>)> {
    // What goes on in a project has an index of its own; what goes on everywhere is found word by word.
    if source != Source::Action || (ask.running && !matches!(ask.scope, Scope::Everything)) {
        return None;
    }
    let statuses = action_statuses(&ask.filter.statuses).only;
    [
        (table.status, statuses),
        (table.kind, ask.filter.types.only.clone()),
        (table.user, ask.filter.actors.only.clone()),
    ]
    .into_iter()
    .find(|(_, words)| words.len() > 1)
}

/// `(SELECT at, columns …)` of the rows of `source`.
pub(super) fn branch(s: &mut RowStatement, source: Source, table: &Table, ask: &Ask<'_>, reach: Reach) {
    let order = if ask.backwards() { table.oldest_first } else { table.newest_first };
    let lanes = Lanes::of(source, table, ask);
    s.sql("(");
    if !lanes.is_needed() {
        table.select(s);
        conditions(s, source, table, ask, reach, Lane::None);
        s.sql(order).sql(ask.fetch.sql).sql(")");
        return;
    }
    let lane = |alias| Lane::of(alias, lanes.reference, lanes.words.as_ref().map(|(column, _)| *column));
    // The end of the first branch's page often lets through little in all projects together: one look finds it.
    let is_near = reach == Reach::OfFirst && lanes.by_project && lanes.words.is_none();
    s.sql("WITH ");
    if is_near {
        s.sql("near AS MATERIALIZED (");
        table.select(s);
        conditions(s, source, table, ask, reach, Lane::None);
        s.sql(" AND (SELECT is_full FROM reach) LIMIT 200), ");
        s.sql("is_near AS MATERIALIZED (SELECT count(*) < 200 AND (SELECT is_full FROM reach) AS yes FROM near), ");
    }
    s.sql("lane AS MATERIALIZED (");
    list(s, &lanes);
    s.sql(if is_near { " WHERE NOT (SELECT yes FROM is_near)" } else { "" });
    s.sql(
        "), head AS MATERIALIZED (SELECT lane.k, lane.v, lane.w, h.at, h.id FROM lane CROSS JOIN LATERAL (SELECT ",
    );
    s.sql(table.time).sql(" AS at, ").sql(table.id).sql(" AS id FROM ").sql(table.from);
    conditions(s, source, table, ask, reach, lane("lane"));
    if leaves_out(ask.filter) {
        // Else an index that holds the word, but has no order without it, is read whole: it looks cheap, since the rows
        // themselves are not needed here.
        s.sql(" AND ").sql(table.has_row);
    }
    s.sql(order).sql(" LIMIT (SELECT greatest(1, 2 * ").sql(ask.fetch.rows).sql(" / count(*)) FROM lane)) h");
    s.sql(if ask.backwards() { " ORDER BY h.at, h.id" } else { " ORDER BY h.at DESC, h.id DESC" });
    s.sql(ask.fetch.sql).sql(") ");
    s.sql(if is_near { "SELECT * FROM near WHERE (SELECT yes FROM is_near) UNION ALL " } else { "" });
    s.sql("SELECT r.* FROM (SELECT DISTINCT k, v, w FROM head) reached CROSS JOIN LATERAL (");
    table.select(s);
    conditions(s, source, table, ask, reach, lane("reached"));
    within_heads(s, table, ask);
    s.sql(order).sql(ask.fetch.sql).sql(") r)");
}

/// Whether some words are to be left out: no index leads past those.
fn leaves_out(filter: &Filter) -> bool {
    [&filter.types, &filter.statuses, &filter.actors].iter().any(|words| !words.not.is_empty())
}

/// Once the heads fill a page, nothing beyond the last of them can reach it.
fn within_heads(s: &mut RowStatement, table: &Table, ask: &Ask<'_>) {
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

/// The viewer's projects, also those that are gone: a CTE with a column `k`.
pub(super) const MINE: &str = "mine";

/// Begins the list of CTEs that the branches of an owner's rows need.
pub(super) fn mine(s: &mut RowStatement) {
    s.sql(MINE).sql(
        " AS MATERIALIZED (SELECT p.id_text AS k FROM public.projects p \
         UNION SELECT t.id FROM pilothouse.tombstones t WHERE t.kind = 'project'), ",
    );
}

/// A lane is a project of the viewer's, a value of the reference or a word; or each with each.
fn list(s: &mut RowStatement, lanes: &Lanes<'_>) {
    let Lanes { by_project, reference, words } = lanes;
    let by_project = *by_project;
    s.sql("SELECT ").sql(if by_project { "m.k" } else { "NULL::text AS k" });
    s.sql(if reference.is_some() { ", w.v" } else { ", NULL::text AS v" });
    s.sql(if words.is_some() { ", u.w FROM " } else { ", NULL::text AS w FROM " });
    if let Some((_, words)) = words {
        s.sql("unnest(").texts(words.clone()).sql(") u(w)").sql(if by_project { " CROSS JOIN " } else { "" });
    }
    if by_project {
        s.sql(MINE).sql(" m");
    }
    if by_project && reference.is_some() {
        s.sql(" CROSS JOIN ");
    }
    if let Some(reference) = reference {
        for (at, spelling) in spellings(&reference.value).into_iter().enumerate() {
            s.sql(if at == 0 { "(" } else { " UNION " });
            s.sql("SELECT pilothouse.reference_text(").text(spelling).sql(") AS v");
        }
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
