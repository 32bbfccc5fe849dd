use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Role, SessionId, Theme, UserId, display_name};

/// Held by every [`Viewer`]; `auth::viewer` makes it, out of a statement about the transaction's own session.
#[derive(Debug, Clone)]
pub struct ViewerProof(());

impl ViewerProof {
    pub(crate) fn of_own_session() -> Self {
        Self(())
    }
}

/// A signed-in person. Only statements about the transaction's own session make one, so a function that takes it
/// can't be called without.
#[derive(Debug, Clone)]
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
    pub(crate) _proof: ViewerProof,
}

impl Viewer {
    /// The name, else the address.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.name.as_deref(), &self.email)
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
