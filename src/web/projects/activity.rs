//! `GET /projects/{id}/activity`

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;

use super::head::ProjectHead;
use super::{known, project_id};
use crate::activity::Scope;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::activity::TimelineView;
use crate::web::activity::display::DayItem;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::activity::shown::Shown;
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
    let (viewer, (project, shown)) = authed
        .read_project(id, move |conn, viewer, project| {
            let of = (Scope::Project(id), &known(viewer, id, project));
            Shown::read(conn, viewer, &query, &asked, of, now)
        })
        .await?;
    let head = ProjectHead::of(&project, id, "activity", now, viewer.zone);
    let shown = match shown {
        Ok(shown) => shown,
        Err(instead) => {
            let mut crumbs = head.crumbs(None);
            crumbs.push(Crumb::link("Activity", &path));
            return instead.answer(&authed, &viewer, &path, crumbs);
        }
    };
    let view = shown.view(&path, TimelinePresenter::of(&viewer, now).within(id));
    let shell = authed
        .shell(&viewer, format!("Activity of {}", head.name))
        .watching_project(id)
        .with_breadcrumbs(head.crumbs(Some("Activity")));
    authed.page(view.status(), &ProjectActivityPage { shell, project: head, view })
}
