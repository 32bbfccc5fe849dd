//! A directory of a project's files.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{shown_name, steps};
use crate::containers::queries::projects_in;
use crate::db::cursor::{ListPosition, PageStart};
use crate::db::ids::FileId;
use crate::error::{AppError, AppResult};
use crate::files::Directory;
use crate::files::listing::{self, Ask, Entry, LOOKED_AT, Listing, Sort};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::queries;
use crate::web::display::{ByteSize, Link, beginning, counted, grouped, visible};
use crate::web::lists::{self, ListPage};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

/// A directory, or the files below it that match.
#[derive(Debug, Template)]
#[template(path = "files/index.html")]
pub struct FilesPage {
    /// The frame.
    pub shell: Shell,
    /// The head of all the project's pages.
    pub project: ProjectHead,
    pub list: ListPage,
    /// The directory; empty for the root.
    pub path: String,
    /// The way to it.
    pub steps: Vec<Crumb>,
    /// Whether deleted files are shown.
    pub with_deleted: bool,
    /// How much there is.
    pub summary: String,
    /// What is hidden.
    pub deleted: Option<Link>,
    /// Whose these are too.
    pub notes: Vec<String>,
    pub next_look: Option<Link>,
    /// Whether there is a container that could hold files.
    pub has_container: bool,
    /// Files and directories.
    pub entries: Vec<EntryRow>,
}

/// A file or a directory.
#[derive(Debug, Clone)]
pub struct EntryRow {
    pub id: String,
    /// Its page.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// Its media type, or how much a directory holds.
    pub kind: String,
    pub is_directory: bool,
    /// Whether it is deleted, with all that it holds.
    pub is_deleted: bool,
    /// How large it is.
    pub size: Option<ByteSize>,
    /// When it was last changed.
    pub changed: Option<Timestamp>,
}

/// A name is shown up to this length; its own page shows all of it.
const LONGEST_NAME: usize = 300;

impl EntryRow {
    fn new(action: &str, ask: &Ask, entry: &Entry, now: DateTime<Utc>, zone: Tz) -> Self {
        let url = if entry.is_directory {
            let directory = ask.directory.child(&entry.name);
            let mut pairs = vec![("path", directory.prefix())];
            pairs.extend(ask.with_deleted.then_some(("deleted", "1")));
            urls::with_query(action, &pairs)
        } else {
            urls::with_query(action, &[("file", entry.id.to_string().as_str())])
        };
        let (start, more) = beginning(&entry.name, LONGEST_NAME);
        let files = usize::try_from(entry.files).unwrap_or_default();
        Self {
            id: entry.id.to_string(),
            url,
            name: if more { format!("{}…", visible(start)) } else { shown_name(start) },
            kind: if entry.is_directory {
                counted(files, "file", "files")
            } else {
                entry
                    .media_type
                    .as_deref()
                    .filter(|kind| !kind.trim().is_empty())
                    .map_or("—".to_owned(), visible)
            },
            is_directory: entry.is_directory,
            is_deleted: entry.is_deleted,
            size: entry.size.map(ByteSize::new),
            changed: entry.changed_at.map(|at| Timestamp::new(at, now, zone)),
        }
    }
}

fn ask(query: &Query) -> Ask {
    Ask {
        directory: query.first("path").map(Directory::new).unwrap_or_default(),
        text: query.first("q").map(|text| text.trim().to_owned()),
        with_deleted: query.first("deleted").is_some_and(|deleted| deleted != "0"),
        sort: match query.first("sort") {
            Some("changed") => Sort::Changed,
            Some("size") => Sort::Size,
            _ => Sort::Name,
        },
        from_path: query.first("from").map(str::to_owned),
    }
}

/// Positions here are entries: their ids are enough.
fn position(id: FileId) -> ListPosition {
    ListPosition { key: "file".to_owned(), id: id.0 }
}

fn from(query: &Query) -> AppResult<PageStart<FileId>> {
    Ok(match lists::from(query)? {
        PageStart::Start => PageStart::Start,
        PageStart::Beyond(position) => PageStart::Beyond(FileId(position.id)),
        PageStart::Back(position) => PageStart::Back(FileId(position.id)),
    })
}

/// Shows the directory.
///
/// # Errors
/// 404 for a project that the viewer can't see; 400 for a position that is none of this list.
pub async fn index(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let (asked, now) = (query.clone(), authed.app.clock.now());
    let (viewer, (project, found, others)) = authed
        .read(move |conn, _| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let (limit, from) = (lists::limit(&asked)?, from(&asked)?);
            let Some(container) = project.container.as_ref().map(|container| container.id) else {
                return Ok((project, None, Vec::new()));
            };
            let found = listing::page(conn, container, &ask(&asked), &from, limit)?;
            if found.is_lost {
                return Err(AppError::BadRequest(
                    "The file that this page should begin at is not in this list any more. Start again at its first page."
                        .to_owned(),
                ));
            }
            let mut others = projects_in(conn, container)?;
            others.retain(|(other, _)| *other != id);
            Ok((project, Some(found), others))
        })
        .await?;
    let (zone, action) = (viewer.zone, urls::project_part(id, "files"));
    let head = ProjectHead::new(&project, "files", now, zone);
    let shell = authed
        .shell(&viewer, format!("Files of {}", project.name))
        .with_breadcrumbs(head.crumbs(Some("Files")));
    let mut page = FilesPage::new(shell, head, action, &query);
    if !others.is_empty() {
        let names: Vec<_> = others.into_iter().map(|(_, name)| name).collect();
        page.notes
            .push(format!("The same container serves {}, so these files are theirs too.", names.join(", ")));
    }
    page.has_container = found.is_some();
    if let Some(found) = &found {
        page.fill(found, &query, now, zone);
    }
    authed.page(StatusCode::OK, &page)
}

impl FilesPage {
    pub fn new(shell: Shell, project: ProjectHead, action: String, query: &Query) -> Self {
        let ask = ask(query);
        let mut steps = steps(&action, &ask.directory);
        if let Some(here) = steps.last_mut() {
            here.url = None;
        }
        let list = ListPage::new(action, query)
            .with_chips("deleted", |_| "deleted too".to_owned())
            .with_sorts([("", "By name"), ("changed", "Last changed first"), ("size", "Largest first")]);
        Self {
            shell,
            project,
            list,
            path: ask.directory.prefix().to_owned(),
            steps,
            with_deleted: ask.with_deleted,
            summary: String::new(),
            deleted: None,
            notes: Vec::new(),
            next_look: None,
            has_container: true,
            entries: Vec::new(),
        }
    }

    pub fn fill(&mut self, found: &Listing, query: &Query, now: DateTime<Utc>, zone: Tz) {
        let ask = ask(query);
        self.list =
            self.list.clone().with_page(&found.page, ("entry", "entries"), |entry| position(entry.id));
        let action = self.list.action.as_str();
        let rows = found.page.rows.iter();
        self.entries = rows.map(|entry| EntryRow::new(action, &ask, entry, now, zone)).collect();
        let size = ByteSize::new(found.size).short;
        self.summary = match (&found.next_path, usize::try_from(found.files)) {
            (None, Ok(files)) => format!("{}, {size}", counted(files, "file", "files")),
            _ => format!("more than {} files", grouped(LOOKED_AT)),
        };
        if found.deleted > 0 && !ask.with_deleted {
            let mut pairs = query.without(&["before", "after", "deleted"]);
            pairs.push(("deleted".to_owned(), "1".to_owned()));
            let deleted = usize::try_from(found.deleted).unwrap_or_default();
            let label = format!("Show {}", counted(deleted, "deleted file", "deleted files"));
            self.deleted = Some(Link::new(label, urls::with_query(action, &pairs)));
        }
        if let Some(next) = &found.next_path {
            let mut pairs = query.without(&["before", "after", "from"]);
            pairs.push(("from".to_owned(), next.clone()));
            self.notes.push(format!(
                "There are more files than one look takes in: this one ends after {}.",
                grouped(LOOKED_AT)
            ));
            self.next_look =
                Some(Link::new("Look at the files after these", urls::with_query(action, &pairs)));
        }
    }
}
