//! The route table: every address of the console, in one place.

use actix_web::HttpResponse;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, head, post, resource};

use super::{assets, guard, health, sessions};
use crate::error::{AppError, AppResult};

/// Mounts every page.
pub fn mount(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()));
    mount_public(config);
}

/// One address. What answers GET answers HEAD too. Handlers are contained: a panic or a deadline becomes
/// an answer.
macro_rules! at {
    ($path:literal, get => $show:expr) => {
        resource($path).route(get().to($show)).route(head().to($show)).wrap(from_fn(guard::contain))
    };
    ($path:literal, post => $act:expr) => {
        resource($path).route(post().to($act)).wrap(from_fn(guard::contain))
    };
    ($path:literal, get => $show:expr, post => $act:expr) => {
        resource($path)
            .route(get().to($show))
            .route(head().to($show))
            .route(post().to($act))
            .wrap(from_fn(guard::contain))
    };
}

/// What answers without a session.
fn mount_public(config: &mut ServiceConfig) {
    config
        .service(at!("/healthz", get => health::alive))
        .service(at!("/readyz", get => health::ready))
        .service(at!("/favicon.ico", get => assets::favicon))
        .service(at!("/assets/{name}", get => assets::show))
        .service(at!("/login", get => sessions::new::show, post => sessions::create::create))
        .service(at!("/logout", post => sessions::destroy::destroy));
}

/// Everything that is not in the table.
///
/// # Errors
/// Always: there is nothing there.
pub async fn not_found() -> AppResult<HttpResponse> {
    Err(AppError::NotFound)
}
