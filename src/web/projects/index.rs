//! `GET /projects`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
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
use crate::web::{state, urls};

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
    /// Whether the last column tells when each was changed, in place of when something happened.
    pub is_by_change: bool,
    /// Where archived ones are listed as well, when something was looked for or there is nothing to list without them.
    pub others_url: Option<String>,
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
    /// Whether that is long ago.
    pub is_old: bool,
    /// When something last happened to it.
    pub last_activity: Option<Timestamp>,
    /// When it was last changed.
    pub changed: Option<Timestamp>,
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
        let seen_at =
            line.container.as_ref().and_then(|container| container.observed_at.or(container.updated_at));
        let container = line.container.as_ref().map(|container| (container.status.as_str(), seen_at));
        let status = Status::from_stored(project.status.as_deref());
        Self {
            id: project.id.to_string(),
            url: urls::project(project.id),
            name: project.name.clone(),
            owner: line.owner.as_ref().map_or("—", Person::display_name).to_owned(),
            kind: Kind::label(project.kind.as_deref().unwrap_or("—")).to_owned(),
            as_of: seen_at
                .filter(|_| container.is_some() && status == Status::Active)
                .map(|at| Timestamp::new(at, now, zone)),
            is_old: state::is_old(seen_at, now),
            badge: badge(&status, container, now),
            last_activity: line.last_action_ms.map(|at| Timestamp::from_millis(at, now, zone)),
            changed: project.updated_at.map(|at| Timestamp::new(at, now, zone)),
        }
    }
}

/// In the address: every status but deleted.
const ANY: &str = "any";

pub(super) fn filter(query: &Query) -> Filter {
    Filter {
        text: query.first("q").map(|text| text.trim().to_owned()),
        status: Some(query.first("status").unwrap_or("active").to_owned()).filter(|status| status != ANY),
        kind: query.first("type").map(str::to_owned),
        owner: None,
        sort: match query.first("sort") {
            Some("name") => Sort::Name,
            Some("changed") => Sort::Changed,
            _ => Sort::Active,
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
    let shell =
        authed.shell(&viewer, "Projects").watching_all().with_breadcrumbs(vec![Crumb::here("Projects")]);
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
        let statuses =
            [("", "Active"), ("archived", "Archived"), (ANY, "Active and archived"), ("deleted", "Deleted")];
        let types = kinds.iter().map(|stored| (stored.as_str(), Kind::label(stored)));
        let Filter { sort, .. } = filter(query);
        let list = ListPage::new(PATH, query)
            .with_filter(
                ("status", "Status"),
                |value| match value {
                    ANY => "active and archived".to_owned(),
                    other => format!("status {other}"),
                },
                statuses,
            )
            .with_filter(
                ("type", "Type"),
                |value| format!("type {}", Kind::label(value)),
                std::iter::once(("", "Any type")).chain(types),
            )
            .with_sorts([("", "Last active first"), ("changed", "Last changed first"), ("name", "By name")])
            .with_page(page, ("project", "projects"), |line| line.position(sort));
        // Types of projects that are not listed are projects, too.
        let leaves_out = query.first("status").is_none_or(|status| status.is_empty() || status == "active");
        let is_wanting = page.rows.is_empty() || query.first("q").is_some();
        let others_url = (leaves_out && is_wanting && !kinds.is_empty()).then(|| {
            let mut pairs = query.without(&["status", "before", "after"]);
            pairs.push(("status".to_owned(), ANY.to_owned()));
            urls::with_query(PATH, &pairs)
        });
        let projects = page.rows.iter().map(|line| ProjectRow::new(line, now, zone)).collect();
        Self { shell, list, projects, is_by_change: sort == Sort::Changed, others_url, gone: Vec::new() }
    }
}
