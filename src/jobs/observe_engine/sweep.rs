//! A look at all containers, held against what was last seen of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::events::End;
use super::{Failure, Following};
use crate::app::App;
use crate::db::ids::ContainerId;
use crate::db::{Actor, DbError};
use crate::engine::{EngineId, ListedContainer, ObservedContainer, RunState};
use crate::jobs::carry_out_operation::observation;
use crate::observations::Ending;
use crate::observations::engines::{self, Shown};
use crate::observations::record;

impl Following {
    /// With `looks_at_all` each known container is looked at, else those that differ.
    pub(super) fn sweep(&mut self, app: &App, looks_at_all: bool) -> Result<(), Failure> {
        let begun = Instant::now();
        let listed = app.engine.ask_blocking(|api| api.list()).map_err(|_| Failure::Engine)?;
        let ids: Vec<String> = listed.iter().map(|container| container.id.to_string()).collect();
        let (rows, shown) = app.db.read_blocking(&Actor::System, |conn| {
            Ok::<_, DbError>((engines::rows_of(conn, &ids)?, engines::shown(conn, &self.engine)?))
        })?;
        for container in &listed {
            let row = rows.get(container.id.as_str()).copied();
            let before = shown.get(container.id.as_str());
            let differs = before.is_none_or(|before| before.state != container.state || before.row != row);
            if self.ending.iter().any(|end| end.event.id == container.id) {
                continue;
            }
            match row {
                Some(row) if differs || looks_at_all => self.compare(app, container, row, before)?,
                None if differs => self.keep_unknown(app, container)?,
                _ => {}
            }
        }
        self.find_gone(app, &listed, &shown)?;
        app.db.write_blocking(&Actor::System, |conn| {
            record::close_loops(conn, &self.engine)?;
            engines::note_sweep(conn, &self.engine, listed.len(), begun.elapsed()).map_err(DbError::from)
        })?;
        let running = listed.iter().filter(|container| container.state == "running");
        let running = running.filter_map(|one| Some((one.id.clone(), *rows.get(one.id.as_str())?)));
        self.take_samples(app, running.collect())
    }

    /// What a known container's state tells that no event did.
    fn compare(
        &mut self,
        app: &App,
        listed: &ListedContainer,
        row: ContainerId,
        before: Option<&Shown>,
    ) -> Result<(), Failure> {
        let (_, seen) = self.look_at(app, &listed.id)?;
        let Some(seen) = seen else { return Ok(()) };
        let Some(before) = before.filter(|before| before.row.is_some()) else {
            // Seen for the first time: what it did before is nobody's to tell.
            return meet(app, row, &seen);
        };
        if let Some(at) = seen.run.finished_at.filter(|at| before.finished_at.is_none_or(|known| *at > known))
        {
            let ending =
                Ending { exit_code: seen.run.exit_code, is_reconstructed: true, ..Ending::default() };
            let name = &seen.name;
            self.ended_run(app, &End { id: &listed.id, row, name, at, ending, seen: Some(&seen) })?;
        }
        if let Some(at) = seen.run.started_at.filter(|at| before.started_at.is_none_or(|known| *at > known)) {
            let is_policy = seen.restart_count > before.restart_count;
            self.began_run(app, row, &seen, (at, is_policy, true))?;
        }
        Ok(())
    }

    /// One that is in no record here is kept by what the list says.
    fn keep_unknown(&self, app: &App, listed: &ListedContainer) -> Result<(), Failure> {
        let seen = ObservedContainer {
            id: listed.id.clone(),
            name: listed.name.clone(),
            image: listed.image.clone(),
            labels: BTreeMap::new(),
            run: RunState { word: listed.state.clone(), ..RunState::default() },
            restart_count: 0,
            has_terminal: false,
            environment_names: Vec::new(),
        };
        app.db.write_blocking(&Actor::System, |conn| {
            let observation = observation(&seen, app.engine.address());
            engines::keep(conn, &self.engine, (None, &seen), &observation).map_err(DbError::from)
        })?;
        if listed.state == "running" {
            self.runs_unknown(app, &listed.id, &listed.name)?;
        }
        Ok(())
    }

    fn find_gone(
        &mut self,
        app: &App,
        listed: &[ListedContainer],
        shown: &BTreeMap<String, Shown>,
    ) -> Result<(), Failure> {
        let here: BTreeSet<&str> = listed.iter().map(|container| container.id.as_str()).collect();
        for missing in shown.values().filter(|shown| !here.contains(shown.container.as_str())) {
            let Ok(id) = missing.container.parse::<EngineId>() else { continue };
            // Between the list and now it may have come, and gone by an event.
            let looked =
                app.engine.ask_blocking(|api| api.inspect(id.clone())).map_err(|_| Failure::Engine)?;
            if looked.is_none() {
                let namesake = listed.iter().find(|other| other.name == missing.name).map(|other| &other.id);
                self.gone(app, &id, &missing.name, app.clock.now(), namesake)?;
            }
        }
        Ok(())
    }
}

/// One that runs when it is first seen began a run that goes on.
fn meet(app: &App, row: ContainerId, seen: &ObservedContainer) -> Result<(), Failure> {
    if seen.run.is_running {
        app.db.write_blocking(&Actor::System, |conn| {
            record::begin_run(conn, row, seen).map_err(DbError::from)
        })?;
    }
    Ok(())
}
