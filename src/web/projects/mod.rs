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

use actix_web::web::Path;

use super::display::{Badge, Tone};
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
        (Status::Active, None) => Badge::new("pending", "no container", Tone::Neutral),
        (Status::Archived, _) => Badge::new("archived", "archived", Tone::Neutral),
        (Status::Deleted, _) => Badge::new("deleted", "deleted", Tone::Neutral),
        (Status::Other(other), _) => Badge::new("unknown", other, Tone::Neutral),
    }
}
