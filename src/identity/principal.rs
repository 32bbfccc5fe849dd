//! Who did something, from where and when: what every command needs to leave a record.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::{Role, UserId, Viewer};

/// Where an act came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The request's id, shared by every record that it leads to.
    pub request_id: Option<String>,
    /// The address, past trusted proxies.
    pub ip: Option<IpAddr>,
    /// The browser's own words, cut at 500 characters.
    pub user_agent: Option<String>,
}

/// Who acts. Records keep the name, so that they still read when the user is gone.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The user; none for the console itself.
    pub user: Option<UserId>,
    /// What they are called in records.
    pub name: String,
    /// Whether they act as an admin.
    pub is_admin: bool,
    /// Where the act came from.
    pub origin: Origin,
    /// When, by the app's clock.
    pub at: DateTime<Utc>,
}

impl Principal {
    /// A signed-in person.
    #[must_use]
    pub fn viewer(viewer: &Viewer, origin: Origin, at: DateTime<Utc>) -> Self {
        Self {
            user: Some(viewer.id),
            name: viewer.display_name().to_owned(),
            is_admin: viewer.role == Role::Admin,
            origin,
            at,
        }
    }

    /// A visitor without an account.
    #[must_use]
    pub fn visitor(origin: Origin, at: DateTime<Utc>) -> Self {
        Self { user: None, name: "a visitor".to_owned(), is_admin: false, origin, at }
    }

    /// The console itself: a command or a job.
    #[must_use]
    pub fn system(at: DateTime<Utc>) -> Self {
        Self { user: None, name: "the system".to_owned(), is_admin: true, origin: Origin::default(), at }
    }
}
