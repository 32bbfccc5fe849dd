//! What events lead to.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::crash::{details, last_lines};
use super::{Failure, Following, Look, PendingEnd};
use crate::activity::EngineEventType;
use crate::app::App;
use crate::containers;
use crate::db::ids::ContainerId;
use crate::db::{Actor, DbError};
use crate::engine::{EngineEvent, EngineId, ObservedContainer};
use crate::jobs::carry_out_operation::{observation, removed};
use crate::observations::record::{self, Seen};
use crate::observations::{Ending, Verdict, asks_for_an_end, engines};

/// How long after an end it may yet be told that somebody asked for it: the two come in either order.
const WINDOW: Duration = Duration::from_secs(2);
/// How long before an end a signal may have asked for it.
const SIGNAL_NANOS: i64 = 60_000_000_000;
/// How soon a policy starts what has ended.
const POLICY: Duration = Duration::from_secs(150);

/// A run that ended, as far as it is known.
pub(super) struct End<'a> {
    pub id: &'a EngineId,
    pub row: ContainerId,
    pub name: &'a str,
    pub at: DateTime<Utc>,
    pub ending: Ending,
    /// What the container is like by now; none when it is gone.
    pub seen: Option<&'a ObservedContainer>,
}

impl Following {
    pub(super) fn take_in(&mut self, app: &App, event: EngineEvent) -> Result<(), Failure> {
        match event.action.as_str() {
            "kill" => {
                if event.signal.is_some_and(asks_for_an_end) {
                    self.signalled.insert(event.id, event.nanos);
                }
                Ok(())
            }
            "die" => {
                self.ending.push(PendingEnd { event, heard: Instant::now(), was_stopped: false });
                Ok(())
            }
            "stop" | "restart" => {
                for end in self.ending.iter_mut().filter(|end| end.event.id == event.id) {
                    end.was_stopped = true;
                }
                Ok(())
            }
            "start" => {
                self.judge_ends_of(app, &event.id)?;
                self.started(app, &event)
            }
            "destroy" => {
                self.judge_ends_of(app, &event.id)?;
                self.destroyed(app, &event)
            }
            "pause" | "unpause" | "rename" => self.changed(app, &event),
            action if action.starts_with("health_status") => self.changed(app, &event),
            // `oom` is told by the run's end; what is made and not started is found by the sweep.
            _ => Ok(()),
        }
    }

    /// How a container is that an event tells of: what was seen of it since the event was heard, or a look now.
    fn look_once(&mut self, app: &App, id: &EngineId) -> Result<Look, Failure> {
        if let Some(look) = self.looks.get(id) {
            return Ok(look.clone());
        }
        let look = self.look_at(app, id)?;
        self.looks.insert(id.clone(), look.clone());
        Ok(look)
    }

    /// Looks at a container and keeps how it is.
    pub(super) fn look_at(&self, app: &App, id: &EngineId) -> Result<Look, Failure> {
        let seen = app.engine.ask_blocking(|api| api.inspect(id.clone())).map_err(|_| Failure::Engine)?;
        let ids = [id.to_string()];
        let row = app.db.write_blocking(&Actor::System, |conn| {
            let row = engines::rows_of(conn, &ids)?.remove(id.as_str());
            if let Some(seen) = &seen {
                let observation = observation(seen, app.engine.address());
                engines::keep(conn, &self.engine, (row, seen), &observation)?;
            }
            Ok::<_, DbError>(row)
        })?;
        Ok((row, seen))
    }

    /// Judges the ends that nothing more will be heard of.
    pub(super) fn judge_ends(&mut self, app: &App) -> Result<(), Failure> {
        while let Some(place) = self.ending.iter().position(|end| end.heard.elapsed() >= WINDOW) {
            let end = self.ending.remove(place);
            self.judge(app, &end)?;
        }
        let limit = POLICY;
        self.ended.retain(|_, at| at.elapsed() < limit);
        Ok(())
    }

    fn judge_ends_of(&mut self, app: &App, id: &EngineId) -> Result<(), Failure> {
        while let Some(place) = self.ending.iter().position(|end| end.event.id == *id) {
            let end = self.ending.remove(place);
            self.judge(app, &end)?;
        }
        Ok(())
    }

    fn judge(&mut self, app: &App, end: &PendingEnd) -> Result<(), Failure> {
        let event = &end.event;
        let (row, seen) = self.look_once(app, &event.id)?;
        let signalled = self.signalled.get(&event.id).copied();
        let was_signalled = signalled.is_some_and(|at| at <= event.nanos && event.nanos - at <= SIGNAL_NANOS);
        if let Some(seen) = seen.as_ref().filter(|seen| seen.run.is_running) {
            // It runs again: later signals are the next run's.
            self.signalled.retain(|id, at| *id != seen.id || *at > event.nanos);
        } else {
            self.signalled.remove(&event.id);
        }
        let Some(row) = row else { return Ok(()) };
        let exit_code = event.exit_code.unwrap_or_default();
        let at = ended_at(seen.as_ref(), event.nanos);
        let ending = Ending { exit_code, was_stopped: end.was_stopped, was_signalled, ..Ending::default() };
        let name = &event.name;
        self.ended_run(app, &End { id: &event.id, row, name, at, ending, seen: seen.as_ref() })
    }

    /// Puts the end of a run on record: as what it was, or as one more round of a loop.
    pub(super) fn ended_run(&mut self, app: &App, end: &End<'_>) -> Result<(), Failure> {
        let id = end.id.as_str();
        let (asked, open_loop) = app.db.read_blocking(&Actor::System, |conn| {
            let asked = record::operation_at(conn, end.row, &["stop", "restart", "delete"], end.at)?;
            Ok::<_, DbError>((asked, record::open_loop(conn, &self.engine, id)?))
        })?;
        let ending = Ending { was_asked_here: asked.is_some(), ..end.ending };
        let verdict = ending.verdict();
        let is_unasked = matches!(verdict, Verdict::Crashed | Verdict::Ended);
        if is_unasked {
            self.ended.insert(end.id.clone(), Instant::now());
        }
        let lines = match verdict {
            Verdict::Crashed if open_loop.is_none() => last_lines(app, end.id, end.seen),
            _ => None,
        };
        let was_out_of_memory = end.seen.is_some_and(|seen| seen.run.was_out_of_memory);
        let code = ending.exit_code;
        let name = end.name;
        let (kind, title) = match verdict {
            Verdict::AskedHere => (EngineEventType::Stopped, format!("{name} stopped, as asked here")),
            Verdict::StoppedOutside => {
                (EngineEventType::StoppedOutside, format!("{name} was stopped from outside of this console"))
            }
            Verdict::Ended => (EngineEventType::Ended, format!("{name} ended by itself")),
            Verdict::Crashed => (EngineEventType::Crashed, format!("{name} crashed with exit code {code}")),
        };
        let details = details(code, was_out_of_memory, lines.as_deref());
        app.db.write_blocking(&Actor::System, |conn| {
            record::end_run(conn, id, end.at, (code, verdict))?;
            if let Some(open) = open_loop.as_ref().filter(|_| is_unasked) {
                return record::count_restart(conn, open, end.at, code).map_err(DbError::from);
            }
            let seen = Seen {
                container: Some(id),
                name,
                row: Some(end.row),
                exit_code: Some(code),
                was_out_of_memory,
                last_lines: lines.clone(),
                operation: asked.as_ref(),
                details: Some(details.clone()),
                is_reconstructed: ending.is_reconstructed,
                ..Seen::of(&self.engine, kind.clone(), end.at, title.clone())
            };
            record::write(conn, &seen)?;
            Ok(())
        })?;
        Ok(())
    }

    fn started(&mut self, app: &App, event: &EngineEvent) -> Result<(), Failure> {
        let (row, seen) = self.look_once(app, &event.id)?;
        let Some(seen) = seen else { return Ok(()) };
        let Some(row) = row else { return self.runs_unknown(app, &event.id, &event.name) };
        let had_ended = self.ended.remove(&event.id).is_some();
        let is_policy = had_ended && seen.restart_count > 0;
        let at = seen.run.started_at.unwrap_or_else(|| moment(event.nanos));
        self.began_run(app, row, &seen, (at, is_policy, false))
    }

    /// Puts the beginning of a run on record.
    pub(super) fn began_run(
        &self,
        app: &App,
        row: ContainerId,
        seen: &ObservedContainer,
        (at, is_policy, is_reconstructed): (DateTime<Utc>, bool, bool),
    ) -> Result<(), Failure> {
        let (id, name) = (seen.id.as_str(), seen.name.as_str());
        app.db.write_blocking(&Actor::System, |conn| {
            record::begin_run(conn, row, seen)?;
            let asked = record::operation_at(conn, row, &["start", "restart", "create", "recreate"], at)?;
            let (kind, title) = if is_policy {
                if seen.restart_count < 2 || record::open_loop(conn, &self.engine, id)?.is_some() {
                    return Ok(());
                }
                (EngineEventType::RestartLoop, format!("{name} ends and is started again and again"))
            } else if asked.is_some() {
                (EngineEventType::Started, format!("{name} started, as asked here"))
            } else {
                (EngineEventType::StartedOutside, format!("{name} was started from outside of this console"))
            };
            let details =
                is_policy.then(|| format!("Its restart policy has started it {} times.", seen.restart_count));
            let told = Seen {
                container: Some(id),
                name,
                row: Some(row),
                operation: asked.as_ref().filter(|_| !is_policy),
                details,
                is_reconstructed,
                ..Seen::of(&self.engine, kind, at, title)
            };
            record::write(conn, &told)?;
            if is_policy {
                let times = i32::try_from(seen.restart_count).unwrap_or(i32::MAX);
                record::open_with(conn, &self.engine, id, times, at)?;
            }
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    /// Tells once of a container that runs and is in no record here; and of the one whose name it took.
    pub(super) fn runs_unknown(&self, app: &App, id: &EngineId, name: &str) -> Result<(), Failure> {
        let now = app.clock.now();
        app.db.write_blocking(&Actor::System, |conn| {
            let title = format!("The engine runs {name}, which is unknown here");
            let unknown = Seen {
                container: Some(id.as_str()),
                name,
                ..Seen::of(&self.engine, EngineEventType::Unknown, now, title)
            };
            record::write_once(conn, &unknown)?;
            if let Some((row, old)) = engines::former_bearer(conn, &self.engine, name)? {
                let title = format!("{name} is gone, and another container bears its name");
                let replaced = Seen {
                    container: Some(&old),
                    name,
                    row: Some(row),
                    details: Some(format!("The other one is {id}.")),
                    ..Seen::of(&self.engine, EngineEventType::Replaced, now, title)
                };
                record::write_once(conn, &replaced)?;
            }
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    fn destroyed(&mut self, app: &App, event: &EngineEvent) -> Result<(), Failure> {
        self.signalled.remove(&event.id);
        self.ended.remove(&event.id);
        self.gone(app, &event.id, &event.name, moment(event.nanos), None)
    }

    /// A container is on the engine no more; another may bear its name.
    pub(super) fn gone(
        &self,
        app: &App,
        id: &EngineId,
        name: &str,
        at: DateTime<Utc>,
        replaced_by: Option<&EngineId>,
    ) -> Result<(), Failure> {
        let ids = [id.to_string()];
        app.db.write_blocking(&Actor::System, |conn| {
            let row = engines::rows_of(conn, &ids)?.remove(id.as_str());
            engines::keep_gone(conn, &self.engine, id.as_str(), row, &removed(app.engine.address(), at))?;
            let Some(row) = row else { return Ok(()) };
            let asked = record::operation_at(conn, row, &["delete"], at)?;
            let (kind, title) = match (&asked, replaced_by) {
                (Some(_), _) => (EngineEventType::Deleted, format!("{name} was removed, as asked here")),
                (None, Some(_)) => (
                    EngineEventType::Replaced,
                    format!("{name} is gone, and another container bears its name"),
                ),
                (None, None) => {
                    (EngineEventType::Gone, format!("{name} was removed from outside of this console"))
                }
            };
            let seen = Seen {
                container: Some(id.as_str()),
                name,
                row: Some(row),
                operation: asked.as_ref(),
                details: replaced_by.map(|other| format!("The other one is {other}.")),
                ..Seen::of(&self.engine, kind, at, title)
            };
            record::write(conn, &seen)?;
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    /// What does not end a run: it is paused, renamed, found ill or well.
    fn changed(&mut self, app: &App, event: &EngineEvent) -> Result<(), Failure> {
        let (row, _) = self.look_once(app, &event.id)?;
        let Some(row) = row else { return Ok(()) };
        let name = &event.name;
        let (kind, title) = match event.action.as_str() {
            "pause" => (EngineEventType::Paused, format!("{name} was paused")),
            "unpause" => (EngineEventType::Resumed, format!("{name} goes on")),
            "rename" => {
                let old = event.old_name.as_deref().unwrap_or("It");
                (EngineEventType::Renamed, format!("{old} is called {name} now"))
            }
            "health_status: healthy" => (EngineEventType::Healthy, format!("{name} is healthy")),
            "health_status: unhealthy" => (EngineEventType::Unhealthy, format!("{name} is unhealthy")),
            _ => return Ok(()),
        };
        app.db.write_blocking(&Actor::System, |conn| {
            if kind == EngineEventType::Renamed
                && let Some(old) = &event.old_name
            {
                containers::commands::follow_rename(conn, row, old, name)?;
            }
            let seen = Seen {
                container: Some(event.id.as_str()),
                name,
                row: Some(row),
                ..Seen::of(&self.engine, kind.clone(), moment(event.nanos), title.clone())
            };
            record::write(conn, &seen).map_err(DbError::from)
        })?;
        Ok(())
    }
}

fn moment(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(nanos / 1_000).unwrap_or_default()
}

/// When a run ended, as its container says, so that a sweep that finds it tells of the same end.
fn ended_at(seen: Option<&ObservedContainer>, nanos: i64) -> DateTime<Utc> {
    let heard = moment(nanos);
    let told = seen.and_then(|seen| seen.run.finished_at);
    told.filter(|at| (*at - heard).num_seconds().abs() < 2).unwrap_or(heard)
}
