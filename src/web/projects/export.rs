//! `POST /projects/export`

use std::collections::HashMap;

use actix_web::HttpResponse;

use super::index::filter;
use crate::activity::exports;
use crate::db::cursor::PageStart;
use crate::db::ids::ProjectId;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::projects::exported::{self, ExportedProject};
use crate::projects::queries::{self, Filter};
use crate::web::export::cell::Cell;
use crate::web::export::{self, Batch, ROWS, Subject};

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "description",
    "type",
    "status",
    "owner_id",
    "owner_name",
    "owner_email",
    "container_id",
    "container_name",
    "container_status",
    "created_at",
    "updated_at",
    "last_activity_at",
];

/// Exports the list of projects as it is filtered and sorted.
///
/// # Errors
/// 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let subject = Subject {
        what: "the list of projects".to_owned(),
        file: "projects".to_owned(),
        project: None,
        filters: export::filters(&query),
        columns: COLUMNS,
    };
    let filter = filter(&query);
    let open = move |_: &mut _, _: &_| Ok((subject, filter, Some(PageStart::Start)));
    export::start(&authed, &query, open, |conn, _, filter: &Filter, began, from| {
        let read = exports::database_now(conn)?;
        let mut page = queries::page(conn, filter, &from, ROWS)?;
        let mut ids: Vec<ProjectId> = page.rows.iter().map(|line| line.id).collect();
        page.cut(exported::fitting(conn, &ids)?);
        ids.truncate(page.rows.len());
        let mut records: HashMap<ProjectId, ExportedProject> =
            exported::of(conn, &ids)?.into_iter().map(|record| (record.project.id, record)).collect();
        let next = page.rows.last().filter(|_| page.has_next).map(|line| line.position(filter.sort));
        let rows = page.rows.iter().filter_map(|line| {
            let record = records.remove(&line.id)?;
            exports::was_there(record.project.created_at, began, read)
                .then(|| row(record, line.last_action_ms))
        });
        Ok(Batch { rows: rows.collect(), next: next.map(PageStart::Beyond) })
    })
    .await
}

fn row(record: ExportedProject, last_action_ms: Option<i64>) -> Vec<Cell> {
    let project = record.project;
    let (owner_id, owner_name, owner_email) = match record.owner {
        Some((id, name, email)) => (Some(id.to_string()), name, Some(email)),
        None => (None, None, None),
    };
    let (container_id, container_name, container_status) = match record.container {
        Some((id, name, status)) => (Some(id.to_string()), Some(name), Some(status)),
        None => (None, None, None),
    };
    vec![
        Cell::Text(project.id.to_string()),
        Cell::Text(project.name),
        Cell::text(project.description),
        Cell::text(project.kind),
        Cell::text(project.status),
        Cell::text(owner_id),
        Cell::text(owner_name),
        Cell::text(owner_email),
        Cell::text(container_id),
        Cell::text(container_name),
        Cell::text(container_status),
        Cell::time(project.created_at),
        Cell::time(project.updated_at),
        last_action_ms.map_or(Cell::Empty, Cell::millis),
    ]
}
