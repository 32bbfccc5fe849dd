//! The timeline record by record, for exports: nothing is folded and nothing is cut.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::query::{self, Ask, Fetch};
use super::row::left_out;
use super::{Entry, Names, Row, Scope, take_name};
use crate::activity::filter::Filter;
use crate::activity::position::{Direction, Source, TimelineCursor};
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

/// The next [`BATCH`] records from `before` on, newest first, and where the batch after them begins.
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
    let mut records: Vec<Record> = read
        .into_iter()
        .filter_map(|row| {
            let references = row.references.clone();
            row.into_entry(&names).map(|entry| Record { entry, references })
        })
        .collect();
    records.sort_by(|a, b| b.entry.position.cmp(&a.entry.position));
    let most = usize::try_from(BATCH).unwrap_or(usize::MAX);
    let has_more = records.len() > most;
    records.truncate(most);
    let next = records.last().filter(|_| has_more).map(|record| record.entry.position.clone());
    name_admins(&mut records);
    complete(conn, &mut records)?;
    complete_references(conn, &mut records)?;
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

/// Reads the rest of details that may have been cut: few are, so that it costs nothing for most batches.
fn complete(conn: &mut PgConnection, records: &mut [Record]) -> QueryResult<()> {
    let cut = |record: &&Record| {
        record.entry.details.as_ref().is_some_and(|text| text.len() >= CUT && text.chars().count() >= CUT)
    };
    for source in Source::ALL {
        let ids: Vec<String> = records
            .iter()
            .filter(|record| record.entry.source() == source)
            .filter(cut)
            .map(|record| record.entry.id().to_owned())
            .collect();
        if ids.is_empty() {
            continue;
        }
        let whole: Vec<(String, Option<String>)> = match source {
            Source::Action => project_actions::table
                .filter(project_actions::action_id.eq_any(ids))
                .select((project_actions::action_id, project_actions::action_details))
                .load(conn)?,
            Source::Event => activity_events::table
                .filter(activity_events::id.eq_any(ids))
                .select((activity_events::id, activity_events::description))
                .load(conn)?,
            Source::Audit => activity_logs::table
                .filter(activity_logs::id.eq_any(ids))
                .select((activity_logs::id, activity_logs::description))
                .load(conn)?,
        };
        let mut whole: HashMap<String, Option<String>> = whole.into_iter().collect();
        for record in records.iter_mut().filter(|record| record.entry.source() == source) {
            if let Some(Some(details)) = whole.remove(record.entry.id()) {
                record.entry.details = Some(details);
            }
        }
    }
    Ok(())
}

/// Reads all of the references that a page's statement leaves out some of.
fn complete_references(conn: &mut PgConnection, records: &mut [Record]) -> QueryResult<()> {
    let is_cut =
        |record: &Record| record.references.as_deref().is_some_and(|stored| left_out(stored).is_some());
    let ids: Vec<&str> =
        records.iter().filter(|record| is_cut(record)).map(|record| record.entry.id()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut s = Statement::<(Text, Nullable<Text>)>::new();
    s.sql("SELECT a.action_id::text, a.reference_ids::text FROM turbobackend.project_actions a WHERE a.action_id = ANY (");
    s.texts(ids.into_iter().map(str::to_owned).collect()).sql(")");
    let whole: HashMap<String, Option<String>> =
        s.load::<(String, Option<String>)>(conn)?.into_iter().collect();
    for record in records.iter_mut().filter(|record| is_cut(record)) {
        record.references = whole.get(record.entry.id()).cloned().flatten();
    }
    Ok(())
}
