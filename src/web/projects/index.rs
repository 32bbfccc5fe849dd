//! `GET /projects`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
use crate::containers;
use crate::db::cursor::{Page, PageStart};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::deletion::{self, Tombstone};
use crate::projects::queries::{self, Filter, ProjectLine, Sort};
use crate::projects::{Kind, Status};
use crate::users::queries::Person;
use crate::web::display::Badge;
use crate::web::lists::{self, ListPage};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

const PATH: &str = "/projects";
/// How many projects are listed of which only the record is left.
const MOST_GONE: i64 = 50;

#[derive(Debug, Template)]
#[template(path = "projects/index.html")]
pub struct ProjectsPage {
    /// The frame.
    pub shell: Shell,
    pub list: ListPage,
    pub projects: Vec<ProjectRow>,
    /// Projects whose rows are gone, beside the deleted ones.
    pub gone: Vec<GoneRow>,
}

/// One project as tables show it.
#[derive(Debug, Clone)]
pub struct ProjectRow {
    pub id: String,
    /// Its page.
    pub url: String,
    pub name: String,
    pub owner: String,
    /// Its type.
    pub kind: String,
    /// Its state.
    pub badge: Badge,
    /// When that state was observed or written; None where it is not a container's.
    pub as_of: Option<Timestamp>,
    /// When something last happened to it.
    pub last_activity: Option<Timestamp>,
}

/// A project of which only the record is left.
#[derive(Debug, Clone)]
pub struct GoneRow {
    /// Its page.
    pub url: String,
    /// What it was called.
    pub name: String,
    /// When its row was removed.
    pub removed: Timestamp,
}

impl GoneRow {
    fn new(tombstone: &Tombstone, now: DateTime<Utc>, zone: Tz) -> Option<Self> {
        Some(Self {
            url: urls::project(tombstone.id.parse().ok()?),
            name: tombstone.name().to_owned(),
            removed: Timestamp::new(tombstone.deleted_at, now, zone),
        })
    }
}

impl ProjectRow {
    /// `line` as seen from `now` in `zone`.
    #[must_use]
    pub fn new(line: &ProjectLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let project = &line.project;
        let state =
            line.container.as_ref().map(|container| containers::Status::from_stored(&container.status));
        let status = Status::from_stored(project.status.as_deref());
        Self {
            id: project.id.to_string(),
            url: urls::project(project.id),
            name: project.name.clone(),
            owner: line.owner.as_ref().map_or("—", Person::display_name).to_owned(),
            kind: Kind::label(project.kind.as_deref().unwrap_or("—")).to_owned(),
            as_of: line
                .container
                .as_ref()
                .filter(|_| status == Status::Active)
                .and_then(|container| container.observed_at.or(container.updated_at))
                .map(|at| Timestamp::new(at, now, zone)),
            badge: badge(&status, state.as_ref()),
            last_activity: line.last_action_ms.map(|at| Timestamp::from_millis(at, now, zone)),
        }
    }
}

pub(super) fn filter(query: &Query) -> Filter {
    Filter {
        text: query.first("q").map(|text| text.trim().to_owned()),
        status: query.first("status").map(str::to_owned),
        kind: query.first("type").map(str::to_owned),
        owner: None,
        sort: match query.first("sort") {
            Some("name") => Sort::Name,
            Some("active") => Sort::Active,
            _ => Sort::Changed,
        },
    }
}

/// Shows the list.
///
/// # Errors
/// 400 for a position or limit that makes no sense.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let (limit, from, filter) = (lists::limit(&query)?, lists::from(&query)?, filter(&query));
    // What is gone for good belongs beside what is deleted, on its first page.
    let shows_gone = filter.status.as_deref() == Some("deleted") && from == PageStart::Start;
    let (viewer, (page, kinds, gone)) = authed
        .read(move |conn, _| {
            let gone = if shows_gone { deletion::gone(conn, MOST_GONE)? } else { Vec::new() };
            Ok((queries::page(conn, &filter, &from, limit)?, queries::kinds(conn)?, gone))
        })
        .await?;
    let now = authed.app.clock.now();
    let shell = authed.shell(&viewer, "Projects").with_breadcrumbs(vec![Crumb::here("Projects")]);
    let mut page = ProjectsPage::new(shell, &query, &page, &kinds, (now, viewer.zone));
    page.gone = gone.iter().filter_map(|tombstone| GoneRow::new(tombstone, now, viewer.zone)).collect();
    authed.page(StatusCode::OK, &page)
}

impl ProjectsPage {
    pub fn new(
        shell: Shell,
        query: &Query,
        page: &Page<ProjectLine>,
        kinds: &[String],
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let statuses = [
            ("", "Active and archived"),
            ("active", "Active"),
            ("archived", "Archived"),
            ("deleted", "Deleted"),
        ];
        let kinds = kinds.iter().map(|stored| (stored.as_str(), Kind::label(stored)));
        let sort = filter(query).sort;
        let list = ListPage::new(PATH, query)
            .with_filter(("status", "Status"), |value| format!("status {value}"), statuses)
            .with_filter(
                ("type", "Type"),
                |value| format!("type {}", Kind::label(value)),
                std::iter::once(("", "Any type")).chain(kinds),
            )
            .with_sorts([("", "Last changed first"), ("active", "Last active first"), ("name", "By name")])
            .with_page(page, ("project", "projects"), |line| line.position(sort));
        let projects = page.rows.iter().map(|line| ProjectRow::new(line, now, zone)).collect();
        Self { shell, list, projects, gone: Vec::new() }
    }
}
