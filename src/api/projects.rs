//! `GET /api/projects`, `GET /api/projects/{id}`.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::answers::{self, Paging, start, time};
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::ApiRequest;
use crate::http::query::Query;
use crate::projects::plain::{self, PlainProject};

/// Projects that are not deleted, the last changed first.
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
    answers::page("projects", &page, limit, row, PlainProject::position)
}

/// One project.
pub async fn show(request: ApiRequest, id: web::Path<String>) -> AppResult<HttpResponse> {
    let id: ProjectId = id.parse().map_err(|_| AppError::NotFound)?;
    let project = request.read(move |conn, _| plain::find(conn, id)?.ok_or(AppError::NotFound)).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(row(&project).to_string()))
}

fn row(project: &PlainProject) -> Value {
    json!({
        "id": project.id.to_string(), "name": project.name, "description": project.description,
        "type": project.kind, "status": project.status, "user_id": project.user_id.map(|id| id.to_string()),
        "container_id": project.container_id.map(|id| id.to_string()), "created_at": time(project.created_at),
        "updated_at": time(project.updated_at),
    })
}
