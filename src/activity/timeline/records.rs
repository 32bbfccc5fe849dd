//! The timeline record by record, for exports: nothing is folded and nothing is cut.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::query::{self, Ask, Fetch};
use super::row::left_out;
use super::{Entry, Names, Row, Scope, take_name};
use crate::activity::filter::Filter;
use crate::activity::position::{Direction, Source, TimelineCursor};
use crate::db::batch::{self, weight_of_json};
use crate::db::schema::{activity_events, activity_logs, project_actions};
use crate::db::statement::Statement;

/// Records that one batch has at most.
pub const BATCH: i64 = 250;

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record, its `details` uncut.
    pub entry: Entry,
    /// `reference_ids` as stored: JSON.
    pub references: Option<String>,
}

/// The position just before the newest record that `filter` lets through, so that reading on from there begins
/// with it, and with nothing that is written later and newer. Nothing when no record matches.
///
/// # Errors
/// When the statement fails.
pub fn start(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<Option<TimelineCursor>> {
    let one = Filter { limit: 1, position: None, ..filter.clone() };
    let (newest, names) = rows(conn, scope, &one)?;
    let newest = newest.into_iter().filter_map(|row| row.into_entry(&names)).map(|entry| entry.position);
    // No text stands between an id and the same id with the lowest character behind it.
    Ok(newest.max().map(|at| TimelineCursor { id: format!("{}\u{1}", at.id), ..at }))
}

/// The next records from `before` on, newest first, and where the batch after them begins: [`BATCH`] of them, or as
/// many as [`batch::MOST_BYTES`] hold.
///
/// # Errors
/// When a statement fails.
pub fn batch(
    conn: &mut PgConnection,
    scope: Scope,
    filter: &Filter,
    before: TimelineCursor,
) -> QueryResult<(Vec<Record>, Option<TimelineCursor>)> {
    let position = Some((Direction::Before, before));
    let (read, names) = rows(conn, scope, &Filter { limit: BATCH, position, ..filter.clone() })?;
    let mut read: Vec<(TimelineCursor, Row)> =
        read.into_iter().filter_map(|row| Some((row.position()?, row))).collect();
    read.sort_by(|(a, _), (b, _)| b.cmp(a));
    let all = read.len();
    read.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
    complete(conn, &mut read)?;
    let next = read.last().filter(|_| read.len() < all).map(|(position, _)| position.clone());
    let record = |(_, row): (TimelineCursor, Row)| {
        let references = row.references.clone();
        row.into_entry(&names).map(|entry| Record { entry, references })
    };
    let mut records: Vec<Record> = read.into_iter().filter_map(record).collect();
    name_admins(&mut records);
    Ok((records, next))
}

/// Owners may not see an admin's row; the audit entry of the same request knows what they were called.
fn name_admins(records: &mut [Record]) {
    let named: HashMap<String, Entry> = records
        .iter()
        .filter(|record| record.entry.source() == Source::Audit && record.entry.actor.is_admin)
        .filter_map(|record| Some((record.entry.request_id.clone()?, record.entry.clone())))
        .collect();
    for record in records.iter_mut().filter(|record| record.entry.source() == Source::Action) {
        if let Some(audit) = record.entry.request_id.as_ref().and_then(|request| named.get(request)) {
            take_name(&mut record.entry, audit);
        }
    }
}

fn rows(conn: &mut PgConnection, scope: Scope, filter: &Filter) -> QueryResult<(Vec<Row>, Names)> {
    let (from_ms, until_ms) = (filter.from_ms(), filter.until_ms());
    let fetch = Fetch::for_page(filter.limit);
    let ask = Ask { scope: &scope, filter, from_ms, until_ms, fetch, running: false };
    match query::page(&ask, None, false) {
        Some(statement) => {
            let (mut rows, names) = Names::split_from(statement.load(conn)?);
            rows.retain(|row| row.part == "page");
            Ok((rows, names))
        }
        None => Ok((Vec::new(), Names::default())),
    }
}

/// What a page's statement cuts long details to, in characters.
const CUT: usize = 2_000;

impl Row {
    /// Whether a page's statement has left something of it out.
    fn is_cut(&self) -> bool {
        let is_cut = |text: &Option<String>| {
            text.as_ref().is_some_and(|text| text.len() >= CUT && text.chars().count() >= CUT)
        };
        is_cut(&self.details)
            || is_cut(&self.more)
            || self.references.as_deref().is_some_and(|stored| left_out(stored).is_some())
    }

    /// Bytes of what anybody may make long.
    fn weight(&self) -> i64 {
        let long =
            [&self.details, &self.more, &self.references, &self.request, &self.entity_id, &self.entity_name];
        i64::try_from(long.into_iter().flatten().map(String::len).sum::<usize>()).unwrap_or(i64::MAX)
    }
}

/// What is to be known of a record's long columns: their bytes.
const WEIGHTS: [(Source, &str); 3] = [
    (
        Source::Action,
        concat!(
            "SELECT a.action_id::text, coalesce(octet_length(a.action_details), 0) + ",
            weight_of_json!("a.reference_ids"),
            " FROM turbobackend.project_actions a WHERE a.action_id = ANY("
        ),
    ),
    (
        Source::Event,
        "SELECT e.id, coalesce(octet_length(e.description), 0)::bigint FROM public.\"ActivityEvent\" e WHERE e.id = ANY(",
    ),
    (
        Source::Audit,
        "SELECT l.id, coalesce(octet_length(l.description), 0)::bigint FROM public.\"ActivityLog\" l WHERE l.id = ANY(",
    ),
];

/// Cuts `read` to what fits into a batch, and reads the rest of what was left out: little is, so that it costs nothing
/// for most batches.
fn complete(conn: &mut PgConnection, read: &mut Vec<(TimelineCursor, Row)>) -> QueryResult<()> {
    let cut_of = |read: &[(TimelineCursor, Row)], source| -> Vec<String> {
        let cut = read.iter().filter(|(at, row)| at.source == source && row.is_cut());
        cut.map(|(at, _)| at.id.clone()).collect()
    };
    let mut weights: HashMap<(Source, String), i64> = HashMap::new();
    for (source, sql) in WEIGHTS {
        let ids = cut_of(read, source);
        if ids.is_empty() {
            continue;
        }
        let mut s = Statement::<(Text, BigInt)>::new();
        s.sql(sql).texts(ids).sql(")");
        let found: Vec<(String, i64)> = s.load(conn)?;
        weights.extend(found.into_iter().map(|(id, weight)| ((source, id), weight)));
    }
    let weight = |(at, row): &(TimelineCursor, Row)| {
        let more = weights.get(&(at.source, at.id.clone())).copied().unwrap_or_default();
        row.weight().saturating_add(more)
    };
    read.truncate(batch::fitting(read.iter().map(weight)));
    for source in Source::ALL {
        let ids = cut_of(read, source);
        if ids.is_empty() {
            continue;
        }
        let whole: Vec<(String, Option<String>, Option<String>)> = match source {
            Source::Action => project_actions::table
                .filter(project_actions::action_id.eq_any(ids))
                .select((
                    project_actions::action_id,
                    project_actions::action_details,
                    sql::<Nullable<Text>>("reference_ids::text"),
                ))
                .load(conn)?,
            Source::Event => activity_events::table
                .filter(activity_events::id.eq_any(ids))
                .select((activity_events::id, activity_events::description, sql::<Nullable<Text>>("NULL")))
                .load(conn)?,
            Source::Audit => activity_logs::table
                .filter(activity_logs::id.eq_any(ids))
                .select((activity_logs::id, activity_logs::description, sql::<Nullable<Text>>("NULL")))
                .load(conn)?,
        };
        let mut whole: HashMap<String, (Option<String>, Option<String>)> =
            whole.into_iter().map(|(id, details, references)| (id, (details, references))).collect();
        for (at, row) in read.iter_mut().filter(|(at, _)| at.source == source) {
            let Some((details, references)) = whole.remove(&at.id) else { continue };
            match source {
                Source::Action => (row.details, row.references) = (details, references),
                // An event's title is its sentence.
                Source::Event => row.more = details,
                Source::Audit => row.details = details,
            }
        }
    }
    Ok(())
}
