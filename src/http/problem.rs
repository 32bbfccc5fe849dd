//! Errors as `application/problem+json` (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use crate::error::{ErrorInfo, FieldProblem};

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldProblem]>::is_empty")]
    errors: &'a [FieldProblem],
}

#[must_use]
pub fn answer(info: &ErrorInfo, request_id: &str) -> HttpResponse {
    let problem = Problem {
        r#type: "about:blank",
        title: info.status.canonical_reason().unwrap_or("Error"),
        status: info.status.as_u16(),
        detail: &info.detail,
        request_id,
        errors: &info.fields,
    };
    let body = serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned());
    let mut answer = HttpResponse::build(info.status);
    if info.status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"pilothouse\""));
    }
    answer.content_type("application/problem+json").body(body)
}
