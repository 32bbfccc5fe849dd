//! `POST /containers/export`

use std::collections::HashMap;

use actix_web::HttpResponse;

use super::index::filter;
use crate::activity::exports;
use crate::containers::exported::{self, ExportedContainer};
use crate::containers::queries::{self, ContainerLine, Filter};
use crate::db::cursor::PageStart;
use crate::db::ids::ContainerId;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::web::export::cell::Cell;
use crate::web::export::{self, Batch, ROWS, Subject};

const COLUMNS: &[&str] = &[
    "id",
    "engine_id",
    "name",
    "status",
    "engine_status",
    "observed_at",
    "observed_from",
    "image",
    "port",
    "url",
    "owner_id",
    "owner_name",
    "owner_email",
    "project_id",
    "project_name",
    "created_at",
    "started_at",
    "stopped_at",
    "updated_at",
];

/// Exports the list of containers as it is filtered and sorted.
///
/// # Errors
/// 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let subject = Subject {
        what: "the list of containers".to_owned(),
        file: "containers".to_owned(),
        project: None,
        filters: export::filters(&query),
        columns: COLUMNS,
    };
    let filter = filter(&query);
    let open = move |_: &mut _, _: &_| Ok((subject, filter, Some(PageStart::Start)));
    export::start(&authed, &query, open, |conn, _, filter: &Filter, began, from| {
        let read = exports::database_now(conn)?;
        let mut page = queries::page(conn, filter, &from, ROWS)?;
        let mut ids: Vec<ContainerId> = page.rows.iter().map(|line| line.id).collect();
        page.cut(exported::fitting(conn, &ids)?);
        ids.truncate(page.rows.len());
        let mut records: HashMap<ContainerId, ExportedContainer> =
            exported::of(conn, &ids)?.into_iter().map(|record| (record.id, record)).collect();
        let next = page.rows.last().filter(|_| page.has_next).map(|line| line.position(filter.sort));
        let rows = page.rows.iter().filter_map(|line| {
            let record = records.remove(&line.id)?;
            exports::was_there(record.created_at, began, read).then(|| row(record, line))
        });
        Ok(Batch { rows: rows.collect(), next: next.map(PageStart::Beyond) })
    })
    .await
}

fn row(record: ExportedContainer, line: &ContainerLine) -> Vec<Cell> {
    let (owner_id, owner_name, owner_email) = match record.owner {
        Some((id, name, email)) => (Some(id.to_string()), name, Some(email)),
        None => (None, None, None),
    };
    vec![
        Cell::Text(record.id.to_string()),
        Cell::Text(record.engine_id),
        Cell::Text(record.name),
        Cell::Text(record.status),
        Cell::text(record.engine_status),
        Cell::time(record.observed_at),
        Cell::text(record.observed_from),
        Cell::text(record.image_name),
        Cell::number(record.assigned_port.map(i64::from)),
        Cell::text(record.url),
        Cell::text(owner_id),
        Cell::text(owner_name),
        Cell::text(owner_email),
        Cell::text(line.project_id.map(|id| id.to_string())),
        Cell::text(line.project_name.clone()),
        Cell::time(record.created_at),
        Cell::time(record.started_at),
        Cell::time(record.stopped_at),
        Cell::time(record.updated_at),
    ]
}
