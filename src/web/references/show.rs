//! `GET /references/{key}/{value}`, and `GET /references?key=&value=` for what no path carries

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use crate::activity::timeline::Known;
use crate::activity::{Reference, Scope};
use crate::activity::{lookup, reference_target, timeline};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::deletion::{ProjectOrTombstone, project_or_tombstone};
use crate::web::activity::display::{Day, DayItem};
use crate::web::activity::index::read_filter;
use crate::web::activity::pager;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::activity::reference::{self, key_label};
use crate::web::activity::reference_card::ReferenceCard;
use crate::web::display::{Link, Pager};
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;

/// Everything that carries one reference.
#[derive(Debug, Template)]
#[template(path = "references/show.html")]
pub struct ReferencePage {
    /// The frame.
    pub shell: Shell,
    /// Its key, in words.
    pub key_label: String,
    pub value: String,
    /// The project whose entries these are, and the way to everybody's; none when they are everybody's.
    pub within: Option<Within>,
    pub record: Option<ReferenceCard>,
    /// Why there is none.
    pub record_note: String,
    pub days: Vec<Day>,
    /// The neighbouring pages.
    pub pager: Pager,
}

/// One project's part of what carries a reference.
#[derive(Debug, Clone)]
pub struct Within {
    pub project: Link,
    pub everywhere_url: String,
}

/// Shows the reference. Nothing carries it: 404, whether it never existed or is another owner's.
///
/// # Errors
/// 404 for a reference that nothing visible carries; 400 for a position that makes no sense.
pub async fn show(
    authed: AuthedRequest,
    path: Path<(String, String)>,
    query: Query,
) -> AppResult<HttpResponse> {
    let (key, value) = path.into_inner();
    answer(authed, key, value, query).await
}

/// [`show`] for any key and value.
///
/// # Errors
/// 400 when one of them is missing; otherwise as [`show`].
pub async fn show_any(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let part = |name| query.only(name).map(str::to_owned).map_err(AppError::BadRequest);
    let (key, value) = (part("key")?, part("value")?);
    answer(authed, key, value, query).await
}

async fn answer(authed: AuthedRequest, key: String, value: String, query: Query) -> AppResult<HttpResponse> {
    if key.contains('\0') || value.contains('\0') || key.is_empty() || value.is_empty() {
        return Err(AppError::NotFound);
    }
    let reference = Reference { key, value };
    let asked = reference.clone();
    let now = authed.app.clock.now();
    let (viewer, (filter, page, record, project)) = authed
        .read(move |conn, viewer| {
            let mut filter = read_filter(&query, viewer)?;
            filter.reference = Some(asked.clone());
            let project = match query.first("project").and_then(|id| id.parse().ok()) {
                Some(id) => Some((id, project_or_tombstone(conn, id)?.ok_or(AppError::NotFound)?)),
                None => None,
            };
            let scope = project.as_ref().map_or_else(|| Scope::of(viewer), |(id, _)| Scope::Project(*id));
            let page = timeline::page(conn, scope, &filter, &Known::by(viewer), now.timestamp_millis())?;
            let record = reference_target::of(conn, &asked)?;
            let is_known = !page.is_empty() || filter.position.is_some() || record.is_some();
            if !is_known && !lookup::is_named(conn, &asked)? {
                return Err(AppError::NotFound);
            }
            filter.reference = None;
            Ok((filter, page, record, project))
        })
        .await?;
    let presenter = TimelinePresenter::of(&viewer, now);
    let label = key_label(&reference.key).to_owned();
    let everywhere_url = urls::reference(&reference.key, &reference.value);
    let id = project.as_ref().map(|(id, _)| id.to_string());
    let path = reference::address(&reference.key, &reference.value, id.as_deref());
    let within = project.map(|(id, of)| {
        let name = match &of {
            ProjectOrTombstone::Project(project) => project.name.clone(),
            ProjectOrTombstone::Tombstone(gone) => gone.name().to_owned(),
        };
        Within { project: Link::new(name, urls::project(id)), everywhere_url }
    });
    let title = format!("{label} {}", reference.value);
    let page = ReferencePage {
        shell: authed
            .shell(&viewer, title.clone())
            .with_breadcrumbs(vec![Crumb::link("Activity", "/activity"), Crumb::here(title)]),
        key_label: capitalised(&label),
        record: record.as_ref().map(|record| ReferenceCard::new(record, &presenter)),
        record_note: format!("This {label} is known by name only; no record of its own is known here."),
        days: presenter.days(&page),
        pager: pager(&path, &filter, &page),
        value: reference.value,
        within,
    };
    authed.page(StatusCode::OK, &page)
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
