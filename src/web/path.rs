//! Ids in addresses.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::error::AppError;

/// A text in an address that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoId;

impl From<NoId> for AppError {
    fn from(_: NoId) -> Self {
        Self::NotFound
    }
}

/// The id that stands in `request`'s address under `name`. Ask for it where the viewer is known: then the
/// answer to an impossible id is the same page as the answer to an unknown one.
///
/// # Errors
/// [`NoId`], which is answered as [`AppError::NotFound`].
pub fn id<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, NoId> {
    request.match_info().get(name).and_then(|text| text.parse().ok()).ok_or(NoId)
}
