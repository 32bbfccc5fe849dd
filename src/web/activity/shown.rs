//! What a request asks of a timeline, read in one transaction: a page of it, or something instead.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};

use super::form::{self, Asked};
use super::presenter::TimelinePresenter;
use super::{TimelineView, choices};
use crate::activity::options::{self, Choice, Options};
use crate::activity::timeline::{self, Known, TimelinePage, WordColumn};
use crate::activity::{Filter, Scope, TimelineCursor};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::web::shell::Crumb;
use crate::web::urls;

/// A page of a timeline, before it is put into words.
#[derive(Debug)]
pub struct Shown {
    pub filter: Box<Filter>,
    /// What of the address makes no sense.
    pub complaint: Option<String>,
    pub page: TimelinePage,
    pub options: Options,
    /// The key of the entry that a link points at.
    pub here: Option<String>,
}

/// What is shown instead of a page.
#[derive(Debug)]
pub enum Instead {
    /// All that a filter may ask for.
    Choices(Box<Filter>, WordColumn, Vec<Choice>),
    /// A form that means the page at this address.
    Elsewhere(String),
}

impl Shown {
    /// The page of `scope` at `path`.
    pub fn read(
        conn: &mut PgConnection,
        viewer: &Viewer,
        query: &Query,
        path: &str,
        (scope, known): (Scope, &Known),
        now: DateTime<Utc>,
    ) -> AppResult<Result<Self, Instead>> {
        let all = |conn: &mut PgConnection, column| options::all(conn, scope, column);
        let (filter, complaint) = match filter_of(conn, viewer, query, path, all)? {
            Ok(asked) => asked,
            Err(instead) => return Ok(Err(instead)),
        };
        let page = timeline::page(conn, scope, &filter, known, now.timestamp_millis())?;
        let options = Options::of_page(conn, &filter, &page)?;
        Ok(Ok(Self { filter, complaint, page, options, here: here(query) }))
    }

    pub fn view(self, path: &str, presenter: TimelinePresenter) -> TimelineView {
        let presenter = presenter.pointed_at(self.here);
        TimelineView::new(path, &self.filter, self.options, &self.page, &presenter).with(self.complaint)
    }
}

impl Instead {
    /// `crumbs` lead to the timeline at `path`.
    pub fn answer(
        self,
        authed: &AuthedRequest,
        viewer: &Viewer,
        path: &str,
        crumbs: Vec<Crumb>,
    ) -> AppResult<HttpResponse> {
        match self {
            Self::Elsewhere(address) => Ok(urls::see_other(&address)),
            Self::Choices(filter, column, all) => {
                choices::show(authed, viewer, (path, &filter), column, all, crumbs)
            }
        }
    }
}

/// A filter with what of it makes no sense, or what is shown instead.
type Read = Result<(Box<Filter>, Option<String>), Instead>;

/// The filter of the page at `path`, and what of the address makes no sense; `all` reads the words of one column.
pub fn filter_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    query: &Query,
    path: &str,
    all: impl FnOnce(&mut PgConnection, WordColumn) -> QueryResult<Vec<Choice>>,
) -> AppResult<Read> {
    let (filter, complaint) = match form::read(conn, viewer, query, path)? {
        Asked::Here(filter, complaint) => (filter, complaint),
        Asked::Elsewhere(address) => return Ok(Err(Instead::Elsewhere(address))),
    };
    match choices::asked(query) {
        Some(column) => Ok(Err(Instead::Choices(filter, column, all(conn, column)?))),
        None => Ok(Ok((filter, complaint))),
    }
}

/// The key of the entry that a link around it points at; older links name it apart.
pub fn here(query: &Query) -> Option<String> {
    let named = query.first("at").map(str::to_owned);
    named.or_else(|| Some(query.first("around")?.parse::<TimelineCursor>().ok()?.key()))
}
