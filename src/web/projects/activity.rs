//! `GET /projects/{id}/activity`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use super::head::ProjectHead;
use super::project_id;
use crate::activity::{Scope, options, timeline};
use crate::error::{AppError, AppResult};
use crate::projects::deletion;
use crate::web::activity::TimelineView;
use crate::web::activity::convert::Eyes;
use crate::web::activity::display::{Day, DayItem, Running};
use crate::web::activity::filters::Filters;
use crate::web::activity::index::read_filter;
use crate::web::display::{Chips, Pager};
use crate::web::query::Query;
use crate::web::sample::{HOSTILE, Sample};
use crate::web::shell::Shell;
use crate::web::urls;
use crate::web::visit::Visit;

/// A project's timeline.
#[derive(Debug, Template)]
#[template(path = "projects/activity.html")]
pub struct ProjectActivityPage {
    /// The frame.
    pub shell: Shell,
    /// The head of all its pages.
    pub project: ProjectHead,
    /// The filter form.
    pub filters: Filters,
    /// The filters that are on.
    pub chips: Chips,
    /// What runs now.
    pub running: Vec<Running>,
    /// The entries by day.
    pub days: Vec<Day>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Records that were lost.
    pub gaps: Option<String>,
}

impl ProjectActivityPage {
    fn new(shell: Shell, project: ProjectHead, view: TimelineView) -> Self {
        let TimelineView { filters, chips, running, days, pager, gaps } = view;
        Self { shell, project, filters, chips, running, days, pager, gaps }
    }
}

/// Shows the project's timeline.
///
/// # Errors
/// 404 for a project that the viewer can't see; 400 for a filter that makes no sense.
pub async fn show(visit: Visit, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let now = visit.app.clock.now();
    let (viewer, (project, filter, page, options)) = visit
        .read(move |conn, viewer| {
            let project = deletion::known(conn, id)?.ok_or(AppError::NotFound)?;
            let filter = read_filter(&query, viewer)?;
            let page = timeline::page(conn, Scope::Project(id), &filter, now.timestamp_millis())?;
            let options = options::for_scope(conn, Scope::Project(id))?;
            Ok((project, filter, page, options))
        })
        .await?;
    let head = ProjectHead::of(&project, id, "activity", now, viewer.zone);
    let path = urls::project_part(id, "activity");
    let view = TimelineView::new(&path, &filter, &options, &page, &Eyes::of(&viewer, now));
    let shell = visit
        .shell(&viewer, format!("Activity of {}", head.name))
        .with_breadcrumbs(head.crumbs(Some("Activity")));
    visit.page(StatusCode::OK, &ProjectActivityPage::new(shell, head, view))
}

impl Sample for ProjectActivityPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page =
            |view: TimelineView| Self::new(Shell::sample("Activity"), ProjectHead::sample(HOSTILE), view);
        crate::web::activity::samples::views().into_iter().map(|(name, view)| (name, page(view))).collect()
    }
}
