//! `GET|POST /containers/{id}/{start|stop|restart|delete}`
//!
//! No engine is connected in this release: the page says so, and the act is refused.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;

use super::show::container_id;
use crate::containers::Verb;
use crate::containers::queries;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::web::confirmation::ConfirmationPage;
use crate::web::shell::Crumb;
use crate::web::urls;

/// Says why it can't be done.
pub async fn confirm(authed: AuthedRequest, path: Path<(String, String)>) -> AppResult<HttpResponse> {
    let (id, verb) = path.into_inner();
    let id = container_id(&Path::from(id))?;
    let verb = Verb::from_path(&verb).ok_or(AppError::NotFound)?;
    let (viewer, container) =
        authed.read(move |conn, _| queries::find(conn, id)?.ok_or(AppError::NotFound)).await?;
    let (title, url) = (format!("{} {}", verb.label(), container.name), urls::container(id));
    let way = vec![Crumb::link("Containers", "/containers"), Crumb::link(&container.name, &url)];
    let page = ConfirmationPage {
        danger: verb == Verb::Delete,
        blocked: Some(Verb::UNAVAILABLE.to_owned()),
        ..ConfirmationPage::new(verb.label(), title, "", authed.request.path(), url)
    };
    page.answer(&authed, &viewer, StatusCode::OK, way)
}

/// Refuses.
///
/// # Errors
/// 503; 404 for a container that the viewer can't see.
pub async fn carry_out(authed: AuthedRequest, path: Path<(String, String)>) -> AppResult<HttpResponse> {
    let (id, _) = path.into_inner();
    let id = container_id(&Path::from(id))?;
    authed.read(move |conn, _| queries::find(conn, id)?.ok_or(AppError::NotFound)).await?;
    Err(AppError::NoEngine(Verb::UNAVAILABLE))
}
