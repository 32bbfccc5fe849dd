//! Who opened the transaction: the viewer of a session.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::db::ids::{ProjectId, SessionId, UserId};
use crate::db::schema::{projects, sessions, users};
use crate::db::time::ago;
use crate::db::{self, DbError};
use crate::identity::{Role, Theme, Viewer, ViewerProof};

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

/// Whose session opened the transaction.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct ViewerRow {
    id: UserId,
    #[diesel(select_expression = sessions::id)]
    session: SessionId,
    email: String,
    name: Option<String>,
    role: String,
    time_zone: String,
    theme: String,
    keyboard_shortcuts: bool,
    updated_at: Option<DateTime<Utc>>,
}

/// Whether the session's last use was more than a minute ago.
macro_rules! touch_due {
    () => {
        sessions::last_activity
            .is_null()
            .or(sessions::last_activity.lt(ago(1.minute()).nullable()))
            .assume_not_null()
    };
}
pub(crate) use touch_due;

/// The viewer of a transaction that a session opened.
///
/// # Errors
/// [`DbError::NoSession`] when the transaction was not opened by one.
pub fn current(conn: &mut PgConnection) -> Result<Viewer, DbError> {
    let found: Option<(ViewerRow, bool)> = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::id.nullable())))
        .filter(users::id.nullable().eq(app_user_id()))
        .filter(sessions::id.nullable().eq(app_session_id()))
        .select((ViewerRow::as_select(), touch_due!()))
        .first(conn)
        .optional()?;
    found.map(|(row, touch_due)| of_row(conn, row, touch_due)).ok_or(DbError::NoSession)
}

/// The viewer whom a statement found by the transaction's own user and session, and nobody else.
pub(crate) fn of_row(conn: &mut PgConnection, row: ViewerRow, touch_due: bool) -> Viewer {
    db::opened_by(conn, row.id);
    Viewer {
        id: row.id,
        session: row.session,
        email: row.email,
        name: row.name,
        role: Role::from_stored(&row.role),
        zone: row.time_zone.parse().unwrap_or(Tz::UTC),
        theme: Theme::from_stored(&row.theme),
        shortcuts: row.keyboard_shortcuts,
        updated_at: row.updated_at,
        touch_due,
        _proof: ViewerProof::of_own_session(),
    }
}

/// Whether the actor of the open transaction sees such a project.
pub fn sees_project(conn: &mut PgConnection, project: ProjectId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(projects::table.find(project))).get_result(conn)
}
