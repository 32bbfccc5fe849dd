//! What goes out of sight with a project, who put it there, and what is left when its row is gone.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::queries::{self, ProjectView};
use crate::audit::AuditAction;
use crate::db::ids::{ProjectId, UserId};
use crate::db::schema::{activity_logs, tombstones};
use crate::db::statement::Statement;

/// Counting stops here: a confirmation says "more than 10,000" and stays quick.
pub const COUNTED_AT_MOST: i64 = 10_000;

/// How much belongs to a project, each counted up to one more than [`COUNTED_AT_MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Messages of its container's conversations.
    pub messages: i64,
    /// Files of its container, the deleted aside.
    pub files: i64,
    /// Actions and events of its timeline.
    pub entries: i64,
}

/// Counts what belongs to the project `id`.
pub fn contents(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Contents> {
    const CONTAINER: &str = "(SELECT p.container_id FROM public.projects p WHERE p.id_text = ";
    let mut statement = Statement::<(BigInt, BigInt, BigInt)>::new();
    let limit = COUNTED_AT_MOST + 1;
    statement
        .sql("SELECT (SELECT count(*) FROM (SELECT FROM public.chat_messages m WHERE m.container_id = ")
        .sql(CONTAINER)
        .text(id.to_string())
        .sql(") LIMIT ")
        .big(limit)
        .sql(") m), (SELECT count(*) FROM (SELECT FROM public.file_storage f WHERE f.container_id = ")
        .sql(CONTAINER)
        .text(id.to_string())
        .sql(") AND f.is_deleted IS NOT TRUE LIMIT ")
        .big(limit)
        .sql(") f), (SELECT count(*) FROM ((SELECT FROM turbobackend.project_actions a WHERE a.project_id = ")
        .text(id.to_string())
        .sql(" LIMIT ")
        .big(limit)
        .sql(") UNION ALL (SELECT FROM public.\"ActivityEvent\" e WHERE e.\"projectId\" = ")
        .text(id.to_string())
        .sql(" LIMIT ")
        .big(limit)
        .sql(")) r)");
    let (messages, files, entries) = statement.get_result(conn)?;
    Ok(Contents { messages, files, entries })
}

/// When a project was marked as deleted, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// When.
    pub at: DateTime<Utc>,
    /// What they were called then.
    pub by: String,
}

/// The last time that somebody deleted the project `id` here. A worker that sets the status leaves no record.
pub fn last(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Option<Deletion>> {
    let row: Option<(Option<chrono::NaiveDateTime>, Option<String>, Option<String>)> = activity_logs::table
        .filter(activity_logs::project_id.eq(id.to_string()))
        .filter(activity_logs::activity_type.eq(AuditAction::ProjectDeleted.as_str()))
        .order(activity_logs::created_at.desc())
        .select((activity_logs::created_at, activity_logs::actor_name, activity_logs::actor_email))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(at, name, email)| {
        Some(Deletion { at: at?.and_utc(), by: name.or(email).unwrap_or_else(|| "somebody".to_owned()) })
    }))
}

/// What is left of a project whose row another program removed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tombstones)]
pub struct Tombstone {
    /// Its id, as the tables of the record keep it.
    pub id: String,
    /// What it was called.
    pub name: Option<String>,
    #[diesel(column_name = owner_id)]
    pub owner: Option<UserId>,
    /// When its row was removed.
    pub deleted_at: DateTime<Utc>,
}

impl Tombstone {
    /// The name, else a word for it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or("a project without a name")
    }
}

/// A project that has a page: its row, or what is left of it.
#[derive(Debug, Clone)]
pub enum ProjectOrTombstone {
    /// It has a row.
    Project(Box<ProjectView>),
    /// Its row is gone, its record stays.
    Tombstone(Tombstone),
}

/// The project with this id, or what is left of it, if the viewer may see it.
pub fn project_or_tombstone(
    conn: &mut PgConnection,
    id: ProjectId,
) -> QueryResult<Option<ProjectOrTombstone>> {
    match queries::find(conn, id)? {
        Some(row) => Ok(Some(ProjectOrTombstone::Project(Box::new(row)))),
        None => Ok(tombstone(conn, id)?.map(ProjectOrTombstone::Tombstone)),
    }
}

/// What is left of the project with this id, if its row is gone and the viewer may see it.
pub fn tombstone(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Option<Tombstone>> {
    tombstones::table
        .filter(tombstones::kind.eq("project"))
        .filter(tombstones::id.eq(id.to_string()))
        .select(Tombstone::as_select())
        .first(conn)
        .optional()
}

/// The viewer's projects whose rows are gone, the last removed first; at most `limit`.
pub fn gone(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<Tombstone>> {
    tombstones::table
        .filter(tombstones::kind.eq("project"))
        .order((tombstones::deleted_at.desc(), tombstones::id))
        .limit(limit)
        .select(Tombstone::as_select())
        .load(conn)
}
