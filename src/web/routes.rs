//! The route table: every address of the console, in one place.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, get, post, resource};

use super::{assets, health, sessions};
use crate::error::{AppError, AppResult};

/// Mounts every page.
pub fn mount(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()));
    mount_public(config);
}

/// What answers without a session.
fn mount_public(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz").route(get().to(health::alive)))
        .service(resource("/readyz").route(get().to(health::ready)))
        .service(resource("/favicon.ico").route(get().to(assets::favicon)))
        .service(resource("/assets/{name}").route(get().to(assets::show)))
        .service(
            resource("/login").route(get().to(sessions::new::show)).route(post().to(sessions::create::create)),
        )
        .service(resource("/logout").route(post().to(sessions::destroy::destroy)));
}

/// Everything that is not in the table.
///
/// # Errors
/// Always: there is nothing there.
pub async fn not_found() -> AppResult<HttpResponse> {
    Err(AppError::NotFound)
}
