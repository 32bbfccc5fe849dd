//! What a container writes: its page, the lines that come while it is open, and all of it as a file.
//!
//! Whose container it is is asked first, in a transaction that is over before the engine is asked for anything.

pub mod download;
mod lines;
pub mod live;
mod question;
mod show;

pub use lines::{LineView, SpanView};
pub use show::{LogsPage, keep, show};

use actix_web::web::Path;

use super::show::container_id;
use crate::containers::queries::{self, ContainerView};
use crate::engine::{EngineError, EngineId, Standing};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::identity::Viewer;
use crate::operations::commands::NO_ENGINE_ID;
use crate::operations::settling;

/// A container whose logs the engine has.
#[derive(Debug, Clone)]
struct Source {
    id: EngineId,
    has_terminal: bool,
}

/// Why there is nothing to read.
#[derive(Debug, Clone)]
enum Unread {
    /// The engine's doing: it may be there again in a moment.
    Away(String),
    /// The container's.
    Nothing(String),
}

impl Unread {
    fn words(self) -> String {
        match self {
            Self::Away(words) | Self::Nothing(words) => words,
        }
    }
}

impl From<Unread> for AppError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Away(words) => Self::NoEngine(words),
            Unread::Nothing(detail) => Self::Conflict { detail, retry_after: None },
        }
    }
}

/// The container at `path`, and whether it was adopted.
async fn find(authed: &AuthedRequest, path: &Path<String>) -> AppResult<(Viewer, ContainerView, bool)> {
    let id = container_id(path)?;
    let (viewer, (container, is_adopted)) = authed
        .read(move |conn, _| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let is_adopted = settling::is_adopted(conn, id, &container.engine_id)?;
            Ok((container, is_adopted))
        })
        .await?;
    Ok((viewer, container, is_adopted))
}

/// Looks at the engine for it. A row may say anything: what the engine has there must be ours or adopted.
async fn source_of(
    authed: &AuthedRequest,
    container: &ContainerView,
    is_adopted: bool,
) -> Result<Source, Unread> {
    let Ok(id) = container.engine_id.parse::<EngineId>() else {
        return Err(Unread::Nothing(NO_ENGINE_ID.to_owned()));
    };
    let engine = &authed.app.engine;
    if let Standing::Away { since, reason } = engine.standing().await {
        return Err(Unread::Away(away(&reason, &since.format("%Y-%m-%d %H:%M:%S UTC").to_string())));
    }
    let asked = id.clone();
    match engine.ask(|api| api.inspect(asked)).await {
        Ok(Some(seen)) if is_adopted || seen.is_made_for(&container.id.to_string()) => {
            Ok(Source { id, has_terminal: seen.has_terminal })
        }
        Ok(Some(_)) => Err(Unread::Nothing(
            "This console did not make the container, and no admin has adopted it, so it does not read its logs."
                .to_owned(),
        )),
        Ok(None) => Err(Unread::Nothing(
            "The engine has no such container any more, and what it wrote went with it. The last lines of a crash \
             are with its entry in the timeline."
                .to_owned(),
        )),
        Err(error) => Err(unread(&error)),
    }
}

fn away(reason: &str, since: &str) -> String {
    format!(
        "The container engine is not connected, and logs are read from it. {reason} It has been away since {since}."
    )
}

fn unread(error: &EngineError) -> Unread {
    match error {
        EngineError::Absent(reason) => Unread::Away(format!(
            "The container engine is not connected, and logs are read from it. {reason}"
        )),
        EngineError::Silent => {
            Unread::Away("The engine did not answer in time, so its logs can't be read right now.".to_owned())
        }
        EngineError::Refused { message, .. } => {
            Unread::Nothing(format!("The engine can't read this container's logs: {message}"))
        }
        EngineError::Odd(message) => Unread::Away(message.clone()),
    }
}
