//! What all reports share: one transaction, the answer after its commit, and the same answer to a retry.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use diesel::PgConnection;

use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::{ApiRequest, Caller};
use crate::http::json::Json;
use crate::reports::actions::ReportError;
use crate::reports::idempotency::{self, Claim};
use crate::runtime::hex;
use crate::tokens::Scope;

/// An answer: its status and its JSON.
pub type Answer = (StatusCode, String);

/// Carries out `work` once for each `Idempotency-Key`, and answers when it stands.
///
/// # Errors
/// What `work` answers; 400 for a key that is none, 422 for one that another request had, 409 while that is on its way.
pub async fn report<F>(
    request: ApiRequest,
    project: Option<ProjectId>,
    body: Json,
    work: F,
) -> AppResult<HttpResponse>
where
    F: FnOnce(&mut PgConnection, &Caller) -> AppResult<Answer> + Clone + Send + 'static,
{
    let key = key(request.request())?;
    let hash = {
        let asked = request.request();
        let whole = format!("{} {} {}", asked.method(), asked.path(), hex(&body.hash));
        hex(&<sha2::Sha256 as sha2::Digest>::digest(whole.as_bytes()))
    };
    let carried = request.write(Scope::Report, project, move |conn, caller| {
        let Some(key) = key else { return work(conn, caller).map(|answer| (answer, false)) };
        match idempotency::claim(conn, &key, &hash)? {
            Claim::Answered(status, answer) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                return Ok(((status, answer), true));
            }
            Claim::Other => return Err(AppError::Unprocessable(OTHER.to_owned())),
            Claim::Running => {
                return Err(AppError::Conflict { detail: RUNNING.to_owned(), retry_after: Some(1) });
            }
            Claim::New => {}
        }
        let (status, answer) = work(conn, caller)?;
        idempotency::keep(conn, &key, status.as_u16(), &answer)?;
        Ok(((status, answer), false))
    });
    let ((status, answer), replayed) = carried.await?;
    let mut response = HttpResponse::build(status);
    if replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(response.content_type("application/json").body(answer))
}

const OTHER: &str = "This Idempotency-Key was used for another request. Make a new key for each request, and keep it for retries.";
const RUNNING: &str = "A request with this Idempotency-Key is still on its way. Try again in a second.";

/// The key that a request carries, if it does.
fn key(request: &HttpRequest) -> AppResult<Option<String>> {
    let mut lines = request.headers().get_all("idempotency-key");
    let Some(line) = lines.next() else { return Ok(None) };
    let bytes = line.as_bytes();
    let is_key = (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if !is_key || lines.next().is_some() {
        return Err(AppError::BadRequest(
            "Send one Idempotency-Key of 1 to 255 visible ASCII characters.".to_owned(),
        ));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// `error` about the record that stands at `place`.
pub fn refused(error: ReportError, place: impl Fn(usize) -> String) -> AppError {
    match error {
        ReportError::Taken(at) => AppError::Conflict {
            detail: format!(
                "{}: another record has this id, with other content. Nothing of the request was kept.",
                place(at)
            ),
            retry_after: None,
        },
        ReportError::Query(error) => error.into(),
    }
}
