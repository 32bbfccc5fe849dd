//! The route table.
use actix_web::web;
use crate::error::{AppError,AppResult};
use actix_web::HttpResponse;
/// mount
pub fn mount(_c: &mut web::ServiceConfig) {}
/// 404
///
/// # Errors
/// Always.
pub async fn not_found() -> AppResult<HttpResponse> { Err(AppError::NotFound) }
