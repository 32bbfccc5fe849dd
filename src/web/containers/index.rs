//! `GET /containers`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::head::as_of;
use crate::containers::queries::{self, ContainerLine, Filter, Sort};
use crate::containers::{Status, Verb};
use crate::db::cursor::Page;
use crate::engine::Standing;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::users::queries::Person;
use crate::web::display::{Badge, Link};
use crate::web::lists::{self, ListPage};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{state, urls};

const PATH: &str = "/containers";

#[derive(Debug, Template)]
#[template(path = "containers/index.html")]
pub struct ContainersPage {
    /// The frame.
    pub shell: Shell,
    pub list: ListPage,
    /// Why nothing can be done to them.
    pub engine_note: String,
    /// What can be done to several at once.
    pub verbs: Vec<Verb>,
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
    #[must_use]
    pub fn new(line: &ContainerLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let container = &line.container;
        let (source, at) = as_of(container.observed_at.max(container.swept_at), container.updated_at);
        Self {
            id: container.id.to_string(),
            url: urls::container(container.id),
            name: container.name.clone(),
            image: container.image_name.clone().unwrap_or_else(|| "—".to_owned()),
            ports: container.assigned_port.map(|port| port.to_string()).unwrap_or_default(),
            badge: state::observed(&container.status, at, now),
            state: container.status.clone(),
            source,
            observed: at.map(|at| Timestamp::new(at, now, zone)),
            project: line
                .project_id
                .zip(line.project_name.clone())
                .map(|(id, name)| Link::new(name, urls::project(id))),
            owner: line.owner.as_ref().map_or("—", Person::display_name).to_owned(),
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
    let (viewer, page) = authed.read(move |conn, _| Ok(queries::page(conn, &filter, &from, limit)?)).await?;
    let now = authed.app.clock.now();
    let shell =
        authed.shell(&viewer, "Containers").watching_all().with_breadcrumbs(vec![Crumb::here("Containers")]);
    let mut page = ContainersPage::new(shell, &query, &page, (now, viewer.zone));
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
    pub fn new(
        shell: Shell,
        query: &Query,
        page: &Page<ContainerLine>,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let statuses = Status::KNOWN.iter().map(|known| (known.as_str(), known.as_str()));
        let sort = filter(query).sort;
        let list = ListPage::new(PATH, query)
            .with_filter(
                ("status", "Status"),
                |value| format!("status {value}"),
                std::iter::once(("", "Not deleted")).chain(statuses),
            )
            .with_sorts([("", "Newest first"), ("name", "By name")])
            .with_page(page, ("container", "containers"), |line| line.position(sort));
        let containers = page.rows.iter().map(|line| ContainerRow::new(line, now, zone)).collect();
        Self { shell, list, engine_note: String::new(), verbs: several(), containers }
    }
}

/// What can be done to several at once.
#[must_use]
pub fn several() -> Vec<Verb> {
    Verb::ALL.into_iter().filter(|verb| verb.is_for_several()).collect()
}
