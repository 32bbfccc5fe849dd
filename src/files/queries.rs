//! One file, and the pushes that changed it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid};

use crate::db::ids::{ContainerId, FileId, ProjectId};
use crate::db::spelling::spellings;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// A file as the table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its row.
    pub id: FileId,
    pub path: String,
    /// `file_name`, which nothing holds to the path.
    pub name: String,
    /// Bytes, as they were stored: negative ones too.
    pub size: Option<i64>,
    pub media_type: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub changed_at: Option<DateTime<Utc>>,
    pub is_deleted: bool,
}

type Row =
    (Uuid, Text, Text, Nullable<BigInt>, Nullable<Text>, Nullable<Timestamptz>, Nullable<Timestamptz>, Bool);
type Stored = (
    uuid::Uuid,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    bool,
);

/// The container's file with this id, if the viewer may see it.
pub fn find(conn: &mut PgConnection, container: ContainerId, id: FileId) -> QueryResult<Option<File>> {
    let mut s = Statement::<Row>::new();
    s.sql(
        "SELECT id, file_path, file_name::text, file_size, mime_type::text, created_at, updated_at, \
           coalesce(is_deleted, false) FROM file_storage WHERE id = ",
    )
    .text(id.to_string());
    s.sql("::uuid AND container_id = ").text(container.to_string()).sql("::uuid");
    let found: Option<Stored> = s.get_result(conn).optional()?;
    Ok(found.map(|(id, path, name, size, media_type, created_at, changed_at, is_deleted)| File {
        id: FileId(id),
        path,
        name,
        size,
        media_type,
        created_at,
        changed_at,
        is_deleted,
    }))
}

/// A push that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `github_push_history.push_id`
    pub push_id: String,
    /// What its newest commit says.
    pub message: String,
    /// Who wrote it.
    pub author: String,
    /// Epoch milliseconds.
    pub at: i64,
}

/// The project's newest pushes that name `path` among their files, at most ten; the newest 500 are asked.
pub fn changes(conn: &mut PgConnection, project: ProjectId, path: &str) -> QueryResult<Vec<Change>> {
    let mut s = Statement::<(Text, Text, Text, BigInt)>::new();
    s.sql(
        "SELECT p.push_id::text, left(coalesce(p.commit_message, ''), 300), \
           coalesce(p.author_name, p.author_email, '')::text, coalesce(p.created_at, 0) FROM (\
           SELECT * FROM turbobackend.github_push_history WHERE project_id = ",
    )
    .text(project.to_string());
    s.sql(" ORDER BY created_at DESC, push_id DESC LIMIT 500) p WHERE p.files ?| ").texts(spellings(path));
    for path in spellings(path) {
        s.sql(" OR p.files @> jsonb_build_array(jsonb_build_object('path', ").text(path.as_str()).sql("))");
        s.sql(" OR p.files @> jsonb_build_array(jsonb_build_object('filename', ").text(path).sql("))");
    }
    s.sql(" ORDER BY p.created_at DESC, p.push_id DESC LIMIT 10");
    let rows: Vec<(String, String, String, i64)> = s.load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(push_id, message, author, at)| Change { push_id, message, author, at })
        .collect())
}
