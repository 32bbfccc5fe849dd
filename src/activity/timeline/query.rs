//! The timeline's SQL: one statement a page, whoever looks and whatever is filtered.
//!
//! Each source is a branch that reads its index in order and stops after a page. Bounds are comparisons of
//! `(time, id)` rows, which an index answers wherever the page lies. A branch over several projects (an
//! owner's) or several values of a reference reads *lanes*: the newest keys of each, enough for two pages in
//! all and cut at one; only lanes that reach the page are read further, and no further than it. Whole rows and
//! names are joined once the page is cut.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Scope;
use super::row::RowSql;
use crate::activity::act::Act;
use crate::activity::action_type::ActionType;
use crate::activity::event_type::EventType;
use crate::activity::filter::{Filter, Reference, Words};
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::activity::status::{EVENT_STATUSES, Outcome, outcome_of};
use crate::db::statement::Statement;

pub(in crate::activity) type RowStatement = Statement<RowSql>;

/// What one source looks like to the branches.
pub(in crate::activity) struct Table {
    /// Its columns in the order of the union.
    pub columns: &'static str,
    /// Table and alias.
    pub from: &'static str,
    time: &'static str,
    id: &'static str,
    /// The computed milliseconds, where `time` is something else.
    millis: Option<&'static str>,
    project: &'static str,
    user: &'static str,
    kind: &'static str,
    status: &'static str,
    newest_first: &'static str,
    oldest_first: &'static str,
    /// Ids have the database's own collation, and so has the index that finds them.
    is_chosen: &'static str,
}

const ACTION_COLUMNS: &str = "'action'::text AS src, a.action_id::text AS id, a.project_id::text AS project, \
     a.user_id::text AS usr, a.request_id::text AS req, a.action_type::text AS kind, \
     left(a.action_details, 2000) AS details, NULL::text AS more, a.status::text AS status, \
     a.environment::text AS env, a.reference_ids::text AS refs, NULL::text AS cause, NULL::text AS ekind, \
     NULL::text AS eid, NULL::text AS ename, NULL::text AS aname, NULL::bigint AS amount, NULL::text AS progress";

const AUDIT_COLUMNS: &str = "'audit'::text AS src, l.id, l.\"projectId\" AS project, l.\"userId\" AS usr, \
     l.\"requestId\" AS req, l.\"activityType\" AS kind, left(l.description, 2000) AS details, NULL::text AS more, \
     NULL::text AS status, NULL::text AS env, NULL::text AS refs, NULL::text AS cause, l.\"targetType\" AS ekind, \
     l.\"targetId\" AS eid, l.\"targetName\" AS ename, coalesce(l.\"actorName\", l.\"actorEmail\") AS aname, \
     NULL::bigint AS amount, NULL::text AS progress";

const EVENT_MILLIS: &str = "floor(extract(epoch FROM \
     greatest('0001-01-01', least('9999-12-31 23:59:59.999', e.\"createdAt\"))) * 1000)::bigint";
const AUDIT_MILLIS: &str = "floor(extract(epoch FROM \
     greatest('0001-01-01', least('9999-12-31 23:59:59.999', l.\"createdAt\"))) * 1000)::bigint";

pub(in crate::activity) const ACTIONS: Table = Table {
    columns: ACTION_COLUMNS,
    from: "turbobackend.project_actions a",
    time: "a.created_at",
    id: "a.action_id COLLATE \"C\"",
    millis: None,
    project: "a.project_id",
    user: "a.user_id",
    kind: "a.action_type",
    status: "a.status",
    newest_first: " ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY a.created_at, a.action_id COLLATE \"C\"",
    is_chosen: " ON a.action_id = chosen.id COLLATE \"default\"",
};

/// Actions by what they refer to: the index of references leads, and has the position too.
const REFERRING: Table = Table {
    from: "turbobackend.action_references r JOIN turbobackend.project_actions a ON a.action_id = r.action_id COLLATE \"default\"",
    time: "r.created_at",
    id: "r.action_id COLLATE \"C\"",
    project: "r.project_id",
    newest_first: " ORDER BY r.created_at DESC, r.action_id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY r.created_at, r.action_id COLLATE \"C\"",
    ..ACTIONS
};

pub(in crate::activity) const AUDIT: Table = Table {
    columns: AUDIT_COLUMNS,
    from: "public.\"ActivityLog\" l",
    time: "l.\"createdAt\"",
    id: "l.id COLLATE \"C\"",
    millis: Some(AUDIT_MILLIS),
    project: "l.\"projectId\"",
    user: "l.\"userId\"",
    kind: "l.\"activityType\"",
    status: "NULL::text",
    newest_first: " ORDER BY l.\"createdAt\" DESC, l.id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY l.\"createdAt\", l.id COLLATE \"C\"",
    is_chosen: " ON l.id = chosen.id COLLATE \"default\"",
};

pub(in crate::activity) const EVENTS: Table = Table {
    columns: "'event'::text AS src, e.id, e.\"projectId\" AS project, e.\"userId\" AS usr, \
        coalesce(e.metadata->>'request_id', e.metadata->>'requestId') AS req, e.\"eventType\"::text AS kind, \
        left(e.title, 500) AS details, left(e.description, 2000) AS more, e.status::text AS status, \
        NULL::text AS env, NULL::text AS refs, e.metadata->>'caused_by' AS cause, e.\"entityType\" AS ekind, \
        e.\"entityId\" AS eid, NULL::text AS ename, NULL::text AS aname, e.duration::bigint AS amount, \
        e.metadata->>'progress' AS progress",
    from: "public.\"ActivityEvent\" e",
    time: "e.\"createdAt\"",
    id: "e.id COLLATE \"C\"",
    millis: Some(EVENT_MILLIS),
    project: "e.\"projectId\"",
    user: "e.\"userId\"",
    kind: "e.\"eventType\"::text",
    status: "e.status::text",
    newest_first: " ORDER BY e.\"createdAt\" DESC, e.id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY e.\"createdAt\", e.id COLLATE \"C\"",
    is_chosen: " ON e.id = chosen.id COLLATE \"default\"",
};

impl Table {
    pub(in crate::activity) fn of(source: Source) -> &'static Self {
        match source {
            Source::Action => &ACTIONS,
            Source::Audit => &AUDIT,
            Source::Event => &EVENTS,
        }
    }

    /// `SELECT at, columns FROM table`, also for rows without a time.
    pub(in crate::activity) fn select_any(&self, s: &mut RowStatement) {
        s.sql("SELECT coalesce(").sql(self.millis.unwrap_or(self.time)).sql(", 0) AS at, ").sql(self.columns);
        s.sql(" FROM ").sql(self.from);
    }

    /// `SELECT at, columns FROM table`.
    pub(in crate::activity) fn select(&self, s: &mut RowStatement) {
        s.sql("SELECT ").sql(self.millis.unwrap_or(self.time)).sql(" AS at, ").sql(self.columns);
        s.sql(" FROM ").sql(self.from);
    }
}

/// Names are joined to the page that `inner` writes. Nothing is inner-joined: a record outlives what it names.
pub(in crate::activity) fn with_names(s: &mut RowStatement, newest_first: bool) {
    s.sql(
        "SELECT x.at, x.src, x.id, x.project, x.usr, x.req, x.kind, x.details, x.more, x.status, x.env, x.refs, \
         x.cause, x.ekind, x.eid, x.ename, x.aname, x.amount, x.progress, coalesce(p.name, tp.name)::text, \
         p.id IS NOT NULL, tp.id IS NOT NULL, coalesce(u.name, tu.name)::text, u.email::text, u.id IS NOT NULL \
         FROM page x \
         LEFT JOIN public.projects p ON p.id_text = x.project \
         LEFT JOIN pilothouse.tombstones tp ON tp.kind = 'project' AND tp.id = x.project \
         LEFT JOIN public.users u ON u.id_text = x.usr \
         LEFT JOIN pilothouse.tombstones tu ON tu.kind = 'user' AND tu.id = x.usr",
    );
    s.sql(if newest_first { NEWEST_FIRST } else { OLDEST_FIRST });
}

const NEWEST_FIRST: &str = " ORDER BY x.at DESC, x.src COLLATE \"C\" DESC, x.id COLLATE \"C\" DESC";
const OLDEST_FIRST: &str = " ORDER BY x.at, x.src COLLATE \"C\", x.id COLLATE \"C\"";

/// Rows that a statement asks for. Few sizes, written into the text, so that few statements are kept and each
/// is planned for what it fetches; the caller cuts what is too much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch {
    sql: &'static str,
    rows: &'static str,
}

impl Fetch {
    /// At least `limit + 1` rows, so that it shows whether there are more.
    pub(super) fn for_page(limit: i64) -> Self {
        match limit {
            ..=10 => Self { sql: " LIMIT 11", rows: "11" },
            11..=25 => Self { sql: " LIMIT 26", rows: "26" },
            26..=50 => Self { sql: " LIMIT 51", rows: "51" },
            _ => Self { sql: " LIMIT 101", rows: "101" },
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
    used <= 1 && filter.reference.is_none() && filter.from.is_some() == filter.to.is_some()
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

#[derive(Clone, Copy)]
enum Lane {
    None,
    Of { project: &'static str, value: &'static str },
}

impl Lane {
    fn named(alias: &str) -> Self {
        match alias {
            "lane" => Self::Of { project: "lane.k", value: "lane.v" },
            _ => Self::Of { project: "reached.k", value: "reached.v" },
        }
    }
}

fn conditions(
    s: &mut RowStatement,
    source: Source,
    table: &Table,
    ask: &Ask<'_>,
    reference: Option<&Reference>,
    lane: Lane,
) {
    s.sql(" WHERE ").sql(table.time).sql(" IS NOT NULL");
    match (ask.scope, lane) {
        (Scope::Project(id), _) => {
            s.sql(" AND ").sql(table.project).sql(" = ").text(id.to_string());
        }
        (Scope::Own, Lane::Of { project, .. }) => {
            s.sql(" AND ").sql(table.project).sql(" = ").sql(project);
        }
        _ => {}
    }
    if let (Some(reference), Lane::Of { value, .. }) = (reference, lane) {
        s.sql(" AND r.key = pilothouse.reference_text(")
            .text(reference.key.as_str())
            .sql(") AND r.value = ")
            .sql(value);
    }
    if let Some(from) = ask.from_ms {
        s.sql(" AND ").sql(table.time).sql(" >= ");
        time(s, table, from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND ").sql(table.time).sql(" < ");
        time(s, table, until);
    }
    if let Some((direction, cursor)) = &ask.filter.position {
        beyond(s, source, table, *direction, cursor);
    }
    words_of(s, source, table, ask.filter);
}

fn words_of(s: &mut RowStatement, source: Source, table: &Table, filter: &Filter) {
    match (source, known_event_type(&filter.types)) {
        (Source::Event, Some(label)) => {
            s.sql(" AND e.\"eventType\" = '").sql(label).sql("'");
        }
        _ => words(s, table.kind, &filter.types),
    }
    words(s, table.user, &filter.actors);
    match source {
        Source::Action => {
            words(s, table.status, &filter.statuses);
            words(s, "a.environment", &filter.environments);
        }
        Source::Event => event_statuses(s, table, &filter.statuses),
        Source::Audit => {}
    }
}

/// One known label, and nothing else: comparing the column itself reaches its index, its text would not.
fn known_event_type(types: &Words) -> Option<&'static str> {
    match (types.only.as_slice(), types.not.as_slice()) {
        ([word], []) => EventType::ALL.iter().map(EventType::as_str).find(|label| label == word),
        _ => None,
    }
}

fn event_statuses(s: &mut RowStatement, table: &Table, statuses: &Words) {
    let Words { only, not } = as_event_statuses(statuses);
    let is_label = |word: &String| EVENT_STATUSES.contains(&word.as_str());
    let means_nothing = |word: &String| outcome_of(word) == Outcome::Unknown;
    let labels: Vec<&'static str> =
        EVENT_STATUSES.into_iter().filter(|label| only.iter().any(|word| word == label)).collect();
    let mut rest = Words { only: Vec::new(), not };
    match labels.as_slice() {
        // The column itself, so that the index of what runs is used.
        [label] if only.iter().all(|word| is_label(word) || !means_nothing(word)) => {
            s.sql(" AND e.status = '").sql(label).sql("'");
        }
        _ => rest.only = only,
    }
    words(s, table.status, &rest);
}

fn words(s: &mut RowStatement, column: &'static str, words: &Words) {
    match words.only.as_slice() {
        [] => {}
        [word] => {
            s.sql(" AND ").sql(column).sql(" = ").text(word.as_str());
        }
        several => {
            s.sql(" AND ").sql(column).sql(" = ANY(").texts(several.to_vec()).sql(")");
        }
    }
    if !words.not.is_empty() {
        // What says nothing is not left out.
        s.sql(" AND (")
            .sql(column)
            .sql(" IS NULL OR ")
            .sql(column)
            .sql(" <> ALL(")
            .texts(words.not.clone())
            .sql("))");
    }
}

/// `failed` means an event's `FAILED` too: both tables have a word for the same outcome.
fn as_event_statuses(statuses: &Words) -> Words {
    let also = |list: &[String]| {
        let mut list = list.to_vec();
        for status in EVENT_STATUSES {
            let same = |word: &String| {
                outcome_of(word) != Outcome::Unknown && outcome_of(word) == outcome_of(status)
            };
            if list.iter().any(same) && !list.iter().any(|word| word == status) {
                list.push(status.to_owned());
            }
        }
        list
    };
    Words { only: also(&statuses.only), not: also(&statuses.not) }
}

/// Rows of this source on the far side of the cursor, as one comparison of rows that an index answers: among
/// rows of the cursor's millisecond, sources come in their own order.
fn beyond(
    s: &mut RowStatement,
    source: Source,
    table: &Table,
    direction: Direction,
    cursor: &TimelineCursor,
) {
    let bound = Bound::of(source, direction, cursor);
    if let Some(bound) = bound.filter(|bound| !bound.lets_all(table.millis.is_some())) {
        s.sql(" AND (").sql(table.time).sql(", ").sql(table.id).sql(")").sql(bound.compare).sql("(");
        time(s, table, bound.ms);
        s.sql(", ").text(bound.id.as_str()).sql(")");
    }
    if let Some(millis) = table.millis {
        // Times that no calendar holds stand at its edge, where the index's own order does not end a page.
        s.sql(" AND (")
            .sql(millis)
            .sql(", '")
            .sql(source.as_str())
            .sql("' COLLATE \"C\", ")
            .sql(table.id)
            .sql(")");
        s.sql(if direction == Direction::Before { " < (" } else { " > (" });
        s.big(cursor.ms).sql(", '").sql(cursor.source.as_str()).sql("', ").text(cursor.id.as_str()).sql(")");
    }
}

struct Bound {
    compare: &'static str,
    ms: i64,
    id: String,
}

impl Bound {
    /// None: every row lies beyond.
    fn of(source: Source, direction: Direction, cursor: &TimelineCursor) -> Option<Self> {
        let (compare, from, id) = match (direction, source.cmp(&cursor.source)) {
            (Direction::Before, std::cmp::Ordering::Equal) => (" < ", Some(cursor.ms), cursor.id.clone()),
            (Direction::Before, std::cmp::Ordering::Less) => (" < ", cursor.ms.checked_add(1), String::new()),
            (Direction::Before, std::cmp::Ordering::Greater) => (" < ", Some(cursor.ms), String::new()),
            (Direction::After, std::cmp::Ordering::Equal) => (" > ", Some(cursor.ms), cursor.id.clone()),
            (Direction::After, std::cmp::Ordering::Greater) => (" >= ", Some(cursor.ms), String::new()),
            // Nothing comes after the last millisecond that there is; ids are never empty, so this matches no row.
            (Direction::After, std::cmp::Ordering::Less) => {
                (" >= ", Some(cursor.ms.checked_add(1).unwrap_or(i64::MAX)), String::new())
            }
        };
        from.map(|ms| Self { compare, ms, id })
    }

    /// Whether the bound lies beyond the calendar of a column of times, so that it would cut off its edge.
    fn lets_all(&self, is_calendar: bool) -> bool {
        is_calendar
            && match self.compare {
                " < " => self.ms > LAST_MS,
                _ => self.ms < FIRST_MS,
            }
    }
}

const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_300_799_999;

fn time(s: &mut RowStatement, table: &Table, ms: i64) {
    if table.millis.is_some() {
        s.timestamp(utc(ms));
    } else {
        s.big(ms);
    }
}

/// `ms` as the time without a zone that the quoted tables hold, within the years 1 to 9999.
pub(in crate::activity) fn utc(ms: i64) -> NaiveDateTime {
    let clamped = DateTime::from_timestamp_millis(ms.clamp(FIRST_MS, LAST_MS + 1));
    clamped.map_or(NaiveDate::MIN.into(), |at| at.naive_utc())
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
    words.iter().all(|words| words.is_empty()) && filter.reference.is_none()
}

/// The gaps of the record within the page, in the same round trip.
fn gaps(s: &mut RowStatement, ask: &Ask<'_>) {
    s.sql(
        " UNION ALL (SELECT g.to_ms, 'gap', g.id::text, g.project_id, NULL, NULL, NULL, g.reason, g.from_ms::text, \
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, g.lost, NULL, NULL, false, false, NULL, NULL, false \
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
