//! One record with everything: what it says, what led to it, what followed, what belongs to it.

use chrono::Duration;
use diesel::prelude::*;
use serde_json::Value;

use super::audit_records::{Columns, columns_of};
use super::timeline::{
    ACTIONS, AUDIT, CAUSED_BY, EVENTS, Entry, Row, RowStatement, Table, take_name, utc, with_names,
};
use super::{Reference, Source};
use crate::db::schema::{activity_events, activity_logs, project_actions};

/// References that tie records of one thread together. Others, like a branch, would tie a whole project.
pub const TYING: [&str; 4] = ["deployment_id", "github_push_id", "commit_sha", "database_id"];
/// Causes shown above a record.
const MOST_CAUSES: usize = 5;
/// How long after its cause an event is looked for: nothing indexes the cause of an event.
const EVENT_WINDOW: Duration = Duration::days(7);

/// One record and its thread.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The record, its `details` uncut.
    pub entry: Entry,
    /// Its columns as they are stored, by name, without those that hold nothing.
    pub stored: Vec<(&'static str, String)>,
    /// What led to it, the first cause first; at most five.
    pub causes: Vec<Entry>,
    /// What names it as its cause, oldest first; at most fifty.
    pub effects: Vec<Entry>,
    /// What else the same request left, oldest first; at most fifty.
    pub same_request: Vec<Entry>,
    /// What else carries the same deployment, push, commit or database, newest first; at most twenty of each.
    pub related: Vec<Entry>,
}

/// The action with this id, if the viewer may see it.
///
/// # Errors
/// When a statement fails.
pub fn action(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    type Text = Option<String>;
    type Columns = (Text, Text, Text, Text, Text, Text, Text, Option<Value>, Option<i64>);
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
        ("reference_ids", references.map(|json| pretty(&json))),
        ("created_at", at.map(|at| at.to_string())),
    ]);
    thread(conn, entry, stored).map(Some)
}

/// The event with this id, if the viewer may see it.
///
/// # Errors
/// When a statement fails.
pub fn event(conn: &mut PgConnection, id: &str) -> QueryResult<Option<Detail>> {
    type Columns =
        (String, Option<String>, String, Option<String>, String, Option<String>, Option<Value>, Option<i32>);
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
        ("metadata", metadata.map(|json| pretty(&json))),
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
    s.sql("WITH page AS MATERIALIZED (");
    one(&mut s, source, id);
    s.sql(") ");
    with_names(&mut s, true);
    Ok(load(conn, &s)?.pop())
}

fn one(s: &mut RowStatement, source: Source, id: &str) {
    Table::of(source).select_any(s);
    s.sql(match source {
        Source::Action => " WHERE a.action_id = ",
        Source::Audit => " WHERE l.id = ",
        Source::Event => " WHERE e.id = ",
    });
    s.text(id);
}

fn load(conn: &mut PgConnection, s: &RowStatement) -> QueryResult<Vec<Entry>> {
    let rows: Vec<Row> = s.clone().load(conn)?;
    Ok(rows.into_iter().filter_map(Row::into_entry).collect())
}

fn thread(
    conn: &mut PgConnection,
    mut entry: Entry,
    stored: Vec<(&'static str, String)>,
) -> QueryResult<Detail> {
    let causes = causes(conn, &entry)?;
    let effects = effects(conn, &entry)?;
    let mut same_request = same_request(conn, &entry)?;
    for other in &same_request {
        take_name(&mut entry, other);
    }
    let mut related = related(conn, &entry)?;
    let is_told = |other: &Entry| {
        other.position == entry.position
            || causes.iter().chain(&effects).any(|told| told.position == other.position)
    };
    same_request.retain(|other| !is_told(other));
    related
        .retain(|other| !is_told(other) && !same_request.iter().any(|told| told.position == other.position));
    Ok(Detail { entry, stored, causes, effects, same_request, related })
}

/// A record may name any text as its cause, even itself.
fn causes(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<Entry>> {
    let mut causes: Vec<Entry> = Vec::new();
    let mut next = entry.caused_by.clone();
    while let Some(id) = next.take().filter(|_| causes.len() < MOST_CAUSES) {
        let (source, id) = match (id.strip_prefix("event:"), id.strip_prefix("audit:")) {
            (Some(id), _) => (Source::Event, id.to_owned()),
            (_, Some(id)) => (Source::Audit, id.to_owned()),
            _ => (Source::Action, id),
        };
        let Some(cause) = by_id(conn, source, &id)? else { break };
        if cause.position == entry.position || causes.iter().any(|known| known.position == cause.position) {
            break;
        }
        next.clone_from(&cause.caused_by);
        causes.push(cause);
    }
    causes.reverse();
    Ok(causes)
}

/// What others may call it: its key, and an action's or event's bare id.
fn names_of(entry: &Entry) -> Vec<String> {
    let mut names = vec![entry.key()];
    if entry.source() == Source::Event {
        names.push(entry.id().to_owned());
    }
    names
}

fn effects(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<Entry>> {
    let mut s = RowStatement::new();
    s.sql("WITH page AS MATERIALIZED (SELECT * FROM ((");
    ACTIONS.select_any(&mut s);
    s.sql(
        " WHERE a.action_id IN (SELECT r.action_id COLLATE \"default\" \
         FROM turbobackend.action_references r WHERE r.key = ",
    );
    s.text(CAUSED_BY).sql(" AND r.value = ANY(ARRAY(SELECT pilothouse.reference_text(n) FROM unnest(");
    s.texts(names_of(entry)).sql(") n)) ORDER BY r.created_at, r.action_id LIMIT 50))");
    if let Some(project) = &entry.project {
        s.sql(" UNION ALL (");
        EVENTS.select_any(&mut s);
        s.sql(" WHERE e.\"projectId\" = ").text(project.id.as_str());
        s.sql(" AND e.metadata->>'caused_by' = ANY(").texts(names_of(entry)).sql(") AND e.\"createdAt\" >= ");
        s.timestamp(utc(entry.moment.ms)).sql(" AND e.\"createdAt\" < ");
        s.timestamp(utc(entry.moment.ms.saturating_add(EVENT_WINDOW.num_milliseconds())));
        s.sql(" ORDER BY e.\"createdAt\" LIMIT 50)");
    }
    s.sql(") x LIMIT 50) ");
    with_names(&mut s, false);
    load(conn, &s)
}

fn same_request(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<Entry>> {
    let Some(request) = &entry.request_id else { return Ok(Vec::new()) };
    let mut s = RowStatement::new();
    s.sql("WITH page AS MATERIALIZED (SELECT * FROM ((");
    ACTIONS.select_any(&mut s);
    s.sql(" WHERE a.request_id = ").text(request.as_str()).sql(" LIMIT 50) UNION ALL (");
    AUDIT.select_any(&mut s);
    s.sql(" WHERE l.\"requestId\" = ").text(request.as_str()).sql(" LIMIT 50)");
    if let Some(project) = &entry.project {
        let day = Duration::days(1).num_milliseconds();
        s.sql(" UNION ALL (");
        EVENTS.select_any(&mut s);
        s.sql(" WHERE e.\"projectId\" = ").text(project.id.as_str());
        s.sql(" AND e.\"createdAt\" >= ").timestamp(utc(entry.moment.ms.saturating_sub(day)));
        s.sql(" AND e.\"createdAt\" < ").timestamp(utc(entry.moment.ms.saturating_add(day)));
        s.sql(" AND coalesce(e.metadata->>'request_id', e.metadata->>'requestId') = ").text(request.as_str());
        s.sql(" LIMIT 50)");
    }
    s.sql(") x LIMIT 50) ");
    with_names(&mut s, false);
    load(conn, &s)
}

fn related(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<Entry>> {
    let tying: Vec<&Reference> =
        entry.references.iter().filter(|r| TYING.contains(&r.key.as_str())).collect();
    if tying.is_empty() {
        return Ok(Vec::new());
    }
    let mut s = RowStatement::new();
    s.sql("WITH page AS MATERIALIZED (SELECT DISTINCT ON (x.id) x.* FROM (");
    for (at, reference) in tying.iter().enumerate() {
        s.sql(if at == 0 { "(" } else { " UNION ALL (" });
        ACTIONS.select_any(&mut s);
        s.sql(" JOIN turbobackend.action_references r ON r.action_id COLLATE \"default\" = a.action_id WHERE r.key = ");
        s.text(reference.key.as_str()).sql(" AND r.value = pilothouse.reference_text(");
        s.text(reference.value.as_str()).sql(") ORDER BY r.created_at DESC LIMIT 20)");
    }
    s.sql(") x) ");
    with_names(&mut s, true);
    load(conn, &s)
}
