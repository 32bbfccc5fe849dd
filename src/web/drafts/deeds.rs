//! `POST /drafts/{id}/{post|status|project|wireframe}`

use actix_web::HttpResponse;
use serde::Deserialize;

use super::show::refuse;
use super::{id, unforeseen};
use crate::containers::{Environment, MountPath, NewContainer};
use crate::db::SecretHash;
use crate::drafts::Status;
use crate::drafts::commands::{self, Consent, DraftError};
use crate::drafts::wireframe;
use crate::engine::Restart;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::projects::making::OFFERED_IMAGE;
use crate::web::urls;
use crate::web::users::link::base;

#[derive(Deserialize)]
pub struct PostForm {
    /// The two boxes, which come unticked.
    #[serde(default)]
    consent: String,
    #[serde(default)]
    sales: String,
}

/// Posts a draft.
pub async fn post(authed: AuthedRequest, form: Form<PostForm>) -> AppResult<HttpResponse> {
    let draft = id(&authed.request);
    let principal = authed.principal();
    let ticked = |text: &str| matches!(text, "yes" | "true" | "on");
    let consent = Consent { to_posting: ticked(&form.0.consent), to_sales: ticked(&form.0.sales) };
    let (_, outcome) = authed
        .write(move |conn, viewer| {
            let draft = draft?;
            sort(commands::post(conn, &principal(viewer), draft, consent).map(|()| draft))
        })
        .await?;
    match outcome {
        Ok(draft) => Ok(authed.redirect_with_notice(&format!("/drafts/{draft}"), "The draft is posted.")),
        Err(error) => refuse(&authed, error).await,
    }
}

/// What a page can say stays beside the transaction, which did nothing; the rest ends it.
fn sort<T>(outcome: Result<T, DraftError>) -> AppResult<Result<T, DraftError>> {
    match outcome {
        Err(error @ DraftError::Obstacles(_)) => Ok(Err(error)),
        Err(error) => Err(unforeseen(error)),
        Ok(value) => Ok(Ok(value)),
    }
}

#[derive(Deserialize)]
pub struct StatusForm {
    #[serde(default)]
    public_status: String,
}

/// Moves a draft on.
pub async fn move_on(authed: AuthedRequest, form: Form<StatusForm>) -> AppResult<HttpResponse> {
    let draft = id(&authed.request);
    let principal = authed.principal();
    let to = Status::from_stored(Some(&form.0.public_status));
    let label = to.label().to_owned();
    let (_, outcome) = authed
        .write(move |conn, viewer| {
            let draft = draft?;
            sort(commands::move_on(conn, &principal(viewer), draft, &to).map(|()| draft))
        })
        .await?;
    match outcome {
        Ok(draft) => {
            Ok(authed.redirect_with_notice(&format!("/drafts/{draft}"), format!("The draft is {label}.")))
        }
        Err(error) => refuse(&authed, error).await,
    }
}

#[derive(Deserialize)]
pub struct ProjectForm {
    /// `new` or `none`.
    #[serde(default)]
    container: String,
}

/// Makes a project of a draft, with a container where one can be made.
pub async fn make_project(authed: AuthedRequest, form: Form<ProjectForm>) -> AppResult<HttpResponse> {
    let draft = id(&authed.request);
    let principal = authed.principal();
    let wanted = if form.0.container == "new" { container(&authed).await } else { Err(None) };
    let (planned, obstacle) = match wanted {
        Ok(container) => (Some(container), None),
        Err(obstacle) => (None, obstacle),
    };
    let (_, outcome) = authed
        .write(move |conn, viewer| {
            sort(commands::make_project(conn, &principal(viewer), draft?, planned.as_ref()))
        })
        .await?;
    match outcome {
        Ok((_, Some(operation))) => {
            let words = "The project is made. Its container is being made.";
            Ok(authed.redirect_with_notice(&urls::event(operation.as_str()), words))
        }
        Ok((project, None)) => {
            let words = match obstacle {
                Some(obstacle) => format!("The project is made, without a container. {obstacle}"),
                None => "The project is made, without a container yet: a worker attaches one.".to_owned(),
            };
            Ok(authed.redirect_with_notice(&urls::project(project), words))
        }
        Err(error) => refuse(&authed, error).await,
    }
}

/// What the container of a draft's project is made of, or why none can be made.
async fn container(authed: &AuthedRequest) -> Result<NewContainer, Option<String>> {
    if let Some(obstacle) = authed.app.engine.standing().await.obstacle() {
        return Err(Some(obstacle));
    }
    let settings = &authed.app.config.containers;
    let offered = authed.app.config.is_demo.then(|| OFFERED_IMAGE.parse().ok()).flatten();
    let image = settings.image_of(commands::PROJECT_TYPE).cloned().or(offered).ok_or_else(|| {
        Some("No image is configured for its type (PILOTHOUSE_IMAGES), so none was made.".to_owned())
    })?;
    let volume = MountPath::parse("/data").map_err(Some)?;
    Ok(NewContainer { image, volume, restart: Restart::default(), environment: Environment::default() })
}

#[derive(Deserialize)]
pub struct WireframeForm {
    /// `off` switches it off; anything else draws it anew.
    #[serde(default)]
    act: String,
}

/// Draws the wireframe of a draft at an address of its own, or switches it off.
pub async fn wireframe(authed: AuthedRequest, form: Form<WireframeForm>) -> AppResult<HttpResponse> {
    let draft = id(&authed.request);
    let principal = authed.principal();
    let secret = authed.app.entropy.secret();
    let (hash, is_off) = (SecretHash::of(&secret), form.0.act == "off");
    let url = format!("{}/wireframes/{secret}", base(&authed));
    let (_, outcome) = authed
        .write(move |conn, viewer| {
            let draft = draft?;
            let principal = principal(viewer);
            sort(if is_off {
                wireframe::switch_off(conn, &principal, draft).map(|()| draft)
            } else {
                wireframe::draw(conn, &principal, draft, &hash, &url).map(|()| draft)
            })
        })
        .await?;
    let words =
        if is_off { "The wireframe is off: its address leads nowhere." } else { "The wireframe is drawn." };
    match outcome {
        Ok(draft) => Ok(authed.redirect_with_notice(&format!("/drafts/{draft}"), words)),
        Err(error) => refuse(&authed, error).await,
    }
}
