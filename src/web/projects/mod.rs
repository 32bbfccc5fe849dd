//! A project's pages.

pub mod activity;
pub mod create;
pub mod export;
pub mod head;
pub mod heat_map;
pub mod index;
pub mod new;
pub mod settings;
pub mod show;
pub mod status;
pub mod update;
pub mod webhooks;

use actix_web::web::Path;

use super::display::Badge;
use crate::containers;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::projects::Status;

/// The id in an address.
///
/// # Errors
/// 404 for what is no id: there is no page behind it.
pub fn project_id(path: &Path<String>) -> AppResult<ProjectId> {
    path.parse().map_err(|_| AppError::NotFound)
}

/// What a project's state looks like: its container's while it is active, its own otherwise.
#[must_use]
pub fn badge(status: &Status, container: Option<&containers::Status>) -> Badge {
    match (status, container) {
        (Status::Active, Some(container)) => super::containers::badge(container),
        (Status::Active, None) => {
            Badge { icon: "pending", label: "no container".to_owned(), tone: "neutral" }
        }
        (Status::Archived, _) => Badge { icon: "archived", label: "archived".to_owned(), tone: "neutral" },
        (Status::Deleted, _) => Badge { icon: "deleted", label: "deleted".to_owned(), tone: "neutral" },
        (Status::Other(other), _) => Badge { icon: "unknown", label: other.clone(), tone: "neutral" },
    }
}
