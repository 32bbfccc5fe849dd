//! The route table: every address of the console, in one place.

use actix_web::HttpResponse;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, head, post, resource};

use super::{activity, assets, containers, guard, health, projects, references, sessions};
use crate::error::{AppError, AppResult};

/// Mounts every page.
pub fn mount(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()));
    mount_public(config);
    mount_projects(config);
    mount_containers(config);
    mount_activity(config);
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

fn mount_projects(config: &mut ServiceConfig) {
    config
        .service(at!("/projects", get => projects::index::index, post => projects::create::create))
        .service(at!("/projects/new", get => projects::new::show))
        .service(at!("/projects/{id}", get => projects::show::show, post => projects::update::update))
        .service(at!("/projects/{id}/activity", get => projects::activity::show))
        .service(at!("/projects/{id}/settings", get => projects::settings::show))
        .service(at!(
            "/projects/{id}/{step:archive|unarchive|delete|restore}",
            get => projects::status::confirm,
            post => projects::status::carry_out
        ));
}

fn mount_containers(config: &mut ServiceConfig) {
    config
        .service(at!("/containers", get => containers::index::index))
        .service(at!("/containers/{id}", get => containers::show::show))
        .service(at!(
            "/containers/{id}/{verb:start|stop|restart|delete}",
            get => containers::verb::confirm,
            post => containers::verb::carry_out
        ));
}

fn mount_activity(config: &mut ServiceConfig) {
    config
        .service(at!("/activity", get => activity::index::index))
        .service(at!("/activity/{action_id}", get => activity::show::action))
        .service(at!("/events/{id}", get => activity::show::event))
        .service(at!("/audit", get => activity::index::audit))
        .service(at!("/audit/{id}", get => activity::show::audit_entry))
        .service(at!("/references/{key}/{value:.*}", get => references::show::show));
}

/// Everything that is not in the table.
///
/// # Errors
/// Always: there is nothing there.
pub async fn not_found() -> AppResult<HttpResponse> {
    Err(AppError::NotFound)
}
