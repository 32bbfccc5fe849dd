//! A container's pages.

pub mod export;
pub mod head;
pub mod index;
pub mod logs;
pub mod show;
pub mod verb;

use super::display::{Badge, Tone};
use crate::containers::Status;

/// What a container's state looks like.
#[must_use]
pub fn badge(status: &Status) -> Badge {
    let (icon, tone) = match status {
        Status::Running => ("success", Tone::Good),
        Status::Created => ("pending", Tone::Busy),
        Status::Stopped => ("stopped", Tone::Neutral),
        Status::Deleted => ("deleted", Tone::Neutral),
        Status::Other(_) => ("unknown", Tone::Neutral),
    };
    Badge::new(icon, status.as_str(), tone)
}
