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
use crate::identity::display_name;
use crate::projects::deletion::{self, Tombstone};
use crate::projects::queries::{self, Filter, ProjectLine, Sort};
use crate::projects::{Kind, Status};
use crate::web::display::{Badge, Chips, Choice, HiddenField, Pager};
use crate::web::sample::{HOSTILE, Sample, endless};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{export, lists, state, urls};

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
    /// Whether the last column tells when each was changed, in place of when something happened.
    pub is_by_change: bool,
    /// Where archived ones are listed as well, when something was looked for or there is nothing to list without them.
    pub others_url: Option<String>,
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
        let seen_at = line.container_observed_at.or(line.container_updated_at);
        let container = line.container_status.as_deref().map(|word| (word, seen_at));
        let status = Status::from_stored(line.status.as_deref());
        Self {
            id: line.id.to_string(),
            url: urls::project(line.id),
            name: line.name.clone(),
            owner: display_name(line.owner_name.as_deref(), line.owner_email.as_deref().unwrap_or("—"))
                .to_owned(),
            kind: Kind::label(line.kind.as_deref().unwrap_or("—")).to_owned(),
            as_of: seen_at
                .filter(|_| container.is_some() && status == Status::Active)
                .map(|at| Timestamp::new(at, now, zone)),
            is_old: state::is_old(seen_at, now),
            badge: badge(&status, container, now),
            last_activity: line.last_action_ms.map(|at| Timestamp::from_millis(at, now, zone)),
            changed: line.updated_at.map(|at| Timestamp::new(at, now, zone)),
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
    let shell = authed.shell(&viewer, "Projects").with_breadcrumbs(vec![Crumb::here("Projects")]);
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
        let status = if status == "active" { "" } else { &status };
        let statuses =
            [("", "Active"), ("archived", "Archived"), (ANY, "Active and archived"), ("deleted", "Deleted")]
                .map(|(value, label)| Choice::new(value, label, status))
                .to_vec();
        let kind = chosen("type");
        let types = std::iter::once(Choice::new("", "Any type", &kind))
            .chain(kinds.iter().map(|stored| Choice::new(stored, Kind::label(stored), &kind)))
            .collect();
        let order = match sort {
            Sort::Active => "",
            Sort::Changed => "changed",
            Sort::Name => "name",
        };
        let sorts = [("", "Last active first"), ("changed", "Last changed first"), ("name", "By name")]
            .map(|(value, label)| Choice::new(value, label, order))
            .to_vec();
        let chips = lists::chips(
            PATH,
            query,
            &[
                ("q", &|value| format!("“{value}”")),
                ("status", &|value| match value {
                    ANY => "active and archived".to_owned(),
                    other => format!("status {other}"),
                }),
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
            is_by_change: sort == Sort::Changed,
            // Types of projects that are not listed are projects, too.
            others_url: ((page.rows.is_empty() || query.first("q").is_some())
                && status.is_empty()
                && !kinds.is_empty())
            .then(|| {
                let mut pairs = query.without(&["status", "before", "after"]);
                pairs.push(("status".to_owned(), ANY.to_owned()));
                urls::with_query(PATH, &pairs)
            }),
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
            badge: state::badge(name),
            is_old: true,
            as_of: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
            last_activity: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
            changed: None,
        })
        .to_vec()
}

impl Sample for ProjectsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: Query, projects: Vec<ProjectRow>| {
            let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
            let shell = Shell::sample("Projects");
            let now = (DateTime::UNIX_EPOCH, Tz::UTC);
            Self { projects, ..Self::new(shell, &query, &none, &[HOSTILE.to_owned()], Sort::Active, now) }
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
            (
                "only archived ones",
                Self {
                    others_url: Some("/projects?status=any".to_owned()),
                    ..page(Query::default(), Vec::new())
                },
            ),
            ("gone", Self { gone: vec![gone], ..page(hostile, Vec::new()) }),
        ]
    }
}
