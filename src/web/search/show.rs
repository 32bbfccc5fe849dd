//! `GET /search?q=`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use diesel::PgConnection;

use crate::activity::lookup;
use crate::auth::Viewer;
use crate::db::cursor::From;
use crate::error::AppResult;
use crate::users::Role;
use crate::web::activity::convert::key_label;
use crate::web::query::Query;
use crate::web::sample::{HOSTILE, Sample};
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;
use crate::web::visit::Visit;
use crate::{containers, projects, users};

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

/// Things of one kind at most; the list has the rest.
const MOST: usize = 10;
/// The longest text that is searched for.
const LONGEST: usize = 500;

/// Searches. What is found alone is opened at once.
///
/// # Errors
/// When the database can't be asked.
pub async fn show(visit: Visit, query: Query) -> AppResult<HttpResponse> {
    let q: String = query.first("q").unwrap_or_default().trim().chars().take(LONGEST).collect();
    let wanted = q.clone();
    let (viewer, groups) = visit
        .read(
            move |conn, viewer| if wanted.is_empty() { Ok(Vec::new()) } else { find(conn, viewer, &wanted) },
        )
        .await?;
    let mut hits = groups.iter().flat_map(|group| &group.hits);
    if let (Some(only), None) = (hits.next(), hits.next()) {
        return Ok(urls::see_other(&only.url));
    }
    let mut shell = visit.shell(&viewer, "Search").with_breadcrumbs(vec![Crumb::here("Search")]);
    shell.search_query.clone_from(&q);
    visit.page(StatusCode::OK, &SearchPage { shell, q, groups })
}

fn find(conn: &mut PgConnection, viewer: &Viewer, q: &str) -> AppResult<Vec<Group>> {
    let text = Some(q.to_owned());
    let more = |path: &str, has_next: bool| has_next.then(|| urls::with_query(path, &[("q", q)]));
    let mut groups = Vec::new();
    let filter = projects::queries::Filter { text: text.clone(), ..Default::default() };
    let page = projects::queries::page(conn, &filter, &From::Start, MOST)?;
    let mut hits: Vec<Hit> = page
        .rows
        .into_iter()
        .map(|line| Hit {
            note: line.owner_name.or(line.owner_email).unwrap_or_default(),
            url: urls::project(line.id),
            label: line.name,
        })
        .collect();
    if let Ok(id) = q.parse()
        && let Some(project) = projects::queries::find(conn, id)?
    {
        hits.push(Hit { label: project.name, note: String::new(), url: urls::project(id) });
    }
    groups.push(Group {
        title: "Projects",
        note_title: "Owner",
        hits,
        more_url: more("/projects", page.has_next),
    });

    let filter = containers::queries::Filter { text: text.clone(), ..Default::default() };
    let page = containers::queries::page(conn, &filter, &From::Start, MOST)?;
    let mut hits: Vec<Hit> = page
        .rows
        .into_iter()
        .map(|line| Hit { note: line.status, url: urls::container(line.id), label: line.name })
        .collect();
    if let Ok(id) = q.parse()
        && let Some(container) = containers::queries::find(conn, id)?
    {
        hits.push(Hit { label: container.name, note: container.status, url: urls::container(id) });
    }
    groups.push(Group {
        title: "Containers",
        note_title: "State",
        hits,
        more_url: more("/containers", page.has_next),
    });

    if viewer.role == Role::Admin {
        let filter = users::queries::Filter { text, ..Default::default() };
        let page = users::queries::page(conn, &filter, &From::Start, MOST)?;
        let hits = page
            .rows
            .into_iter()
            .map(|line| Hit {
                label: line.name.unwrap_or_else(|| line.email.clone()),
                note: line.email,
                url: urls::user(line.id),
            })
            .collect();
        groups.push(Group {
            title: "Users",
            note_title: "E-mail",
            hits,
            more_url: more("/users", page.has_next),
        });
    }

    let ids = lookup::ids(conn, q)?;
    let mut hits = Vec::new();
    if ids.action {
        hits.push(Hit { label: q.to_owned(), note: "activity".to_owned(), url: urls::action(q) });
    }
    if ids.event {
        hits.push(Hit { label: q.to_owned(), note: "event".to_owned(), url: urls::event(q) });
    }
    hits.extend(lookup::references(conn, q)?.into_iter().map(|reference| Hit {
        note: key_label(&reference.key).to_owned(),
        url: urls::reference(&reference.key, &reference.value),
        label: reference.value,
    }));
    groups.push(Group { title: "References", note_title: "What it is", hits, more_url: None });
    groups.retain(|group| !group.hits.is_empty());
    Ok(groups)
}

impl Sample for SearchPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page =
            |q: &str, groups: Vec<Group>| Self { shell: Shell::sample("Search"), q: q.to_owned(), groups };
        let hit = Hit { label: HOSTILE.to_owned(), note: HOSTILE.to_owned(), url: "/projects/x".to_owned() };
        let group = Group {
            title: "Projects",
            note_title: "Owner",
            hits: vec![hit],
            more_url: Some("/projects".to_owned()),
        };
        vec![
            ("nothing asked", page("", Vec::new())),
            ("nothing found", page(HOSTILE, Vec::new())),
            ("hostile", page(HOSTILE, vec![group])),
        ]
    }
}
