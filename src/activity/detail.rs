//! One record with everything: what it says, and its thread.

use diesel::prelude::*;
use serde_json::Value;

use super::Source;
use super::audit_records::{Columns, columns_of};
use super::thread::thread_of;
use super::timeline::{Entry, Names, RowStatement, Table, take_name, with_names};
use crate::db::json::StoredJson;
use crate::db::schema::{activity_events, activity_logs, project_actions};

/// One record and its thread.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The record, its `details` uncut.
    pub entry: Entry,
    /// Its columns as they are stored, by name, without those that hold nothing.
    pub stored: Vec<(&'static str, String)>,
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
///
/// # Errors
/// When a statement fails.
pub fn action(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    type Text = Option<String>;
    type Columns = (Text, Text, Text, Text, Text, Text, Text, Option<StoredJson>, Option<i64>);
    let Some(mut entry) = by_id(conn, Source::Action, id)? else { return Ok(None) };
    let (project, user, request, kind, details, status, environment, references, at): Columns =
        project_actions::table
            .find(id)
            .select((
                project_actions::project_id,
                project_actions::user_id,
                project_actions::request_id,
                project_actions::action_type,
                project_actions::action_details,
                project_actions::status,
                project_actions::environment,
                project_actions::reference_ids,
                project_actions::created_at,
            ))
            .first(conn)?;
    entry.details.clone_from(&details);
    let stored = present([
        ("action_id", Some(id.to_owned())),
        ("project_id", project),
        ("user_id", user),
        ("request_id", request),
        ("action_type", kind),
        ("action_details", details),
        ("status", status),
        ("environment", environment),
        ("reference_ids", references.map(|json| pretty(&json.into()))),
        ("created_at", at.map(|at| at.to_string())),
    ]);
    thread(conn, entry, stored).map(Some)
}

/// The event with this id, if the viewer may see it.
///
/// # Errors
/// When a statement fails.
pub fn event(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    type Columns = (
        String,
        Option<String>,
        String,
        Option<String>,
        String,
        Option<String>,
        Option<StoredJson>,
        Option<i32>,
    );
    let Some(mut entry) = by_id(conn, Source::Event, id)? else { return Ok(None) };
    let (project, user, entity, entity_id, title, description, metadata, duration): Columns =
        activity_events::table
            .find(id)
            .select((
                activity_events::project_id,
                activity_events::user_id,
                activity_events::entity_type,
                activity_events::entity_id,
                activity_events::title,
                activity_events::description,
                activity_events::metadata,
                activity_events::duration,
            ))
            .first(conn)?;
    entry.details.clone_from(&description);
    let stored = present([
        ("id", Some(id.to_owned())),
        ("projectId", Some(project)),
        ("userId", user),
        ("eventType", Some(entry.kind.as_str().to_owned())),
        ("entityType", Some(entity)),
        ("entityId", entity_id),
        ("title", Some(title)),
        ("description", description),
        ("status", entry.status.as_ref().map(|status| status.as_str().to_owned())),
        ("duration", duration.map(|ms| ms.to_string())),
        ("metadata", metadata.map(|json| pretty(&json.into()))),
    ]);
    thread(conn, entry, stored).map(Some)
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
///
/// # Errors
/// When a statement fails, as it does for an owner.
pub fn audit_entry(conn: &mut PgConnection, id: &str) -> QueryResult<Option<AuditDetail>> {
    let Some(mut entry) = by_id(conn, Source::Audit, id)? else { return Ok(None) };
    let columns = columns_of(conn, &[id])?.remove(id).unwrap_or_default();
    let description: Option<String> =
        activity_logs::table.find(id).select(activity_logs::description).first(conn)?;
    entry.details.clone_from(&description);
    let stored = present([
        ("id", Some(id.to_owned())),
        ("activityType", Some(entry.kind.as_str().to_owned())),
        ("description", description),
        ("userId", entry.actor.user.clone()),
        ("actorName", columns.actor_name.clone()),
        ("actorEmail", columns.actor_email.clone()),
        ("actorRole", columns.actor_role.clone()),
        ("actingAdminId", columns.acting_admin.clone()),
        ("ip", columns.ip.map(|ip| ip.ip().to_string())),
        ("userAgent", columns.user_agent.clone()),
        ("requestId", entry.request_id.clone()),
        ("targetType", columns.target_kind.clone()),
        ("targetId", columns.target_id.clone()),
        ("targetName", columns.target_name.clone()),
        ("projectId", entry.project.as_ref().map(|project| project.id.clone())),
        ("before", columns.before.as_ref().map(pretty)),
        ("after", columns.after.as_ref().map(pretty)),
        ("metadata", columns.metadata.clone()),
    ]);
    let detail = thread(conn, entry, stored)?;
    Ok(Some(AuditDetail { detail, columns }))
}

fn present<const N: usize>(columns: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    columns.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

fn by_id(conn: &mut PgConnection, source: Source, id: &str) -> QueryResult<Option<Entry>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let mut s = RowStatement::new();
    s.sql("WITH page AS MATERIALIZED (SELECT 'page'::text AS part, x.* FROM (");
    Table::of(source).select_any(&mut s);
    s.sql(match source {
        Source::Action => " WHERE a.action_id = ",
        Source::Audit => " WHERE l.id = ",
        Source::Event => " WHERE e.id = ",
    });
    s.text(id).sql(") x) ");
    with_names(&mut s, &["page"], None, None);
    let (rows, names) = Names::split_from(s.load(conn)?);
    Ok(rows.into_iter().filter_map(|row| row.into_entry(&names)).next_back())
}

fn thread(
    conn: &mut PgConnection,
    mut entry: Entry,
    stored: Vec<(&'static str, String)>,
) -> QueryResult<Detail> {
    let thread = thread_of(conn, &entry)?;
    for other in &thread.same_request {
        take_name(&mut entry, other);
    }
    Ok(Detail { entry, stored, thread })
}
