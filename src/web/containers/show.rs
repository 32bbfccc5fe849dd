//! `GET /containers/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::head::ContainerHead;
use super::runs::{RunStrip, shown_since};
use crate::activity::timeline::Known;
use crate::activity::{Filter, Reference, Scope, timeline};
use crate::containers::Status;
use crate::containers::queries::{self, ContainerView};
use crate::db::ids::{ContainerId, ProjectId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::observations::runs;
use crate::operations;
use crate::web::activity::display::{Day, DayItem};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Fact, grouped};
use crate::web::escape::PageBudget;
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::urls;

#[derive(Debug, Template)]
#[template(path = "containers/show.html")]
pub struct ContainerPage {
    /// The frame.
    pub shell: Shell,
    pub container: ContainerHead,
    /// Whether this console made it; workers reported it otherwise.
    pub is_made_here: bool,
    /// What is on record of it.
    pub reported: Panel,
    /// What the engine last said of it.
    pub observed: Panel,
    /// Who and what it is: nothing that changes.
    pub facts: Vec<Fact>,
    /// What it is marked with.
    pub labels: Vec<Fact>,
    /// What workers keep with it.
    pub metadata: Option<String>,
    pub projects: Vec<ProjectLinks>,
    /// When it ran.
    pub strip: RunStrip,
    /// What happened to it lately.
    pub days: Vec<Day>,
    /// All that happened to it.
    pub activity_url: String,
}

/// Facts of one source.
#[derive(Debug, Clone)]
pub struct Panel {
    /// When they were noted.
    pub as_of: Option<Timestamp>,
    pub facts: Vec<Fact>,
}

/// A project in the container, and where its conversations and files are.
#[derive(Debug, Clone)]
pub struct ProjectLinks {
    pub name: String,
    /// Its page.
    pub url: String,
    /// Its conversations.
    pub chat_url: String,
    pub files_url: String,
}

impl ProjectLinks {
    pub fn new(id: ProjectId, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: urls::project(id),
            chat_url: urls::project_part(id, "chat"),
            files_url: urls::project_part(id, "files"),
        }
    }
}

pub(super) fn container_id(path: &Path<String>) -> AppResult<ContainerId> {
    path.parse().map_err(|_| AppError::NotFound)
}

/// Labels that the page shows, and bytes that JSON takes on it.
const MOST_LABELS: usize = 100;
const MOST_JSON: usize = 100_000;
/// How many entries the page shows.
const LATEST: i64 = 10;

/// Shows the container.
pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = container_id(&path)?;
    let now = authed.app.clock.now();
    let (viewer, (container, projects, (under_way, is_made_here), latest, found)) = authed
        .read(move |conn, viewer| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let reference = Reference { key: "container_id".to_owned(), value: id.to_string() };
            let filter = Filter { limit: LATEST, reference: Some(reference), ..Filter::none(viewer.zone) };
            let latest =
                timeline::page(conn, Scope::of(viewer), &filter, &Known::by(viewer), now.timestamp_millis())?;
            let operated = operations::queries::under_way_and_made(conn, id)?;
            let runs = runs::since(conn, id, &container.engine_id, shown_since(now))?;
            Ok((container, queries::projects_in(conn, id)?, operated, latest, runs))
        })
        .await?;
    let head = ContainerHead::new(
        &container,
        &projects,
        "",
        (&authed.app.engine.last_standing(), under_way.as_ref()),
        (now, viewer.zone),
    );
    let shell =
        authed.shell(&viewer, &container.name).watching_container(id).with_breadcrumbs(head.crumbs(None));
    let shell = projects.iter().fold(shell, |shell, (id, _)| shell.watching_project(*id));
    let mut page = ContainerPage::new(shell, head, &container, (now, viewer.zone));
    page.is_made_here = is_made_here;
    page.projects = projects.iter().map(|(id, name)| ProjectLinks::new(*id, name)).collect();
    page.strip = RunStrip::new(&found, &Status::from_stored(&container.status), now, viewer.zone);
    page.days = TimelinePresenter::of(&viewer, now).days(&latest);
    authed.page(StatusCode::OK, &page)
}

impl ContainerPage {
    fn new(
        shell: Shell,
        head: ContainerHead,
        container: &ContainerView,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let dash = || "—".to_owned();
        let mut facts = vec![
            Fact::text("Name", &container.name),
            Fact::id("Container id", &container.engine_id),
            Fact::id("Record", container.id.to_string()),
        ];
        if let Some(owner) = &container.owner {
            facts.push(Fact::text("Owner", owner.display_name()));
        }
        facts.extend(container.created_at.map(|at| Fact::text("Created", time(at).exact)));
        let mut reported = vec![
            Fact::text("State", container.status.clone()),
            Fact::mono("Image", container.image_name.clone().unwrap_or_else(dash)),
            Fact::mono("Port", container.assigned_port.map_or_else(dash, |port| port.to_string())),
        ];
        reported.extend(container.url.as_ref().map(|address| Fact::address("Address", address)));
        for (label, at) in [("Started", container.started_at), ("Stopped", container.stopped_at)] {
            reported.extend(at.map(|at| Fact::text(label, time(at).exact)));
        }
        let mut observed: Vec<Fact> =
            container.engine_status.iter().map(|status| Fact::text("State", status)).collect();
        observed.extend(container.observed_from.as_ref().map(|from| Fact::mono("Engine", from)));
        Self {
            shell,
            container: head,
            is_made_here: false,
            reported: Panel { as_of: container.updated_at.map(time), facts: reported },
            observed: Panel {
                as_of: container.observed_at.max(container.swept_at).map(time),
                facts: observed,
            },
            facts,
            labels: labels(container.labels.as_ref()),
            metadata: container
                .metadata
                .as_ref()
                .filter(|value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()))
                .and_then(json_shown),
            projects: Vec::new(),
            strip: RunStrip::new(&[], &Status::Created, now, zone),
            days: Vec::<Day>::new(),
            activity_url: urls::reference("container_id", &container.id.to_string()),
        }
    }
}

fn labels(labels: Option<&Value>) -> Vec<Fact> {
    let Some(Value::Object(map)) = labels else { return Vec::new() };
    let fact = |(key, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Fact::mono(key, text)
    };
    let mut labels: Vec<Fact> = map.iter().take(MOST_LABELS).map(fact).collect();
    if map.len() > MOST_LABELS {
        labels.push(Fact::text("And", format!("{} more", map.len() - MOST_LABELS)));
    }
    labels
}

/// JSON as far as a page holds it.
fn json_shown(value: &Value) -> Option<String> {
    let json = serde_json::to_string_pretty(value).ok()?;
    Some(match PageBudget::of(MOST_JSON).fit(&json) {
        (shown, true) => {
            format!("{shown}…\n\n{} bytes in all", grouped(i64::try_from(json.len()).unwrap_or(i64::MAX)))
        }
        (whole, false) => whole.to_owned(),
    })
}
