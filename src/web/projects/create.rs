//! `POST /projects`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use super::new::{NewProjectPage, ProjectFields, container_choices, crumbs};
use crate::containers;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::projects::commands::{self, ChangeError};
use crate::web::urls;

/// What the form sends.
#[derive(Clone, Deserialize)]
pub struct NewProject {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default = "usual_type", rename = "type")]
    kind: String,
    #[serde(default)]
    container_id: String,
}

fn usual_type() -> String {
    "nextjs".to_owned()
}

/// What became of the form.
enum Outcome {
    Created(String, String),
    Refused(Box<(ProjectFields, Vec<String>, Vec<crate::web::display::Choice>)>),
}

const NO_SUCH_CONTAINER: &str = "This container does not exist, or it is not yours.";

const CONTAINER_TAKEN: &str = "A project is attached to this container already. Choose another one, or none.";

/// Creates the project, or shows the form again with what is wrong.
pub async fn create(authed: AuthedRequest, form: Form<NewProject>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let (viewer, outcome) = authed
        .write(move |conn, viewer| {
            let typed = form.0;
            let mut fields = ProjectFields::typed(&typed.name, &typed.description, &typed.kind, None);
            let draft = fields.draft(&typed.kind, None);
            let container = typed.container_id.trim();
            let container_id = if container.is_empty() { Ok(None) } else { container.parse().map(Some) };
            let mut container_errors = Vec::new();
            match (draft, container_id) {
                (Some(draft), Ok(container)) => {
                    match commands::create(conn, &principal(viewer), &draft, container) {
                        Ok(id) => {
                            return Ok(Outcome::Created(urls::project(id), draft.name.as_str().to_owned()));
                        }
                        Err(ChangeError::NoSuchContainer) => {
                            container_errors.push(NO_SUCH_CONTAINER.to_owned());
                        }
                        Err(ChangeError::ContainerTaken) => container_errors.push(CONTAINER_TAKEN.to_owned()),
                        Err(ChangeError::Query(error)) => return Err(error.into()),
                        Err(error) => return Err(AppError::Internal(error.into())),
                    }
                }
                (_, Err(_)) => container_errors.push(NO_SUCH_CONTAINER.to_owned()),
                (None, Ok(_)) => {}
            }
            let choices = container_choices(&containers::queries::free(conn)?, container);
            Ok(Outcome::Refused(Box::new((fields, container_errors, choices))))
        })
        .await?;
    match outcome {
        Outcome::Created(url, name) => {
            Ok(authed.redirect_with_notice(&url, format!("Project {name} created.")))
        }
        Outcome::Refused(refused) => {
            let (fields, container_errors, containers) = *refused;
            let shell = authed.shell(&viewer, "New project").with_breadcrumbs(crumbs());
            let errors = vec!["The project was not created. See what is marked below.".to_owned()];
            let page = NewProjectPage { shell, errors, fields, containers, container_errors };
            authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}
