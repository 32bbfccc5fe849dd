//! The route table.
use crate::error::{AppError, AppResult};
use actix_web::HttpResponse;
use actix_web::web;
/// mount
pub fn mount(_c: &mut web::ServiceConfig) {}
/// 404
///
/// # Errors
/// Always.
pub async fn not_found() -> AppResult<HttpResponse> {
    Err(AppError::NotFound)
}
