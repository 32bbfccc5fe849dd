//! Lists of the API: how far a page goes, and how its answer is written.

use actix_web::HttpResponse;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::activity::filter::{self, quoted};
use crate::activity::{Source, TimelineCursor};
use crate::db::cursor::{ListPosition, Page, PageStart};
use crate::error::{AppError, AppResult};
use crate::http::query::Query;

#[derive(Serialize)]
struct Pagination<'a> {
    limit: i64,
    has_more: bool,
    next_cursor: Option<&'a str>,
}

/// What a list is asked for besides its filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    pub limit: i64,
    pub cursor: Option<String>,
}

impl Paging {
    /// # Errors
    /// A sentence for whoever wrote the address.
    pub fn of(query: &Query) -> Result<Self, String> {
        query.check()?;
        let limit = query.0.iter().find(|(name, _)| name == "limit");
        let limit = limit.map_or(Ok(filter::DEFAULT_LIMIT), |(_, value)| filter::limit(value))?;
        Ok(Self { limit, cursor: query.first("cursor").map(str::to_owned) })
    }

    /// The cursor as a time and an id.
    ///
    /// # Errors
    /// A sentence for whoever wrote the address.
    pub fn position(&self) -> Result<Option<(i64, String)>, String> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let position = cursor.parse().ok().filter(|cursor: &TimelineCursor| cursor.source == Source::Event);
        let wrong =
            || format!("{} is no cursor. Use next_cursor of an earlier answer as it is.", quoted(cursor));
        position.map(|position| Some((position.ms, position.id))).ok_or_else(wrong)
    }
}

/// The cursor that leads on from a time and an id.
pub fn cursor((ms, id): (i64, String)) -> String {
    TimelineCursor { ms, source: Source::Event, id }.to_string()
}

/// A time as the API writes it.
pub fn time(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Where a list goes on, as its `next_cursor` told.
///
/// # Errors
/// A sentence for whoever wrote the address.
pub fn start(paging: &Paging) -> Result<PageStart<ListPosition>, String> {
    let Some(cursor) = &paging.cursor else { return Ok(PageStart::Start) };
    let wrong = || format!("{} is no cursor. Use next_cursor of an earlier answer as it is.", quoted(cursor));
    cursor.parse().map(PageStart::Beyond).map_err(|_| wrong())
}

/// [`list`] of a page of rows, each written by `row`.
pub fn page<T>(
    name: &str,
    page: &Page<T>,
    limit: i64,
    row: impl Fn(&T) -> Value,
    position: impl Fn(&T) -> ListPosition,
) -> AppResult<HttpResponse> {
    let rows: Vec<String> = page.rows.iter().map(|of| row(of).to_string()).collect();
    let next = page.rows.last().filter(|_| page.has_next).map(|last| position(last).to_string());
    list(name, &rows, limit, next.as_deref())
}

/// `{"name":[rows…],"pagination":{…}}`. The rows are JSON already.
pub fn list(name: &str, rows: &[String], limit: i64, next: Option<&str>) -> AppResult<HttpResponse> {
    let pagination = Pagination { limit, has_more: next.is_some(), next_cursor: next };
    let pagination = serde_json::to_string(&pagination).map_err(|error| AppError::Internal(error.into()))?;
    let body = format!("{{\"{name}\":[{}],\"pagination\":{pagination}}}", rows.join(","));
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}
