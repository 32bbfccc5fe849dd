//! The timeline's SQL: one table, a whole text for each scope, and the filter's conditions added by name.
//!
//! A statement's text decides how PostgreSQL reads, never a value in it (see [`crate::db`]): each scope has its index,
//! and behind it each word that a filter asks for. A word that may be one of several is read word by word, a page of
//! each at most.

use diesel::sql_types::BigInt;

use super::conditions::{conditions, filters, scope, token};
use super::row::RowSql;
use super::words::{WordColumn, status_words};
use super::{Known, Scope};
use crate::activity::filter::{CONTAINER, Filter, Reference};
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::db::spelling::{containing, spellings};
use crate::db::statement::Statement;

pub(in crate::activity) type RowStatement = Statement<RowSql>;

pub(in crate::activity) struct Ask<'a> {
    pub scope: Scope,
    pub filter: &'a Filter,
    /// The first millisecond, and the one after the last.
    pub from_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub rows: Rows,
}

/// A search for words looks through so many of the newest rows that the other filters let through: no index has words.
pub const LOOKED_THROUGH: usize = 5_000;
/// A day of more is told to have more.
pub const COUNTED_AT_MOST: i64 = 10_000;

/// How many rows are read, alone and with what shares the last one's time. Each number is part of the text, so there are few.
#[derive(Debug, Clone, Copy)]
pub(in crate::activity) struct Rows(&'static str, &'static str);

macro_rules! rows {
    ($count:literal) => {
        Rows(concat!(" LIMIT ", $count), concat!(" FETCH FIRST ", $count, " ROWS WITH TIES"))
    };
}

impl Rows {
    pub(in crate::activity) const ONE: Self = rows!(1);
    /// What a search for words looks through: [`LOOKED_THROUGH`].
    const LOOKED_THROUGH: Self = rows!(5000);

    /// A page of up to `limit` and one more, which tells whether there is more.
    pub(in crate::activity) fn of_page(limit: i64) -> Self {
        match limit {
            ..=10 => rows!(11),
            11..=25 => rows!(26),
            26..=50 => rows!(51),
            51..=100 => rows!(101),
            _ => rows!(251),
        }
    }
}

impl<'a> Ask<'a> {
    pub(in crate::activity) fn new(scope: Scope, filter: &'a Filter) -> Self {
        let rows = Rows::of_page(filter.limit);
        Self { scope, filter, from_ms: filter.from_ms(), until_ms: filter.until_ms(), rows }
    }

    fn is_backwards(&self) -> bool {
        matches!(self.filter.position, Some((Direction::After, _)))
    }

    fn order(&self) -> &'static str {
        if self.is_backwards() {
            " ORDER BY t.at, t.source, t.id"
        } else {
            " ORDER BY t.at DESC, t.source DESC, t.id DESC"
        }
    }
}

/// What a row shows of its own.
const SHOWN: &str = "SELECT coalesce(t.part, ''), coalesce(t.source, ''), coalesce(t.id, ''), coalesce(t.at, 0), t.told_at, coalesce(t.project_id::text, t.project_text), t.kind, \
     t.status, t.environment, t.actor, t.actor_name, t.actor_role, t.request_id, t.cause, t.title, t.details, \
     t.reference_ids, t.target_kind, t.target_id, t.target_name, t.duration, t.progress, ";

/// What its project and its actor are called, as far as the viewer may know; what is known already is not asked for.
struct Names {
    columns: [&'static str; 2],
    joins: [&'static str; 2],
}

impl Names {
    const PROJECT: (&'static str, &'static str) = (
        "coalesce(p.name, gone.name)::text, p.id IS NOT NULL, gone.id IS NOT NULL, ",
        " LEFT JOIN public.projects p ON p.id = t.project_id LEFT JOIN pilothouse.tombstones gone \
          ON gone.kind = 'project' AND gone.id = CASE WHEN p.id IS NULL THEN t.project_id::text END",
    );
    const USER: (&'static str, &'static str) = (
        "coalesce(nullif(trim(u.name), ''), u.email, left_user.name)::text, u.id IS NOT NULL, ",
        " LEFT JOIN public.users u ON u.id_text = t.actor LEFT JOIN pilothouse.tombstones left_user \
          ON left_user.kind = 'user' AND left_user.id = CASE WHEN u.id IS NULL THEN t.actor END",
    );

    fn beside(known: &Known, scope: Scope) -> Self {
        let project = if known.knows_projects(scope) { ("NULL, false, false, ", "") } else { Self::PROJECT };
        let user = if known.knows_users() { ("NULL, false, ", "") } else { Self::USER };
        Self { columns: [project.0, user.0], joins: [project.1, user.1] }
    }

    fn columns(&self, s: &mut RowStatement) {
        s.sql(SHOWN).sql(self.columns[0]).sql(self.columns[1]);
    }

    fn joins(&self, s: &mut RowStatement) {
        s.sql(self.joins[0]).sql(self.joins[1]);
    }
}

/// A page's statement. With `running_since`, milliseconds, its rows tell whether anything goes on since then; an empty
/// page is one row without a source.
pub(in crate::activity) fn page(ask: &Ask<'_>, known: &Known, running_since: Option<i64>) -> RowStatement {
    let names = Names::beside(known, ask.scope);
    let mut s = RowStatement::new();
    if !is_common(ask.filter) {
        s.limit_statement_cache();
    }
    names.columns(&mut s);
    s.sql("rare.runs, rare.has_gaps FROM (SELECT ");
    rare_parts(&mut s, ask.scope, running_since);
    s.sql(") rare LEFT JOIN (SELECT 'page' AS part, t.* FROM (");
    rows(&mut s, ask);
    s.sql(") t) t ON true");
    names.joins(&mut s);
    s
}

/// Whether something goes on since `running_since`, and whether there are gaps: few pages show either, and only those
/// read them.
fn rare_parts(s: &mut RowStatement, of: Scope, running_since: Option<i64>) {
    if let Some(since) = running_since {
        s.sql("EXISTS (SELECT FROM pilothouse.timeline t WHERE ");
        scope(s, of);
        // An index has these alone; another that has them among others would be read whole.
        s.sql(" AND t.outcome = 'busy' AND t.at >= ").big(since).sql(")");
    } else {
        s.sql("false");
    }
    s.sql(" AS runs, EXISTS (SELECT FROM pilothouse.recording_gaps) AS has_gaps");
}

/// The statement that shows the rows of `of`, which selects a `part` and all columns of the timeline.
pub(in crate::activity) fn shown(s: &mut RowStatement, of: impl FnOnce(&mut RowStatement)) {
    shown_beside(s, &Known::default(), of);
}

/// The same for whoever knows some names already.
pub(in crate::activity) fn shown_beside(
    s: &mut RowStatement,
    known: &Known,
    of: impl FnOnce(&mut RowStatement),
) {
    let names = Names::beside(known, Scope::Everything);
    names.columns(s);
    s.sql("false, false FROM (");
    of(s);
    s.sql(") t");
    names.joins(s);
}

/// The rows of the timeline that `ask` wants, as `t`, the nearest to its position first.
pub(in crate::activity) fn rows(s: &mut RowStatement, ask: &Ask<'_>) {
    if let Some(text) = &ask.filter.q {
        s.sql("SELECT t.* FROM (");
        looked_through(s, ask);
        s.sql(") t WHERE true");
        for word in text.split_whitespace() {
            s.sql(" AND concat_ws(' ', t.title, t.details, t.target_name) ILIKE ANY (")
                .texts(containing(word))
                .sql(")");
        }
        s.sql(ask.order()).sql(ask.rows.0);
        return;
    }
    if let Some(reference) = &ask.filter.reference {
        if reference.key != CONTAINER {
            return carriers(s, ask, reference);
        }
        // Operations and what the engine saw name the row itself.
        s.sql("SELECT t.* FROM ((");
        carriers(s, ask, reference);
        s.sql(") UNION ALL (SELECT t.* FROM pilothouse.timeline t WHERE t.container_id = (SELECT c.id FROM public.containers c WHERE ");
        match reference.value.parse::<uuid::Uuid>() {
            Ok(id) => s.sql("c.id = ").text(id.to_string()).sql("::uuid"),
            Err(_) => s.sql("c.container_id = ").text(reference.value.as_str()),
        };
        s.sql(") AND ");
        conditions(s, ask, None);
        s.sql(ask.order()).sql(ask.rows.0).sql(")) t").sql(ask.order()).sql(ask.rows.0);
        return;
    }
    match several_words(ask.filter) {
        Some((column, words)) => {
            s.sql("SELECT t.* FROM unnest(").texts(words).sql(") one (word) CROSS JOIN LATERAL (");
            ordered(s, ask, Some(column));
            s.sql(") t").sql(ask.order()).sql(ask.rows.0);
        }
        None => ordered(s, ask, None),
    }
}

/// Rows in their order. The indexes of types and actors end with the time: with what shares a millisecond with the last
/// row they answer without a sort, and what comes of it is sorted.
fn ordered(s: &mut RowStatement, ask: &Ask<'_>, by: Option<WordColumn>) {
    let is_by_time = !ask.filter.types.only.is_empty()
        || (!ask.filter.actors.only.is_empty() && token(&ask.filter.actors).is_none());
    if is_by_time {
        s.sql("SELECT t.* FROM (");
    }
    s.sql("SELECT t.* FROM pilothouse.timeline t WHERE ");
    conditions(s, ask, by);
    if is_by_time {
        s.sql(if ask.is_backwards() { " ORDER BY t.at" } else { " ORDER BY t.at DESC" });
        s.sql(ask.rows.1).sql(") t");
    }
    s.sql(ask.order()).sql(ask.rows.0);
}

/// What a search for words looks through.
fn looked_through(s: &mut RowStatement, ask: &Ask<'_>) {
    let filter = Filter { q: None, ..ask.filter.clone() };
    let (from_ms, until_ms) = (ask.from_ms, ask.until_ms);
    rows(s, &Ask { scope: ask.scope, filter: &filter, from_ms, until_ms, rows: Rows::LOOKED_THROUGH });
}

/// The last row that a search for words looks through, if there are more.
pub(in crate::activity) fn last_looked_at(ask: &Ask<'_>) -> RowStatement {
    let mut s = RowStatement::new();
    s.limit_statement_cache();
    shown(&mut s, |s| {
        s.sql("SELECT 'page' AS part, t.* FROM (");
        looked_through(s, ask);
        s.sql(") t").sql(ask.order()).sql(" OFFSET 4999 LIMIT 1");
    });
    s
}

/// How many rows `ask` lets through, up to [`COUNTED_AT_MOST`] and one more.
pub(in crate::activity) fn count(ask: &Ask<'_>) -> Statement<(BigInt,)> {
    let mut s = Statement::new();
    s.limit_statement_cache();
    s.sql("SELECT count(*) FROM (SELECT FROM pilothouse.timeline t WHERE ");
    conditions(&mut s, ask, None);
    s.sql(" LIMIT 10001) counted");
    s
}

/// The actions that carry a reference: its own index leads, which has the position too.
fn carriers(s: &mut RowStatement, ask: &Ask<'_>, reference: &Reference) {
    // Where nothing else is asked, the index alone tells which actions they are.
    let is_alone = !asks_more(ask.filter);
    s.sql("SELECT t.* FROM (SELECT carrier.action_id FROM (");
    values_of(s, reference);
    s.sql(") one (value)");
    // What names one record has few carriers in all; else the project leads, and the index for that.
    let is_shared = !reference.names_one_record();
    if is_shared && ask.scope == Scope::Own {
        s.sql(" CROSS JOIN pilothouse.app_projects() own (project)");
    }
    s.sql(" CROSS JOIN LATERAL (SELECT r.created_at, r.action_id FROM turbobackend.action_references r");
    if !is_alone {
        s.sql(" JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = r.action_id");
    }
    s.sql(" WHERE r.key = pilothouse.reference_text(").text(reference.key.as_str());
    s.sql(") AND r.value = one.value");
    match ask.scope {
        Scope::Project(id) => {
            s.sql(" AND r.project_id = ").text(id.to_string());
        }
        Scope::Own if is_shared => {
            s.sql(" AND r.project_id = own.project");
        }
        Scope::Own | Scope::Everything => {}
    }
    if is_shared && ask.scope != Scope::Everything {
        s.sql(" AND ").sql(Reference::MAY_BE_SHARED);
    }
    let is_backwards = ask.is_backwards();
    let order = if is_backwards {
        " ORDER BY r.created_at, r.action_id"
    } else {
        " ORDER BY r.created_at DESC, r.action_id DESC"
    };
    if let Some((direction, cursor)) = &ask.filter.position {
        beyond_among_actions(s, *direction, cursor);
    }
    if let Some(from) = ask.from_ms {
        s.sql(" AND r.created_at >= ").big(from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND r.created_at < ").big(until);
    }
    if !is_alone {
        filters(s, ask.filter, None);
    }
    s.sql(order).sql(ask.rows.0).sql(") carrier");
    s.sql(if is_backwards {
        " ORDER BY carrier.created_at, carrier.action_id"
    } else {
        " ORDER BY carrier.created_at DESC, carrier.action_id DESC"
    });
    s.sql(ask.rows.0)
        .sql(") carrier JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = carrier.action_id");
}

/// The texts that `reference` may stand under, as rows of one column.
fn values_of(s: &mut RowStatement, reference: &Reference) {
    for (at, spelling) in spellings(&reference.value).into_iter().enumerate() {
        s.sql(if at == 0 {
            "SELECT pilothouse.reference_text("
        } else {
            " UNION SELECT pilothouse.reference_text("
        });
        s.text(spelling).sql(")");
    }
    if reference.key == CONTAINER {
        // Workers name the engine's id or the row's: both mean the same container.
        s.sql(" UNION SELECT c.id::text FROM public.containers c WHERE c.container_id = ");
        s.text(reference.value.as_str());
        if reference.value.parse::<uuid::Uuid>().is_ok() {
            s.sql(" UNION SELECT c.container_id::text FROM public.containers c WHERE c.id = ");
            s.text(reference.value.as_str()).sql("::uuid");
        }
    }
}

/// Among rows of one millisecond, actions come first.
fn beyond_among_actions(s: &mut RowStatement, direction: Direction, cursor: &TimelineCursor) {
    match (direction, cursor.source) {
        (Direction::Before, Source::Action) => {
            s.sql(" AND (r.created_at, r.action_id) < (")
                .big(cursor.ms)
                .sql(", ")
                .text(cursor.id.as_str())
                .sql(")");
        }
        (Direction::After, Source::Action) => {
            s.sql(" AND (r.created_at, r.action_id) > (")
                .big(cursor.ms)
                .sql(", ")
                .text(cursor.id.as_str())
                .sql(")");
        }
        (Direction::Before, _) => {
            s.sql(" AND r.created_at <= ").big(cursor.ms);
        }
        (Direction::After, _) => {
            s.sql(" AND r.created_at > ").big(cursor.ms);
        }
    }
}

/// The first column that is asked for several words, and these: no index has them in one order.
fn several_words(filter: &Filter) -> Option<(WordColumn, Vec<String>)> {
    let statuses = status_words(&filter.statuses).only;
    let statuses = if statuses.iter().any(|word| word == "success") { Vec::new() } else { statuses };
    [
        (WordColumn::Type, WordColumn::Type.stored_words(&filter.types).only),
        (WordColumn::Actor, WordColumn::Actor.stored_words(&filter.actors).only),
        (WordColumn::Status, statuses),
    ]
    .into_iter()
    .find(|(_, words)| words.len() > 1)
}

/// Whether anything but the reference and the time is asked for.
fn asks_more(filter: &Filter) -> bool {
    [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources]
        .into_iter()
        .any(|words| !words.is_empty())
        || filter.target.is_some()
        || filter.address.is_some()
}

/// Whether so many ask like this that connections keep the statement.
fn is_common(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    let used: usize = words.iter().map(|words| words.only.len() + 2 * words.not.len()).sum();
    used <= 1
        && filter.reference.is_none()
        && filter.target.is_none()
        && filter.address.is_none()
        && filter.q.is_none()
        && filter.from.is_some() == filter.to.is_some()
}
