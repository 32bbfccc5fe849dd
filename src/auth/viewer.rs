//! Who opened the transaction: the viewer of a session.

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::db::ids::ProjectId;
use crate::db::schema::{projects, sessions, users};
use crate::db::time::ago;
use crate::db::{self, DbError};
use crate::identity::{Viewer, ViewerRow};

diesel::define_sql_function! {
    /// The user whom the transaction was opened for.
    #[sql_name = "pilothouse.app_user_id"]
    fn app_user_id() -> Nullable<SqlUuid>;
}
diesel::define_sql_function! {
    /// The session that the transaction was opened with.
    #[sql_name = "pilothouse.app_session_id"]
    fn app_session_id() -> Nullable<SqlUuid>;
}

/// The columns of a [`ViewerRow`], for statements that read something else in the same round trip.
macro_rules! viewer_columns {
    () => {
        (
            users::id,
            sessions::id,
            users::email,
            users::name,
            users::role,
            users::time_zone,
            users::theme,
            (users::keyboard_shortcuts, users::updated_at),
            sessions::last_activity
                .is_null()
                .or(sessions::last_activity.lt(ago(1.minute()).nullable()))
                .assume_not_null(),
        )
    };
}
pub(crate) use viewer_columns;

/// The viewer of a transaction that a session opened.
///
/// # Errors
/// [`DbError::NoSession`] when the transaction was not opened by one.
pub fn current(conn: &mut PgConnection) -> Result<Viewer, DbError> {
    let row: Option<ViewerRow> = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::id.nullable())))
        .filter(users::id.nullable().eq(app_user_id()))
        .filter(sessions::id.nullable().eq(app_session_id()))
        .select(viewer_columns!())
        .first(conn)
        .optional()?;
    row.map(|row| of_row(conn, row)).ok_or(DbError::NoSession)
}

/// The viewer whom a statement found by the transaction's own user and session, and nobody else.
pub(crate) fn of_row(conn: &mut PgConnection, row: ViewerRow) -> Viewer {
    db::opened_by(conn, row.0);
    Viewer::of_row(row)
}

/// Whether the actor of the open transaction sees such a project.
pub fn sees_project(conn: &mut PgConnection, project: ProjectId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(projects::table.find(project))).get_result(conn)
}
