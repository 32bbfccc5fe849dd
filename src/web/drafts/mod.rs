//! Drafts of what somebody wants built.

pub mod deeds;
pub mod index;
pub mod show;
pub mod update;

use actix_web::HttpRequest;

use crate::drafts::Status;
use crate::drafts::commands::DraftError;
use crate::error::AppError;
use crate::web::display::{Badge, Tone};
use crate::web::path::{self, NoId};

fn id(request: &HttpRequest) -> Result<i64, NoId> {
    path::id(request, "id")
}

/// What a draft's status looks like.
#[must_use]
pub fn badge(status: &Status) -> Badge {
    let (icon, tone) = match status {
        Status::Draft => ("pending", Tone::Neutral),
        Status::Posted => ("success", Tone::Good),
        Status::InProgress => ("running", Tone::Busy),
        Status::Completed => ("check", Tone::Good),
        Status::Other(_) => ("unknown", Tone::Neutral),
    };
    Badge::new(icon, status.label(), tone)
}

fn unforeseen(error: DraftError) -> AppError {
    match error {
        DraftError::Query(error) => error.into(),
        DraftError::NotFound => AppError::NotFound,
        other => AppError::Internal(other.into()),
    }
}
