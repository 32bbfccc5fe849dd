//! The API's routes.

use actix_web::middleware::from_fn;
use actix_web::web::{self, get, head, patch, post, resource};

use super::{
    activities, containers, events, feed, openapi, operate, projects, records, report_activities, webhooks,
};
use crate::http::{guard, token_rate};

/// One address of the API: what answers GET answers HEAD too. A token's requests are counted.
macro_rules! at {
    ($path:literal, get => $show:expr) => { at!(@ resource($path).route(get().to($show)).route(head().to($show))) };
    ($path:literal, get => $show:expr, post => $act:expr) => {
        at!(@ resource($path).route(get().to($show)).route(head().to($show)).route(post().to($act)))
    };
    ($path:literal, post => $act:expr) => { at!(@ resource($path).route(post().to($act))) };
    ($path:literal, patch => $act:expr) => { at!(@ resource($path).route(patch().to($act))) };
    (@ $resource:expr) => { $resource.wrap(from_fn(token_rate::limit)).wrap(from_fn(guard::contain)) };
}

/// Mounts every route of the API.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .service(at!("/api/projects", get => projects::index))
        .service(at!("/api/projects/{id}", get => projects::show))
        .service(at!("/api/containers", get => containers::index))
        .service(at!("/api/containers/{id}", get => containers::show))
        .service(at!("/api/containers/{id}/{verb:start|stop|restart}", post => operate::operate))
        .service(at!(
            "/api/projects/{id}/activities",
            get => activities::index,
            post => report_activities::create
        ))
        .service(at!("/api/projects/{id}/events", post => events::create))
        .service(at!("/api/events/{id}", patch => events::update))
        .service(at!(
            "/api/projects/{id}/{records:pushes|deployments|databases|sessions|costs}",
            get => records::index,
            post => records::create
        ))
        .service(at!("/api/activity/feed", get => feed::index))
        .service(at!("/api/insights/codebase", get => feed::insights))
        .service(at!("/openapi.json", get => openapi::show))
        .service(at!("/webhooks/github/{hook}", post => webhooks::github));
}
