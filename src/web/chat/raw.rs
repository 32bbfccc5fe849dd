//! `GET /projects/{id}/chat/{message}/raw`: a message's text as it was written.

use actix_web::HttpResponse;
use actix_web::web::Path;

use crate::chat::messages;
use crate::db::ids::{MessageId, ProjectId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::projects::queries;
use crate::web::plain_text;

/// Shows the text: plain, so that a browser runs nothing of it.
///
/// # Errors
/// 404 for a message that is not in the project's chat or that the viewer can't see.
pub async fn show(authed: AuthedRequest, path: Path<(String, String)>) -> AppResult<HttpResponse> {
    let (project, message) = path.into_inner();
    let read = authed.read(move |conn, _| {
        let project: ProjectId = project.parse().map_err(|_| AppError::NotFound)?;
        let message: MessageId = message.parse().map_err(|_| AppError::NotFound)?;
        let project = queries::find(conn, project)?.ok_or(AppError::NotFound)?;
        let container = project.container.ok_or(AppError::NotFound)?.id;
        let beginning = messages::raw(conn, container, message, 1)?.ok_or(AppError::NotFound)?;
        Ok((container, message, beginning))
    });
    let (_, (container, message, (text, next))) = read.await?;
    Ok(plain_text::answer(&authed, text, next, move |conn, from| {
        messages::raw(conn, container, message, from)
    }))
}
