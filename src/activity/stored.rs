//! The columns of one record as they are stored, each read as far as somebody wants to see it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::Value;

use super::Source;
use crate::audit::redaction;
use crate::db::batch::{self, MOST_CHARACTERS};
use crate::db::statement::Statement;

/// What a page reads of a column, in characters.
pub const LONGEST_SHOWN: i64 = 16_000;
/// What is read of it for the text of an audit entry: its JSON is looked through for secrets, which needs all of it.
pub const LONGEST_RAW: i64 = 20_000_000;

/// A column that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// What was read of it; JSON is indented.
    pub text: String,
    /// How long all of it is, in bytes.
    pub bytes: i64,
}

impl Column {
    /// Whether it holds more than was read.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        i64::try_from(self.text.len()).is_ok_and(|read| read < self.bytes)
    }

    /// What it holds as JSON, if it is a column of JSON or of numbers and was read whole.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let holds_json = ["reference_ids", "metadata", "created_at", "duration", "before", "after"];
        if self.is_cut() || !holds_json.contains(&self.name.as_str()) {
            return None;
        }
        serde_json::from_str(&self.text).ok()
    }
}

const ACTION: &str = "turbobackend.project_actions r CROSS JOIN LATERAL (VALUES (1, 'action_id', r.action_id::text), \
    (2, 'project_id', r.project_id::text), (3, 'user_id', r.user_id::text), (4, 'request_id', r.request_id::text), \
    (5, 'action_type', r.action_type::text), (6, 'action_details', r.action_details::text), (7, 'status', r.status::text), \
    (8, 'environment', r.environment::text), (9, 'reference_ids', jsonb_pretty(r.reference_ids)), \
    (10, 'created_at', r.created_at::text)) c (at, name, value) WHERE r.action_id = ";
const EVENT: &str = "public.\"ActivityEvent\" r CROSS JOIN LATERAL (VALUES (1, 'id', r.id), \
    (2, 'projectId', r.\"projectId\"), (3, 'userId', r.\"userId\"), (4, 'eventType', r.\"eventType\"::text), \
    (5, 'entityType', r.\"entityType\"), (6, 'entityId', r.\"entityId\"), (7, 'title', r.title), \
    (8, 'description', r.description), (9, 'status', r.status::text), (10, 'duration', r.duration::text), \
    (11, 'metadata', jsonb_pretty(r.metadata))) c (at, name, value) WHERE r.id = ";
const AUDIT: &str = "public.\"ActivityLog\" r CROSS JOIN LATERAL (VALUES (1, 'id', r.id), \
    (2, 'activityType', r.\"activityType\"), (3, 'description', r.description), (4, 'userId', r.\"userId\"), \
    (5, 'actorName', r.\"actorName\"), (6, 'actorEmail', r.\"actorEmail\"), (7, 'actorRole', r.\"actorRole\"), \
    (8, 'actingAdminId', r.\"actingAdminId\"), (9, 'ip', host(r.ip)), (10, 'userAgent', r.\"userAgent\"), \
    (11, 'requestId', r.\"requestId\"), (12, 'targetType', r.\"targetType\"), (13, 'targetId', r.\"targetId\"), \
    (14, 'targetName', r.\"targetName\"), (15, 'projectId', r.\"projectId\"), (16, 'before', jsonb_pretty(r.before)), \
    (17, 'after', jsonb_pretty(r.after)), (18, 'metadata', r.metadata)) c (at, name, value) WHERE r.id = ";

const OPERATION: &str = "pilothouse.operations r CROSS JOIN LATERAL (VALUES (1, 'id', r.id), \
    (2, 'verb', r.verb), (3, 'status', r.status), (4, 'container_id', r.container_id::text), \
    (5, 'container_name', r.container_name), (6, 'engine_container_id', r.engine_container_id), \
    (7, 'project_id', r.project_id::text), (8, 'asked_by', r.asked_by::text), (9, 'asked_by_name', r.asked_by_name), \
    (10, 'asked_at', r.asked_at::text), (11, 'begun_at', r.begun_at::text), (12, 'ended_at', r.ended_at::text), \
    (13, 'answer', r.answer), (14, 'request_id', r.request_id), (15, 'parent_id', r.parent_id)) c (at, name, value) \
    WHERE r.id = ";
const OBSERVATION: &str = "pilothouse.engine_events r CROSS JOIN LATERAL (VALUES (1, 'id', r.id), \
    (2, 'kind', r.kind), (3, 'engine_id', r.engine_id), (4, 'container_id', r.container_id::text), \
    (5, 'container_name', r.container_name), (6, 'engine_container_id', r.engine_container_id), \
    (7, 'project_id', r.project_id::text), (8, 'at', r.at::text), (9, 'exit_code', r.exit_code::text), \
    (10, 'was_out_of_memory', CASE WHEN r.was_out_of_memory THEN 'true' END), (11, 'operation_id', r.operation_id), \
    (12, 'times', nullif(r.times, 1)::text), (13, 'last_at', r.last_at::text), (14, 'closed_at', r.closed_at::text), \
    (15, 'is_reconstructed', CASE WHEN r.is_reconstructed THEN 'true' END), (16, 'details', r.details), \
    (17, 'last_lines', r.last_lines)) c (at, name, value) WHERE r.id = ";

/// Whether an event's id is one of `pilothouse.operations`.
pub(super) fn is_operation(id: &str) -> bool {
    id.len() == 35 && id.starts_with("op_")
}

fn table(source: Source, id: &str) -> &'static str {
    match source {
        Source::Action => ACTION,
        Source::Event if is_operation(id) => OPERATION,
        Source::Event => EVENT,
        Source::Audit => AUDIT,
        Source::Engine => OBSERVATION,
    }
}

/// The columns of the record `id` that hold something, `most` characters of each; none when the viewer sees no such
/// record. Audit entries are for admins: other roles have no right to their columns.
///
/// # Errors
/// When the statement fails, as it does for an owner who asks for an audit entry.
pub fn columns(conn: &mut PgConnection, source: Source, id: &str, most: i64) -> QueryResult<Vec<Column>> {
    if id.contains('\0') {
        return Ok(Vec::new());
    }
    let mut s = Statement::<(Text, Text, BigInt)>::new();
    s.sql("SELECT c.name, left(c.value, ").big(most).sql("::integer), octet_length(c.value)::bigint FROM ");
    s.sql(table(source, id)).text(id).sql(" AND c.value IS NOT NULL ORDER BY c.at");
    let rows: Vec<(String, String, i64)> = s.load(conn)?;
    let mut columns: Vec<Column> =
        rows.into_iter().map(|(name, text, bytes)| Column { name, text, bytes }).collect();
    if source == Source::Audit {
        redact(&mut columns);
    }
    Ok(columns)
}

/// Where the text of a record goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    column: i64,
    /// The first character.
    from: i64,
}

impl Place {
    /// Where it begins.
    pub const FIRST: Self = Self { column: 1, from: 1 };
}

/// A piece of the text of an action or an event, each column by its name, and where it goes on; none when the viewer
/// sees no such record.
pub fn piece(
    conn: &mut PgConnection,
    source: Source,
    id: &str,
    place: Place,
) -> QueryResult<Option<(String, Option<Place>)>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let mut s = Statement::<(BigInt, BigInt, Text, Text)>::new();
    s.sql("SELECT p.at::bigint, p.last::bigint, p.name, substr(p.value, CASE p.at WHEN ").big(place.column);
    s.sql(" THEN ").big(place.from).sql("::integer ELSE 1 END, ").big(MOST_CHARACTERS).sql(
        "::integer) FROM (SELECT c.*, max(c.at) OVER () AS last, \
         sum(octet_length(c.value)) OVER (ORDER BY c.at) - octet_length(c.value) AS before FROM ",
    );
    s.sql(table(source, id)).text(id).sql(" AND c.value IS NOT NULL AND c.at >= ").big(place.column);
    s.sql(") p WHERE p.before < ").big(MOST_CHARACTERS).sql(" ORDER BY p.at");
    let rows: Vec<(i64, i64, String, String)> = s.load(conn)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let (mut text, mut next) = (String::new(), None);
    for (at, last, name, value) in rows {
        let goes_on = batch::is_cut(&value);
        let from = if at == place.column { place.from } else { 1 };
        if from == 1 {
            let between = if goes_on || value.contains('\n') { "\n" } else { " " };
            text.extend([&name, ":", between]);
        }
        text.push_str(&value);
        if goes_on {
            return Ok(Some((text, Some(Place { column: at, from: from + MOST_CHARACTERS }))));
        }
        text.push('\n');
        next = (at < last).then_some(Place { column: at + 1, from: 1 });
    }
    Ok(Some((text, next)))
}

/// Hides secrets in what other programs, and older versions, may have written. A part of JSON can't be looked through,
/// so it is not shown at all.
fn redact(columns: &mut [Column]) {
    let read = |name: &str| {
        let column = columns.iter().find(|column| column.name == name)?;
        if column.is_cut() {
            return None;
        }
        Some(column.json().unwrap_or_else(|| Value::String(column.text.clone())))
    };
    let (mut before, mut after) = (read("before"), read("after"));
    redaction::hide(before.as_mut(), after.as_mut());
    for (name, hidden) in [("before", before), ("after", after)] {
        if let Some(column) = columns.iter_mut().find(|column| column.name == name) {
            let is_cut = column.is_cut();
            column.text = match hidden {
                Some(Value::String(text)) => text,
                Some(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
                None => String::new(),
            };
            if !is_cut {
                column.bytes = i64::try_from(column.text.len()).unwrap_or(i64::MAX);
            }
        }
    }
}

/// An audit entry as text: each column by its name.
#[must_use]
pub fn as_text(columns: &[Column]) -> String {
    let mut text = String::new();
    for column in columns {
        let between = if column.text.contains('\n') { "\n" } else { " " };
        text.extend([column.name.as_str(), ":", between, &column.text, "\n"]);
        if column.is_cut() {
            text.push_str("[This goes on, and is too long to be shown.]\n");
        }
    }
    text
}
