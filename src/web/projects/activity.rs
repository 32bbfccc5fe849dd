//! `GET /projects/{id}/activity`

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;

use super::head::ProjectHead;
use super::{known, project_id};
use crate::activity::options::{self, Options};
use crate::activity::{Scope, timeline};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::activity::TimelineView;
use crate::web::activity::choices;
use crate::web::activity::display::DayItem;
use crate::web::activity::form::{self, Asked, Step};
use crate::web::activity::index::here;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;

/// A project's timeline.
#[derive(Debug, Template)]
#[template(path = "projects/activity.html")]
pub struct ProjectActivityPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// Filters, entries and the neighbouring pages.
    pub view: TimelineView,
}

/// Shows the project's timeline.
///
/// # Errors
/// 404 for a project that the viewer can't see.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let now = authed.app.clock.now();
    let path = urls::project_part(id, "activity");
    let asked = path.clone();
    let (viewer, (project, step)) = authed
        .read_project(id, move |conn, viewer, project| {
            let (filter, complaint) = match form::read(conn, viewer, &query, &asked)? {
                Asked::Here(filter, complaint) => (filter, complaint),
                Asked::Elsewhere(address) => return Ok(Step::Elsewhere(address)),
            };
            let scope = Scope::Project(id);
            if let Some(column) = choices::asked(&query) {
                return Ok(Step::Choices(filter, column, options::all(conn, scope, column)?));
            }
            let page =
                timeline::page(conn, scope, &filter, &known(viewer, id, project), now.timestamp_millis())?;
            let options = Options::of_page(conn, &filter, &page)?;
            Ok(Step::Page((filter, complaint, page, options, here(&query))))
        })
        .await?;
    let head = ProjectHead::of(&project, id, "activity", now, viewer.zone);
    let (filter, complaint, page, options, here) = match step {
        Step::Page(page) => page,
        Step::Elsewhere(address) => return Ok(urls::see_other(&address)),
        Step::Choices(filter, column, all) => {
            let mut crumbs = head.crumbs(None);
            crumbs.push(Crumb::link("Activity", &path));
            return choices::show(&authed, &viewer, (&path, &filter), column, all, crumbs);
        }
    };
    let presenter = TimelinePresenter::of(&viewer, now).pointed_at(here).within(id);
    let view = TimelineView::new(&path, &filter, options, &page, &presenter).with(complaint);
    let shell = authed
        .shell(&viewer, format!("Activity of {}", head.name))
        .watching_project(id)
        .with_breadcrumbs(head.crumbs(Some("Activity")));
    authed.page(view.status(), &ProjectActivityPage { shell, project: head, view })
}
