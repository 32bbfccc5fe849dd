//! What somebody stored, as it is: as plain text, so that a browser shows it and runs nothing of it.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, HttpResponseBuilder};

/// `text` for a browser to show.
#[must_use]
pub fn answer(text: String) -> HttpResponse {
    head().body(text)
}

/// The head of such an answer.
#[must_use]
pub fn head() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.content_type("text/plain; charset=utf-8").insert_header((CONTENT_DISPOSITION, "inline"));
    head
}
