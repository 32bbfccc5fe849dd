//! `GET /projects/new`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use url::form_urlencoded::byte_serialize;

use super::making::MakingFields;
use crate::containers;
use crate::db::ids::ContainerId;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, LARGEST};
use crate::projects::commands::Draft;
use crate::projects::queries::ProjectView;
use crate::projects::{Kind, ProjectDescription, ProjectName};
use crate::web::display::{ByteSize, Choice};
use crate::web::shell::{Crumb, Shell};

#[derive(Debug, Template)]
#[template(path = "projects/new.html")]
pub struct NewProjectPage {
    /// The frame.
    pub shell: Shell,
    /// What is wrong with no field in particular.
    pub errors: Vec<String>,
    /// Name, description, type.
    pub fields: ProjectFields,
    /// The containers that may be attached.
    pub containers: Vec<Choice>,
    /// What is wrong with the chosen one.
    pub container_errors: Vec<String>,
    /// What a new one is made of.
    pub making: MakingFields,
}

/// The most bytes that a browser sends for a description; a form has room for more fields.
const LONGEST_SENT: usize = LARGEST / 6;

/// The fields that a new project and its settings share.
#[derive(Debug, Clone, Default)]
pub struct ProjectFields {
    pub name: Field,
    /// What it is about.
    pub description: Field,
    /// How much that is, when it is too much for a form: then it stays as it is.
    pub long_description: Option<String>,
    /// Its type.
    pub kind: Vec<Choice>,
    /// What is wrong with the type.
    pub kind_errors: Vec<String>,
}

impl ProjectFields {
    /// The fields as typed, with nothing wrong yet. `present` is the project's stored type.
    #[must_use]
    pub fn typed(name: &str, description: &str, kind: &str, present: Option<&str>) -> Self {
        let mut kinds: Vec<Choice> =
            Kind::OFFERED.iter().map(|(value, label)| Choice::new(*value, *label, kind)).collect();
        if let Some(present) = present.filter(|p| !Kind::OFFERED.iter().any(|(known, _)| known == p)) {
            kinds.push(Choice::new(present, present, kind));
        }
        Self {
            name: Field::of(name),
            description: Field::of(description),
            long_description: None,
            kind: kinds,
            kind_errors: Vec::new(),
        }
    }

    #[must_use]
    pub fn of(project: &ProjectView) -> Self {
        let kind = project.kind.as_deref();
        let mut fields = Self::typed(
            &project.name,
            project.description.as_deref().unwrap_or_default(),
            kind.unwrap_or("nextjs"),
            kind,
        );
        let sent: usize = byte_serialize(fields.description.value.as_bytes()).map(str::len).sum();
        if sent > LONGEST_SENT {
            let size = i64::try_from(fields.description.value.len()).unwrap_or(i64::MAX);
            fields.long_description = Some(ByteSize::new(size).short);
            fields.description = Field::default();
        }
        fields
    }

    /// What the fields describe; when something is wrong, the fields say what.
    pub fn draft(&mut self, kind: &str, stored: Option<&ProjectView>) -> Option<Draft> {
        let stored_name = stored.map(|project| project.name.as_str());
        let name = self.name.or_untouched(stored_name);
        let name = ProjectName::parse(name, stored_name).map_err(|error| self.name.refuse(error)).ok();
        let present = stored.and_then(|project| project.kind.as_deref());
        let stored_description = stored.and_then(|project| project.description.as_deref());
        let description = self.description.or_untouched(stored_description);
        let description = ProjectDescription::parse(description, stored_description)
            .map_err(|error| self.description.refuse(error))
            .ok();
        let kind = Kind::parse(kind, present).map_err(|error| self.kind_errors.push(error)).ok();
        Some(Draft { name: name?, description: description?, kind: kind? })
    }
}

/// Words of the container field beside ids.
pub(super) const NONE: &str = "none";
pub(super) const NEW: &str = "new";

/// The options of the container field.
pub(super) fn container_choices(free: &[(ContainerId, String)], chosen: &str) -> Vec<Choice> {
    [Choice::new(NONE, "None yet", chosen), Choice::new(NEW, "A new one", chosen)]
        .into_iter()
        .chain(free.iter().map(|(id, name)| Choice::new(id.to_string(), name, chosen)))
        .collect()
}

/// The way to the page.
pub(super) fn crumbs() -> Vec<Crumb> {
    vec![Crumb::link("Projects", "/projects"), Crumb::here("New project")]
}

pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, free) = authed.read(|conn, _| Ok(containers::queries::free(conn)?)).await?;
    let page = NewProjectPage {
        shell: authed.shell(&viewer, "New project").with_breadcrumbs(crumbs()),
        errors: Vec::new(),
        fields: ProjectFields::typed("", "", "nextjs", None),
        containers: container_choices(&free, NONE),
        container_errors: Vec::new(),
        making: MakingFields::new(&viewer, &authed.app.config.containers, authed.app.config.is_demo),
    };
    authed.page(StatusCode::OK, &page)
}
