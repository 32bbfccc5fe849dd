//! `GET /containers`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
use super::head::as_of;
use crate::containers::queries::{self, ContainerLine, Filter, Sort};
use crate::containers::{Status, Verb};
use crate::db::cursor::Page;
use crate::engine::Standing;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::display_name;
use crate::web::display::{Badge, Chips, Choice, HiddenField, Link, Pager};
use crate::web::sample::{HOSTILE, Sample, endless};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{export, lists, urls};

const PATH: &str = "/containers";

#[derive(Debug, Template)]
#[template(path = "containers/index.html")]
pub struct ContainersPage {
    /// The frame.
    pub shell: Shell,
    /// What was searched for.
    pub q: String,
    /// The status filter.
    pub statuses: Vec<Choice>,
    /// The order.
    pub sorts: Vec<Choice>,
    /// The filters that are on.
    pub chips: Chips,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Where the list can be exported.
    pub export_url: String,
    /// What the export needs to know.
    pub export_fields: Vec<HiddenField>,
    /// Why nothing can be done to them.
    pub engine_note: String,
    /// What can be done to several at once.
    pub verbs: [Verb; 4],
    pub containers: Vec<ContainerRow>,
}

/// One container as the list shows it.
#[derive(Debug, Clone)]
pub struct ContainerRow {
    pub id: String,
    /// Its page.
    pub url: String,
    pub name: String,
    pub image: String,
    /// Its published port.
    pub ports: String,
    /// Its state.
    pub badge: Badge,
    /// Its state in the table's word.
    pub state: String,
    /// Who says so: "reported" by a worker, or "observed" at the engine.
    pub source: &'static str,
    /// When that was.
    pub observed: Option<Timestamp>,
    /// What runs in it.
    pub project: Option<Link>,
    pub owner: String,
}

impl ContainerRow {
    fn new(line: &ContainerLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let (source, at) = as_of(line.observed_at.max(line.swept_at), line.updated_at);
        Self {
            id: line.id.to_string(),
            url: urls::container(line.id),
            name: line.name.clone(),
            image: line.image_name.clone().unwrap_or_else(|| "—".to_owned()),
            ports: line.assigned_port.map(|port| port.to_string()).unwrap_or_default(),
            badge: badge(&Status::from_stored(&line.status)),
            state: line.status.clone(),
            source,
            observed: at.map(|at| Timestamp::new(at, now, zone)),
            project: line
                .project_id
                .zip(line.project_name.clone())
                .map(|(id, name)| Link::new(name, urls::project(id))),
            owner: display_name(line.owner_name.as_deref(), line.owner_email.as_deref().unwrap_or("—"))
                .to_owned(),
        }
    }
}

pub(super) fn filter(query: &Query) -> Filter {
    Filter {
        text: query.first("q").map(|text| text.trim().to_owned()),
        status: query.first("status").map(str::to_owned),
        owner: None,
        sort: if query.first("sort") == Some("name") { Sort::Name } else { Sort::Newest },
    }
}

/// Shows the list.
///
/// # Errors
/// 400 for a position or limit that makes no sense.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let (limit, from) = (lists::limit(&query)?, lists::from(&query)?);
    let filter = filter(&query);
    let sort = filter.sort;
    let (viewer, page) = authed.read(move |conn, _| Ok(queries::page(conn, &filter, &from, limit)?)).await?;
    let now = authed.app.clock.now();
    let shell = authed.shell(&viewer, "Containers").with_breadcrumbs(vec![Crumb::here("Containers")]);
    let mut page = ContainersPage::new(shell, &query, &page, sort, (now, viewer.zone));
    page.engine_note = engine_note(&authed.app.engine.last_standing());
    authed.page(StatusCode::OK, &page)
}

/// Where the states come from. Asks nobody: the list waits for no engine.
fn engine_note(standing: &Standing) -> String {
    match standing {
        Standing::Here { .. } => {
            "States that an engine showed say “observed”, others are what workers reported.".to_owned()
        }
        Standing::Unknown => {
            "No container engine has answered yet: states are as they were last written.".to_owned()
        }
        Standing::Away { .. } => standing.obstacle().unwrap_or_default(),
    }
}

impl ContainersPage {
    fn new(
        shell: Shell,
        query: &Query,
        page: &Page<ContainerLine>,
        sort: Sort,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let chosen = |name: &str| query.first(name).unwrap_or_default().to_owned();
        let status = chosen("status");
        let statuses = std::iter::once(Choice::new("", "All but deleted", &status))
            .chain(Status::KNOWN.iter().map(|known| Choice::new(known.as_str(), known.as_str(), &status)))
            .collect();
        let order = if sort == Sort::Name { "name" } else { "" };
        Self {
            shell,
            q: chosen("q"),
            statuses,
            sorts: [("", "Newest first"), ("name", "By name")]
                .map(|(value, label)| Choice::new(value, label, order))
                .to_vec(),
            chips: lists::chips(
                PATH,
                query,
                &[("q", &|value| format!("“{value}”")), ("status", &|value| format!("status {value}"))],
            ),
            pager: lists::pager(PATH, query, page, ("container", "containers"), |line| line.position(sort)),
            export_url: urls::export_of(PATH),
            export_fields: export::hidden(export::filters(query)),
            engine_note: String::new(),
            verbs: Verb::ALL,
            containers: page.rows.iter().map(|line| ContainerRow::new(line, now, zone)).collect(),
        }
    }
}

impl Sample for ContainersPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let rows = ["shop-api", HOSTILE, &endless(200)].map(|name| ContainerRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/containers/x".to_owned(),
            name: name.to_owned(),
            image: name.to_owned(),
            ports: "4021".to_owned(),
            badge: badge(&Status::Other(name.to_owned())),
            state: name.to_owned(),
            source: "reported",
            observed: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
            project: Some(Link::new(name, "/projects/x")),
            owner: name.to_owned(),
        });
        let page = |query: Query, containers: Vec<ContainerRow>| {
            let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
            let shell = Shell::sample("Containers");
            Self {
                containers,
                ..Self::new(shell, &query, &none, Sort::Newest, (DateTime::UNIX_EPOCH, Tz::UTC))
            }
        };
        let hostile = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", page(Query::default(), Vec::new())),
            ("nothing matches", page(hostile.clone(), Vec::new())),
            ("hostile", page(hostile, rows.to_vec())),
        ]
    }
}
