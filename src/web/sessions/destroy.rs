//! `POST /logout`

use actix_web::http::header;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse};

use crate::auth::sessions;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::session_store;
use crate::web::urls;

/// Ends the session in the table, then in the browser. Without a living session there is nothing to end.
///
/// # Errors
/// When the database can't be asked: the session would live on, so the browser keeps it as well.
pub async fn destroy(request: HttpRequest, authed: Option<AuthedRequest>) -> AppResult<HttpResponse> {
    if let Some(authed) = authed {
        let principal = authed.principal();
        let ended = authed
            .write_uncounted(move |conn, viewer| {
                Ok(sessions::sign_out(conn, &principal(viewer), viewer.id, viewer.session)?)
            })
            .await;
        match ended {
            Ok(_) | Err(AppError::SignIn) => authed.app.recent_viewers.forget(&authed.credential),
            Err(error) => return Err(error),
        }
    }
    session_store::forget(&request);
    let mut response = urls::see_other("/login?notice=signed-out");
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(response)
}
