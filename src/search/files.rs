//! Files by their path: in the newest projects, as far as one look goes.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};

use super::{Found, Kind, MOST, Target};
use crate::db::ids::{FileId, ProjectId};
use crate::db::spelling::{containing, spellings};
use crate::db::statement::Statement;

/// Paths that hold the text are looked for in so many projects, and in so many files of each; beyond them a path has
/// to be the text.
pub const PROJECTS: i64 = 50;
pub const OF_EACH: i64 = 1_000;

/// The statement that finds files: id, path, their project and what it is called.
#[must_use]
pub fn statement(text: &str) -> Statement<(SqlUuid, Text, SqlUuid, Text)> {
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut s = Statement::new();
    s.sql("WITH near AS (SELECT f.id, f.file_path, p.id AS project, p.name FROM (SELECT p.id, p.name, p.container_id, p.created_at \
           FROM public.projects p ORDER BY p.created_at DESC, p.id DESC LIMIT ").big(PROJECTS);
    s.sql(") p CROSS JOIN LATERAL (SELECT f.id, f.file_path FROM public.file_storage f WHERE f.container_id = p.container_id \
           AND f.is_deleted IS NOT TRUE ORDER BY f.file_path COLLATE \"C\", f.id LIMIT ").big(OF_EACH);
    s.sql(") f WHERE f.file_path ILIKE ANY (").texts(containing(text)).sql(") LIMIT ").big(limit);
    s.sql("), exact AS (SELECT f.id, f.file_path, p.id AS project, p.name FROM public.file_storage f \
           JOIN public.projects p ON p.container_id = f.container_id WHERE f.is_deleted IS NOT TRUE AND f.file_path = ANY (");
    s.texts(spellings(text)).sql(") LIMIT ").big(limit);
    s.sql(") SELECT * FROM (SELECT * FROM exact UNION SELECT * FROM near) found ORDER BY found.file_path, found.name, found.id LIMIT ");
    s.big(limit);
    s
}

/// Files whose path holds `text`.
pub(super) fn by_path(conn: &mut PgConnection, text: &str) -> QueryResult<Vec<Found>> {
    let rows: Vec<(FileId, String, ProjectId, String)> = statement(text).load(conn)?;
    let found = |(id, path, project, name)| Found {
        kind: Kind::File,
        target: Target::File(project, id),
        label: path,
        note: name,
        is_meant: false,
    };
    Ok(rows.into_iter().map(found).collect())
}
