//! `POST /users/export`

use actix_web::HttpResponse;

use super::index::filter;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::identity::Role;
use crate::users::queries::{self, UserLine};
use crate::web::export::cell::Cell;
use crate::web::export::{self, ROWS, export_row};

/// Exports the list of users as it is filtered.
///
/// # Errors
/// 404 for anybody but an admin; 400 for an unknown format; 429 after too many.
pub async fn export(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let wanted = filter(&query);
    export::list(
        &authed,
        &query,
        "users",
        (|viewer| viewer.role == Role::Admin, wanted),
        |conn, filter, from| {
            let page = queries::page(conn, filter, from, ROWS)?;
            let next = page.last(|line| line.position(filter.sort));
            Ok((page.rows.into_iter().map(|line| (line.user.created_at, line)).collect(), next))
        },
    )
    .await
}

export_row!(row: UserLine {
    "id": Cell::Text(row.user.id.to_string()),
    "email": Cell::Text(row.user.email),
    "name": Cell::text(row.user.name),
    "role": Cell::Text(row.user.role),
    "active": Cell::Flag(row.user.is_active == Some(true)),
    "projects": Cell::Number(row.projects.unwrap_or(0)),
    "created_at": Cell::time(row.user.created_at),
    "updated_at": Cell::time(row.user.updated_at),
    "last_login_at": Cell::time(row.user.last_login),
    "last_seen_at": Cell::time(row.last_seen),
});
