//! `POST /operations/jobs`

use actix_web::HttpResponse;
use serde::Deserialize;

use super::show::PATH;
use crate::db::ids::JobId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::queue::{RunAgainError, run_again as begin_anew};

/// The job to begin anew.
#[derive(Debug, Clone, Deserialize)]
pub struct JobForm {
    id: String,
}

/// Lets a job that was given up begin anew.
///
/// # Errors
/// 404 for anybody but an admin, and for an unknown job.
pub async fn run_again(authed: AuthedRequest, form: Form<JobForm>) -> AppResult<HttpResponse> {
    let id = form.0.id.parse::<JobId>();
    let principal = authed.principal();
    let (_, notice) = authed
        .write_as_admin(move |conn, admin| {
            let id = id.map_err(|_| AppError::NotFound)?;
            match begin_anew(conn, &principal(admin), id) {
                Ok(kind) => Ok(format!("“{}” begins again.", kind.label())),
                Err(RunAgainError::NotFailed) => {
                    Ok("That job is not among the failed ones any more.".to_owned())
                }
                Err(RunAgainError::Unknown) => Err(AppError::NotFound),
                Err(RunAgainError::Database(error)) => Err(error.into()),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(PATH, notice))
}
