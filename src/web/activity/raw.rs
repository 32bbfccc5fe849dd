//! `GET /activity/{action_id}/raw`, `GET /events/{id}/raw`, `GET /audit/{id}/raw` and `GET /entries/raw?id=`: a record as
//! it is stored.

use actix_web::HttpResponse;
use actix_web::web::Path;
use diesel::PgConnection;

use crate::activity::Source;
use crate::activity::stored::{self, LONGEST_RAW, Place};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::plain_text;

/// Shows all of an action.
pub async fn action(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    let read = authed.read(move |conn, _| beginning(conn, Source::Action, &id)).await?;
    Ok(answer(&authed, read.1))
}

/// Shows all of an event.
pub async fn event(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    let read = authed.read(move |conn, _| beginning(conn, Source::Event, &id)).await?;
    Ok(answer(&authed, read.1))
}

/// Shows all of what an engine saw.
pub async fn observation(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    let read = authed.read(move |conn, _| beginning(conn, Source::Engine, &id)).await?;
    Ok(answer(&authed, read.1))
}

/// Shows all of an audit entry.
pub async fn audit_entry(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    let read = authed.read_as_admin(move |conn, _| beginning(conn, Source::Audit, &id)).await?;
    Ok(answer(&authed, read.1))
}

/// Shows all of the entry that a timeline calls `id`: `ID`, `event:ID`, `audit:ID`.
///
/// # Errors
/// 400 without an id; 404 for an entry that the viewer can't see.
pub async fn any(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let key = query.only("id").map(str::to_owned).map_err(AppError::BadRequest)?;
    let read = authed.read(move |conn, viewer| {
        let (source, id) = Source::of_key(&key);
        match source {
            Source::Audit if viewer.as_admin().is_none() => {}
            source => match beginning(conn, source, id) {
                Err(AppError::NotFound) => {}
                found => return found,
            },
        }
        // An action may be called like an entry of another kind.
        beginning(conn, Source::Action, &key)
    });
    let read = read.await?;
    Ok(answer(&authed, read.1))
}

/// A record's text, as far as it was read.
struct Beginning {
    source: Source,
    id: String,
    text: String,
    next: Option<Place>,
}

fn beginning(conn: &mut PgConnection, source: Source, id: &str) -> AppResult<Beginning> {
    let (text, next) = match source {
        Source::Audit => {
            let columns = stored::columns(conn, source, id, LONGEST_RAW)?;
            (!columns.is_empty()).then(|| (stored::as_text(&columns), None))
        }
        source => stored::piece(conn, source, id, Place::FIRST)?,
    }
    .ok_or(AppError::NotFound)?;
    Ok(Beginning { source, id: id.to_owned(), text, next })
}

fn answer(authed: &AuthedRequest, Beginning { source, id, text, next }: Beginning) -> HttpResponse {
    plain_text::answer(authed, text, next, move |conn, place| stored::piece(conn, source, &id, place))
}
