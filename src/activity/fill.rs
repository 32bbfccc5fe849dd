//! What jobs do for the timeline beside its triggers: taking in what is older than it, and moving what changed hands.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Uuid};
use serde::{Deserialize, Serialize};

use crate::db::ids::ProjectId;

/// How the timeline stands: how many records its triggers could not write, and whether older ones are still taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct State {
    /// Records that a trigger could not write; each is a gap.
    #[diesel(sql_type = BigInt)]
    pub unwritten: i64,
    /// Whether older records are still taken in.
    #[diesel(sql_type = Bool)]
    pub is_filling: bool,
}

/// See [`State`].
pub fn state(conn: &mut PgConnection) -> QueryResult<State> {
    diesel::sql_query(
        "SELECT (SELECT count(*) FROM pilothouse.recording_gaps WHERE source IS NOT NULL AND entry_id IS NOT NULL) AS unwritten, \
             EXISTS (SELECT FROM pilothouse.timeline_fill) AS is_filling",
    )
    .get_result(conn)
}

/// Takes up to `most` of the records that are older than the timeline into it. Whether there is more to do.
pub fn take_in(conn: &mut PgConnection, most: i32) -> QueryResult<bool> {
    diesel::select(fill_timeline(most)).get_result(conn)
}

/// Where a batch of [`tie_older`] ended.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize, Deserialize)]
pub struct Tied {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Puts up to `most` actions of `kind`, newest first, into the threads of the pushes of their commits. None at the end.
pub fn tie_older(
    conn: &mut PgConnection,
    kind: &str,
    before: Option<&Tied>,
    most: i32,
) -> QueryResult<Option<Tied>> {
    diesel::sql_query("SELECT at, id FROM pilothouse.tie_older($1, $2, $3, $4)")
        .bind::<Text, _>(kind)
        .bind::<BigInt, _>(before.map_or(i64::MAX, |tied| tied.at))
        .bind::<Text, _>(before.map_or("", |tied| tied.id.as_str()))
        .bind::<Integer, _>(most)
        .get_result(conn)
        .optional()
}

/// Gives up to `most` entries of `project` to whoever owns it now. How many there were.
pub fn move_entries(conn: &mut PgConnection, project: ProjectId, most: i32) -> QueryResult<i32> {
    diesel::select(move_entries_of(project.0, most)).get_result(conn)
}

diesel::define_sql_function! {
    /// See [`take_in`].
    #[sql_name = "pilothouse.fill_timeline"]
    fn fill_timeline(most: Integer) -> Bool;
}

diesel::define_sql_function! {
    /// See [`move_entries`].
    #[sql_name = "pilothouse.move_entries"]
    fn move_entries_of(project: Uuid, most: Integer) -> Integer;
}
