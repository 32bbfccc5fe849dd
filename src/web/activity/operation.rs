//! What an operation's page says besides what every entry's does, and `POST /events/{id}/cancel`.

use actix_web::HttpResponse;
use actix_web::web::Path;
use diesel::{PgConnection, QueryResult};

use super::display;
use super::presenter::TimelinePresenter;
use crate::activity;
use crate::containers::{Making, Verb};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::operations::cancelling::{self, CancelError};
use crate::operations::making::{self, AgainError};
use crate::operations::{Operation, OperationId, PULLING, Status, queries};
use crate::web::display::{Badge, Fact};
use crate::web::time::{Timestamp, duration};
use crate::web::urls;

/// Who asked for what, when, and what came of it.
#[derive(Debug, Clone)]
pub struct OperationPanel {
    pub facts: Vec<Fact>,
    /// What the engine answered, in its own words.
    pub answer: String,
    /// Whether it goes on: the page is worth another look.
    pub goes_on: bool,
    /// Where it is taken back, while it can be.
    pub cancel_url: Option<String>,
    /// Where the same is asked for again.
    pub again: Option<Again>,
    /// What was done to each of several.
    pub parts: Vec<PartRow>,
}

#[derive(Debug, Clone)]
pub struct Again {
    pub url: String,
    /// Whether pressing it does it.
    pub acts: bool,
}

/// One of several.
#[derive(Debug, Clone)]
pub struct PartRow {
    pub name: String,
    pub url: String,
    pub badge: Badge,
    pub answer: String,
}

/// The operation behind an event, with its parts.
pub(super) fn behind(conn: &mut PgConnection, id: &str) -> QueryResult<Option<(Operation, Vec<Operation>)>> {
    let Ok(id) = id.parse::<OperationId>() else { return Ok(None) };
    let Some(operation) = queries::find(conn, &id)? else { return Ok(None) };
    let parts = if operation.container.is_none() { queries::parts(conn, &id)? } else { Vec::new() };
    Ok(Some((operation, parts)))
}

fn badge(operation: &Operation) -> Badge {
    display::badge(&activity::Status::from_stored(&operation.status))
}

impl OperationPanel {
    pub(super) fn new(
        (operation, parts): &(Operation, Vec<Operation>),
        presenter: &TimelinePresenter,
    ) -> Self {
        let times = [
            ("Asked for", Some(operation.asked_at)),
            ("Begun", operation.begun_at),
            ("Ended", operation.ended_at),
        ];
        let mut facts = vec![Fact::text("Asked for by", operation.asked_by_name.clone())];
        facts.extend(times.into_iter().filter_map(|(label, at)| {
            Some(Fact::text(label, Timestamp::new(at?, presenter.now, presenter.zone).exact))
        }));
        let took = operation.ended_at.map(|end| (end - operation.asked_at).num_milliseconds());
        facts.extend(took.filter(|ms| *ms >= 0).map(|ms| Fact::text("Took", duration(ms))));
        if let Some(container) = operation.container {
            facts.push(Fact::link("Container", &operation.container_name, urls::container(container)));
        }
        let status = operation.status();
        let verb = Verb::from_stored(&operation.verb);
        let of_one = operation.container.zip(verb).filter(|_| status == Status::Failed);
        let is_making = verb == Some(Verb::Create);
        let again = if is_making && matches!(status, Status::Failed | Status::Cancelled) {
            Some(Again { url: format!("{}/again", urls::event(&operation.id)), acts: true })
        } else {
            of_one
                .filter(|(_, verb)| !matches!(verb, Verb::Create | Verb::Lock | Verb::Unlock))
                .map(|(id, verb)| Again { url: urls::container_part(id, verb.as_str()), acts: verb.acts() })
        };
        let is_pulling = status == Status::InProgress && operation.stage.as_deref() == Some(PULLING);
        facts.extend(made_of(operation));
        Self {
            facts,
            answer: operation.answer.clone().unwrap_or_default(),
            goes_on: !status.is_over(),
            cancel_url: (status == Status::Pending || is_pulling)
                .then(|| format!("{}/cancel", urls::event(&operation.id))),
            again,
            parts: parts
                .iter()
                .map(|part| PartRow {
                    name: part.container_name.clone(),
                    url: urls::event(&part.id),
                    badge: badge(part),
                    answer: part.answer.clone().unwrap_or_default(),
                })
                .collect(),
        }
    }
}

/// What a container is made of; of environment variables the names.
fn made_of(operation: &Operation) -> Vec<Fact> {
    let Ok(making) = serde_json::from_value::<Making>(operation.settings.clone()) else { return Vec::new() };
    let mut facts = vec![Fact::mono("Image", making.image)];
    facts.extend(making.volume.map(|path| Fact::mono("Volume at", path)));
    if !making.environment.is_empty() {
        facts.push(Fact::mono("Environment", making.environment.join(", ")));
    }
    facts
}

/// `POST /events/{id}/again`: asks once more for a container whose making failed.
///
/// # Errors
/// 404 for what is no making that the viewer can see; 503 without an engine.
pub async fn again(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.parse::<OperationId>();
    let looked_for = id.clone();
    authed
        .read(move |conn, _| {
            let found = looked_for.ok().map(|id| queries::find(conn, &id)).transpose()?.flatten();
            let is_making = found.is_some_and(|operation| operation.verb == Verb::Create.as_str());
            if is_making { Ok(()) } else { Err(AppError::NotFound) }
        })
        .await?;
    if let Some(reason) = authed.app.engine.standing().await.obstacle() {
        return Err(AppError::NoEngine(reason));
    }
    let principal = authed.principal();
    let (_, (address, notice)) = authed
        .write(move |conn, viewer| {
            let id = id.map_err(|_| AppError::NotFound)?;
            match making::again(conn, &principal(viewer), &id) {
                Ok(asked) => Ok((urls::event(asked.as_str()), "The engine is being asked.")),
                Err(AgainError::Obstacle(told)) => Ok((urls::event(id.as_str()), told)),
                Err(AgainError::NotFound) => Err(AppError::NotFound),
                Err(AgainError::Query(error)) => Err(error.into()),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(&address, notice))
}

/// Takes back an operation that has not begun.
///
/// # Errors
/// 404 for one that the viewer can't see, and for every other event.
pub async fn cancel(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let address = urls::event(&path);
    let id = path.parse::<OperationId>();
    let principal = authed.principal();
    let (_, notice) = authed
        .write(move |conn, viewer| {
            let id = id.map_err(|_| AppError::NotFound)?;
            match cancelling::cancel(conn, &principal(viewer), &id) {
                Ok(()) => Ok("It was taken back. Nothing was done.".to_owned()),
                Err(refused @ CancelError::HasBegun) => Ok(refused.to_string()),
                Err(CancelError::NotFound) => Err(AppError::NotFound),
                Err(CancelError::Query(error)) => Err(error.into()),
            }
        })
        .await?;
    Ok(authed.redirect_with_notice(&address, notice))
}
