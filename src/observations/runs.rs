//! Runs of a container: from a start to the end that follows, a row of `container_sessions` each.

use diesel::prelude::*;

use crate::db::ids::ContainerId;
use crate::db::schema::{container_sessions, engine_containers};

/// Runs that are read at most, the newest first.
pub const MOST: i64 = 500;

#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Run {
    pub id: String,
    /// `running`, `stopped`, `failed`, or a worker's word.
    pub status: Option<String>,
    pub exit_code: Option<i32>,
    /// Epoch milliseconds.
    pub began: i64,
    pub ended: Option<i64>,
}

impl Run {
    /// Whether it ended and nobody asked for it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status.as_deref().is_some_and(|status| matches!(status, "failed" | "crashed" | "error"))
    }
}

/// The runs that were not over by `since` (epoch milliseconds), of all that a record has been at engines.
pub fn since(
    conn: &mut PgConnection,
    row: ContainerId,
    engine_id: &str,
    since: i64,
) -> QueryResult<Vec<Run>> {
    let mut ids: Vec<String> = engine_containers::table
        .filter(engine_containers::row_id.eq(row))
        .select(engine_containers::container_id)
        .load(conn)?;
    ids.push(engine_id.to_owned());
    container_sessions::table
        .filter(container_sessions::container_id.eq_any(ids))
        .filter(container_sessions::created_at.is_not_null())
        .filter(container_sessions::ended_at.is_null().or(container_sessions::ended_at.ge(since)))
        .order((container_sessions::created_at.desc(), container_sessions::session_id.desc()))
        .limit(MOST)
        .select((
            container_sessions::session_id,
            container_sessions::status,
            container_sessions::exit_code,
            container_sessions::created_at.assume_not_null(),
            container_sessions::ended_at,
        ))
        .load(conn)
}
