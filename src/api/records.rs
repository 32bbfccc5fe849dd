//! `GET|POST /api/projects/{id}/{pushes|deployments|databases|sessions|costs}`: the records behind references.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::answers::{self, Paging};
use super::fields::{Fields, Problems};
use super::reporting;
use crate::auth::viewer::sees_project;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult, FieldProblem};
use crate::http::api_request::ApiRequest;
use crate::http::json::Json;
use crate::http::query::Query;
use crate::reports::records::{self, Holds, RecordKind};

const TEXT: usize = 20_000;
/// In bytes.
const JSON: usize = 1024 * 1024;

/// A project's records, newest first.
pub async fn index(
    request: ApiRequest,
    path: web::Path<(String, String)>,
    query: Query,
) -> AppResult<HttpResponse> {
    let (id, name) = path.into_inner();
    let project: ProjectId = id.parse().map_err(|_| AppError::NotFound)?;
    let kind = RecordKind::of_path(&name).ok_or(AppError::NotFound)?;
    let paging = Paging::of(&query).and_then(|paging| Ok((paging.position()?, paging.limit)));
    let (limit, (rows, next)) = request
        .read(move |conn, _| {
            if !sees_project(conn, project)? {
                return Err(AppError::NotFound);
            }
            let (before, limit) = paging.map_err(AppError::BadRequest)?;
            Ok((limit, records::page(conn, project, kind, before, limit)?))
        })
        .await?;
    answers::list(kind.path, &rows, limit, next.map(answers::cursor).as_deref())
}

/// Writes one record, and answers it.
pub async fn create(
    request: ApiRequest,
    path: web::Path<(String, String)>,
    body: Json,
) -> AppResult<HttpResponse> {
    let (id, name) = path.into_inner();
    let project: ProjectId = id.parse().map_err(|_| AppError::NotFound)?;
    let kind = RecordKind::of_path(&name).ok_or(AppError::NotFound)?;
    let read = read(&body.value, kind, &id);
    let now_ms = request.app().clock.now_ms();
    reporting::report(request, Some(project), body, move |conn, caller| {
        let mut fields = read.map_err(AppError::Fields)?;
        let own = caller.user().map(|user| user.to_string());
        let told = fields.get("user_id").and_then(Value::as_str).map(str::to_owned);
        if let (None, Some(own)) = (&told, &own) {
            fields.insert("user_id".to_owned(), json!(own));
        } else if told.is_some() && told != own && !caller.speaks_for_others() {
            let detail = "You can report for yourself alone.".to_owned();
            return Err(AppError::Fields(vec![FieldProblem { field: "user_id".to_owned(), detail }]));
        }
        let (row, is_new) = records::record(conn, project, kind, fields, now_ms)
            .map_err(|error| reporting::refused(error, |_| kind.id.to_owned()))?;
        Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, row))
    })
    .await
}

fn read(body: &Value, kind: &RecordKind, project: &str) -> Result<Map<String, Value>, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let mut taken = Map::new();
    let mut known: Vec<&str> = kind.columns.iter().map(|(name, _)| *name).collect();
    known.push("project_id");
    if let Some(mut fields) = Fields::of("", body, &known, &mut problems) {
        if fields.text("project_id", 200).is_some_and(|told| !told.eq_ignore_ascii_case(project)) {
            fields.refuse("project_id", "It is not the project of the address.");
        }
        for &(name, holds) in kind.columns {
            if !fields.has(name) {
                continue;
            }
            let value = match holds {
                Holds::Text if name == kind.id => fields.id(name).map(Value::String),
                Holds::Text if name == "user_id" => fields.user(name).map(Value::String),
                Holds::Text => fields.text(name, TEXT).map(Value::String),
                Holds::Number => {
                    fields.number(name, i64::from(i32::MIN)..=i64::from(i32::MAX)).map(|number| json!(number))
                }
                Holds::Large => fields.number(name, 0..=i64::MAX).map(|number| json!(number)),
                Holds::Time => fields.time(name).map(|ms| json!(ms)),
                Holds::Amount => amount(&mut fields, name),
                Holds::Json => json_value(&mut fields, name),
            };
            taken.insert(name.to_owned(), value.unwrap_or_default());
        }
    }
    match problems.check() {
        Err(AppError::Fields(problems)) => Err(problems),
        _ => Ok(taken),
    }
}

/// US dollars: the column holds six digits before the point and six after.
fn amount(fields: &mut Fields<'_>, name: &str) -> Option<Value> {
    let value = fields.value(name)?;
    if value.as_f64().is_some_and(|amount| (0.0..999_999.0).contains(&amount)) {
        return Some(value.clone());
    }
    fields.refuse(name, "Send a number from 0 to 999998, without quotes.");
    None
}

fn json_value(fields: &mut Fields<'_>, name: &str) -> Option<Value> {
    let value = fields.value(name)?;
    if value.to_string().len() > JSON {
        fields.refuse(name, format!("Use at most {} kB.", JSON / 1024));
        return None;
    }
    Some(value.clone())
}
