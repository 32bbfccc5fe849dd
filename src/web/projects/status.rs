//! `GET|POST /projects/{id}/{archive|unarchive|delete|restore|lock|unlock}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use diesel::{PgConnection, QueryResult};
use serde::Deserialize;

use super::head::stays;
use super::project_id;
use crate::containers::{self, Verb};
use crate::db::ids::{ContainerId, ProjectId};
use crate::engine::Standing;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::identity::{Principal, Viewer};
use crate::operations;
use crate::operations::commands::AskError;
use crate::projects::commands::{self, ChangeError};
use crate::projects::deletion::{self, COUNTED_AT_MOST, Contents};
use crate::projects::queries::{self, ProjectView};
use crate::projects::{Move, Status};
use crate::retention::queries::{Term, term_of_project};
use crate::web::confirmation::{ConfirmName, ConfirmationPage, Effect, Offer};
use crate::web::display::{grouped, in_short};
use crate::web::flash::Flash;
use crate::web::shell::Crumb;
use crate::web::urls;

fn from_path(text: &str) -> AppResult<Move> {
    match text {
        "archive" => Ok(Move::Archive),
        "unarchive" => Ok(Move::Unarchive),
        "delete" => Ok(Move::Delete),
        "restore" => Ok(Move::Restore),
        "lock" => Ok(Move::Lock),
        "unlock" => Ok(Move::Unlock),
        _ => Err(AppError::NotFound),
    }
}

fn verb(step: Move) -> &'static str {
    match step {
        Move::Archive => "Archive project",
        Move::Unarchive => "Unarchive project",
        Move::Delete => "Delete project",
        Move::Restore => "Restore project",
        Move::Lock => "Lock project",
        Move::Unlock => "Unlock project",
    }
}

fn done(step: Move) -> &'static str {
    match step {
        Move::Archive => "archived",
        Move::Unarchive => "back in use",
        Move::Delete => "deleted",
        Move::Restore => "restored",
        Move::Lock => "locked",
        Move::Unlock => "unlocked",
    }
}

fn text(step: Move) -> &'static str {
    match step {
        Move::Archive => {
            "It leaves the lists and can't be changed. Nothing stops, its history stays, and the status “Archived” finds it."
        }
        Move::Unarchive => "It can be changed again.",
        Move::Delete => "It goes out of sight, with what belongs to it. ",
        Move::Restore => "It comes back as an active project, with its whole history.",
        Move::Lock => "Nobody can delete it, nor stop or delete its container, until it is unlocked.",
        Move::Unlock => "It can be deleted again, and its container stopped.",
    }
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    confirm: String,
    /// Whether its container goes along: it is stopped, or started again.
    #[serde(default)]
    with_container: bool,
}

/// Shows what will happen.
///
/// # Errors
/// 404 for a project that the viewer can't see, and for other words.
pub async fn confirm(authed: AuthedRequest, path: Path<(String, String)>) -> AppResult<HttpResponse> {
    let (id, step) = parts(path)?;
    let (viewer, (project, contents)) = authed
        .read(move |conn, _| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let contents = going(conn, &project, step)?;
            Ok((project, contents))
        })
        .await?;
    answer(&authed, &viewer, (&project, contents), step, (StatusCode::OK, Vec::new()))
}

/// Does it.
///
/// # Errors
/// 404 for a project that the viewer can't see, and for other words.
pub async fn carry_out(
    authed: AuthedRequest,
    path: Path<(String, String)>,
    form: Form<Confirmation>,
) -> AppResult<HttpResponse> {
    let (id, step) = parts(path)?;
    let principal = authed.principal();
    let with = along(step).filter(|_| form.0.with_container);
    let (viewer, outcome) = authed
        .write(move |conn, viewer| {
            let principal = principal(viewer);
            match commands::make_move(conn, &principal, id, step, &form.0.confirm) {
                Ok(()) => {
                    let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
                    let told = match project.container.zip(with) {
                        Some((container, verb)) => ask_along(conn, &principal, container.id, verb)?,
                        None => String::new(),
                    };
                    Ok(Err((project.name, told)))
                }
                Err(ChangeError::Obstacle(project)) => {
                    let told = vec!["Nothing was changed.".to_owned()];
                    Ok(Ok((StatusCode::CONFLICT, project, None, told)))
                }
                Err(ChangeError::OtherName(project)) => {
                    let contents = going(conn, &project, step)?;
                    let told = vec!["Type the project's name to delete it.".to_owned()];
                    Ok(Ok((StatusCode::UNPROCESSABLE_ENTITY, project, contents, told)))
                }
                Err(ChangeError::NotFound) => Err(AppError::NotFound),
                Err(ChangeError::Query(error)) => Err(error.into()),
                Err(error) => Err(AppError::Internal(error.into())),
            }
        })
        .await?;
    let (name, told) = match outcome {
        Ok((status, project, contents, errors)) => {
            return answer(&authed, &viewer, (&project, contents), step, (status, errors));
        }
        Err(done) => done,
    };
    let location = match step {
        Move::Delete => "/projects".to_owned(),
        Move::Lock | Move::Unlock => urls::project_part(id, "settings"),
        _ => urls::project(id),
    };
    let undo = match step {
        Move::Delete => Some(urls::project_part(id, "restore")),
        Move::Archive => Some(urls::project_part(id, "unarchive")),
        Move::Lock => Some(urls::project_part(id, "unlock")),
        Move::Unarchive | Move::Restore | Move::Unlock => None,
    };
    let flash = Flash::good(format!("“{}” is {}.{told}", in_short(&name, 60), done(step))).with_undo(undo);
    Ok(authed.redirect_with(&location, flash))
}

fn parts(path: Path<(String, String)>) -> AppResult<(ProjectId, Move)> {
    let (id, step) = path.into_inner();
    Ok((project_id(&Path::from(id))?, from_path(&step)?))
}

/// What may be done to a project's container along with `step`.
fn along(step: Move) -> Option<Verb> {
    match step {
        Move::Delete => Some(Verb::Stop),
        Move::Restore => Some(Verb::Start),
        _ => None,
    }
}

/// Asks for it, and says so. What the project was asked for stands, whatever becomes of this.
fn ask_along(
    conn: &mut PgConnection,
    principal: &Principal,
    container: ContainerId,
    verb: Verb,
) -> AppResult<String> {
    match operations::commands::ask(conn, principal, container, verb, "") {
        Ok(_) if verb == Verb::Stop => Ok(" Its container is being stopped.".to_owned()),
        Ok(_) => Ok(" Its container is being started.".to_owned()),
        Err(AskError::Query(error)) => Err(error.into()),
        Err(refused) => Ok(format!(" About its container: {refused}")),
    }
}

/// The box for what may be done along, where that makes sense.
fn offer(project: &ProjectView, step: Move, engine: &Standing) -> Option<Offer> {
    let (verb, container) = (along(step)?, project.container.as_ref()?);
    let makes_sense = match containers::Status::from_stored(&container.status) {
        containers::Status::Running => verb == Verb::Stop,
        containers::Status::Stopped | containers::Status::Created => verb == Verb::Start,
        _ => false,
    };
    (makes_sense && matches!(engine, Standing::Here { .. })).then(|| Offer {
        name: "with_container",
        label: format!("{} its container {} too", verb.label(), container.name),
        note: format!("It is {} at the moment.", container.status),
    })
}

/// What goes out of sight with `project`, when `step` puts it there and nothing stands in the way.
fn going(
    conn: &mut PgConnection,
    project: &ProjectView,
    step: Move,
) -> QueryResult<Option<(Contents, Term)>> {
    let is_going = step == Move::Delete && !project.is_deleted();
    if !is_going {
        return Ok(None);
    }
    Ok(Some((deletion::contents(conn, project.id)?, term_of_project(conn, project.id)?)))
}

fn effects(project: &ProjectView, contents: Contents) -> Vec<Effect> {
    let line = |count: i64, one: &str, many: &str| {
        let count_text = match count {
            0 => "No".to_owned(),
            count if count > COUNTED_AT_MOST => format!("More than {}", grouped(COUNTED_AT_MOST)),
            count => grouped(count),
        };
        Effect { count: count_text, text: if count == 1 { one } else { many }.to_owned() }
    };
    let mut effects = vec![
        line(contents.messages, "chat message goes out of sight", "chat messages go out of sight"),
        line(contents.files, "file goes out of sight", "files go out of sight"),
        line(
            contents.entries,
            "entry of its timeline stays readable",
            "entries of its timeline stay readable",
        ),
    ];
    effects.retain(|effect| effect.count != "No");
    effects.push(Effect::line(match &project.container {
        Some(container) => format!(
            "Container {} stays as it is ({}) and in the list of containers",
            container.name, container.status
        ),
        None => "No container is attached".to_owned(),
    }));
    effects
}

fn answer(
    authed: &AuthedRequest,
    viewer: &Viewer,
    (project, going): (&ProjectView, Option<(Contents, Term)>),
    step: Move,
    (status, errors): (StatusCode, Vec<String>),
) -> AppResult<HttpResponse> {
    let title = format!("{}: {}", verb(step), project.name);
    let back = urls::project_part(project.id, "settings");
    let stays = going.map(|(_, term)| stays(term, viewer.zone)).unwrap_or_default();
    let told = format!("{}{stays}", text(step));
    let page = ConfirmationPage {
        effects: going.map(|(contents, _)| effects(project, contents)).unwrap_or_default(),
        errors: errors.clone(),
        confirm: (step == Move::Delete).then(|| ConfirmName {
            name: project.name.clone(),
            label: "Type the name to confirm".to_owned(),
            errors,
        }),
        danger: step == Move::Delete,
        offer: offer(project, step, &authed.app.engine.last_standing()),
        blocked: step
            .obstacle(&Status::from_stored(project.status.as_deref()), project.is_locked)
            .map(str::to_owned),
        ..ConfirmationPage::new(verb(step), title, &told, authed.request.path(), back)
    };
    let way =
        vec![Crumb::link("Projects", "/projects"), Crumb::link(&project.name, urls::project(project.id))];
    page.answer(authed, viewer, status, way)
}
