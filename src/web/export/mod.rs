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
use diesel::{PgConnection, QueryResult};

use self::cell::{Cell, Format};
use super::display::HiddenField;
use super::streamed;
use crate::activity::exports::{self, ExportError};
use crate::db::cursor::{ListPosition, PageStart};
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
}

/// What an export holds a line of. `export_row` writes it.
pub trait ExportRow: Sized {
    const COLUMNS: &'static [&'static str];

    fn cells(self) -> Vec<Cell>;
}

/// Rows, and where the next batch begins: nothing after the last.
pub type Batch<R, P> = (Vec<R>, Option<P>);

/// The columns of an export, each with the cell that a row has in it.
macro_rules! export_row {
    ($row:ident: $type:ty { $($name:literal: $cell:expr,)+ }) => {
        impl $crate::web::export::ExportRow for $type {
            const COLUMNS: &'static [&'static str] = &[$($name),+];

            fn cells(self) -> Vec<$crate::web::export::cell::Cell> {
                let $row = self;
                vec![$($cell),+]
            }
        }
    };
}
pub(crate) use export_row;

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
/// `open` runs in the transaction of the audit entry, before it: it says what is exported and where to begin, or
/// nowhere when there is no row. `read` is told when the export began, by the database's clock.
///
/// # Errors
/// What `open` and `read` answer; 400 for an unknown `format`; 429 when its user has started too many.
pub async fn start<E, P, F, O, R>(
    authed: &AuthedRequest,
    query: &Query,
    open: O,
    read: R,
) -> AppResult<HttpResponse>
where
    E: ExportRow,
    P: Send + 'static,
    F: Send + Sync + 'static,
    O: FnOnce(&mut PgConnection, &Viewer) -> AppResult<(Subject, F, Option<P>)> + Clone + Send + 'static,
    R: Fn(&mut PgConnection, &Viewer, &F, DateTime<Utc>, P) -> AppResult<Batch<E, P>> + Send + Sync + 'static,
{
    let format = Format::of(query.first("format"));
    let principal = authed.principal();
    query.check().map_err(AppError::BadRequest)?;
    let (viewer, (file, format, context, began, position)) = authed
        .write(move |conn, viewer| {
            let (subject, context, position) = open(conn, viewer)?;
            let format = format.map_err(AppError::BadRequest)?;
            let Subject { what, file, project, filters } = subject;
            let export = exports::Export { what, project, format: format.as_str(), filters };
            let began = exports::begin(conn, &principal(viewer), &export)?;
            Ok((file, format, context, began, position))
        })
        .await?;
    let role = viewer.role;
    let batch = move |conn: &mut PgConnection, viewer: &Viewer, position: P| {
        // Another role sees other rows: the rest would not be the rest.
        if viewer.role != role {
            return Err(AppError::NotFound);
        }
        let (rows, next) = read(conn, viewer, &context, began, position)?;
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(E::cells).collect();
        // Written on the blocking thread as well: rows become bytes before they pile up.
        Ok((Bytes::from(format.rows(E::COLUMNS, &rows)?), next))
    };
    let (batch, reader) = (Arc::new(batch), authed.reader());
    let mut head = format.head(E::COLUMNS)?;
    let next = match position {
        Some(position) => {
            let first = Arc::clone(&batch);
            let (rows, next) = reader.read(move |conn, viewer| first(conn, viewer, position)).await?;
            head.extend_from_slice(&rows);
            next
        }
        None => None,
    };
    let day = authed.app.clock.now().format("%Y-%m-%d");
    let name = format!("pilothouse-{file}-{day}.{}", format.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(streamed::body(reader, Bytes::from(head), next, move |conn, viewer, position| {
            batch(conn, viewer, position)
        })))
}

/// [`start`] for the list of `noun` as it is filtered: `page` reads it as its page does, and says of each row when it was
/// made. A filter that nobody can match has no row.
///
/// # Errors
/// 404 for whom `admits` refuses; otherwise as [`start`].
pub async fn list<E, F>(
    authed: &AuthedRequest,
    query: &Query,
    noun: &'static str,
    (admits, filter): (fn(&Viewer) -> bool, Option<F>),
    page: impl Fn(&mut PgConnection, &F, &PageStart<ListPosition>) -> QueryResult<Batch<Dated<E>, ListPosition>>
    + Send
    + Sync
    + 'static,
) -> AppResult<HttpResponse>
where
    E: ExportRow,
    F: Clone + Default + Send + Sync + 'static,
{
    let filters = filters(query);
    let open = move |_: &mut _, viewer: &Viewer| {
        if !admits(viewer) {
            return Err(AppError::NotFound);
        }
        let subject =
            Subject { what: format!("the list of {noun}"), file: noun.to_owned(), project: None, filters };
        let position = filter.is_some().then_some(PageStart::Start);
        Ok((subject, filter.unwrap_or_default(), position))
    };
    start(authed, query, open, move |conn, _, filter: &F, began, from| {
        let read = exports::database_now(conn)?;
        let (rows, next) = page(conn, filter, &from)?;
        let rows = rows.into_iter().filter(|(made_at, _)| exports::was_there(*made_at, began, read));
        Ok((rows.map(|(_, row)| row).collect(), next.map(PageStart::Beyond)))
    })
    .await
}

/// A row, and when its record was made.
pub type Dated<E> = (Option<DateTime<Utc>>, E);

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
