//! `POST /api/projects/{id}/activities`: one activity, or up to 1,000, all or nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::fields::{Fields, Problems};
use super::reporting;
use crate::error::{AppError, AppResult};
use crate::http::api_request::ApiRequest;
use crate::http::json::Json;
use crate::reports::actions::{self, ReportedAction};

/// Activities of one request.
pub(super) const MOST: usize = 1_000;
pub(super) const FIELDS: [&str; 10] = [
    "action_id",
    "project_id",
    "user_id",
    "request_id",
    "action_type",
    "action_details",
    "status",
    "environment",
    "reference_ids",
    "created_at",
];
/// The longest details, in characters, and the largest references, in bytes.
pub(super) const DETAILS: usize = 100_000;
const REFERENCES: usize = 64 * 1024;

/// Records what is told.
pub async fn create(request: ApiRequest, id: web::Path<String>, body: Json) -> AppResult<HttpResponse> {
    let project = id.parse().map_err(|_| AppError::NotFound)?;
    let project_text = id.into_inner().to_ascii_lowercase();
    let is_batch = body.value.get("activities").is_some();
    let read = read(&body.value, &project_text);
    let now_ms = request.app().clock.now_ms();
    reporting::report(request, Some(project), body, move |conn, caller| {
        let mut reported = read?;
        let own = caller.user().map(|user| user.to_string());
        let mut problems = Problems::default();
        for (n, action) in reported.iter_mut().enumerate() {
            if action.user_id.is_none() {
                action.user_id.clone_from(&own);
            } else if action.user_id != own && !caller.speaks_for_others() {
                problems.add(format!("{}user_id", before(is_batch, n)), "You can report for yourself alone.");
            }
        }
        problems.check()?;
        let kept = actions::record(conn, project, reported, now_ms)
            .map_err(|error| reporting::refused(error, |n| format!("{}action_id", before(is_batch, n))))?;
        let kept: Vec<Value> = kept
            .into_iter()
            .map(|one| {
                let status = if one.is_new { "created" } else { "existing" };
                json!({ "action_id": one.action_id, "created_at": one.created_at, "status": status })
            })
            .collect();
        Ok((StatusCode::CREATED, json!({ "activities": kept }).to_string()))
    })
    .await
}

/// What stands before a field's name.
fn before(is_batch: bool, n: usize) -> String {
    if is_batch { format!("activities[{n}].") } else { String::new() }
}

fn read(body: &Value, project: &str) -> Result<Vec<ReportedAction>, Fault> {
    let mut problems = Problems::default();
    let mut read = Vec::new();
    if body.get("activities").is_some() {
        let whole = Fields::of("", body, &["activities"], &mut problems);
        drop(whole);
        match body["activities"].as_array() {
            Some(list) if (1..=MOST).contains(&list.len()) => {
                for (n, element) in list.iter().enumerate() {
                    read.extend(activity(&format!("activities[{n}]"), element, project, &mut problems));
                }
            }
            _ => problems.add("activities".to_owned(), format!("Send a list of 1 to {MOST} activities.")),
        }
    } else {
        read.extend(activity("", body, project, &mut problems));
    }
    match problems.check() {
        Err(AppError::Fields(fields)) => Err(Fault(fields)),
        _ => Ok(read),
    }
}

/// What is wrong, to be told once it is known that the caller may report here at all.
#[derive(Clone)]
struct Fault(Vec<crate::error::FieldProblem>);

impl From<Fault> for AppError {
    fn from(Fault(fields): Fault) -> Self {
        Self::Fields(fields)
    }
}

fn activity(at: &str, value: &Value, project: &str, problems: &mut Problems) -> Option<ReportedAction> {
    let mut fields = Fields::of(at, value, &FIELDS, problems)?;
    if fields.text("project_id", 200).is_some_and(|told| !told.eq_ignore_ascii_case(project)) {
        fields.refuse("project_id", "It is not the project of the address.");
    }
    let reference_ids = fields.object("reference_ids");
    if reference_ids.as_ref().is_some_and(|references| references.to_string().len() > REFERENCES) {
        fields.refuse("reference_ids", format!("Use at most {} kB.", REFERENCES / 1024));
    }
    Some(ReportedAction {
        action_id: fields.id("action_id"),
        user_id: fields.user("user_id"),
        request_id: fields.text("request_id", 1_000),
        action_type: fields.needed("action_type", 200),
        action_details: fields.text("action_details", DETAILS),
        status: Some(fields.text("status", 200).unwrap_or_else(|| "success".to_owned())),
        environment: Some(fields.text("environment", 200).unwrap_or_else(|| "development".to_owned())),
        reference_ids,
        created_at: fields.time("created_at"),
    })
}
