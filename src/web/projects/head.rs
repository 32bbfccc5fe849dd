//! The head that all pages of a project share.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
use crate::db::ids::ProjectId;
use crate::projects::deletion::{Deletion, ProjectOrTombstone, Tombstone};
use crate::projects::queries::ProjectView;
use crate::projects::{Kind, Status};
use crate::retention::queries::Term;
use crate::web::display::{Badge, ButtonLink, Meta, Tab};
use crate::web::shell::Crumb;
use crate::web::time::Timestamp;
use crate::web::{state, urls};

/// See `templates/projects/_header.html`.
#[derive(Debug, Clone)]
pub struct ProjectHead {
    pub id: String,
    pub name: String,
    /// Its page.
    pub url: String,
    /// Its state.
    pub badge: Badge,
    /// When that state was observed or written.
    pub as_of: Option<Timestamp>,
    /// Type, owner, port, address.
    pub meta: Vec<Meta>,
    /// Its pages.
    pub tabs: Vec<Tab>,
    /// What the viewer has to know first.
    pub notice: Option<String>,
    /// The way out of what the notice says.
    pub remedy: Option<ButtonLink>,
}

/// The tabs: label and last part of the address.
const TABS: [(&str, &str); 6] = [
    ("Overview", ""),
    ("Activity", "activity"),
    ("Insights", "insights"),
    ("Chat", "chat"),
    ("Files", "files"),
    ("Settings", "settings"),
];

/// What begins the notice of a deleted project of which nobody knows who deleted it.
const DELETED: &str = "This project is deleted.";

/// How long a project that is deleted, or would be, can be restored.
pub(super) fn stays(term: Term, zone: Tz) -> String {
    let until = match term {
        Term::ForEver => "at any time".to_owned(),
        Term::Days(days) => format!("for {days} days; then retention removes it"),
        Term::Until(at) => {
            format!("until retention removes it, after {}", Timestamp::new(at, at, zone).exact)
        }
    };
    format!("Its record stays readable, and it can be restored {until}.")
}

fn tabs(id: ProjectId, part: &str, tabs: &[(&'static str, &str)]) -> Vec<Tab> {
    tabs.iter()
        .map(|&(label, tab)| Tab {
            label,
            url: if tab.is_empty() { urls::project(id) } else { urls::project_part(id, tab) },
            current: tab == part,
        })
        .collect()
}

impl ProjectHead {
    /// The head of `project` on the page whose address ends in `part`.
    #[must_use]
    pub fn new(project: &ProjectView, part: &str, now: DateTime<Utc>, zone: Tz) -> Self {
        let status = Status::from_stored(project.status.as_deref());
        let container = project.container.as_ref();
        let seen_at = container.and_then(|c| c.observed_at.or(c.updated_at));
        let url = urls::project(project.id);
        let mut meta = vec![Meta::text(Kind::label(project.kind.as_deref().unwrap_or("no type")))];
        if let Some(owner) = &project.owner {
            meta.push(Meta::text(owner.display_name()));
        }
        if let Some(container) = container {
            meta.extend(container.assigned_port.map(|port| Meta::text(format!(":{port}"))));
            if let Some(address) = &container.url {
                meta.push(match urls::external(address) {
                    Some(url) => {
                        Meta::link(address.trim_start_matches("https://").trim_end_matches('/'), url)
                    }
                    None => Meta::text(address.clone()),
                });
            }
        }
        let remedy = |label: &str, part: &str| {
            let url = urls::project_part(project.id, part);
            Some(ButtonLink { label: label.to_owned(), url, icon: "restored" })
        };
        let (notice, remedy) = match &status {
            Status::Archived => (
                Some("This project is archived. It can't be changed until it is unarchived.".to_owned()),
                remedy("Unarchive", "unarchive"),
            ),
            Status::Deleted => {
                let stays = stays(project.term.unwrap_or(Term::ForEver), zone);
                (Some(format!("{DELETED} {stays}")), remedy("Restore", "restore"))
            }
            _ => (None, None),
        };
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            badge: badge(&status, container.map(|c| (c.status.as_str(), seen_at)), now),
            as_of: seen_at.filter(|_| status == Status::Active).map(|at| Timestamp::new(at, now, zone)),
            meta,
            tabs: tabs(project.id, part, &TABS),
            notice,
            remedy,
            url,
        }
    }

    /// The head of what is left of a project: a name, and a timeline.
    #[must_use]
    pub fn gone(tombstone: &Tombstone, id: ProjectId, part: &str, now: DateTime<Utc>, zone: Tz) -> Self {
        let at = Timestamp::new(tombstone.deleted_at, now, zone);
        Self {
            id: id.to_string(),
            name: tombstone.name().to_owned(),
            url: urls::project(id),
            badge: state::badge("removed"),
            as_of: None,
            meta: vec![Meta::text(format!("removed {}", at.relative))],
            tabs: tabs(id, part, &TABS[..2]),
            notice: Some(format!(
                "This project was removed for good on {}, by retention or another program. What happened in it stays \
                 readable; the project can't be brought back here.",
                at.exact
            )),
            remedy: None,
        }
    }

    /// The head of a project or of what is left of it.
    #[must_use]
    pub fn of(known: &ProjectOrTombstone, id: ProjectId, part: &str, now: DateTime<Utc>, zone: Tz) -> Self {
        match known {
            ProjectOrTombstone::Project(project) => Self::new(project, part, now, zone),
            ProjectOrTombstone::Tombstone(tombstone) => Self::gone(tombstone, id, part, now, zone),
        }
    }

    /// The same head, which says when and by whom the project was deleted.
    #[must_use]
    pub fn with_deletion(mut self, deletion: &Deletion, now: DateTime<Utc>, zone: Tz) -> Self {
        let at = Timestamp::new(deletion.at, now, zone);
        let told = format!("{} deleted this project on {}.", deletion.by, at.exact);
        self.notice = self.notice.map(|notice| notice.replacen(DELETED, &told, 1));
        self
    }

    /// The way to the page that ends in `label`.
    #[must_use]
    pub fn crumbs(&self, label: Option<&str>) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb::link("Projects", "/projects")];
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
