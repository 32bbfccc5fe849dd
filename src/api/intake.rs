//! `GET /api/intake/funnel`: how far visitors come. For admins.

use actix_web::HttpResponse;
use serde_json::json;

use super::answers;
use crate::analytics::funnel::{self, FunnelFilter};
use crate::error::{AppError, AppResult};
use crate::http::api_request::{ApiRequest, Caller};
use crate::http::query::Query;
use crate::identity::Role;

pub async fn funnel(request: ApiRequest, query: Query) -> AppResult<HttpResponse> {
    let read = FunnelFilter::parse(|name| query.first(name), request.app().clock.now().date_naive());
    let (filter, funnel) = request
        .read(move |conn, caller| {
            match caller {
                Caller::Viewer(viewer) if viewer.role == Role::Admin => {}
                _ => return Err(AppError::NotFound),
            }
            let filter = read.map_err(AppError::BadRequest)?;
            let funnel = funnel::read(conn, &filter)?;
            Ok((filter, funnel))
        })
        .await?;
    let steps: Vec<_> = funnel
        .steps
        .iter()
        .map(|step| {
            json!({
                "step": step.word, "sessions": step.sessions, "rate": step.rate, "overall": step.overall,
                "median_seconds": step.median.map(f64::round),
            })
        })
        .collect();
    let exits: Vec<_> =
        funnel.exits.iter().map(|(slot, sessions)| json!({ "slot": slot, "sessions": sessions })).collect();
    Ok(HttpResponse::Ok().json(json!({
        "from": filter.from, "to": filter.to, "developer_ref": filter.developer_ref, "source": filter.source,
        "steps": steps, "exits": exits, "asOf": answers::time(funnel.as_of),
    })))
}
