//! `GET|POST /containers/{id}/{verb}`, and `POST /containers/{verb}` for several
//!
//! The engine is looked at before and after the database, never in between: nobody holds a transaction while it answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::Deserialize;

use super::show::container_id;
use crate::containers::queries::{self, ContainerView};
use crate::containers::{Status, Verb};
use crate::db::ids::ContainerId;
use crate::engine::{EngineError, EngineId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Viewer;
use crate::operations::commands::{self, AskError, Asked, NOT_MADE_HERE, missing_engine_id};
use crate::operations::{self, settling};
use crate::web::confirmation::{AskedText, ConfirmName, ConfirmationPage, Effect};
use crate::web::display::HiddenField;
use crate::web::shell::Crumb;
use crate::web::urls;

/// Containers that one form may name.
const MOST: usize = 200;

/// What the form sends.
#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    confirm: String,
    /// A new one.
    #[serde(default)]
    name: String,
}

/// Shows what will happen, or why it can't.
pub async fn confirm(authed: AuthedRequest, path: Path<(String, String)>) -> AppResult<HttpResponse> {
    let (id, verb) = parts(path)?;
    let (viewer, (container, under_way, is_unknown)) = authed
        .read(move |conn, _| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let is_unknown = verb == Verb::Recreate && operations::queries::last_making(conn, id)?.is_none();
            Ok((container, operations::queries::under_way(conn, id)?, is_unknown))
        })
        .await?;
    let blocked = match under_way.filter(|_| !verb.is_ours_alone()) {
        Some(other) => Some(AskError::Busy(Box::new(other)).to_string()),
        None => match obstacle(&container, verb) {
            Some(obstacle) => Some(obstacle.to_owned()),
            None if is_unknown => Some(NOT_MADE_HERE.to_owned()),
            None if verb.is_ours_alone() => None,
            None => authed.app.engine.standing().await.obstacle(),
        },
    };
    let asked = (StatusCode::OK, container.name.clone());
    answer(&authed, &viewer, &container, verb, asked, (blocked, Vec::new()))
}

/// Asks for it, and leads on to the operation.
///
/// # Errors
/// 503 without an engine; 404 for a container that the viewer can't see.
pub async fn carry_out(
    authed: AuthedRequest,
    path: Path<(String, String)>,
    form: Form<Confirmation>,
) -> AppResult<HttpResponse> {
    let (id, verb) = parts(path)?;
    let (viewer, (container, is_adopted)) = authed
        .read(move |conn, _| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let is_adopted = settling::is_adopted(conn, id, &container.engine_id)?;
            Ok((container, is_adopted))
        })
        .await?;
    let Confirmation { confirm, name } = form.0;
    if !verb.is_ours_alone() {
        if let Some(reason) = authed.app.engine.standing().await.obstacle() {
            return Err(AppError::NoEngine(reason));
        }
        if let Some(told) = refusal(&authed, &container, verb, is_adopted).await? {
            let asked = (StatusCode::CONFLICT, name);
            return answer(&authed, &viewer, &container, verb, asked, (Some(told), Vec::new()));
        }
    }
    let principal = authed.principal();
    let typed = if verb == Verb::Rename { name.clone() } else { confirm };
    let (viewer, asked) = authed
        .write(move |conn, viewer| match commands::ask(conn, &principal(viewer), id, verb, &typed) {
            Ok(asked) => Ok(Ok(asked)),
            Err(AskError::NotFound) => Err(AppError::NotFound),
            Err(AskError::Query(error)) => Err(error.into()),
            Err(refused) => Ok(Err(refused)),
        })
        .await?;
    match asked {
        Ok(Asked { operation, was_under_way }) => {
            let told = if was_under_way { "That is under way already." } else { begun(verb) };
            Ok(authed.redirect_with_notice(&urls::event(operation.as_str()), told))
        }
        Err(refused @ (AskError::OtherName | AskError::NoName(_))) => {
            let errors = vec![refused.to_string()];
            let asked = (StatusCode::UNPROCESSABLE_ENTITY, name);
            answer(&authed, &viewer, &container, verb, asked, (None, errors))
        }
        Err(refused) => {
            let blocked = Some(refused.to_string());
            answer(&authed, &viewer, &container, verb, (StatusCode::CONFLICT, name), (blocked, Vec::new()))
        }
    }
}

fn begun(verb: Verb) -> &'static str {
    match verb {
        Verb::Lock => "It is locked.",
        Verb::Unlock => "It is unlocked.",
        _ => "The engine is being asked.",
    }
}

/// Why the container at hand is not one to be touched, by a look at it.
async fn refusal(
    authed: &AuthedRequest,
    container: &ContainerView,
    verb: Verb,
    is_adopted: bool,
) -> AppResult<Option<String>> {
    if let Some(obstacle) = obstacle(container, verb) {
        return Ok(Some(obstacle.to_owned()));
    }
    let Ok(id) = container.engine_id.parse::<EngineId>() else {
        return Ok(Some(missing_engine_id(&container.engine_id).to_owned()));
    };
    match authed.app.engine.ask(|api| api.inspect(id)).await {
        Ok(Some(seen)) => {
            let is_ours = is_adopted || seen.is_made_for(&container.id.to_string());
            Ok((!is_ours).then(|| {
                "This console did not make the container, and no admin has adopted it, so it leaves it alone.".to_owned()
            }))
        }
        // The operation says so and puts it on record.
        Ok(None) => Ok(None),
        Err(EngineError::Refused { message, .. }) => Ok(Some(message)),
        Err(error) => Err(AppError::NoEngine(
            authed.app.engine.last_standing().obstacle().unwrap_or_else(|| error.to_string()),
        )),
    }
}

fn obstacle(container: &ContainerView, verb: Verb) -> Option<&'static str> {
    if container.engine_id.parse::<EngineId>().is_err() && !container.engine_id.starts_with("pending:") {
        return None;
    }
    verb.obstacle(&Status::from_stored(&container.status), container.is_locked)
}

fn parts(path: Path<(String, String)>) -> AppResult<(ContainerId, Verb)> {
    let (id, verb) = path.into_inner();
    Ok((container_id(&Path::from(id))?, Verb::from_path(&verb).ok_or(AppError::NotFound)?))
}

fn text(verb: Verb) -> &'static str {
    match verb {
        Verb::Start => "The engine starts it. If it runs already, nothing happens.",
        Verb::Stop => "It is asked to end, and is ended after ten seconds. What it has not saved is lost.",
        Verb::Restart => "It is stopped and started: for a moment nothing answers.",
        Verb::Recreate => {
            "Its image is pulled, and the container is made anew of it. Volume, port and environment stay; what was \
             written elsewhere in it is lost. If that fails, it comes back as it was."
        }
        Verb::Rename => "It goes on running, and is found under its new name.",
        Verb::Lock => "Nobody can stop or delete it, nor make it anew, until it is unlocked.",
        Verb::Unlock => "It can be stopped and deleted again.",
        Verb::Create => "The engine makes it.",
        Verb::Delete => {
            "The engine removes it, with everything that was written inside of it. Volumes stay, and so does its record."
        }
    }
}

fn answer(
    authed: &AuthedRequest,
    viewer: &Viewer,
    container: &ContainerView,
    verb: Verb,
    (status, typed): (StatusCode, String),
    (blocked, errors): (Option<String>, Vec<String>),
) -> AppResult<HttpResponse> {
    let (title, url) = (format!("{} {}", verb.label(), container.name), urls::container(container.id));
    let way = vec![Crumb::link("Containers", "/containers"), Crumb::link(&container.name, &url)];
    let page = ConfirmationPage {
        errors: errors.clone(),
        confirm: (verb == Verb::Delete).then(|| ConfirmName {
            name: container.name.clone(),
            label: "Type the container's name to confirm".to_owned(),
            errors: errors.clone(),
        }),
        asked: (verb == Verb::Rename).then(|| AskedText {
            label: "New name",
            name: "name",
            field: Field { errors, ..Field::of(&typed) },
            hint: "Letters, digits, dots, dashes and underscores.".to_owned(),
        }),
        danger: verb == Verb::Delete,
        blocked,
        ..ConfirmationPage::new(verb.label(), title, text(verb), authed.request.path(), url)
    };
    page.answer(authed, viewer, status, way)
}

/// Asks for one thing to be done to each of the containers that the form names; without `confirm=yes` it says which
/// they are.
///
/// # Errors
/// 503 without an engine; 400 when the form names none or too many.
pub async fn carry_out_several(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<Vec<(String, String)>>,
) -> AppResult<HttpResponse> {
    let verb = Verb::from_path(&path).filter(|verb| verb.is_for_several()).ok_or(AppError::NotFound)?;
    let fields = form.0;
    let ids: Result<Vec<ContainerId>, _> =
        fields.iter().filter(|(name, _)| name == "id").map(|(_, id)| id.parse()).collect();
    let ids = ids.map_err(|_| AppError::BadRequest("The form names what is no container.".to_owned()))?;
    if ids.is_empty() || ids.len() > MOST {
        return Err(AppError::BadRequest(format!("Choose between one and {MOST} containers.")));
    }
    if !fields.iter().any(|(name, value)| name == "confirm" && value == "yes") {
        return confirm_several(&authed, verb, ids).await;
    }
    if !verb.is_ours_alone()
        && let Some(reason) = authed.app.engine.standing().await.obstacle()
    {
        return Err(AppError::NoEngine(reason));
    }
    let principal = authed.principal();
    let (_, operation) = authed
        .write(move |conn, viewer| Ok(commands::ask_several(conn, &principal(viewer), &ids, verb)?))
        .await?;
    Ok(authed.redirect_with_notice(&urls::event(operation.as_str()), begun(verb)))
}

async fn confirm_several(
    authed: &AuthedRequest,
    verb: Verb,
    ids: Vec<ContainerId>,
) -> AppResult<HttpResponse> {
    let (viewer, names) = authed.read(move |conn, _| Ok(queries::names(conn, &ids)?)).await?;
    if names.is_empty() {
        return Err(AppError::NotFound);
    }
    let title = format!("{} {} containers", verb.label(), names.len());
    let mut fields = vec![HiddenField { name: "confirm".to_owned(), value: "yes".to_owned() }];
    fields.extend(names.iter().map(|(id, _)| HiddenField { name: "id".to_owned(), value: id.to_string() }));
    let page = ConfirmationPage {
        effects: names.iter().map(|(_, name)| Effect::line(name)).collect(),
        fields,
        danger: verb == Verb::Delete,
        blocked: if verb.is_ours_alone() { None } else { authed.app.engine.standing().await.obstacle() },
        ..ConfirmationPage::new(verb.label(), title, text(verb), authed.request.path(), "/containers")
    };
    page.answer(authed, &viewer, StatusCode::OK, vec![Crumb::link("Containers", "/containers")])
}
