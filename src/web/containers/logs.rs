//! `GET /containers/{id}/logs`
//!
//! Not read from the engine in this release: the page says so, and what to do.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use super::head::ContainerHead;
use super::show::container_id;
use crate::containers::queries;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::operations;
use crate::web::shell::Shell;

/// Why there is nothing, and what to do.
const NO_LOGS: &str =
    "What the container writes can't be read from here yet. Read it on the machine where the container runs.";

/// What a container writes.
#[derive(Debug, Template)]
#[template(path = "containers/logs.html")]
pub struct LogsPage {
    /// The frame.
    pub shell: Shell,
    /// The head of all the container's pages.
    pub container: ContainerHead,
    /// Why there is nothing, and what to do.
    pub reason: String,
    /// What shows the logs elsewhere; none when the engine's id could not stand in a command.
    pub command: Option<String>,
}

/// Says why there are no logs.
pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, (container, projects, under_way)) = authed
        .read(move |conn, _| {
            let id = container_id(&path)?;
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let under_way = operations::queries::under_way(conn, id)?;
            Ok((container, queries::projects_in(conn, id)?, under_way))
        })
        .await?;
    let head = ContainerHead::new(
        &container,
        &projects,
        "logs",
        (&authed.app.engine.last_standing(), under_way.as_ref()),
        (now, viewer.zone),
    );
    let page = LogsPage {
        shell: authed
            .shell(&viewer, format!("Logs of {}", container.name))
            .with_breadcrumbs(head.crumbs(Some("Logs"))),
        container: head,
        reason: NO_LOGS.to_owned(),
        command: command(&container.engine_id),
    };
    authed.page(StatusCode::OK, &page)
}

/// A command that somebody may paste into a shell holds nothing but an id.
fn command(engine_id: &str) -> Option<String> {
    let is_plain = !engine_id.is_empty()
        && !engine_id.starts_with('-')
        && engine_id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let short = engine_id.get(..12).filter(|_| engine_id.len() == 64).unwrap_or(engine_id);
    is_plain.then(|| format!("docker logs --tail 200 --follow {short}"))
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_holds_nothing_but_an_id() {
        assert_eq!(command("shop-web_1").as_deref(), Some("docker logs --tail 200 --follow shop-web_1"));
        assert_eq!(
            command(&"ab".repeat(32)).as_deref(),
            Some("docker logs --tail 200 --follow abababababab")
        );
        for odd in ["", "-v", "x; ls", "$(ls)", "a b", "ä", "x\n"] {
            assert_eq!(command(odd), None, "{odd}");
        }
    }
}
