//! Does to a container what somebody asked for: looks at it, asks the engine, puts on record what came of it.
//!
//! What is known before the engine is asked is kept with the job. Whoever goes on after a process that died, or after an
//! answer that never came, looks at the container and compares: nothing is guessed, and nothing is done twice that was
//! done once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, JobError, Outcome};
use crate::containers::{Observation, Verb};
use crate::db::{Actor, DbError};
use crate::engine::{Answer, EngineError, EngineId, EngineName, ObservedContainer};
use crate::operations::settling::{self, End};
use crate::operations::{Operation, OperationId, Status, queries};

/// How long a container may take to end by itself.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How long an engine that is away is waited for before anything was asked of it.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);
/// How long an engine may take to do what it did not answer to, before it is asked again.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(20);
/// How long nobody may know what became of it.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::minutes(10);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    operation: String,
    /// What the container was like before the engine was asked.
    #[serde(default)]
    before: Option<Before>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    was_running: bool,
    started_at: Option<DateTime<Utc>>,
    /// When the engine was last asked.
    asked_at: DateTime<Utc>,
    /// When it was first asked.
    first_asked_at: DateTime<Utc>,
}

/// One turn at one operation.
struct Turn<'a> {
    context: &'a Context,
    id: OperationId,
    verb: Verb,
    container: EngineId,
    payload: Payload,
    /// What it is to be called, where that is what was asked for.
    new_name: Option<EngineName>,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let payload: Payload = context.payload()?;
    let id: OperationId =
        payload.operation.parse().map_err(|_| JobError::GiveUp("it names no operation".to_owned()))?;
    let found =
        context.db().read_blocking(&Actor::System, |conn| queries::find(conn, &id).map_err(DbError::from))?;
    let Some(operation) = found else { return Ok(Outcome::Done) };
    let verb = Verb::from_stored(&operation.verb);
    let container = operation.engine_container.as_deref().and_then(|id| id.parse().ok());
    match (verb, container) {
        (Some(verb), Some(container)) if !operation.status().is_over() => {
            let new_name = operation.settings.get("name").and_then(|name| name.as_str()?.parse().ok());
            Turn { context, id, verb, container, payload, new_name }.take(&operation)
        }
        _ => settle_whole(context, &operation, id),
    }
}

/// Of an operation that has nothing to do itself: one on several, or one that was taken back.
fn settle_whole(context: &Context, operation: &Operation, id: OperationId) -> Result<Outcome, JobError> {
    let whole = operation.parent.as_deref().and_then(|parent| parent.parse().ok()).unwrap_or(id);
    context.db().write_blocking(&Actor::System, |conn| {
        settling::settle_parent(conn, &whole).map_err(DbError::from)
    })?;
    Ok(Outcome::Done)
}

/// A container as the table describes it.
pub(super) fn observation(seen: &ObservedContainer, from: &str) -> Observation {
    Observation {
        engine_status: seen.run.word.clone(),
        from: from.to_owned(),
        started_at: seen.run.started_at,
        stopped_at: seen.run.finished_at.filter(|_| !seen.run.is_running),
    }
}

/// What is left of a container that the engine does not have.
pub(super) fn removed(from: &str, at: DateTime<Utc>) -> Observation {
    Observation {
        engine_status: "removed".to_owned(),
        from: from.to_owned(),
        started_at: None,
        stopped_at: Some(at),
    }
}

impl Turn<'_> {
    fn take(self, operation: &Operation) -> Result<Outcome, JobError> {
        match self.payload.before.clone() {
            None => self.begin(operation),
            Some(before) => self.find_out(operation, &before),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.context.app().clock.now()
    }

    fn inspect(&self) -> Result<Option<ObservedContainer>, EngineError> {
        self.context.app().engine.ask_blocking(|api| api.inspect(self.container.clone()))
    }

    /// Looks at the container before anything is asked for.
    fn begin(mut self, operation: &Operation) -> Result<Outcome, JobError> {
        let seen = match self.inspect() {
            Ok(Some(seen)) => seen,
            Ok(None) => return self.end_without_container(operation, false),
            Err(error) if self.now() - operation.asked_at > PATIENCE => {
                return self.end(Status::Failed, format!("{error} Nothing was done."), None);
            }
            Err(_) => return Ok(Outcome::ContinueLater(json!(self.payload), PAUSE)),
        };
        if !self.is_ours(operation, &seen)? {
            let told = "The container carries another label than this console's, and no admin has adopted it. \
                        Nothing was done.";
            return self.end(Status::Failed, told.to_owned(), None);
        }
        let now = self.now();
        let before = Before {
            was_running: seen.run.is_running,
            started_at: seen.run.started_at,
            asked_at: now,
            first_asked_at: now,
        };
        self.payload.before = Some(before.clone());
        let begun = self.context.db().write_blocking(&Actor::System, |conn| {
            let begun = settling::begin(conn, &self.id)?;
            self.context.keep(conn, &json!(self.payload))?;
            Ok::<_, JobError>(begun)
        })?;
        match begun {
            Some(_) => self.act(operation, &before),
            None => settle_whole(self.context, operation, self.id),
        }
    }

    fn is_ours(&self, operation: &Operation, seen: &ObservedContainer) -> Result<bool, JobError> {
        let Some(row) = operation.container else { return Ok(false) };
        if seen.is_made_for(&row.to_string()) {
            return Ok(true);
        }
        let adopted = self.context.db().read_blocking(&Actor::System, |conn| {
            settling::is_adopted(conn, row, self.container.as_str()).map_err(DbError::from)
        })?;
        Ok(adopted)
    }

    fn act(self, operation: &Operation, before: &Before) -> Result<Outcome, JobError> {
        let id = self.container.clone();
        let answer = self.context.app().engine.ask_blocking(|api| match self.verb {
            Verb::Start => api.start(id),
            Verb::Stop => api.stop(id, GRACE),
            Verb::Restart => api.restart(id, GRACE),
            Verb::Delete => api.remove(id),
            Verb::Rename => match &self.new_name {
                Some(name) => api.rename(id, name.clone()),
                None => never("The operation names no name."),
            },
            Verb::Create | Verb::Recreate | Verb::Lock | Verb::Unlock => never("Another job does that."),
        });
        match answer {
            Ok(()) => self.find_out(operation, before),
            Err(EngineError::Refused { message, .. }) => {
                let seen = self.inspect().ok().flatten();
                self.end(Status::Failed, message, seen.as_ref())
            }
            Err(error) => self.wait(before, &error),
        }
    }

    /// Nobody knows what became of it: the container is looked at until it tells.
    fn wait(&self, before: &Before, error: &EngineError) -> Result<Outcome, JobError> {
        if self.now() - before.first_asked_at > GIVE_UP_AFTER {
            let told = format!("{error} It could not be found out whether it was done.");
            return self.end(Status::Failed, told, None);
        }
        self.context.db().write_blocking(&Actor::System, |conn| {
            settling::tell(conn, &self.id, &format!("{error} Finding out whether it was done."))
                .map_err(DbError::from)
        })?;
        Ok(Outcome::ContinueLater(json!(self.payload), PAUSE))
    }

    /// Whether it was done, by what the container is like.
    fn find_out(mut self, operation: &Operation, before: &Before) -> Result<Outcome, JobError> {
        let seen = match self.inspect() {
            Ok(Some(seen)) => seen,
            Ok(None) => return self.end_without_container(operation, true),
            Err(error) => return self.wait(before, &error),
        };
        let has_begun_anew = seen.run.started_at > before.started_at;
        let is_done = match self.verb {
            Verb::Start => seen.run.is_running || has_begun_anew,
            Verb::Stop => !seen.run.is_running,
            Verb::Restart => has_begun_anew,
            Verb::Rename => self.new_name.as_ref().is_some_and(|name| name.as_str() == seen.name),
            Verb::Delete | Verb::Create | Verb::Recreate | Verb::Lock | Verb::Unlock => false,
        };
        if is_done {
            let told = done(self.verb, before, &seen);
            if self.verb == Verb::Rename {
                self.context.db().write_blocking(&Actor::System, |conn| {
                    settling::renamed(conn, &self.id, &seen.name).map_err(DbError::from)
                })?;
            }
            return self.end(Status::Completed, told, Some(&seen));
        }
        let now = self.now();
        if now - before.asked_at < AGAIN_AFTER {
            // The engine may be at it still.
            return Ok(Outcome::ContinueLater(json!(self.payload), PAUSE));
        }
        if now - before.first_asked_at > GIVE_UP_AFTER {
            return self.end(
                Status::Failed,
                "The engine was asked again and again, and it is not done.".to_owned(),
                Some(&seen),
            );
        }
        let again = Before { asked_at: now, ..before.clone() };
        self.payload.before = Some(again.clone());
        self.context
            .db()
            .write_blocking(&Actor::System, |conn| self.context.keep(conn, &json!(self.payload)))?;
        self.act(operation, &again)
    }

    /// The engine has no such container, before it was asked for anything or after.
    fn end_without_container(&self, operation: &Operation, was_asked: bool) -> Result<Outcome, JobError> {
        let seen = removed(self.context.app().engine.address(), self.now());
        // Another engine may have what this one has never shown.
        let was_here = was_asked
            || self.context.db().read_blocking(&Actor::System, |conn| {
                settling::was_shown(conn, self.container.as_str()).map_err(DbError::from)
            })?;
        let (status, answer) = match self.verb {
            Verb::Delete if was_here => (Status::Completed, "Deleted."),
            _ => (Status::Failed, "The engine has no such container."),
        };
        self.remove_network(operation, status);
        self.finish(&End { status, answer: answer.to_owned(), seen: was_here.then_some(seen) })
    }

    /// A project's own network goes with its container. One that is left takes room and does no harm.
    fn remove_network(&self, operation: &Operation, status: Status) {
        let name = operation.project.and_then(|project| format!("pilothouse-{project}").parse().ok());
        let Some(name) = name.filter(|_| self.verb == Verb::Delete && status == Status::Completed) else {
            return;
        };
        let removed = self.context.app().engine.ask_blocking(|api| api.remove_network(name));
        if let Err(error) = removed {
            tracing::info!(%error, "a project's network is left at the engine");
        }
    }

    fn end(
        &self,
        status: Status,
        answer: String,
        seen: Option<&ObservedContainer>,
    ) -> Result<Outcome, JobError> {
        let seen = seen.map(|seen| observation(seen, self.context.app().engine.address()));
        self.finish(&End { status, answer, seen })
    }

    fn finish(&self, end: &End) -> Result<Outcome, JobError> {
        self.context.db().write_blocking(&Actor::System, |conn| {
            settling::finish(conn, &self.id, end).map_err(DbError::from)
        })?;
        Ok(Outcome::Done)
    }
}

fn never<T: Send + 'static>(why: &'static str) -> Answer<T> {
    Box::pin(async move { Err(EngineError::Refused { status: 400, message: why.to_owned() }) })
}

fn done(verb: Verb, before: &Before, seen: &ObservedContainer) -> String {
    let ended = format!("with exit code {}", seen.run.exit_code);
    match verb {
        Verb::Start if before.was_running => "It was running already.".to_owned(),
        Verb::Start | Verb::Restart if !seen.run.is_running => {
            format!("Started. It has ended since, {ended}.")
        }
        Verb::Start => "Started.".to_owned(),
        Verb::Restart => "Restarted.".to_owned(),
        Verb::Stop if !before.was_running => "It was not running.".to_owned(),
        Verb::Stop => format!("Stopped. It ended {ended}."),
        Verb::Rename => format!("It is called {} now.", seen.name),
        Verb::Delete => "Deleted.".to_owned(),
        Verb::Create | Verb::Recreate | Verb::Lock | Verb::Unlock => String::new(),
    }
}
