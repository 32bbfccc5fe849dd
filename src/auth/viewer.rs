//! The person on whose behalf a request runs.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::db::ids::{SessionId, UserId};
use crate::db::schema::{sessions, users};
use crate::db::time::ago;
use crate::db::{self, DbError};
use crate::users::{Role, Theme, display_name};

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

/// What a [`Viewer`] is made of; see [`viewer_columns`].
pub(crate) type ViewerRow =
    (UserId, SessionId, String, Option<String>, String, String, String, (bool, Option<DateTime<Utc>>), bool);

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

/// A signed-in person. Only statements about the transaction's own session make one, so a function that takes it
/// can't be called without.
#[derive(Debug, Clone)]
#[expect(clippy::manual_non_exhaustive, reason = "no other module of this crate may make one either")]
pub struct Viewer {
    /// Whose session it is.
    pub id: UserId,
    /// The session itself.
    pub session: SessionId,
    /// The e-mail address.
    pub email: String,
    /// The name, if they gave one.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Where times are shown for.
    pub zone: Tz,
    /// Light, dark or as the system says.
    pub theme: Theme,
    /// Whether single keys act on pages.
    pub shortcuts: bool,
    /// When their row was last written: what an edit must have seen.
    pub updated_at: Option<DateTime<Utc>>,
    /// Whether the session's `last_activity` is more than a minute old.
    pub touch_due: bool,
    _private: (),
}

impl Viewer {
    /// The name, else the address.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.name.as_deref(), &self.email)
    }

    /// The viewer whom a statement found by the transaction's own user and session, and nobody else.
    pub(crate) fn of_row(conn: &mut PgConnection, row: ViewerRow) -> Self {
        let (id, session, email, name, role, zone, theme, (shortcuts, updated_at), touch_due) = row;
        db::opened_by(conn, id);
        Self {
            id,
            session,
            email,
            name,
            role: Role::from_stored(&role),
            zone: zone.parse().unwrap_or(Tz::UTC),
            theme: Theme::from_stored(&theme),
            shortcuts,
            updated_at,
            touch_due,
            _private: (),
        }
    }

    /// Proof of being an admin, or nothing.
    #[must_use]
    pub fn as_admin(&self) -> Option<Admin> {
        (self.role == Role::Admin).then(|| Admin { viewer: self.clone() })
    }
}

/// A viewer who manages everything. Only [`Viewer::as_admin`] makes one.
#[derive(Debug, Clone)]
pub struct Admin {
    viewer: Viewer,
}

impl std::ops::Deref for Admin {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.viewer
    }
}

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
    row.map(|row| Viewer::of_row(conn, row)).ok_or(DbError::NoSession)
}
