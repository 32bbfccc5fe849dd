//! Users, for admins.

pub mod activation;
pub mod export;
pub mod fields;
pub mod index;
pub mod link;
pub mod new;
pub mod sessions;
pub mod show;
pub mod update;

use super::display::{Badge, Tone};
use crate::error::AppError;
use crate::identity::Role;
use crate::users::commands::ChangeError;

impl From<ChangeError> for AppError {
    /// What no form can explain: a user who is gone, or a statement that failed.
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::NotFound,
            ChangeError::Query(error) => error.into(),
            error => Self::Internal(error.into()),
        }
    }
}

/// Whether a user may sign in, in a word.
#[must_use]
pub fn activity_badge(active: bool) -> Badge {
    if active {
        Badge::new("success", "active", Tone::Good)
    } else {
        Badge::new("stopped", "deactivated", Tone::Neutral)
    }
}

/// What a stored role is called; one that the console does not know is called as it is stored.
#[must_use]
pub fn role_label(stored: &str) -> String {
    Role::parse(stored).map_or_else(|_| stored.to_owned(), |role| role.label().to_owned())
}
