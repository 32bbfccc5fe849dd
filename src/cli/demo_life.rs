//! Real containers beside the demo's invented ones, for as long as `serve --demo` runs.

use std::thread;

use super::{CommandError, CommandResult};
use crate::app::App;
use crate::db::Actor;
use crate::db::ids::ProjectId;
use crate::demo::living;
use crate::engine::EngineError;

/// Makes the containers, where an engine is at hand and an image is configured. What an earlier start left goes first.
pub(super) fn begin(app: &App) {
    let images = &app.config.containers;
    let Some(image) = images.image_of("static").or_else(|| images.images.first().map(|(_, image)| image))
    else {
        return;
    };
    if app.engine.standing_blocking().obstacle().is_some() {
        return;
    }
    let (app, image) = (app.clone(), image.clone());
    thread::spawn(move || {
        let made = remove(&app).and_then(|()| {
            app.db.write_blocking(&Actor::System, |conn| {
                living::begin(conn, app.clock.now(), &image).map_err(CommandError::from)
            })
        });
        match made {
            Ok(made) => tracing::info!(count = made.len(), "making the demo's real containers"),
            Err(error) => tracing::warn!(%error, "the demo has no real containers"),
        }
    });
}

/// Removes them.
pub(super) fn end(app: &App) {
    if app.config.containers.images.is_empty() || app.engine.standing_blocking().obstacle().is_some() {
        return;
    }
    if let Err(error) = remove(app) {
        tracing::warn!(%error, "containers of the demo may be left at the engine");
    }
}

fn remove(app: &App) -> CommandResult {
    let projects = app.db.write_blocking(&Actor::System, |conn| {
        living::forget(conn, app.clock.now()).map_err(CommandError::from)
    })?;
    remove_at_engine(app, &projects).map_err(CommandError::failed)
}

/// What carries the demo's label and this console's, also what another database knew.
fn remove_at_engine(app: &App, projects: &[ProjectId]) -> Result<(), EngineError> {
    let console = app.console_id().to_string();
    for container in app.engine.ask_blocking(|api| api.list())? {
        let label = |name: &str| container.labels.get(name).map(String::as_str);
        if label("pilothouse.demo").is_some() && label("pilothouse.instance") == Some(&console) {
            app.engine.ask_blocking(|api| api.remove(container.id.clone()))?;
        }
    }
    for name in projects.iter().filter_map(|project| format!("pilothouse-{project}").parse().ok()) {
        app.engine.ask_blocking(|api| api.remove_network(name))?;
    }
    Ok(())
}
