//! `POST /projects`

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde::Deserialize;

use super::making::{MakingFields, TypedMaking};
use super::new::{NEW, NONE, NewProjectPage, ProjectFields, container_choices, crumbs};
use crate::config::Config;
use crate::containers::{self, NewContainer};
use crate::db::ids::ContainerId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::operations::making::{SEALED_FOR, begin_project};
use crate::projects::commands::{self, ChangeError};
use crate::web::display::Choice;
use crate::web::urls;
use crate::webhooks::Sealer;

/// What the form sends.
#[derive(Clone, Deserialize)]
pub struct NewProject {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default = "usual_type", rename = "type")]
    kind: String,
    /// `new`, `none` or an id.
    #[serde(default, alias = "container_id")]
    container: String,
    #[serde(flatten)]
    making: TypedMaking,
}

fn usual_type() -> String {
    "nextjs".to_owned()
}

/// What became of the form.
enum Outcome {
    Created { url: String, notice: String },
    Refused(Box<Refused>),
}

struct Refused {
    status: StatusCode,
    errors: Vec<String>,
    fields: ProjectFields,
    containers: Vec<Choice>,
    container_errors: Vec<String>,
    making: MakingFields,
}

const NO_SUCH_CONTAINER: &str = "This container does not exist, or it is not yours.";

const CONTAINER_TAKEN: &str = "A project is attached to this container already. Choose another one, or none.";

/// What is chosen to run the project in.
enum Chosen {
    Nothing,
    Known(ContainerId),
    New,
    Nonsense,
}

impl Chosen {
    fn from_form(text: &str) -> Self {
        match text.trim() {
            "" | NONE => Self::Nothing,
            NEW => Self::New,
            id => id.parse().map_or(Self::Nonsense, Self::Known),
        }
    }
}

/// Creates the project, or shows the form again with what is wrong.
pub async fn create(authed: AuthedRequest, form: Form<NewProject>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let is_new = matches!(Chosen::from_form(&form.0.container), Chosen::New);
    let absence = if is_new { authed.app.engine.standing().await.obstacle() } else { None };
    let config = Arc::clone(&authed.app.config);
    let (viewer, outcome) = authed
        .write(move |conn, viewer| {
            let typed = form.0;
            let settings = &config.containers;
            let mut fields = ProjectFields::typed(&typed.name, &typed.description, &typed.kind, None);
            let mut making = MakingFields::typed(&typed.making, viewer, settings, config.is_demo);
            let mut errors = vec!["The project was not created. See what is marked below.".to_owned()];
            let mut container_errors = Vec::new();
            let mut status = StatusCode::UNPROCESSABLE_ENTITY;
            let draft = fields.draft(&typed.kind, None);
            let principal = principal(viewer);
            let created = match Chosen::from_form(&typed.container) {
                Chosen::Nonsense => {
                    container_errors.push(NO_SUCH_CONTAINER.to_owned());
                    None
                }
                Chosen::New => {
                    let container = making.container(&typed.making, &typed.kind, settings);
                    match (draft, container, &absence) {
                        (Some(draft), Ok(container), None) => {
                            let sealed = sealed(&config, &container)?;
                            let (_, operation) =
                                begin_project(conn, &principal, &draft, &container, sealed.as_deref())?;
                            let notice = format!(
                                "Project {} created. Its container is being made.",
                                draft.name.as_str()
                            );
                            return Ok(Outcome::Created { url: urls::event(operation.as_str()), notice });
                        }
                        (_, _, Some(reason)) => {
                            status = StatusCode::SERVICE_UNAVAILABLE;
                            errors.push(reason.clone());
                        }
                        (_, Err(told), None) => container_errors.extend(told),
                        (None, Ok(_), None) => {}
                    }
                    None
                }
                Chosen::Nothing => draft.map(|draft| (draft, None)),
                Chosen::Known(id) => draft.map(|draft| (draft, Some(id))),
            };
            if let Some((draft, container)) = created {
                match commands::create(conn, &principal, &draft, container) {
                    Ok(id) => {
                        let notice = format!("Project {} created.", draft.name.as_str());
                        return Ok(Outcome::Created { url: urls::project(id), notice });
                    }
                    Err(ChangeError::NoSuchContainer) => container_errors.push(NO_SUCH_CONTAINER.to_owned()),
                    Err(ChangeError::ContainerTaken) => container_errors.push(CONTAINER_TAKEN.to_owned()),
                    Err(ChangeError::Query(error)) => return Err(error.into()),
                    Err(error) => return Err(AppError::Internal(error.into())),
                }
            }
            let containers = container_choices(&containers::queries::free(conn)?, typed.container.trim());
            let refused = Refused { status, errors, fields, containers, container_errors, making };
            Ok(Outcome::Refused(Box::new(refused)))
        })
        .await?;
    match outcome {
        Outcome::Created { url, notice } => Ok(authed.redirect_with_notice(&url, notice)),
        Outcome::Refused(refused) => {
            let Refused { status, errors, fields, containers, container_errors, making } = *refused;
            let shell = authed.shell(&viewer, "New project").with_breadcrumbs(crumbs());
            let page = NewProjectPage { shell, errors, fields, containers, container_errors, making };
            let mut answer = authed.page(status, &page)?;
            if status == StatusCode::SERVICE_UNAVAILABLE {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Ok(answer)
        }
    }
}

/// The environment variables of a new container, as the database may hold them.
fn sealed(config: &Config, container: &NewContainer) -> AppResult<Option<Vec<u8>>> {
    let Some(text) = container.environment.to_text() else { return Ok(None) };
    let sealed = Sealer::of(config.secret_key.as_ref()).seal(&text, SEALED_FOR);
    sealed.map(Some).map_err(|error| AppError::Internal(error.into()))
}
