//! `GET /activity/{action_id}/raw`, `GET /events/{id}/raw`, `GET /audit/{id}/raw` and `GET /entries/raw?id=`: a record as
//! it is stored.

use actix_web::HttpResponse;
use actix_web::web::Path;
use diesel::PgConnection;

use crate::activity::Source;
use crate::activity::stored::{self, Column, LONGEST_RAW};
use crate::error::{AppError, AppResult};
use crate::http::query::Query;
use crate::http::visit::Visit;
use crate::web::plain_text;

/// Shows all of an action.
///
/// # Errors
/// 404 for one that the viewer can't see.
pub async fn action(visit: Visit, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    answer(&visit.read(move |conn, _| columns(conn, Source::Action, &id)).await?.1)
}

/// Shows all of an event.
///
/// # Errors
/// 404 for one that the viewer can't see.
pub async fn event(visit: Visit, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    answer(&visit.read(move |conn, _| columns(conn, Source::Event, &id)).await?.1)
}

/// Shows all of an audit entry.
///
/// # Errors
/// 404 for an owner, and for one that does not exist.
pub async fn audit_entry(visit: Visit, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    answer(&visit.read_as_admin(move |conn, _| columns(conn, Source::Audit, &id)).await?.1)
}

/// Shows all of the entry that a timeline calls `id`: `ID`, `event:ID`, `audit:ID`.
///
/// # Errors
/// 400 without an id; 404 for an entry that the viewer can't see.
pub async fn any(visit: Visit, query: Query) -> AppResult<HttpResponse> {
    let key = query.only("id").map(str::to_owned).map_err(AppError::BadRequest)?;
    let read = visit.read(move |conn, viewer| {
        let (source, id) = Source::of_key(&key);
        match source {
            Source::Audit if viewer.as_admin().is_none() => {}
            source => match columns(conn, source, id) {
                Err(AppError::NotFound) => {}
                found => return found,
            },
        }
        // An action may be called like an entry of another kind.
        columns(conn, Source::Action, &key)
    });
    answer(&read.await?.1)
}

fn columns(conn: &mut PgConnection, source: Source, id: &str) -> AppResult<Vec<Column>> {
    let columns = stored::columns(conn, source, id, LONGEST_RAW)?;
    if columns.is_empty() { Err(AppError::NotFound) } else { Ok(columns) }
}

#[expect(clippy::unnecessary_wraps, reason = "what handlers answer")]
fn answer(columns: &[Column]) -> AppResult<HttpResponse> {
    Ok(plain_text::answer(stored::as_text(columns)))
}
