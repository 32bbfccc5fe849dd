//! What somebody stored, as it is: as plain text, so that a browser shows it and runs nothing of it.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use diesel::{PgConnection, QueryResult};

use super::streamed;
use crate::error::AppError;
use crate::http::authed_request::AuthedRequest;

/// `text` for a browser to show, and what `read` reads of the rest from `next` on.
pub fn answer<P: Send + 'static>(
    authed: &AuthedRequest,
    text: String,
    next: Option<P>,
    read: impl Fn(&mut PgConnection, P) -> QueryResult<Option<(String, Option<P>)>> + Send + Sync + 'static,
) -> HttpResponse {
    let mut head = HttpResponse::Ok();
    head.content_type("text/plain; charset=utf-8").insert_header((CONTENT_DISPOSITION, "inline"));
    if next.is_none() {
        return head.body(text);
    }
    head.streaming(streamed::body(authed.reader(), text.into(), next, move |conn, _, place| {
        let (text, next) = read(conn, place)?.ok_or(AppError::NotFound)?;
        Ok((Bytes::from(text), next))
    }))
}
