//! `GET /healthz` and `GET /readyz`, for whoever watches over the process.

use actix_web::{HttpRequest, HttpResponse, web};
use diesel::{PgConnection, QueryResult};
use serde_json::json;

use crate::app::App;
use crate::backups::records;
use crate::http::authed_request::AuthedRequest;
use crate::http::guard;
use crate::queue::queries::late_duties;

/// The process answers; nothing else is asked.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether requests can be served: 503 when the process is about to end, the database is down, a migration is pending,
/// or a table or column is missing. What is missing but only slows things down is told with 200, and so is a duty that
/// nobody fulfils: it may not take every instance out of service. Which it is, is told to this machine and to admins.
pub async fn ready(app: web::Data<App>, request: HttpRequest, authed: Option<AuthedRequest>) -> HttpResponse {
    if app.draining.has_begun() {
        return unready(json!({ "status": "stopping" }));
    }
    let state = app.readiness.of(&app.db, notes).await;
    let is_ready = state.as_ref().is_some_and(|state| !state.is_broken);
    let mut body = json!({ "status": if is_ready { "ready" } else { "unavailable" } });
    if guard::is_from_this_machine(&request) || is_admin(authed).await {
        match state {
            None => body["database"] = json!("unreachable or not migrated"),
            Some(mut state) => {
                state.notes.extend(app.errands.late(app.clock.now()));
                body["pending_migrations"] = json!(state.pending);
                body["schema_drift"] = json!(state.drift);
                body["late_duties"] = json!(state.notes);
            }
        }
    }
    if is_ready { HttpResponse::Ok().json(body) } else { unready(body) }
}

/// What has to be seen to, and takes no instance out.
fn notes(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let mut notes = late_duties(conn)?;
    notes.extend(records::notes(conn)?);
    Ok(notes)
}

async fn is_admin(authed: Option<AuthedRequest>) -> bool {
    match authed {
        Some(authed) => authed.read_as_admin(|_, _| Ok(())).await.is_ok(),
        None => false,
    }
}

fn unready(body: serde_json::Value) -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "1")).json(body)
}
