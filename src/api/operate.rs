//! `POST /api/containers/{id}/{start|stop|restart}`: asks for it, and answers the operation as an event.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::answers::time;
use crate::containers::{Verb, plain};
use crate::db::Actor;
use crate::db::ids::ContainerId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::{ApiRequest, Caller};
use crate::http::authed_request::origin_of;
use crate::identity::Principal;
use crate::operations::commands::{self, AskError, Asked};
use crate::operations::{Operation, queries};
use crate::reports::operated;
use crate::tokens::Scope;

/// A token may do it to the containers of its projects. It is no user, and the record names the token; what it may not
/// write itself the console writes for it, once its rights have been looked at.
pub async fn operate(request: ApiRequest, path: web::Path<(String, String)>) -> AppResult<HttpResponse> {
    let (id, verb) = path.into_inner();
    let id: ContainerId = id.parse().map_err(|_| AppError::NotFound)?;
    let verb = Verb::from_path(&verb).ok_or(AppError::NotFound)?;
    let caller = request
        .write(Scope::Operate, None, move |conn, caller| {
            plain::find(conn, id)?.ok_or(AppError::NotFound)?;
            Ok(caller.clone())
        })
        .await?;
    let app = request.app();
    if let Some(reason) = app.engine.standing().await.obstacle() {
        return Err(AppError::NoEngine(reason));
    }
    let (origin, at) = (origin_of(request.request()), app.clock.now());
    let principal = match &caller {
        Caller::Viewer(viewer) => Principal::viewer(viewer, origin, at),
        Caller::Token(token) => {
            Principal { user: None, name: format!("the token {}", token.name), is_admin: true, origin, at }
        }
    };
    let token = match &caller {
        Caller::Token(token) => Some(token.id),
        Caller::Viewer(_) => None,
    };
    let ask = move |conn: &mut diesel::PgConnection| {
        let Asked { operation, .. } = commands::ask(conn, &principal, id, verb, "").map_err(refused)?;
        if let Some(token) = token {
            operated::keep(conn, token, operation.as_str())?;
        }
        queries::find(conn, &operation)?.ok_or(AppError::NotFound)
    };
    let operation = match &request {
        ApiRequest::Session(authed) => authed.write(move |conn, _| ask(conn)).await?.1,
        ApiRequest::Token(_) => app.db.write(&Actor::System, ask).await?,
    };
    Ok(HttpResponse::Accepted().content_type("application/json").body(event(&operation).to_string()))
}

fn refused(error: AskError) -> AppError {
    match error {
        AskError::NotFound => AppError::NotFound,
        AskError::Query(error) => error.into(),
        refused => AppError::Conflict { detail: refused.to_string(), retry_after: None },
    }
}

/// An operation in the fields of events.
fn event(operation: &Operation) -> Value {
    let duration = operation.ended_at.map(|end| (end - operation.asked_at).num_milliseconds());
    json!({
        "id": operation.id,
        "projectId": operation.project.map(|project| project.to_string()),
        "userId": operation.asker.map(|user| user.to_string()),
        "eventType": format!("CONTAINER_{}", operation.verb.to_uppercase()),
        "entityType": "container",
        "entityId": operation.container.map(|container| container.to_string()),
        "title": format!("{} {}", operation.verb, operation.container_name),
        "description": operation.answer,
        "metadata": { "asked_by": operation.asked_by_name },
        "status": operation.status,
        "duration": duration,
        "createdAt": time(Some(operation.asked_at)),
        "updatedAt": time(operation.ended_at.or(operation.begun_at).or(Some(operation.asked_at))),
    })
}
