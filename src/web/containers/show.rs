//! `GET /containers/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::badge;
use crate::activity::{Filter, Reference, Scope, timeline};
use crate::containers::queries::{self, ContainerView};
use crate::containers::{Status, Verb};
use crate::db::ids::{ContainerId, ProjectId};
use crate::error::{AppError, AppResult};
use crate::users::display_name;
use crate::web::activity::convert::Eyes;
use crate::web::activity::display::{Day, DayItem};
use crate::web::display::{Badge, Fact, Meta, Timestamp};
use crate::web::sample::{HOSTILE, Sample, endless};
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;
use crate::web::visit::Visit;

/// A container.
#[derive(Debug, Template)]
#[template(path = "containers/show.html")]
pub struct ContainerPage {
    /// The frame.
    pub shell: Shell,
    /// Its name.
    pub name: String,
    /// Its state.
    pub badge: Badge,
    /// When that state was observed or written.
    pub as_of: Option<Timestamp>,
    /// Project, owner, image.
    pub meta: Vec<Meta>,
    /// Where table and engine differ.
    pub disagreement: Option<String>,
    /// What can be done to it.
    pub verbs: Vec<VerbButton>,
    /// Why not.
    pub unavailable_reason: String,
    /// Everything else.
    pub facts: Vec<Fact>,
    /// What it is marked with.
    pub labels: Vec<Fact>,
    /// What workers keep with it.
    pub metadata: Option<String>,
    /// What happened to it lately.
    pub days: Vec<Day>,
    /// All that happened to it.
    pub activity_url: String,
}

/// One verb.
#[derive(Debug, Clone)]
pub struct VerbButton {
    /// Its word.
    pub label: &'static str,
    /// Where it leads.
    pub url: String,
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// Whether it can be done.
    pub available: bool,
}

pub(super) fn container_id(path: &Path<String>) -> AppResult<ContainerId> {
    path.parse().map_err(|_| AppError::NotFound)
}

/// How many entries the page shows.
const LATEST: i64 = 10;

/// Shows the container.
///
/// # Errors
/// 404 for a container that the viewer can't see.
pub async fn show(visit: Visit, path: Path<String>) -> AppResult<HttpResponse> {
    let id = container_id(&path)?;
    let now = visit.app.clock.now();
    let (viewer, (container, projects, latest)) = visit
        .read(move |conn, viewer| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let reference = Reference { key: "container_id".to_owned(), value: id.to_string() };
            let filter = Filter { limit: LATEST, reference: Some(reference), ..Filter::none(viewer.zone) };
            let latest = timeline::page(conn, Scope::of(viewer), &filter, now.timestamp_millis())?;
            Ok((container, queries::projects_in(conn, id)?, latest))
        })
        .await?;
    let shell = visit
        .shell(&viewer, &container.name)
        .with_breadcrumbs(vec![Crumb::link("Containers", "/containers"), Crumb::here(&container.name)]);
    let mut page = ContainerPage::new(shell, &container, &projects, (now, viewer.zone));
    page.days = Eyes::of(&viewer, now).days(&latest);
    visit.page(StatusCode::OK, &page)
}

impl ContainerPage {
    fn new(
        shell: Shell,
        container: &ContainerView,
        projects: &[(ProjectId, String)],
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let status = Status::from_stored(&container.status);
        let mut meta: Vec<Meta> =
            projects.iter().map(|(id, name)| Meta::link(name.clone(), urls::project(*id))).collect();
        let owner =
            container.owner.as_ref().map(|(_, name, email)| display_name(name.as_deref(), email).to_owned());
        meta.extend(owner.clone().map(Meta::text));
        let mut facts = vec![
            Fact::mono("Container id", &container.engine_id),
            Fact::mono("Record", container.id.to_string()),
            Fact::mono("Image", container.image_name.as_deref().unwrap_or("—")),
            Fact::mono(
                "Port",
                container.assigned_port.map_or_else(|| "—".to_owned(), |port| port.to_string()),
            ),
        ];
        if let Some(address) = &container.url {
            facts.push(Fact::address("Address", address));
        }
        for (label, at) in [
            ("Created", container.created_at),
            ("Started", container.started_at),
            ("Stopped", container.stopped_at),
            ("Reported", container.updated_at),
            ("Observed", container.observed_at),
        ] {
            facts.extend(at.map(|at| Fact::text(label, time(at).exact)));
        }
        facts.extend(container.observed_from.as_ref().map(|from| Fact::mono("Observed from", from)));
        facts.extend(owner.map(|owner| Fact::text("Owner", owner)));
        let disagreement =
            container.engine_status.as_deref().filter(|engine| *engine != status.as_str()).map(|engine| {
                let when =
                    container.observed_at.map(|at| format!(" {}", time(at).relative)).unwrap_or_default();
                format!("The record says {}; the engine said {engine}{when}.", status.as_str())
            });
        Self {
            shell,
            name: container.name.clone(),
            badge: badge(&status),
            as_of: container.observed_at.or(container.updated_at).map(time),
            meta,
            disagreement,
            verbs: verbs(container.id),
            unavailable_reason: Verb::UNAVAILABLE.to_owned(),
            facts,
            labels: labels(container.labels.as_ref()),
            metadata: container
                .metadata
                .as_ref()
                .filter(|value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()))
                .and_then(|value| serde_json::to_string_pretty(value).ok()),
            days: Vec::<Day>::new(),
            activity_url: urls::reference("container_id", &container.id.to_string()),
        }
    }
}

fn verbs(id: ContainerId) -> Vec<VerbButton> {
    Verb::ALL
        .map(|verb| VerbButton {
            label: verb.label(),
            url: urls::container_part(id, verb.as_str()),
            icon: match verb {
                Verb::Start => "running",
                Verb::Stop => "stopped",
                Verb::Restart => "restored",
                Verb::Delete => "deleted",
            },
            available: false,
        })
        .to_vec()
}

fn labels(labels: Option<&Value>) -> Vec<Fact> {
    let Some(Value::Object(map)) = labels else { return Vec::new() };
    map.iter()
        .map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Fact::mono(key, text)
        })
        .collect()
}

impl Sample for ContainerPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str| Self {
            shell: Shell::sample("Container"),
            name: name.to_owned(),
            badge: badge(&Status::Other(name.to_owned())),
            as_of: Some(Timestamp::from_millis(1_763_680_000_000, DateTime::UNIX_EPOCH, Tz::UTC)),
            meta: vec![Meta::link(name, "/projects/x"), Meta::text(name)],
            disagreement: Some(name.to_owned()),
            verbs: verbs(ContainerId(uuid::Uuid::nil())),
            unavailable_reason: Verb::UNAVAILABLE.to_owned(),
            facts: vec![Fact::mono(name, name), Fact::link("Address", name, "https://shop.example")],
            labels: vec![Fact::mono(name, name)],
            metadata: Some(name.to_owned()),
            days: Vec::new(),
            activity_url: "/references/container_id/x".to_owned(),
        };
        vec![("plain", page("shop-api")), ("hostile", page(HOSTILE)), ("endless", page(&endless(200)))]
    }
}
