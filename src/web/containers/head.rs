//! The head that all pages of a container share.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::containers::queries::ContainerView;
use crate::containers::{Status, Verb};
use crate::db::ids::ProjectId;
use crate::engine::{EngineId, Standing};
use crate::operations::Operation;
use crate::operations::commands::{AskError, missing_engine_id};
use crate::web::display::{Badge, Link, Meta, Tab, in_short};
use crate::web::shell::Crumb;
use crate::web::time::Timestamp;
use crate::web::{assets, state, urls};

/// See `templates/containers/_header.html`.
#[derive(Debug, Clone)]
pub struct ContainerHead {
    /// Styles of these pages alone.
    pub css_url: &'static str,
    pub name: String,
    /// Its page.
    pub url: String,
    /// Its state.
    pub badge: Badge,
    /// Its state in the table's word.
    pub state: String,
    /// Who says so: "reported" by a worker, or "observed" at the engine.
    pub source: &'static str,
    /// When that was.
    pub as_of: Option<Timestamp>,
    /// Projects and owner.
    pub meta: Vec<Meta>,
    /// Where table and engine differ.
    pub disagreement: Option<String>,
    /// What can be done to it.
    pub verbs: Vec<VerbButton>,
    /// Why not.
    pub unavailable_reason: String,
    /// What is being done to it.
    pub under_way: Option<Link>,
    /// Its pages.
    pub tabs: Vec<Tab>,
}

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
    /// Whether pressing it does it; others have a page before.
    pub acts: bool,
}

/// The tabs: label and last part of the address.
const TABS: [(&str, &str); 4] =
    [("Overview", ""), ("Logs", "logs"), ("Figures", "figures"), ("Runs", "runs")];

/// Whether a state of the table is what the engine's word stands for.
fn says_the_same(engine: &str, status: &Status) -> bool {
    match status {
        Status::Running => engine == "running",
        Status::Created => engine == "created",
        Status::Stopped => engine == "exited",
        Status::Deleted => engine == "removed",
        Status::Other(word) => engine == word,
    }
}

/// When a container's state was noted, and by whom: the engine's word counts, because a worker's row is
/// written for many reasons.
#[must_use]
pub fn as_of(
    observed_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
) -> (&'static str, Option<DateTime<Utc>>) {
    match observed_at {
        Some(at) => ("observed", Some(at)),
        None => ("reported", updated_at),
    }
}

impl ContainerHead {
    /// The head of `container` on the page whose address ends in `part`.
    #[must_use]
    pub fn new(
        container: &ContainerView,
        projects: &[(ProjectId, String)],
        part: &str,
        (engine, under_way): (&Standing, Option<&Operation>),
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let status = Status::from_stored(&container.status);
        let mut meta: Vec<Meta> =
            projects.iter().map(|(id, name)| Meta::link(name.clone(), urls::project(*id))).collect();
        meta.extend(container.owner.as_ref().map(|owner| Meta::text(owner.display_name())));
        let disagreement =
            container.engine_status.as_deref().filter(|engine| !says_the_same(engine, &status)).map(
                |engine| {
                    let engine = in_short(engine, 60);
                    let when =
                        container.observed_at.map(|at| format!(" {}", time(at).relative)).unwrap_or_default();
                    format!("The record says {}; the engine said {engine}{when}.", status.as_str())
                },
            );
        let (source, at) = as_of(container.observed_at.max(container.swept_at), container.updated_at);
        let url = urls::container(container.id);
        let unavailable_reason = unavailable_reason(container, &status, engine);
        Self {
            css_url: &assets::urls().containers,
            name: container.name.clone(),
            badge: state::observed(&container.status, at, now),
            state: container.status.clone(),
            source,
            as_of: at.map(time),
            meta,
            disagreement,
            verbs: verbs(container, unavailable_reason.is_none() && under_way.is_none()),
            unavailable_reason: unavailable_reason.or_else(|| locked(container)).unwrap_or_default(),
            under_way: under_way.map(|operation| {
                let told = AskError::Busy(Box::new(operation.clone())).to_string();
                Link::new(told, urls::event(&operation.id))
            }),
            tabs: TABS
                .map(|(label, tab)| Tab {
                    label,
                    url: if tab.is_empty() { url.clone() } else { urls::container_part(container.id, tab) },
                    current: tab == part,
                })
                .to_vec(),
            url,
        }
    }

    /// The way to the page that ends in `label`.
    #[must_use]
    pub fn crumbs(&self, label: Option<&str>) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb::link("Containers", "/containers")];
        match label {
            None => crumbs.push(Crumb::here(&self.name)),
            Some(label) => {
                crumbs.push(Crumb::link(&self.name, &self.url));
                crumbs.push(Crumb::here(label));
            }
        }
        crumbs
    }
}

fn locked(container: &ContainerView) -> Option<String> {
    container.is_locked.then(|| {
        "It is locked, or its project is: nobody can stop, recreate or delete it until it is unlocked."
            .to_owned()
    })
}

/// Why nothing can be done to a container. Asks nobody: a page that shows it waits for no engine.
fn unavailable_reason(container: &ContainerView, status: &Status, engine: &Standing) -> Option<String> {
    if *engine == Standing::Unknown {
        return Some(
            "No container engine has answered yet, so containers can't be started, stopped, restarted or deleted from here."
                .to_owned(),
        );
    }
    let obstacle = engine.obstacle().or_else(|| Verb::Start.obstacle(status, false).map(str::to_owned));
    let is_known = container.engine_id.parse::<EngineId>().is_ok();
    obstacle.or_else(|| (!is_known).then(|| missing_engine_id(&container.engine_id).to_owned()))
}

fn verbs(container: &ContainerView, available: bool) -> Vec<VerbButton> {
    let status = Status::from_stored(&container.status);
    let hidden = if container.is_locked { Verb::Lock } else { Verb::Unlock };
    Verb::ALL
        .into_iter()
        .filter(|verb| *verb != hidden)
        .map(|verb| VerbButton {
            label: verb.label(),
            url: urls::container_part(container.id, verb.as_str()),
            icon: match verb {
                Verb::Start => "running",
                Verb::Stop => "stopped",
                Verb::Restart => "restart",
                Verb::Recreate => "updated",
                Verb::Rename => "settings",
                Verb::Lock | Verb::Unlock => "key",
                Verb::Create => "plus",
                Verb::Delete => "deleted",
            },
            available: (available || verb.is_ours_alone())
                && verb.obstacle(&status, container.is_locked).is_none(),
            acts: verb.acts(),
        })
        .collect()
}
