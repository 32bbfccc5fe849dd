//! The API's routes.

use actix_web::middleware::from_fn;
use actix_web::web::{self, get, head, resource};

use super::activities;
use crate::http::guard;

/// Mounts every route of the API.
pub fn mount(config: &mut web::ServiceConfig) {
    config.service(
        resource("/api/projects/{id}/activities")
            .route(get().to(activities::index))
            .route(head().to(activities::index))
            .wrap(from_fn(guard::contain)),
    );
}
