//! A container made anew of its image as it is now. The old one stays, stopped and under another name, until the new one
//! has started; when that fails it comes back as it was.

use super::{Old, Step, Stop, Turn};
use crate::db::{Actor, DbError};
use crate::engine::{EngineId, EngineName, ObservedContainer};
use crate::jobs::carry_out_operation::{GRACE, observation};
use crate::jobs::{JobError, Outcome};
use crate::observations::{Verdict, record};
use crate::operations::settling::{self, End};
use crate::operations::{Status, making};

impl Turn<'_> {
    pub(super) fn recreate(mut self) -> Result<Outcome, JobError> {
        if self.payload.failure.is_some() {
            return self.go_back();
        }
        let failure = match self.replace() {
            Ok(outcome) => return Ok(outcome),
            Err(Stop::Job(error)) => return Err(error),
            // What was taken back has changed nothing.
            Err(Stop::TakenBack) => return Ok(Outcome::Done),
            Err(Stop::Unclear(error)) => match self.wait(&error) {
                Some(outcome) => return Ok(outcome),
                None => error.to_string(),
            },
            Err(Stop::Failed(words)) => words,
        };
        self.payload.failure = Some(failure);
        self.payload.waiting_since = None;
        self.keep()?;
        self.go_back()
    }

    fn replace(&mut self) -> Step<Outcome> {
        self.begin()?;
        let engine = self.context.app().engine.clone();
        let old = self.old()?;
        let old_id: EngineId =
            old.id.parse().map_err(|_| Stop::Failed("It has no engine's id.".to_owned()))?;
        let id = if let Some(id) = self.find()? {
            id
        } else {
            let image = self.image()?;
            let note = match self.pull(&image) {
                Err(Stop::Failed(words)) => Some(words),
                other => other.map(|()| None)?,
            };
            if engine.ask_blocking(|api| api.image(image.clone()))?.is_none() {
                return Err(Stop::Failed(
                    note.unwrap_or_else(|| format!("The engine has no image {image}.")),
                ));
            }
            self.payload.note = note;
            self.leave_pull()?;
            self.tell("The old container makes room.")?;
            // What is heard of it from now on is no news of the row's container.
            self.context.db().write_blocking(&Actor::System, |conn| {
                making::keep_unmade(conn, self.row).map_err(JobError::from)
            })?;
            let aside: EngineName = aside(&old, self.id.as_str()).parse().map_err(super::odd_name)?;
            engine.ask_blocking(|api| api.rename(old_id.clone(), aside))?;
            engine.ask_blocking(|api| api.stop(old_id.clone(), GRACE))?;
            self.end_old_run(&old_id)?;
            let name: EngineName = old.name.parse().map_err(super::odd_name)?;
            let plan = self.plan(name, image, Some(old_id.clone()))?;
            engine.ask_blocking(|api| api.create(plan))?
        };
        self.payload.made = Some(id.to_string());
        let port = self.reserve_port()?;
        self.record_made(&id, port)?;
        engine.ask_blocking(|api| api.start(id.clone()))?;
        let seen = self.inspect(&id)?;
        let seen = seen.ok_or_else(|| Stop::Failed("The new container is gone already.".to_owned()))?;
        engine.ask_blocking(|api| api.remove(old_id))?;
        Ok(self.end_recreated(&seen)?)
    }

    fn end_old_run(&self, old: &EngineId) -> Step<()> {
        let Some(seen) = self.inspect(old)? else { return Ok(()) };
        let at = seen.run.finished_at.unwrap_or_else(|| self.now());
        self.context.db().write_blocking(&Actor::System, |conn| {
            record::end_run(conn, old.as_str(), at, (seen.run.exit_code, Verdict::AskedHere))
                .map_err(JobError::from)
        })?;
        Ok(())
    }

    /// What there was before, kept before anything is done to it.
    fn old(&mut self) -> Step<Old> {
        if let Some(old) = &self.payload.old {
            return Ok(old.clone());
        }
        let id: Option<EngineId> = self.operation.engine_container.as_deref().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Stop::Failed("It has no engine's id.".to_owned()))?;
        let seen = self.inspect(&id)?;
        let seen = seen.ok_or_else(|| Stop::Failed("The engine has no such container.".to_owned()))?;
        if !seen.is_made_for(&self.row.to_string()) {
            return Err(Stop::Failed("The container carries another label than this console's.".to_owned()));
        }
        let old = Old { id: id.to_string(), name: seen.name, was_running: seen.run.is_running };
        self.payload.old = Some(old.clone());
        self.keep()?;
        Ok(old)
    }

    fn end_recreated(&self, seen: &ObservedContainer) -> Result<Outcome, JobError> {
        let mut answer = format!("Made anew of {} and started.", self.making.image);
        if let Some(note) = &self.payload.note {
            answer = format!("{answer} The image could not be pulled, so the one at hand was used: {note}");
        }
        let from = self.context.app().engine.address();
        let end = End { status: Status::Completed, answer, seen: Some(observation(seen, from)) };
        self.context.db().write_blocking(&Actor::System, |conn| {
            record::begin_run(conn, self.row, seen)?;
            settling::finish(conn, &self.id, &end).map_err(DbError::from)
        })?;
        Ok(Outcome::Done)
    }

    /// The old container comes back under its name, and runs if it ran.
    fn go_back(mut self) -> Result<Outcome, JobError> {
        let failure = self.payload.failure.clone().unwrap_or_default();
        let (told, seen) = match self.bring_back() {
            Ok(seen) => ("The container is as it was.", seen),
            Err(Stop::Job(error)) => return Err(error),
            Err(Stop::Unclear(error)) => match self.wait(&error) {
                Some(outcome) => return Ok(outcome),
                None => (
                    "The engine does not answer: the old container may be stopped, under another name.",
                    None,
                ),
            },
            Err(Stop::Failed(_) | Stop::TakenBack) => {
                ("The old container could not be brought back: it may be stopped, under another name.", None)
            }
        };
        if let Some(id) = self.payload.old.as_ref().and_then(|old| old.id.parse().ok())
            && self.payload.has_asked
        {
            // Its port was the new one's for a while.
            let port =
                self.reserve_port().map_err(|_| JobError::Retry("its port is not known".to_owned()))?;
            self.record_made(&id, port)?;
        }
        let seen = seen.map(|seen| observation(&seen, self.context.app().engine.address()));
        let end = End { status: Status::Failed, answer: format!("{failure} {told}"), seen };
        self.context.db().write_blocking(&Actor::System, |conn| {
            settling::finish(conn, &self.id, &end).map_err(DbError::from)
        })?;
        Ok(Outcome::Done)
    }

    fn bring_back(&self) -> Step<Option<ObservedContainer>> {
        let engine = &self.context.app().engine;
        let Some(old) = &self.payload.old else { return Ok(None) };
        let id: EngineId = old.id.parse().map_err(|_| Stop::Failed(String::new()))?;
        if self.payload.has_asked {
            while let Some(new) = self.find()? {
                engine.ask_blocking(|api| api.remove(new))?;
            }
            let name: EngineName = old.name.parse().map_err(super::odd_name)?;
            let seen = self.inspect(&id)?.ok_or_else(|| Stop::Failed(String::new()))?;
            if seen.name != old.name {
                engine.ask_blocking(|api| api.rename(id.clone(), name))?;
            }
            if old.was_running && !seen.run.is_running {
                engine.ask_blocking(|api| api.start(id.clone()))?;
            }
        }
        Ok(self.inspect(&id)?)
    }
}

/// What the old container is called while the new one has its name.
fn aside(old: &Old, operation: &str) -> String {
    let name: String = old.name.chars().take(80).collect();
    let piece = operation.trim_start_matches("op_").get(..8).unwrap_or_default();
    format!("{name}.old-{piece}")
}
