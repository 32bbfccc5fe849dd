//! Ids in addresses.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::error::{AppError, AppResult};

/// The id that stands in `request`'s address under `name`. Ask for it where the viewer is known: then the
/// answer to an impossible id is the same page as the answer to an unknown one.
///
/// # Errors
/// [`AppError::NotFound`] for a text that is no id.
pub fn id<T: FromStr>(request: &HttpRequest, name: &str) -> AppResult<T> {
    request.match_info().get(name).and_then(|text| text.parse().ok()).ok_or(AppError::NotFound)
}
