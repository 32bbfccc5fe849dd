//! What somebody stored, as it is: as plain text, so that a browser shows it and runs nothing of it.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;

/// `text` for a browser to show.
#[must_use]
pub fn answer(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "inline"))
        .body(text)
}
