//! A container's pages.

pub mod export;
pub mod head;
pub mod index;
pub mod logs;
pub mod show;
pub mod verb;

use super::display::Badge;
use crate::containers::Status;

/// What a container's state looks like.
#[must_use]
pub fn badge(status: &Status) -> Badge {
    let (icon, tone) = match status {
        Status::Running => ("success", "good"),
        Status::Created => ("pending", "busy"),
        Status::Stopped => ("stopped", "neutral"),
        Status::Deleted => ("deleted", "neutral"),
        Status::Other(_) => ("unknown", "neutral"),
    };
    Badge { icon, label: status.as_str().to_owned(), tone }
}
