//! `GET /metrics`, for Prometheus.

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::db::{Actor, DbError, SecretHash};
use crate::error::{AppError, AppResult};
use crate::http::guard;
use crate::metrics::instance::{self, Figures};

/// Says it to whoever has the token; where none is set, to programs of this machine.
///
/// # Errors
/// 401 without the token; 404 to others where none is set.
pub async fn show(app: web::Data<App>, request: HttpRequest) -> AppResult<HttpResponse> {
    match &app.config.metrics_token {
        Some(token) => {
            let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            let sent = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
            // Hashes take as long to compare wherever they differ.
            if SecretHash::of(sent) != SecretHash::of(token.reveal()) {
                let refused =
                    HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, "Bearer")).finish();
                return Ok(refused);
            }
        }
        None if guard::is_from_this_machine(&request) => {}
        None => return Err(AppError::NotFound),
    }
    let read: Result<_, DbError> = app.db.read(&Actor::System, |conn| Ok(instance::read(conn)?)).await;
    let figures = Figures {
        of_database: read.ok(),
        errands: app.errands.all(),
        connections: app.db.connections(),
        waits: app.db.waits(),
        streams: app.live.count(),
        now: app.clock.now(),
    };
    let text = app.metrics.to_text(&figures).map_err(|error| AppError::Internal(error.into()))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        .body(text))
}
