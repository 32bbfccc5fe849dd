//! A project's pages.

pub mod activity;
pub mod create;
pub mod deployed;
pub mod export;
pub mod head;
pub mod heat_map;
pub mod index;
pub mod making;
pub mod new;
pub mod settings;
pub mod show;
pub mod status;
pub mod update;
pub mod webhooks;

use actix_web::web::Path;
use chrono::{DateTime, Utc};

use super::display::Badge;
use super::state;
use crate::activity::ProjectState;
use crate::activity::timeline::Known;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::identity::Viewer;
use crate::projects::Status;
use crate::projects::deletion::ProjectOrTombstone;

/// The id in an address.
///
/// # Errors
/// 404 for what is no id: there is no page behind it.
pub fn project_id(path: &Path<String>) -> AppResult<ProjectId> {
    path.parse().map_err(|_| AppError::NotFound)
}

/// What `viewer` need not ask for on the timeline of `project`.
#[must_use]
pub fn known(viewer: &Viewer, id: ProjectId, project: &ProjectOrTombstone) -> Known {
    let (name, state) = match project {
        ProjectOrTombstone::Project(project) => (Some(project.name.clone()), ProjectState::Exists),
        ProjectOrTombstone::Tombstone(tombstone) => (tombstone.name.clone(), ProjectState::Gone),
    };
    Known::by(viewer).within(id, name, state)
}

/// What a project's state looks like: its container's while it is active, as somebody last saw it; its own otherwise.
#[must_use]
pub fn badge(status: &Status, container: Option<(&str, Option<DateTime<Utc>>)>, now: DateTime<Utc>) -> Badge {
    match (status, container) {
        (Status::Active, Some((word, at))) => state::observed(word, at, now),
        (Status::Active, None) => state::badge("no container"),
        _ => state::badge(status.as_str()),
    }
}
