//! One file of a project.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{shown_name, steps};
use crate::db::ids::FileId;
use crate::error::{AppError, AppResult};
use crate::files::Directory;
use crate::files::queries::{self, Change, File};
use crate::http::authed_request::AuthedRequest;
use crate::web::display::{ByteSize, Fact, visible};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

#[derive(Debug, Template)]
#[template(path = "files/show.html")]
pub struct FilePage {
    /// The frame.
    pub shell: Shell,
    /// The head of all the project's pages.
    pub project: ProjectHead,
    /// What it is called.
    pub name: String,
    pub is_deleted: bool,
    /// The way to its directory.
    pub steps: Vec<Crumb>,
    /// What is known of it.
    pub facts: Vec<Fact>,
    /// Pushes that name it.
    pub changes: Vec<ChangeRow>,
    /// Why there is no content.
    pub content_note: String,
}

/// A push that changed the file.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// What its commit says.
    pub label: String,
    /// Its page.
    pub url: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

const CONTENT_NOTE: &str = "The console knows what this file is called, how large it is and when it changed. \
     What is in it stays in the container.";

/// Shows the file.
///
/// # Errors
/// 404 for a file that is not the project's or that the viewer can't see.
pub async fn show(authed: AuthedRequest, path: Path<String>, file: String) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let now = authed.app.clock.now();
    let (viewer, (project, file, changes)) = authed
        .read(move |conn, _| {
            let project = crate::projects::queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let container = project.container.as_ref().ok_or(AppError::NotFound)?.id;
            let file: FileId = file.parse().map_err(|_| AppError::NotFound)?;
            let file = queries::find(conn, container, file)?.ok_or(AppError::NotFound)?;
            let changes = queries::changes(conn, id, &file.path)?;
            Ok((project, file, changes))
        })
        .await?;
    let (zone, action) = (viewer.zone, urls::project_part(id, "files"));
    let head = ProjectHead::new(&project, "files", now, zone);
    let mut crumbs = head.crumbs(Some("Files"));
    if let Some(files) = crumbs.last_mut() {
        files.url = Some(action.clone());
    }
    let name = shown_name(file.path.rsplit('/').next().unwrap_or_default());
    crumbs.push(Crumb::here(name.clone()));
    let page = FilePage {
        shell: authed.shell(&viewer, format!("{name} · {}", project.name)).with_breadcrumbs(crumbs),
        project: head,
        name,
        is_deleted: file.is_deleted,
        steps: steps(&action, &Directory::of_file(&file.path)),
        facts: facts(&file, now, zone),
        changes: changes.iter().map(|change| ChangeRow::new(change, now, zone)).collect(),
        content_note: CONTENT_NOTE.to_owned(),
    };
    authed.page(StatusCode::OK, &page)
}

impl ChangeRow {
    fn new(change: &Change, now: DateTime<Utc>, zone: Tz) -> Self {
        let message = change.message.lines().next().unwrap_or_default().trim();
        Self {
            label: if message.is_empty() { change.push_id.clone() } else { message.to_owned() },
            url: urls::reference("github_push_id", &change.push_id),
            author: change.author.clone(),
            at: Timestamp::from_millis(change.at, now, zone),
        }
    }
}

fn facts(file: &File, now: DateTime<Utc>, zone: Tz) -> Vec<Fact> {
    let mut facts = vec![Fact::id("Path", visible(&file.path))];
    // Nothing holds the two names together.
    if file.path.rsplit('/').next() != Some(file.name.as_str()) {
        facts.push(Fact::mono("Name", shown_name(&file.name)));
    }
    facts.push(Fact::text(
        "Size",
        file.size.map_or_else(
            || "not known".to_owned(),
            |bytes| {
                let size = ByteSize::new(bytes);
                if bytes < 1000 { size.exact } else { format!("{} ({})", size.short, size.exact) }
            },
        ),
    ));
    facts.push(Fact::text("Type", file.media_type.as_deref().map_or("not known".to_owned(), visible)));
    for (label, at) in [("Created", file.created_at), ("Changed", file.changed_at)] {
        facts.extend(at.map(|at| Fact::text(label, Timestamp::new(at, now, zone).exact)));
    }
    facts.push(Fact::text("State", if file.is_deleted { "deleted" } else { "there" }));
    facts.push(Fact::id("Id", file.id.to_string()));
    facts
}
