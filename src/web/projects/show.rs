//! `GET /projects/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::head::ProjectHead;
use super::heat_map::HeatMap;
use super::project_id;
use crate::activity::{Filter, Scope, daily, timeline};
use crate::containers;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::identity::display_name;
use crate::projects::Kind;
use crate::projects::deletion::{self, ProjectOrTombstone};
use crate::projects::queries::{ContainerPart, ProjectView};
use crate::web::activity::display::{Day, DayItem, Running};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Badge, Fact};
use crate::web::escape::PageBudget;
use crate::web::sample::{HOSTILE, Sample};
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::urls;

/// A project's overview.
#[derive(Debug, Template)]
#[template(path = "projects/show.html")]
pub struct ProjectPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// What it is about.
    pub description: Option<String>,
    /// How much happened on each day of a year.
    pub heat: HeatMap,
    /// What runs now.
    pub running: Vec<Running>,
    /// The latest entries.
    pub days: Vec<Day>,
    /// All entries.
    pub activity_url: String,
    pub container: Option<ContainerCard>,
    /// Everything else.
    pub facts: Vec<Fact>,
    /// Whether only the record is left of it.
    pub is_gone: bool,
}

/// A project's container at a glance.
#[derive(Debug, Clone)]
pub struct ContainerCard {
    /// Its page.
    pub url: String,
    pub name: String,
    /// Its state.
    pub badge: Badge,
    /// Image, port, address.
    pub facts: Vec<Fact>,
}

impl ContainerCard {
    fn new(container: &ContainerPart) -> Self {
        let mut facts = vec![
            Fact::mono("Image", container.image_name.as_deref().unwrap_or("—")),
            Fact::mono(
                "Port",
                container.assigned_port.map_or_else(|| "—".to_owned(), |port| port.to_string()),
            ),
        ];
        if let Some(address) = &container.url {
            facts.push(Fact::address("Address", address));
        }
        Self {
            url: urls::container(container.id),
            name: container.name.clone(),
            badge: crate::web::containers::badge(&containers::Status::from_stored(&container.status)),
            facts,
        }
    }
}

/// Bytes that a description takes: forms take 5,000 characters, workers any number.
const MOST_DESCRIPTION: usize = 100_000;
/// How many entries the overview shows.
const LATEST: i64 = 10;

/// Shows the overview.
pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let now = authed.app.clock.now();
    let (viewer, (known, deletion, latest, year)) = authed
        .read(move |conn, viewer| {
            let known = deletion::project_or_tombstone(conn, id)?.ok_or(AppError::NotFound)?;
            let is_deleted = matches!(&known, ProjectOrTombstone::Project(project) if project.is_deleted());
            let deletion = if is_deleted { deletion::last(conn, id)? } else { None };
            let filter = Filter { limit: LATEST, ..Filter::none(viewer.zone) };
            let names = super::known(viewer, id, &known);
            let latest = timeline::page(conn, Scope::Project(id), &filter, &names, now.timestamp_millis())?;
            let year = daily::of_project(conn, id, &HeatMap::span(now, viewer.zone))?;
            Ok((known, deletion, latest, year))
        })
        .await?;
    let (zone, presenter) = (viewer.zone, TimelinePresenter::of(&viewer, now));
    let mut head = ProjectHead::of(&known, id, "", now, zone);
    if let Some(deletion) = &deletion {
        head = head.with_deletion(deletion, now, zone);
    }
    let row = match &known {
        ProjectOrTombstone::Project(project) => Some(project),
        ProjectOrTombstone::Tombstone(_) => None,
    };
    let page = ProjectPage {
        shell: authed.shell(&viewer, &head.name).with_breadcrumbs(head.crumbs(None)),
        description: row
            .and_then(|row| row.description.as_deref())
            .filter(|text| !text.trim().is_empty())
            .map(shown),
        heat: HeatMap::new(&year, &urls::project_part(id, "activity"), now, zone),
        running: latest.running.iter().map(|entry| presenter.running(entry)).collect(),
        days: presenter.days(&latest),
        activity_url: urls::project_part(id, "activity"),
        container: row.and_then(|row| row.container.as_ref()).map(ContainerCard::new),
        facts: row.map_or_else(|| vec![Fact::mono("Id", id.to_string())], |row| facts(row, now, zone)),
        is_gone: row.is_none(),
        project: head,
    };
    authed.page(StatusCode::OK, &page)
}

/// A description as far as a page holds it.
fn shown(description: &str) -> String {
    match PageBudget::of(MOST_DESCRIPTION).fit(description) {
        (beginning, true) => format!("{beginning}…"),
        (whole, false) => whole.to_owned(),
    }
}

fn facts(project: &ProjectView, now: DateTime<Utc>, zone: Tz) -> Vec<Fact> {
    let mut facts = vec![Fact::text("Type", Kind::label(project.kind.as_deref().unwrap_or("—")))];
    if let Some((_, name, email)) = &project.owner {
        facts.push(Fact::text("Owner", display_name(name.as_deref(), email)));
    }
    for (label, at) in [("Created", project.created_at), ("Changed", project.updated_at)] {
        facts.extend(at.map(|at| Fact::text(label, Timestamp::new(at, now, zone).exact)));
    }
    facts.push(Fact::mono("Id", project.id.to_string()));
    facts
}

impl Sample for ProjectPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, container: Option<ContainerCard>| Self {
            shell: Shell::sample("Project"),
            project: ProjectHead::sample(name),
            description: Some(name.to_owned()),
            heat: HeatMap::sample(&[0, 1, 2, 40, 7]),
            running: Vec::new(),
            days: Vec::new(),
            activity_url: "/projects/x/activity".to_owned(),
            container,
            facts: vec![Fact::mono(name, name)],
            is_gone: false,
        };
        let card = ContainerCard {
            url: "/containers/x".to_owned(),
            name: HOSTILE.to_owned(),
            badge: crate::web::containers::badge(&containers::Status::Other(HOSTILE.to_owned())),
            facts: vec![Fact::mono(HOSTILE, HOSTILE)],
        };
        vec![
            ("without a container", page("shop-api", None)),
            ("hostile", page(HOSTILE, Some(card))),
            ("gone", Self { is_gone: true, ..page(HOSTILE, None) }),
        ]
    }
}
