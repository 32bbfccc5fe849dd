//! `POST /users/export`

use std::collections::HashMap;

use actix_web::HttpResponse;

use super::index::filter;
use crate::activity::exports;
use crate::db::cursor::PageStart;
use crate::db::ids::UserId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::users::queries::{self, Filter, UserLine, UserView};
use crate::web::export::cell::Cell;
use crate::web::export::{self, Batch, ROWS, Subject};

const COLUMNS: &[&str] = &[
    "id",
    "email",
    "name",
    "role",
    "active",
    "projects",
    "created_at",
    "updated_at",
    "last_login_at",
    "last_seen_at",
];

/// Exports the list of users as it is filtered.
///
/// # Errors
/// 404 for anybody but an admin; 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let subject = Subject {
        what: "the list of users".to_owned(),
        file: "users".to_owned(),
        project: None,
        filters: export::filters(&query),
        columns: COLUMNS,
    };
    let wanted = filter(&query);
    let open = move |_: &mut _, viewer: &Viewer| {
        viewer.as_admin().ok_or(AppError::NotFound)?;
        // A value that nobody can have has no first page either.
        let position = wanted.is_some().then_some(PageStart::Start);
        Ok((subject, wanted.unwrap_or_default(), position))
    };
    export::start(&authed, &query, open, |conn, _, filter: &Filter, began, from| {
        let read = exports::database_now(conn)?;
        let page = queries::page(conn, filter, &from, ROWS)?;
        let ids: Vec<UserId> = page.rows.iter().map(|line| line.id).collect();
        let mut views: HashMap<UserId, UserView> =
            queries::find_many(conn, &ids)?.into_iter().map(|view| (view.id, view)).collect();
        let next = page.rows.last().filter(|_| page.has_next).map(|line| line.position(filter.sort));
        let rows = page.rows.iter().filter_map(|line| {
            let view = views.remove(&line.id)?;
            exports::was_there(view.created_at, began, read).then(|| row(view, line))
        });
        Ok(Batch { rows: rows.collect(), next: next.map(PageStart::Beyond) })
    })
    .await
}

fn row(view: UserView, line: &UserLine) -> Vec<Cell> {
    let active = view.is_active();
    vec![
        Cell::Text(view.id.to_string()),
        Cell::Text(view.email),
        Cell::text(view.name),
        Cell::Text(view.role),
        Cell::Flag(active),
        Cell::Number(line.projects.unwrap_or(0)),
        Cell::time(view.created_at),
        Cell::time(view.updated_at),
        Cell::time(view.last_login),
        Cell::time(line.last_seen),
    ]
}
