use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Role, SessionId, Theme, UserId, display_name};

/// What a [`Viewer`] is made of.
pub(crate) type ViewerRow =
    (UserId, SessionId, String, Option<String>, String, String, String, (bool, Option<DateTime<Utc>>), bool);

/// A signed-in person. Only statements about the transaction's own session make one, so a function that takes it
/// can't be called without.
#[derive(Debug, Clone)]
#[expect(clippy::manual_non_exhaustive, reason = "no other module of this crate may make one either")]
pub struct Viewer {
    /// Whose session it is.
    pub id: UserId,
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

    /// For `auth::viewer`, which has asked the database.
    pub(crate) fn of_row(row: ViewerRow) -> Self {
        let (id, session, email, name, role, zone, theme, (shortcuts, updated_at), touch_due) = row;
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
