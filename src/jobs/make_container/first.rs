//! A project's new container.

use serde_json::json;

use super::{MOST_REFUSED, Step, Stop, Turn, is_about_a_port};
use crate::activity::track;
use crate::db::{Actor, DbError};
use crate::engine::{EngineError, EngineId, EngineName, ObservedContainer};
use crate::identity::{Origin, Principal};
use crate::jobs::carry_out_operation::observation;
use crate::jobs::{JobError, Outcome};
use crate::observations::record;
use crate::operations::settling::{self, End};
use crate::operations::{Status, making};
use crate::projects;

impl Turn<'_> {
    pub(super) fn make(mut self) -> Result<Outcome, JobError> {
        if self.payload.failure.is_some() {
            return self.undo();
        }
        let stop = match self.get_on() {
            Ok(outcome) => return Ok(outcome),
            Err(stop) => stop,
        };
        let failure = match stop {
            Stop::Job(error) => return Err(error),
            Stop::Unclear(error) => match self.wait(&error) {
                Some(outcome) => return Ok(outcome),
                None => error.to_string(),
            },
            Stop::Failed(words) => words,
            Stop::TakenBack if self.operation.status() == Status::Completed => return Ok(Outcome::Done),
            Stop::TakenBack => "It was taken back.".to_owned(),
        };
        self.payload.failure = Some(failure);
        self.payload.waiting_since = None;
        self.keep()?;
        self.undo()
    }

    fn get_on(&mut self) -> Step<Outcome> {
        self.begin()?;
        let id = match self.find()? {
            Some(id) => id,
            None => self.create()?,
        };
        let port = self.reserve_port()?;
        self.payload.waiting_since = None;
        self.payload.made = Some(id.to_string());
        self.record_made(&id, port)?;
        match self.context.app().engine.ask_blocking(|api| api.start(id.clone())) {
            Err(EngineError::Refused { message, .. })
                if is_about_a_port(&message) && self.payload.refused_ports.len() < MOST_REFUSED =>
            {
                return self.take_another_port(&id, port, message);
            }
            other => other?,
        }
        let seen = self.inspect(&id)?;
        let seen =
            seen.ok_or_else(|| Stop::Failed("The container is gone from the engine already.".to_owned()))?;
        Ok(self.complete(&seen)?)
    }

    fn create(&mut self) -> Step<EngineId> {
        let image = self.image()?;
        let engine = self.context.app().engine.clone();
        if engine.ask_blocking(|api| api.image(image.clone()))?.is_none() {
            self.pull(&image)?;
        }
        self.leave_pull()?;
        let name: EngineName = self.operation.container_name.parse().map_err(super::odd_name)?;
        let plan = self.plan(name, image, None)?;
        Ok(engine.ask_blocking(|api| api.create(plan))?)
    }

    /// The port is somebody else's, outside of this console: the next one may not be.
    fn take_another_port(&mut self, id: &EngineId, port: u16, message: String) -> Step<Outcome> {
        let range = self.context.app().config.containers.ports;
        if usize::from(range.last - range.first) <= self.payload.refused_ports.len() {
            return Err(Stop::Failed(message));
        }
        self.context.db().write_blocking(&Actor::System, |conn| {
            making::keep_unmade(conn, self.row).map_err(JobError::from)
        })?;
        self.context.app().engine.ask_blocking(|api| api.remove(id.clone()))?;
        self.payload.made = None;
        self.payload.refused_ports.push(port);
        self.tell(&format!("Port {port} is somebody else's. Trying another one."))?;
        Ok(Outcome::Continue(json!(self.payload)))
    }

    fn complete(&self, seen: &ObservedContainer) -> Result<Outcome, JobError> {
        let answer = if seen.run.is_running {
            format!("Made and started. It answers at {}.", self.address(self.port_of()?))
        } else {
            format!("Made and started. It has ended since, with exit code {}.", seen.run.exit_code)
        };
        let from = self.context.app().engine.address();
        let end = End { status: Status::Completed, answer, seen: Some(observation(seen, from)) };
        let now = self.now();
        self.context.db().write_blocking(&Actor::System, |conn| {
            record::begin_run(conn, self.row, seen)?;
            making::forget_environment(conn, self.row)?;
            if self.making.begins_project
                && let Some(project) = self.operation.project
                && let Some(found) = projects::queries::find(conn, project)?
            {
                let principal = Principal {
                    user: self.operation.asker,
                    name: self.operation.asked_by_name.clone(),
                    is_admin: true,
                    origin: Origin { request_id: self.operation.request.clone(), ..Origin::default() },
                    at: now,
                };
                let created = projects::commands::created(&principal, project, &found.name, Some(&seen.name))
                    .refers_to("container_id", seen.id.to_string())
                    .caused_by(format!("event:{}", self.id));
                let created = match record::run_id(seen) {
                    Some(run) => created.refers_to("container_session_id", run),
                    None => created,
                };
                track(conn, created);
            }
            settling::finish(conn, &self.id, &end).map_err(DbError::from)
        })?;
        Ok(Outcome::Done)
    }

    fn port_of(&self) -> Result<u16, JobError> {
        self.reserve_port().map_err(|_| JobError::Retry("the container's port is not known".to_owned()))
    }

    /// Removes what was made, and says why.
    fn undo(mut self) -> Result<Outcome, JobError> {
        let failure = self.payload.failure.clone().unwrap_or_default();
        let left = match self.remove_all() {
            Ok(()) => "",
            Err(Stop::Job(error)) => return Err(error),
            Err(Stop::Unclear(error)) => match self.wait(&error) {
                Some(outcome) => return Ok(outcome),
                None => " What was made of it may be left at the engine, which does not answer.",
            },
            Err(Stop::Failed(_) | Stop::TakenBack) => " Something of it may be left at the engine.",
        };
        let end = End { status: Status::Failed, answer: format!("{failure}{left}"), seen: None };
        self.context.db().write_blocking(&Actor::System, |conn| {
            making::unmake(conn, &self.operation, &self.id, &end).map_err(DbError::from)
        })?;
        Ok(Outcome::Done)
    }

    fn remove_all(&self) -> Step<()> {
        let engine = &self.context.app().engine;
        self.context.db().write_blocking(&Actor::System, |conn| {
            making::keep_unmade(conn, self.row).map_err(JobError::from)
        })?;
        if !self.payload.has_asked && self.payload.made.is_none() {
            return Ok(());
        }
        while let Some(id) = self.find()? {
            engine.ask_blocking(|api| api.remove(id))?;
        }
        let (volume, network) = (self.volume_name()?, self.network_name()?);
        engine.ask_blocking(|api| api.remove_volume(volume))?;
        engine.ask_blocking(|api| api.remove_network(network))?;
        Ok(())
    }
}
