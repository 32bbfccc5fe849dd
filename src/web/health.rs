//! `GET /healthz` and `GET /readyz`, for whoever watches over the process.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::db::{Actor, drift, migrations};
use crate::error::AppError;

/// The process answers; nothing else is asked.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether requests can be served: 503 when the process is about to end, the database is down, a migration is pending, or a table or
/// column is missing. What is missing but only slows things down is told with 200.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    if app.draining.has_begun() {
        return unready(json!({ "status": "stopping" }));
    }
    let asked = app
        .db
        .read(&Actor::Gate, |conn| Ok::<_, AppError>((migrations::pending(conn)?, drift::findings(conn)?)))
        .await;
    let (broken, body) = match asked {
        Err(_) => (true, json!({ "status": "unavailable", "database": "unreachable or not migrated" })),
        Ok((pending, findings)) => {
            let broken = !pending.is_empty() || findings.iter().any(drift::Finding::is_broken);
            let drift: Vec<String> = findings.iter().map(ToString::to_string).collect();
            let status = if broken { "unavailable" } else { "ready" };
            (broken, json!({ "status": status, "pending_migrations": pending, "schema_drift": drift }))
        }
    };
    if broken { unready(body) } else { HttpResponse::Ok().json(body) }
}

fn unready(body: serde_json::Value) -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "1")).json(body)
}
