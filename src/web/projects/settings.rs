//! `GET /projects/{id}/settings`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::head::ProjectHead;
use super::new::ProjectFields;
use super::project_id;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms;
use crate::identity::Viewer;
use crate::projects::queries::{self, ProjectView};
use crate::projects::{BrokenJson, JsonText, Status};
use crate::web::display::ByteSize;
use crate::web::shell::Shell;
use crate::web::urls;
use crate::web::version::{self, Difference};

/// A project's settings.
#[expect(clippy::struct_excessive_bools, reason = "what a template shows or leaves out")]
#[derive(Debug, Template)]
#[template(path = "projects/settings.html")]
pub struct SettingsPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// A summary of what is wrong.
    pub errors: Vec<String>,
    /// The version that was read.
    pub updated_at: String,
    /// Name, description, type.
    pub fields: ProjectFields,
    /// JSON that workers read.
    pub settings: JsonField,
    /// JSON for the owner.
    pub metadata: JsonField,
    /// Both versions, when somebody else saved meanwhile.
    pub conflict: Vec<Difference>,
    pub archived: bool,
    /// Archives it, or brings it back.
    pub archive_url: String,
    /// Whether nobody may delete it.
    pub locked: bool,
    /// Locks it, or unlocks it.
    pub lock_url: String,
    /// Deletes it, or restores it.
    pub delete_url: String,
    pub deleted: bool,
    /// Whether it can be changed: neither archived nor deleted.
    pub editable: bool,
}

/// A field of JSON: what was typed, and where it is broken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonField {
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// The broken line.
    pub excerpt: Option<Excerpt>,
    /// How much it is, when it is too much for a form: then nothing can be typed.
    pub too_large: Option<String>,
}

/// The field says what is wrong.
#[derive(Debug, Clone, Copy)]
pub struct IsBroken;

/// The most bytes that a browser sends for such a field: two of them and the rest fit into [`forms::LARGEST`].
const LONGEST_SENT: usize = forms::LARGEST / 3;

/// A line with a broken place, and the mark that stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub line: String,
    /// Blanks and a caret.
    pub mark: String,
}

impl JsonField {
    /// The field with nothing wrong.
    #[must_use]
    pub fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    /// The field that shows `stored`. What is too large for a form is not in it, and stays as it is.
    #[must_use]
    pub fn of_stored(stored: Option<&Value>) -> Self {
        let value = json_text(stored);
        let sent: usize = byte_serialize(value.as_bytes()).map(str::len).sum();
        if sent > LONGEST_SENT {
            let size = ByteSize::new(i64::try_from(value.len()).unwrap_or(i64::MAX)).short;
            return Self { too_large: Some(size), ..Self::default() };
        }
        Self::of(value)
    }

    /// The field as it was sent; one that was not sent shows `stored`.
    #[must_use]
    pub fn typed(sent: Option<String>, stored: Option<&Value>) -> Self {
        sent.map_or_else(|| Self::of_stored(stored), Self::of)
    }

    /// What the field holds, when it holds something else than `stored`: workers store what nobody may type here, and
    /// what comes back as it was shown is not judged again. When it is broken, the field says where.
    ///
    /// # Errors
    /// Nothing but that it is broken.
    pub fn parse_unless(&mut self, stored: Option<&Value>) -> Result<Option<JsonText>, IsBroken> {
        if self.too_large.is_some() || forms::is_untouched(&self.value, &json_text(stored)) {
            return Ok(None);
        }
        JsonText::parse(&self.value).map(Some).map_err(|broken| {
            self.refuse(broken);
            IsBroken
        })
    }

    fn refuse(&mut self, broken: BrokenJson) {
        self.errors.push(broken.what);
        self.excerpt = broken
            .place
            .map(|place| Excerpt { mark: format!("{}^", " ".repeat(place.indent)), line: place.excerpt });
    }
}

/// JSON as a form shows it; nothing for an empty object.
#[must_use]
pub fn json_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Object(map)) if map.is_empty() => String::new(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

impl SettingsPage {
    /// The settings of `project` as stored.
    #[must_use]
    pub fn of(authed: &AuthedRequest, viewer: &Viewer, project: &ProjectView) -> Self {
        let head = ProjectHead::new(project, "settings", authed.app.clock.now(), viewer.zone);
        let status = Status::from_stored(project.status.as_deref());
        let (archived, deleted) = (status == Status::Archived, status == Status::Deleted);
        let part = |name: &str| urls::project_part(project.id, name);
        Self {
            shell: authed
                .shell(viewer, format!("Settings of {}", project.name))
                .with_breadcrumbs(head.crumbs(Some("Settings"))),
            project: head,
            errors: Vec::new(),
            updated_at: version::text(project.updated_at),
            fields: ProjectFields::of(project),
            settings: JsonField::of_stored(project.settings.as_ref()),
            metadata: JsonField::of_stored(project.metadata.as_ref()),
            conflict: Vec::new(),
            archived,
            archive_url: part(if archived { "unarchive" } else { "archive" }),
            locked: project.is_locked,
            lock_url: part(if project.is_locked { "unlock" } else { "lock" }),
            delete_url: part(if deleted { "restore" } else { "delete" }),
            deleted,
            editable: !archived && !deleted,
        }
    }
}

/// Shows the settings.
pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let (viewer, project) =
        authed.read(move |conn, _| queries::find(conn, id)?.ok_or(AppError::NotFound)).await?;
    authed.page(StatusCode::OK, &SettingsPage::of(&authed, &viewer, &project))
}
