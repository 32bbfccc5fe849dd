//! `POST /containers/export`

use actix_web::HttpResponse;

use super::index::filter;
use crate::containers::exported::{self, ExportedContainer};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::web::export::cell::Cell;
use crate::web::export::{self, ROWS, export_row};

/// Exports the list of containers as it is filtered and sorted.
///
/// # Errors
/// 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let wanted = Some(filter(&query));
    export::list(&authed, &query, "containers", (|_| true, wanted), |conn, filter, from| {
        let (rows, next) = exported::page(conn, filter, from, ROWS)?;
        Ok((rows.into_iter().map(|row| (row.container.created_at, row)).collect(), next))
    })
    .await
}

export_row!(row: ExportedContainer {
    "id": Cell::Text(row.container.id.to_string()),
    "engine_id": Cell::Text(row.container.engine_id),
    "name": Cell::Text(row.container.name),
    "status": Cell::Text(row.container.status),
    "engine_status": Cell::text(row.container.engine_status),
    "observed_at": Cell::time(row.container.observed_at),
    "observed_from": Cell::text(row.container.observed_from),
    "image": Cell::text(row.container.image_name),
    "port": Cell::number(row.container.assigned_port.map(i64::from)),
    "url": Cell::text(row.container.url),
    "owner_id": Cell::text(row.owner.as_ref().map(|owner| owner.id.to_string())),
    "owner_name": Cell::text(row.owner.as_ref().and_then(|owner| owner.name.clone())),
    "owner_email": Cell::text(row.owner.map(|owner| owner.email)),
    "project_id": Cell::text(row.project_id.map(|id| id.to_string())),
    "project_name": Cell::text(row.project_name),
    "created_at": Cell::time(row.container.created_at),
    "started_at": Cell::time(row.container.started_at),
    "stopped_at": Cell::time(row.container.stopped_at),
    "updated_at": Cell::time(row.container.updated_at),
});
