//! `GET /projects/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::deployed::DeployedRow;
use super::head::ProjectHead;
use super::heat_map::HeatMap;
use super::project_id;
use crate::activity::{Filter, Scope, daily, deployed, timeline};
use crate::chat::knowing::{self, CostOfDay};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::projects::Kind;
use crate::projects::deletion::{self, ProjectOrTombstone};
use crate::projects::queries::{ContainerPart, ProjectView};
use crate::web::activity::display::{Day, DayItem, Running};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Badge, Fact, grouped};
use crate::web::escape::PageBudget;
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::{state, urls};

/// A project's overview.
#[derive(Debug, Template)]
#[template(path = "projects/show.html")]
pub struct ProjectPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// What it is about.
    pub description: Option<String>,
    /// What runs in each environment.
    pub deployed: Vec<DeployedRow>,
    /// How much happened on each day of a year.
    pub heat: HeatMap,
    /// What runs now.
    pub running: Vec<Running>,
    /// The latest entries.
    pub days: Vec<Day>,
    /// All entries.
    pub activity_url: String,
    pub container: Option<ContainerCard>,
    /// What answers in its chat cost, by day.
    pub costs: Vec<CostRow>,
    pub insights_url: String,
    /// Everything else.
    pub facts: Vec<Fact>,
    /// Whether only the record is left of it.
    pub is_gone: bool,
}

/// What answers of a day cost.
#[derive(Debug, Clone)]
pub struct CostRow {
    pub date: String,
    /// "28 Nov"
    pub day: String,
    pub answers: String,
    pub tokens: String,
    /// "$0.0123", or that nobody knows.
    pub cost: String,
}

impl CostRow {
    #[must_use]
    pub fn new(cost: &CostOfDay) -> Self {
        let dollars = cost.dollars.as_deref().map(|dollars| match dollars.split_once('.') {
            Some(_) => format!("${}", dollars.trim_end_matches('0').trim_end_matches('.')),
            None => format!("${dollars}"),
        });
        Self {
            date: cost.day.to_string(),
            day: cost.day.format("%-d %b").to_string(),
            answers: grouped(cost.answers),
            tokens: grouped(cost.input_tokens.saturating_add(cost.output_tokens)),
            cost: dollars.unwrap_or_else(|| "—".to_owned()),
        }
    }
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
    fn new(container: &ContainerPart, now: DateTime<Utc>) -> Self {
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
            badge: state::observed(&container.status, container.observed_at.or(container.updated_at), now),
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
    let (viewer, (known, deletion, latest, year, (deployed, costs))) = authed
        .read(move |conn, viewer| {
            let known = deletion::project_or_tombstone(conn, id)?.ok_or(AppError::NotFound)?;
            let is_deleted = matches!(&known, ProjectOrTombstone::Project(project) if project.is_deleted());
            let deletion = if is_deleted { deletion::last(conn, id)? } else { None };
            let filter = Filter { limit: LATEST, ..Filter::none(viewer.zone) };
            let names = super::known(viewer, id, &known);
            let latest = timeline::page(conn, Scope::Project(id), &filter, &names, now.timestamp_millis())?;
            let year = daily::of_project(conn, id, &HeatMap::span(now, viewer.zone))?;
            let deployed = deployed::of_project(conn, id)?;
            Ok((known, deletion, latest, year, (deployed, knowing::costs(conn, id, now)?)))
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
    let activity_url = urls::project_part(id, "activity");
    let page = ProjectPage {
        shell: authed.shell(&viewer, &head.name).watching_project(id).with_breadcrumbs(head.crumbs(None)),
        description: row
            .and_then(|row| row.description.as_deref())
            .filter(|text| !text.trim().is_empty())
            .map(shown),
        deployed: deployed.iter().map(|one| DeployedRow::new(one, &activity_url, &presenter)).collect(),
        heat: HeatMap::new(&year, &activity_url, now, zone),
        running: latest.running.iter().map(|entry| presenter.running(entry)).collect(),
        days: presenter.days(&latest),
        activity_url,
        container: row.and_then(|row| row.container.as_ref()).map(|part| ContainerCard::new(part, now)),
        facts: row.map_or_else(|| vec![Fact::id("Id", id.to_string())], |row| facts(row, now, zone)),
        costs: costs.iter().map(CostRow::new).collect(),
        insights_url: urls::project_part(id, "insights"),
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
    let kind = Kind::label(project.kind.as_deref().unwrap_or("—"));
    let mut facts = vec![Fact::text("Name", &project.name), Fact::text("Type", kind)];
    if let Some(owner) = &project.owner {
        facts.push(Fact::text("Owner", owner.display_name()));
    }
    for (label, at) in [("Created", project.created_at), ("Changed", project.updated_at)] {
        facts.extend(at.map(|at| Fact::text(label, Timestamp::new(at, now, zone).exact)));
    }
    facts.push(Fact::id("Id", project.id.to_string()));
    facts
}
