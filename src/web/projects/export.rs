//! `POST /projects/export`

use actix_web::HttpResponse;

use super::index::filter;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::projects::exported::{self, ExportedProject};
use crate::web::export::cell::Cell;
use crate::web::export::{self, ROWS, export_row};

/// Exports the list of projects as it is filtered and sorted.
///
/// # Errors
/// 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let wanted = Some(filter(&query));
    export::list(&authed, &query, "projects", (|_| true, wanted), |conn, filter, from| {
        let (rows, next) = exported::page(conn, filter, from, ROWS)?;
        Ok((rows.into_iter().map(|row| (row.project.created_at, row)).collect(), next))
    })
    .await
}

export_row!(row: ExportedProject {
    "id": Cell::Text(row.project.id.to_string()),
    "name": Cell::Text(row.project.name),
    "description": Cell::text(row.project.description),
    "type": Cell::text(row.project.kind),
    "status": Cell::text(row.project.status),
    "owner_id": Cell::text(row.owner.as_ref().map(|owner| owner.id.to_string())),
    "owner_name": Cell::text(row.owner.as_ref().and_then(|owner| owner.name.clone())),
    "owner_email": Cell::text(row.owner.map(|owner| owner.email)),
    "container_id": Cell::text(row.container.as_ref().map(|container| container.id.to_string())),
    "container_name": Cell::text(row.container.as_ref().map(|container| container.name.clone())),
    "container_status": Cell::text(row.container.map(|container| container.status)),
    "created_at": Cell::time(row.project.created_at),
    "updated_at": Cell::time(row.project.updated_at),
    "last_activity_at": row.last_action_ms.map_or(Cell::Empty, Cell::millis),
});
