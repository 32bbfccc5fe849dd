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
use crate::identity::display_name;
use crate::projects::deletion::{self, Tombstone};
use crate::projects::queries::{self, Filter, ProjectLine, Sort};
use crate::projects::{Kind, Status};
use crate::web::display::{Badge, Chips, Choice, HiddenField, Pager};
use crate::web::sample::{HOSTILE, Sample, endless};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{export, lists, urls};

const PATH: &str = "/projects";
/// How many projects are listed of which only the record is left.
const MOST_GONE: i64 = 50;

#[derive(Debug, Template)]
#[template(path = "projects/index.html")]
pub struct ProjectsPage {
    /// The frame.
    pub shell: Shell,
    /// What was searched for.
    pub q: String,
    /// The status filter.
    pub statuses: Vec<Choice>,
    pub types: Vec<Choice>,
    /// The order.
    pub sorts: Vec<Choice>,
    /// The filters that are on.
    pub chips: Chips,
    pub projects: Vec<ProjectRow>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Projects whose rows are gone, beside the deleted ones.
    pub gone: Vec<GoneRow>,
    /// Where the list can be exported.
    pub export_url: String,
    /// What the export needs to know.
    pub export_fields: Vec<HiddenField>,
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
        let container = line.container_status.as_deref().map(containers::Status::from_stored);
        let status = Status::from_stored(line.status.as_deref());
        Self {
            id: line.id.to_string(),
            url: urls::project(line.id),
            name: line.name.clone(),
            owner: display_name(line.owner_name.as_deref(), line.owner_email.as_deref().unwrap_or("—"))
                .to_owned(),
            kind: Kind::label(line.kind.as_deref().unwrap_or("—")).to_owned(),
            as_of: container
                .as_ref()
                .filter(|_| status == Status::Active)
                .and_then(|_| line.container_observed_at.or(line.container_updated_at))
                .map(|at| Timestamp::new(at, now, zone)),
            badge: badge(&status, container.as_ref()),
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
    let sort = filter.sort;
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
    let mut page = ProjectsPage::new(shell, &query, &page, &kinds, sort, (now, viewer.zone));
    page.gone = gone.iter().filter_map(|tombstone| GoneRow::new(tombstone, now, viewer.zone)).collect();
    authed.page(StatusCode::OK, &page)
}

impl ProjectsPage {
    fn new(
        shell: Shell,
        query: &Query,
        page: &Page<ProjectLine>,
        kinds: &[String],
        sort: Sort,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let chosen = |name: &str| query.first(name).unwrap_or_default().to_owned();
        let status = chosen("status");
        let statuses = std::iter::once(("", "Active and archived"))
            .chain([("active", "Active"), ("archived", "Archived"), ("deleted", "Deleted")])
            .map(|(value, label)| Choice::new(value, label, &status))
            .collect();
        let kind = chosen("type");
        let types = std::iter::once(Choice::new("", "Any type", &kind))
            .chain(kinds.iter().map(|stored| Choice::new(stored, Kind::label(stored), &kind)))
            .collect();
        let order = match sort {
            Sort::Changed => "",
            Sort::Name => "name",
            Sort::Active => "active",
        };
        let sorts = [("", "Last changed first"), ("active", "Last active first"), ("name", "By name")]
            .map(|(value, label)| Choice::new(value, label, order))
            .to_vec();
        let chips = lists::chips(
            PATH,
            query,
            &[
                ("q", &|value| format!("“{value}”")),
                ("status", &|value| format!("status {value}")),
                ("type", &|value| format!("type {}", Kind::label(value))),
            ],
        );
        Self {
            shell,
            q: chosen("q"),
            statuses,
            types,
            sorts,
            chips,
            pager: lists::pager(PATH, query, page, ("project", "projects"), |line| line.position(sort)),
            projects: page.rows.iter().map(|line| ProjectRow::new(line, now, zone)).collect(),
            gone: Vec::new(),
            export_url: urls::export_of(PATH),
            export_fields: export::hidden(export::filters(query)),
        }
    }
}

/// Rows for samples: plain, hostile, endless.
pub(in crate::web) fn sample_rows() -> Vec<ProjectRow> {
    ["shop-api", HOSTILE, &endless(200)]
        .map(|name| ProjectRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/projects/6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            name: name.to_owned(),
            owner: name.to_owned(),
            kind: name.to_owned(),
            badge: badge(&Status::Other(name.to_owned()), None),
            as_of: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
            last_activity: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
        })
        .to_vec()
}

impl Sample for ProjectsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: Query, projects: Vec<ProjectRow>| {
            let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
            let shell = Shell::sample("Projects");
            let now = (DateTime::UNIX_EPOCH, Tz::UTC);
            Self { projects, ..Self::new(shell, &query, &none, &[HOSTILE.to_owned()], Sort::Changed, now) }
        };
        let gone = GoneRow {
            url: "/projects/x".to_owned(),
            name: HOSTILE.to_owned(),
            removed: Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC),
        };
        let hostile = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", page(Query::default(), Vec::new())),
            ("nothing matches", page(hostile.clone(), Vec::new())),
            ("hostile", page(hostile.clone(), sample_rows())),
            ("gone", Self { gone: vec![gone], ..page(hostile, Vec::new()) }),
        ]
    }
}
