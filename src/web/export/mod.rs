//! Exports: what a list shows, whole, as a file.
//!
//! [`start`] writes the audit entry in a transaction of its own, reads the first batch and answers. The rest is
//! read while it is sent (see [`streamed`]).

pub mod cell;

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use self::cell::{Cell, Format};
use super::display::HiddenField;
use super::streamed;
use crate::activity::exports::{self, ExportError};
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Viewer;

/// What is exported.
#[derive(Debug, Clone)]
pub struct Subject {
    /// "the list of projects", for the audit log.
    pub what: String,
    /// "projects", for the file's name.
    pub file: String,
    /// The project whose owner is told.
    pub project: Option<ProjectId>,
    pub filters: Vec<(String, String)>,
    pub columns: &'static [&'static str],
}

/// Rows, and where the next batch begins.
#[derive(Debug)]
pub struct Batch<P> {
    pub rows: Vec<Vec<Cell>>,
    /// Nothing after the last.
    pub next: Option<P>,
}

/// Where an export begins: when it did, and the first position; nothing when there is no row.
#[derive(Debug, Clone)]
pub struct Beginning<P> {
    /// By the database's clock.
    pub at: DateTime<Utc>,
    /// Of the first batch.
    pub position: Option<P>,
}

/// Rows that a batch of a list has at most.
pub const ROWS: usize = 250;

/// The filters of a list's address or form: what is left without the page's place and the format.
#[must_use]
pub fn filters(query: &Query) -> Vec<(String, String)> {
    query.without(&["before", "after", "limit", "format"])
}

/// `name` as a part of a file's name: letters, digits and dashes; `otherwise` when nothing is left of it.
#[must_use]
pub fn file_name(name: &str, otherwise: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let short: String = joined.chars().take(40).collect();
    if short.is_empty() { otherwise.to_owned() } else { short }
}

/// `filters` as hidden fields of the menu's form.
pub fn hidden<K: Into<String>>(filters: impl IntoIterator<Item = (K, String)>) -> Vec<HiddenField> {
    filters.into_iter().map(|(name, value)| HiddenField { name: name.into(), value }).collect()
}

/// Records the export that `open` describes, and answers with what `read` reads, batch by batch.
///
/// `open` runs in the transaction of the audit entry, before it: it says what is exported and where to begin.
///
/// # Errors
/// What `open` and `read` answer; 400 for an unknown `format`; 429 when its user has started too many.
pub async fn start<P, F, O, R>(
    authed: &AuthedRequest,
    query: &Query,
    open: O,
    read: R,
) -> AppResult<HttpResponse>
where
    P: Send + 'static,
    F: Send + Sync + 'static,
    O: FnOnce(&mut PgConnection, &Viewer) -> AppResult<(Subject, F, Option<P>)> + Clone + Send + 'static,
    R: Fn(&mut PgConnection, &Viewer, &F, DateTime<Utc>, P) -> AppResult<Batch<P>> + Send + Sync + 'static,
{
    let format = Format::of(query.first("format"));
    let principal = authed.principal();
    query.check().map_err(AppError::BadRequest)?;
    let (viewer, (subject, format, context, beginning)) = authed
        .write(move |conn, viewer| {
            let (subject, context, position) = open(conn, viewer)?;
            let format = format.map_err(AppError::BadRequest)?;
            let export = exports::Export {
                what: subject.what.clone(),
                project: subject.project,
                format: format.as_str(),
                filters: subject.filters.clone(),
            };
            let at = exports::begin(conn, &principal(viewer), &export)?;
            Ok((subject, format, context, Beginning { at, position }))
        })
        .await?;
    let (role, began, columns) = (viewer.role, beginning.at, subject.columns);
    let batch = move |conn: &mut PgConnection, viewer: &Viewer, position: P| {
        // Another role sees other rows: the rest would not be the rest.
        if viewer.role != role {
            return Err(AppError::NotFound);
        }
        let Batch { rows, next } = read(conn, viewer, &context, began, position)?;
        // Written on the blocking thread as well: rows become bytes before they pile up.
        Ok((Bytes::from(format.rows(columns, &rows)?), next))
    };
    let (batch, reader) = (Arc::new(batch), authed.reader());
    let mut head = format.head(columns)?;
    let next = match beginning.position {
        Some(position) => {
            let first = Arc::clone(&batch);
            let (rows, next) = reader.read(move |conn, viewer| first(conn, viewer, position)).await?;
            head.extend_from_slice(&rows);
            next
        }
        None => None,
    };
    let day = authed.app.clock.now().format("%Y-%m-%d");
    let name = format!("pilothouse-{}-{day}.{}", subject.file, format.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(streamed::body(reader, Bytes::from(head), next, move |conn, viewer, position| {
            batch(conn, viewer, position)
        })))
}

impl From<ExportError> for AppError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::TooMany { wait_seconds } => {
                Self::TooManyExports { most: exports::MOST, retry_after: wait_seconds }
            }
            ExportError::Query(error) => error.into(),
        }
    }
}
