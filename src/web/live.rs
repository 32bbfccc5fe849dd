//! `GET /live`: what changed, for pages that are open.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentType};
use futures_util::stream::{self, StreamExt};

use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::sse::{self, Event};
use crate::live::{End, Watch};

pub async fn stream(authed: Option<AuthedRequest>) -> AppResult<HttpResponse> {
    let Some(authed) = authed else { return Ok(nobody()) };
    let viewer = match authed.read(|_, _| Ok(())).await {
        Ok((viewer, ())) => viewer,
        Err(AppError::SignIn) => return Ok(nobody()),
        Err(error) => return Err(error),
    };
    if authed.request.method() == Method::HEAD {
        return Ok(sse::head().finish());
    }
    let Ok(watch) = authed.app.live.watch(&viewer, authed.credential.clone()) else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, 10)).finish());
    };
    // Not all at once after a restart.
    let retry = Duration::from_secs_f64(2.0 + 8.0 * authed.app.entropy.fraction());
    let hello = Event { name: "hello", id: None, data: String::new() };
    let events = stream::unfold(Some(watch), |watch| async move {
        let watch: Watch = watch?;
        match watch.next().await {
            Ok(news) => {
                let data = serde_json::to_string(&news).unwrap_or_default();
                Some((Event { name: "change", id: None, data }, Some(watch)))
            }
            Err(End::SessionEnded) => Some((Event { name: "bye", id: None, data: String::new() }, None)),
            Err(End::Stopping) => None,
        }
    });
    Ok(sse::answer(retry, stream::iter([hello]).chain(events)))
}

/// A script is told, in place of being sent to a form.
fn nobody() -> HttpResponse {
    HttpResponse::Unauthorized().content_type(ContentType::plaintext()).body("Sign in to continue.")
}
