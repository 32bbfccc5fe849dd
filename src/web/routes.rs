//! The route table: every address of the console, in one place.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, get, post, resource};

use super::{account, assets, health, passwords, sessions, users};
use crate::error::{AppError, AppResult};

/// Mounts every page.
pub fn mount(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()));
    mount_public(config);
    mount_people(config);
}

/// What answers without a session.
fn mount_public(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz").route(get().to(health::alive)))
        .service(resource("/readyz").route(get().to(health::ready)))
        .service(resource("/favicon.ico").route(get().to(assets::favicon)))
        .service(resource("/assets/{name}").route(get().to(assets::show)))
        .service(
            resource("/login")
                .route(get().to(sessions::new::show))
                .route(post().to(sessions::create::create)),
        )
        .service(resource("/logout").route(post().to(sessions::destroy::destroy)));
}

/// Users, for admins; the viewer's own account; links to set a password, which need no session.
fn mount_people(config: &mut ServiceConfig) {
    use account::{password, preferences, profile};
    config
        .service(
            resource("/passwords/{token}")
                .route(get().to(passwords::edit::edit))
                .route(post().to(passwords::edit::update)),
        )
        .service(resource("/account").route(get().to(account::show::show)))
        .service(resource("/account/profile").route(post().to(profile::update)))
        .service(resource("/account/password").route(post().to(password::update)))
        .service(resource("/account/preferences").route(post().to(preferences::update)))
        .service(resource("/account/sessions").route(get().to(account::sessions::index)))
        .service(
            resource("/account/sessions/revoke-others").route(post().to(account::sessions::revoke_others)),
        )
        .service(resource("/account/sessions/{id}/revoke").route(post().to(account::sessions::revoke)))
        .service(resource("/users").route(get().to(users::index::index)).route(post().to(users::new::create)))
        .service(resource("/users/new").route(get().to(users::new::new)))
        .service(
            resource("/users/{id}").route(get().to(users::show::show)).route(post().to(users::show::update)),
        )
        .service(
            resource("/users/{id}/link")
                .route(get().to(users::link::show))
                .route(post().to(users::link::create)),
        )
        .service(
            resource("/users/{id}/deactivate")
                .route(get().to(users::activation::ask_deactivate))
                .route(post().to(users::activation::deactivate)),
        )
        .service(
            resource("/users/{id}/activate")
                .route(get().to(users::activation::ask_activate))
                .route(post().to(users::activation::activate)),
        )
        .service(resource("/users/{id}/sessions/{sid}/revoke").route(post().to(users::sessions::revoke)));
}

/// Everything that is not in the table.
///
/// # Errors
/// Always: there is nothing there.
pub async fn not_found() -> AppResult<HttpResponse> {
    Err(AppError::NotFound)
}
