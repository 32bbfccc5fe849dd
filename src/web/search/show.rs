//! `GET /search?q=`

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms;
use crate::http::query::Query;
use crate::identity::{Role, Viewer};
use crate::projects;
use crate::search::{self, Found, Kind, LONGEST, MOST, Target};
use crate::web::activity::reference::key_label;
use crate::web::display::{Link, in_short};
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;

/// What was found.
#[derive(Debug, Template)]
#[template(path = "search/show.html")]
pub struct SearchPage {
    /// The frame.
    pub shell: Shell,
    /// What was searched for.
    pub q: String,
    /// What was found, by kind.
    pub groups: Vec<Group>,
    /// What was looked through, for when nothing is found.
    pub searched: Vec<&'static str>,
    /// Where one looks on: the words of entries, the files of each project.
    pub elsewhere: Vec<Link>,
}

/// Things of one kind.
#[derive(Debug, Clone)]
pub struct Group {
    /// "Projects".
    pub title: &'static str,
    /// What the second column says of them.
    pub note_title: &'static str,
    /// The things.
    pub hits: Vec<Hit>,
    /// The whole list, where there may be more.
    pub more_url: Option<String>,
}

/// One thing.
#[derive(Debug, Clone)]
pub struct Hit {
    /// What it is called.
    pub label: String,
    /// What is to be known of it.
    pub note: String,
    /// Its page.
    pub url: String,
}

/// Projects whose files are offered when nothing is found.
const FILES_OFFERED: i64 = 5;

/// Searches. What is found alone is opened at once, and so is the one thing whose id was pasted.
pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let q: String = query.first("q").unwrap_or_default().trim().chars().take(LONGEST).collect();
    let wanted = q.clone();
    let (viewer, (found, files)) = authed
        .read(move |conn, viewer| {
            let found = if wanted.is_empty() { Vec::new() } else { search::find(conn, viewer, &wanted)? };
            let is_lost = found.is_empty() && !wanted.is_empty();
            let files =
                if is_lost { projects::queries::with_files(conn, FILES_OFFERED)? } else { Vec::new() };
            Ok((found, files))
        })
        .await?;
    if let Some(path) = own_address(&authed, &q) {
        return Ok(urls::see_other(&path));
    }
    if let Some(only) = search::only(&found) {
        return Ok(urls::see_other(&address(&only.target)));
    }
    let mut shell = authed.shell(&viewer, "Search").with_breadcrumbs(vec![Crumb::here("Search")]);
    shell.search_query.clone_from(&q);
    let mut elsewhere =
        vec![Link::new("Words of entries in the timeline", urls::with_query("/activity", &[("q", &q)]))];
    elsewhere.extend(files.into_iter().map(|(id, name)| {
        let files = urls::with_query(&urls::project_part(id, "files"), &[("q", &q)]);
        Link::new(format!("All files of {}", in_short(&name, 60)), files)
    }));
    let groups = Kind::ALL.iter().filter_map(|kind| Group::of(*kind, &found, &q)).collect();
    authed.page(StatusCode::OK, &SearchPage { shell, q, groups, searched: searched(&viewer), elsewhere })
}

/// The path of a pasted address of this console.
fn own_address(authed: &AuthedRequest, text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = match &authed.app.config.base_url {
        Some(base) => base.authority().to_owned(),
        None => authed.request.headers().get(header::HOST)?.to_str().ok()?.to_owned(),
    };
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let is_own = url.authority() == host && forms::is_local_path(path);
    // A search for a search's address would lead here again.
    (is_own && url.path() != "/search").then(|| path.to_owned())
}

fn address(target: &Target) -> String {
    match target {
        Target::Project(id) => urls::project(*id),
        Target::Container(id) => urls::container(*id),
        Target::User(id) => urls::user(*id),
        Target::File(project, id) => {
            urls::with_query(&urls::project_part(*project, "files"), &[("file", id.to_string())])
        }
        Target::Address(address) => urls::with_query("/audit", &[("address", address.to_string())]),
        Target::Oneself => "/account".to_owned(),
        Target::Action(id) => urls::action(id),
        Target::Event(id) => urls::event(id),
        Target::AuditEntry(id) => urls::audit_entry(id),
        Target::Observation(id) => urls::observation(id),
        Target::Reference(reference) => urls::reference(&reference.key, &reference.value),
    }
}

impl Group {
    /// The group of `kind`, if anything in it was found.
    fn of(kind: Kind, found: &[Found], q: &str) -> Option<Self> {
        let (title, note_title, list) = match kind {
            Kind::Project => ("Projects", "Owner", Some("/projects")),
            Kind::Container => ("Containers", "State", Some("/containers")),
            Kind::User => ("Users", "E-mail", Some("/users")),
            Kind::File => ("Files", "Project", None),
            Kind::Entry => ("Entries of the timeline", "What it is", None),
            Kind::Reference => ("References", "What it is", None),
        };
        let of_kind: Vec<&Found> = found.iter().filter(|hit| hit.kind == kind).collect();
        let hits: Vec<Hit> = of_kind.iter().take(MOST).map(|found| Hit::new(found)).collect();
        let has_more = of_kind.len() > MOST;
        let more_url = list.filter(|_| has_more).map(|path| urls::with_query(path, &[("q", q)]));
        (!hits.is_empty()).then_some(Self { title, note_title, hits, more_url })
    }
}

impl Hit {
    fn new(found: &Found) -> Self {
        let note = match found.kind {
            Kind::Reference => key_label(&found.note).to_owned(),
            _ => found.note.clone(),
        };
        Self { label: found.label.clone(), note, url: address(&found.target) }
    }
}

fn searched(viewer: &Viewer) -> Vec<&'static str> {
    let mut searched = vec![
        "names and descriptions of projects, names and images of containers",
        "ids of projects, containers, entries of the timeline and requests",
        "commits (from seven digits), deployments, pushes, container sessions, databases, apps and branches",
        "a container’s id in the engine (from six characters)",
        "paths of files in the 50 newest projects, 1,000 files of each, and whole paths in all of them",
    ];
    if viewer.role == Role::Admin {
        searched.insert(1, "names, addresses and ids of users");
        searched.push("network addresses in the audit log");
    }
    searched
}
