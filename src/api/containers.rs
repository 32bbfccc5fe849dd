//! `GET /api/containers`, `GET /api/containers/{id}`.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::answers::{self, Paging, start, time};
use crate::containers::plain::{self, PlainContainer};
use crate::db::ids::ContainerId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::ApiRequest;
use crate::http::query::Query;

/// Containers that are not deleted, the newest first.
pub async fn index(request: ApiRequest, query: Query) -> AppResult<HttpResponse> {
    let status = query.first("status").map(str::to_owned);
    let read = Paging::of(&query).and_then(|paging| Ok((start(&paging)?, paging.limit)));
    let (limit, page) = request
        .read(move |conn, _| {
            let (start, limit) = read.map_err(AppError::BadRequest)?;
            let most = usize::try_from(limit).unwrap_or(50);
            Ok((limit, plain::page(conn, status.as_deref(), &start, most)?))
        })
        .await?;
    answers::page("containers", &page, limit, row, PlainContainer::position)
}

/// One container.
pub async fn show(request: ApiRequest, id: web::Path<String>) -> AppResult<HttpResponse> {
    let id: ContainerId = id.parse().map_err(|_| AppError::NotFound)?;
    let container = request.read(move |conn, _| plain::find(conn, id)?.ok_or(AppError::NotFound)).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(row(&container).to_string()))
}

fn row(container: &PlainContainer) -> Value {
    json!({
        "id": container.id.to_string(), "container_id": container.container_id, "name": container.name,
        "status": container.status, "image_name": container.image_name, "assigned_port": container.assigned_port,
        "url": container.url, "user_id": container.user_id.map(|id| id.to_string()),
        "created_at": time(container.created_at), "updated_at": time(container.updated_at),
        "started_at": time(container.started_at), "stopped_at": time(container.stopped_at),
        "observed_at": time(container.observed_at), "engine_status": container.engine_status,
    })
}
