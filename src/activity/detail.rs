//! One record with everything: what it says, and its thread.

use diesel::prelude::*;

use super::Source;
use super::silence;
use super::stored::is_operation;
use super::stored::{self, Column, LONGEST_SHOWN};
use super::thread::thread_of;
use super::timeline::{Entry, Row, RowStatement, shown, take_name};
use crate::audit::columns::{Columns, Extent, columns_of};

/// One record and its thread.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The record, its `details` as far as a page shows them.
    pub entry: Entry,
    /// Its columns as they are stored, without those that hold nothing.
    pub stored: Vec<Column>,
    /// What belongs to it.
    pub thread: Thread,
}

/// What belongs to a record: every other record stands in one of the lists at most.
#[derive(Debug, Clone, Default)]
pub struct Thread {
    /// What led to it, the first cause first; at most ten.
    pub causes: Vec<Entry>,
    /// What names it as its cause, and what names that, and so on; oldest first.
    pub effects: Vec<Entry>,
    /// What else the same request left, oldest first; at most fifty.
    pub same_request: Vec<Entry>,
    /// What else carries the same deployment, push, commit or database, or shares one with such a record; the
    /// nearest in time, oldest first.
    pub related: Vec<Entry>,
    /// The record before it in its project, or in everything where it has none.
    pub older: Option<Entry>,
    /// The record after it.
    pub newer: Option<Entry>,
}

/// The action with this id, if the viewer may see it.
pub fn action(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    detail(conn, Source::Action, id, "action_details")
}

/// The event or the operation with this id, if the viewer may see it.
pub fn event(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    detail(conn, Source::Event, id, if is_operation(id) { "answer" } else { "description" })
}

/// What an engine saw, if the viewer may see it.
pub fn observation(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    detail(conn, Source::Engine, id, "details")
}

/// An audit entry with what only admins may read.
#[derive(Debug, Clone)]
pub struct AuditDetail {
    /// The entry and its thread.
    pub detail: Detail,
    /// Who, from where, on what, and what changed.
    pub columns: Columns,
}

/// The audit entry with this id. For admins: other roles have no right to its columns.
pub fn audit_entry(conn: &mut PgConnection, id: &str) -> QueryResult<Option<AuditDetail>> {
    let Some(detail) = detail(conn, Source::Audit, id, "description")? else { return Ok(None) };
    let columns = columns_of(conn, &[id], Extent::Page)?.remove(id).unwrap_or_default();
    Ok(Some(AuditDetail { detail, columns }))
}

fn detail(
    conn: &mut PgConnection,
    source: Source,
    id: &str,
    details: &'static str,
) -> QueryResult<Option<Detail>> {
    let Some(mut entry) = by_id(conn, source, id)? else { return Ok(None) };
    let stored = stored::columns(conn, source, id, LONGEST_SHOWN)?;
    entry.details = stored.iter().find(|column| column.name == details).map(|column| column.text.clone());
    thread(conn, entry, stored).map(Some)
}

fn by_id(conn: &mut PgConnection, source: Source, id: &str) -> QueryResult<Option<Entry>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let mut s = RowStatement::new();
    shown(&mut s, |s| {
        s.sql("SELECT 'page' AS part, t.* FROM pilothouse.timeline t WHERE t.source = '")
            .sql(source.as_str());
        s.sql("' AND t.id = ").text(id);
    });
    let rows: Vec<Row> = s.load(conn)?;
    Ok(rows.into_iter().find_map(Row::into_entry))
}

fn thread(conn: &mut PgConnection, mut entry: Entry, stored: Vec<Column>) -> QueryResult<Detail> {
    silence::tell(conn, &mut [&mut entry])?;
    let thread = thread_of(conn, &entry)?;
    for other in &thread.same_request {
        take_name(&mut entry, other);
    }
    Ok(Detail { entry, stored, thread })
}
