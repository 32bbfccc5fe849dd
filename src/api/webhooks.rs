//! `POST /webhooks/github/{hook}`: a signed delivery is kept as it came and answered at once; a job works it off.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::db::Actor;
use crate::db::ids::{DeliveryId, WebhookId};
use crate::error::{AppError, AppResult};
use crate::http::bodies;
use crate::webhooks::{Sealer, commands, queries, signature};

/// GitHub sends nothing larger.
const LARGEST: usize = 25 * 1024 * 1024;
/// The longest id and name of an event.
const WORD: usize = 100;

/// Keeps a delivery.
pub async fn github(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> AppResult<HttpResponse> {
    let id: WebhookId = id.parse().map_err(|_| AppError::NotFound)?;
    let signed = header(request.headers(), "x-hub-signature-256").unwrap_or_default();
    let event = word(request.headers(), "x-github-event");
    let guid = word(request.headers(), "x-github-delivery");
    let found = app.db.read(&Actor::Gate, move |conn| queries::secrets(conn, id).map_err(AppError::from));
    let (project, secrets) = found.await?.ok_or(AppError::NotFound)?;
    // Nothing is read of what can't be genuine.
    if signature::parse(&signed).is_none() {
        return Err(unsigned());
    }
    let body = bodies::read(&request, payload, LARGEST, &app.large_bodies).await?;
    let seal = Sealer::of(app.config.secret_key.as_ref());
    let mut is_genuine = false;
    for sealed in secrets {
        match seal.open(&sealed, commands::SEALED_FOR) {
            Ok(secret) => is_genuine |= signature::holds(&secret, &body.bytes, &signed),
            Err(error) => tracing::error!(webhook = %id, %error, "a webhook's secret"),
        }
    }
    if !is_genuine {
        return Err(unsigned());
    }
    let event = event.ok_or_else(|| AppError::BadRequest("X-GitHub-Event is missing.".to_owned()))?;
    let guid = guid.ok_or_else(|| AppError::BadRequest("X-GitHub-Delivery is missing.".to_owned()))?;
    let delivery = DeliveryId(app.entropy.uuid());
    let (bytes, room) = body.into_parts();
    let bytes = std::sync::Arc::new(bytes);
    let kept = app.db.write(&Actor::Gate, move |conn| {
        commands::receive(conn, delivery, (id, project), &guid, &event, &bytes).map_err(AppError::from)
    });
    let is_new = kept.await?;
    drop(room);
    let (status, word) = if is_new { (StatusCode::ACCEPTED, "accepted") } else { (StatusCode::OK, "known") };
    let body = format!("{{\"status\":\"{word}\"}}");
    Ok(HttpResponse::build(status).content_type("application/json").body(body))
}

fn unsigned() -> AppError {
    AppError::Unsigned
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(name);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    line.to_str().ok().map(str::to_owned)
}

/// A short word that a header holds.
fn word(headers: &HeaderMap, name: &str) -> Option<String> {
    header(headers, name)
        .filter(|text| (1..=WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
}
