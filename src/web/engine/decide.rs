//! `POST /engine/{engine id}/{adopt|ignore}`

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::Deserialize;

use super::show::PATH;
use crate::engine::EngineId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::observations::commands::{self, DecideError, Taker};
use crate::observations::queries;
use crate::web::urls;

/// Who takes it: a project by its id, a user by id or address. One is enough.
#[derive(Debug, Clone, Deserialize)]
pub struct TakerForm {
    #[serde(default)]
    taker: String,
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    user_id: String,
}

/// Takes a container in.
///
/// # Errors
/// 404 for anybody but an admin, and for a container that is none of the unknown ones; 400 when nobody is named who
/// could take it.
pub async fn adopt(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<TakerForm>,
) -> AppResult<HttpResponse> {
    let id = engine_id(&path);
    let principal = authed.principal();
    let (_, adopted) = authed
        .write_as_admin(move |conn, admin| {
            let id = id.ok_or(AppError::NotFound)?;
            let TakerForm { taker, project_id, user_id } = form.0;
            let taker = match (project_id.parse(), user_id.parse()) {
                (Ok(project), _) => Some(Taker::Project(project)),
                (_, Ok(user)) => Some(Taker::Owner(user)),
                _ => queries::taker(conn, taker.trim())?,
            };
            let nobody = || AppError::BadRequest(DecideError::NoTaker.to_string());
            match commands::adopt(conn, &principal(admin), &id, taker.ok_or_else(nobody)?) {
                Ok(row) => Ok(row),
                Err(DecideError::NotFound) => Err(AppError::NotFound),
                Err(DecideError::NoTaker) => Err(nobody()),
                Err(DecideError::Query(error)) => Err(error.into()),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(&urls::container(adopted), "The container is known here now."))
}

/// Leaves a container alone.
///
/// # Errors
/// 404 for anybody but an admin, and for a container that is none of the unknown ones.
pub async fn ignore(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = engine_id(&path);
    let principal = authed.principal();
    authed
        .write_as_admin(move |conn, admin| {
            match commands::ignore(conn, &principal(admin), &id.ok_or(AppError::NotFound)?) {
                Ok(()) => Ok(()),
                Err(DecideError::Query(error)) => Err(error.into()),
                Err(DecideError::NotFound | DecideError::NoTaker) => Err(AppError::NotFound),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(PATH, "The container is left alone."))
}

fn engine_id(path: &Path<String>) -> Option<EngineId> {
    path.parse().ok()
}
