//! `POST /projects/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::Deserialize;

use super::new::ProjectFields;
use super::project_id;
use super::settings::{JsonField, SettingsPage, json_text};
use crate::activity::lookup::{Save, save_of};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::projects::commands::{self, ChangeError};
use crate::projects::queries::ProjectView;
use crate::projects::{Kind, Status};
use crate::web::urls;
use crate::web::version::{self, Difference, Seen};

/// What the form sends. What a script leaves out stays as it is.
#[derive(Clone, Deserialize)]
pub struct ProjectChange {
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    settings: Option<String>,
    metadata: Option<String>,
    updated_at: Option<String>,
}

/// The form as it was sent, checked.
struct Typed {
    fields: ProjectFields,
    settings: JsonField,
    metadata: JsonField,
    kind: String,
}

/// What became of the form.
enum Outcome {
    Saved,
    Invalid(Box<(ProjectView, Typed)>),
    Stale(Box<(ProjectView, Typed)>, Option<Save>),
    NotActive(Box<(ProjectView, Typed, Status)>),
}

/// Saves the change, or shows the form again with what is wrong.
///
/// # Errors
/// 404 for a project that the viewer can't see; 400 for a version that is no time.
pub async fn update(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<ProjectChange>,
) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let seen = Seen::parse(form.0.updated_at.as_deref())?;
    let principal = authed.principal();
    let (viewer, outcome) = authed
        .write(move |conn, viewer| {
            let stored = commands::lock_project(conn, id)?.ok_or(AppError::NotFound)?;
            let mut typed = Typed::new(form.0, &stored);
            let draft = typed.fields.draft(&typed.kind, Some(&stored));
            let settings = typed.settings.parse_unless(stored.settings.as_ref());
            let metadata = typed.metadata.parse_unless(stored.metadata.as_ref());
            let (Some(draft), Ok(settings), Ok(metadata)) = (draft, settings, metadata) else {
                return Ok(Outcome::Invalid(Box::new((stored, typed))));
            };
            let seen = seen.or(stored.updated_at);
            match commands::update(
                conn,
                &principal(viewer),
                id,
                &draft,
                (settings.as_ref(), metadata.as_ref()),
                seen,
            ) {
                Ok(()) => Ok(Outcome::Saved),
                Err(ChangeError::Stale(current)) => {
                    let save = save_of(conn, &id.to_string(), current.updated_at)?;
                    Ok(Outcome::Stale(Box::new((*current, typed)), save))
                }
                Err(ChangeError::NotActive(status)) => {
                    Ok(Outcome::NotActive(Box::new((stored, typed, status))))
                }
                Err(ChangeError::NotFound) => Err(AppError::NotFound),
                Err(ChangeError::Query(error)) => Err(error.into()),
                Err(error) => Err(AppError::Internal(error.into())),
            }
        })
        .await?;
    let (status, project, typed, errors, conflict) = match outcome {
        Outcome::Saved => {
            let url = urls::project_part(id, "settings");
            return Ok(authed.redirect_with_notice(&url, "Changes saved."));
        }
        Outcome::Invalid(both) => {
            let told = "Nothing was saved. See what is marked below.".to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, both.0, both.1, told, Vec::new())
        }
        Outcome::Stale(both, save) => {
            let told = version::conflict_notice("this project", save.as_ref(), &viewer);
            let conflict = differences(&both.0, &both.1);
            (StatusCode::CONFLICT, both.0, both.1, told, conflict)
        }
        Outcome::NotActive(all) => {
            let told = format!("Nothing was saved: this project is {}.", all.2.as_str());
            (StatusCode::CONFLICT, all.0, all.1, told, Vec::new())
        }
    };
    let mut page = SettingsPage::of(&authed, &viewer, &project);
    page.errors = vec![errors];
    page.fields = typed.fields;
    page.settings = typed.settings;
    page.metadata = typed.metadata;
    page.conflict = conflict;
    authed.page(status, &page)
}

impl Typed {
    fn new(change: ProjectChange, stored: &ProjectView) -> Self {
        let kind = change.kind.or_else(|| stored.kind.clone()).unwrap_or_else(|| "nextjs".to_owned());
        let name = change.name.unwrap_or_else(|| stored.name.clone());
        let description = change.description.or_else(|| stored.description.clone()).unwrap_or_default();
        Self {
            fields: ProjectFields::typed(&name, &description, &kind, stored.kind.as_deref()),
            settings: JsonField::typed(change.settings, stored.settings.as_ref()),
            metadata: JsonField::typed(change.metadata, stored.metadata.as_ref()),
            kind,
        }
    }
}

fn differences(stored: &ProjectView, typed: &Typed) -> Vec<Difference> {
    let stored_kind = stored.kind.as_deref().unwrap_or_default();
    version::differences([
        ("Name", typed.fields.name.value.clone(), stored.name.clone()),
        (
            "Description",
            typed.fields.description.value.clone(),
            stored.description.clone().unwrap_or_default(),
        ),
        ("Type", Kind::label(&typed.kind).to_owned(), Kind::label(stored_kind).to_owned()),
        ("Settings", typed.settings.value.clone(), json_text(stored.settings.as_ref())),
        ("Metadata", typed.metadata.value.clone(), json_text(stored.metadata.as_ref())),
    ])
}
