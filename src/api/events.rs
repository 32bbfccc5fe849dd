//! `POST /api/projects/{id}/events`, `PATCH /api/events/{id}`: operations with a life.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::fields::{Fields, Problems};
use super::reporting;
use crate::error::{AppError, AppResult, FieldProblem};
use crate::http::api_request::ApiRequest;
use crate::http::json::Json;
use crate::reports::events::{self, EventChange, EventError, NewEvent, STATUSES};

pub(super) const FIELDS: [&str; 15] = [
    "id",
    "projectId",
    "userId",
    "eventType",
    "entityType",
    "entityId",
    "title",
    "description",
    "metadata",
    "status",
    "duration",
    "createdAt",
    "updatedAt",
    "progress",
    "stage",
];
pub(super) const CHANGES: [&str; 6] = ["status", "title", "description", "metadata", "progress", "stage"];
pub(super) const TITLE: usize = 1_000;
pub(super) const DESCRIPTION: usize = 100_000;
/// In bytes.
const METADATA: usize = 64 * 1024;

/// Records an event, and answers it.
pub async fn create(request: ApiRequest, id: web::Path<String>, body: Json) -> AppResult<HttpResponse> {
    let project = id.parse().map_err(|_| AppError::NotFound)?;
    let read = read(&body.value, &id.into_inner());
    let (at, made) = (request.app().clock.now(), request.app().entropy.uuid().to_string());
    reporting::report(request, Some(project), body, move |conn, caller| {
        let mut new = read.map_err(AppError::Fields)?;
        let own = caller.user().map(|user| user.to_string());
        if new.user_id.is_none() {
            new.user_id.clone_from(&own);
        } else if new.user_id != own && !caller.speaks_for_others() {
            return Err(wrong("userId", "You can report for yourself alone."));
        }
        let id = new.id.clone().unwrap_or(made);
        let (event, is_new) =
            events::record(conn, project, &new, &id, own.as_deref(), at).map_err(refused)?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok((status, event.to_json().to_string()))
    })
    .await
}

/// Writes what an event has become, and answers it.
pub async fn update(request: ApiRequest, id: web::Path<String>, body: Json) -> AppResult<HttpResponse> {
    let read = read_change(&body.value);
    let (at, id) = (request.app().clock.now(), id.into_inner());
    if id.contains('\0') {
        return Err(AppError::NotFound);
    }
    reporting::report(request, None, body, move |conn, _| {
        let change = match read {
            Ok(change) => change,
            // Whoever can't see it learns nothing of what its fields should be.
            Err(_) if events::find(conn, &id)?.is_none() => return Err(AppError::NotFound),
            Err(problems) => return Err(AppError::Fields(problems)),
        };
        let event = events::change(conn, &id, &change, at).map_err(refused)?;
        Ok((StatusCode::OK, event.to_json().to_string()))
    })
    .await
}

fn wrong(field: &str, detail: &str) -> AppError {
    AppError::Fields(vec![FieldProblem { field: field.to_owned(), detail: detail.to_owned() }])
}

fn refused(error: EventError) -> AppError {
    match error {
        EventError::UnknownType(known) => wrong(
            "eventType",
            &format!("The database does not have this type. It has: {}.", known.join(", ")),
        ),
        EventError::UnknownUser => wrong("userId", "This is not the project's owner."),
        EventError::Taken => AppError::Conflict {
            detail: "id: another record has this id, with other content. Nothing was kept.".to_owned(),
            retry_after: None,
        },
        EventError::Ended(status) => AppError::Conflict {
            detail: format!("The event has ended as {status}, and stays ended. Nothing was changed."),
            retry_after: None,
        },
        EventError::NotFound => AppError::NotFound,
        EventError::Query(error) => error.into(),
    }
}

fn read(body: &Value, project: &str) -> Result<NewEvent, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let event = Fields::of("", body, &FIELDS, &mut problems).map(|mut fields| {
        if fields.text("projectId", 200).is_some_and(|told| !told.eq_ignore_ascii_case(project)) {
            fields.refuse("projectId", "It is not the project of the address.");
        }
        // When it was last heard of is the server's to say.
        let _ = fields.time("updatedAt");
        let metadata = metadata(&mut fields);
        NewEvent {
            id: fields.id("id"),
            user_id: fields.user("userId"),
            event_type: fields.needed("eventType", 200),
            entity_type: fields.text("entityType", 200),
            entity_id: fields.text("entityId", 1_000),
            title: fields.text("title", TITLE),
            description: fields.text("description", DESCRIPTION),
            metadata: (!metadata.is_empty()).then_some(Value::Object(metadata)),
            status: fields.word("status", &STATUSES),
            duration: fields
                .number("duration", 0..=i64::from(i32::MAX))
                .and_then(|ms| i32::try_from(ms).ok()),
            created_at: fields.instant("createdAt"),
        }
    });
    match (event, problems.check()) {
        (Some(event), Ok(())) => Ok(event),
        (_, Err(AppError::Fields(problems))) => Err(problems),
        _ => Err(Vec::new()),
    }
}

fn read_change(body: &Value) -> Result<EventChange, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let change = Fields::of("", body, &CHANGES, &mut problems).map(|mut fields| EventChange {
        status: fields.word("status", &STATUSES),
        title: fields.has("title").then(|| fields.needed("title", TITLE)),
        description: fields.has("description").then(|| fields.text("description", DESCRIPTION)),
        metadata: metadata(&mut fields),
    });
    match (change, problems.check()) {
        (Some(change), Ok(())) => Ok(change),
        (_, Err(AppError::Fields(problems))) => Err(problems),
        _ => Err(Vec::new()),
    }
}

/// `metadata` with progress and stage, which live in it.
fn metadata(fields: &mut Fields<'_>) -> Map<String, Value> {
    let mut metadata = match fields.object("metadata") {
        Some(Value::Object(told)) => told,
        _ => Map::new(),
    };
    if Value::Object(metadata.clone()).to_string().len() > METADATA {
        fields.refuse("metadata", format!("Use at most {} kB.", METADATA / 1024));
    }
    if let Some(progress) = fields.number("progress", 0..=100) {
        metadata.insert("progress".to_owned(), json!(progress));
    }
    if let Some(stage) = fields.text("stage", 200) {
        metadata.insert("stage".to_owned(), json!(stage));
    }
    metadata
}
