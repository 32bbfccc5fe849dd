//! `GET /activity` and, for admins, `GET /audit`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::TimelineView;
use super::convert::Eyes;
use super::display::{Day, DayItem, Running};
use super::filters::Filters;
use crate::activity::audit_records::audit_only;
use crate::activity::options;
use crate::activity::timeline;
use crate::activity::{Filter, Scope};
use crate::auth::Viewer;
use crate::error::{AppError, AppResult};
use crate::web::display::{Chips, Pager};
use crate::web::query::Query;
use crate::web::sample::Sample;
use crate::web::shell::{Crumb, Shell};
use crate::web::visit::Visit;

/// The timeline of everything that the viewer may see.
#[derive(Debug, Template)]
#[template(path = "activity/index.html")]
pub struct ActivityPage {
    /// The frame.
    pub shell: Shell,
    /// What it is called.
    pub heading: &'static str,
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

impl ActivityPage {
    fn new(shell: Shell, heading: &'static str, view: TimelineView) -> Self {
        let TimelineView { filters, chips, running, days, pager, gaps } = view;
        Self { shell, heading, filters, chips, running, days, pager, gaps }
    }
}

/// The filters of an address, with days in the viewer's zone.
///
/// # Errors
/// 400 that names the value that makes no sense.
pub fn read_filter(query: &Query, viewer: &Viewer) -> AppResult<Filter> {
    let pairs = query.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Filter::parse(pairs, viewer.zone).map_err(AppError::BadRequest)
}

/// Shows the timeline of everything.
///
/// # Errors
/// 400 for a filter that makes no sense.
pub async fn index(visit: Visit, query: Query) -> AppResult<HttpResponse> {
    let now = visit.app.clock.now();
    let (viewer, (filter, page, options)) = visit
        .read(move |conn, viewer| {
            let filter = read_filter(&query, viewer)?;
            let scope = Scope::of(viewer);
            let page = timeline::page(conn, scope, &filter, now.timestamp_millis())?;
            let options = options::for_scope(conn, scope)?;
            Ok((filter, page, options))
        })
        .await?;
    let view = TimelineView::new("/activity", &filter, &options, &page, &Eyes::of(&viewer, now));
    let shell = visit.shell(&viewer, "Activity").with_breadcrumbs(vec![Crumb::here("Activity")]);
    visit.page(StatusCode::OK, &ActivityPage::new(shell, "Activity", view))
}

/// Shows the audit log: the same timeline, of audit entries alone.
///
/// # Errors
/// 404 for an owner; 400 for a filter that makes no sense.
pub async fn audit(visit: Visit, query: Query) -> AppResult<HttpResponse> {
    let now = visit.app.clock.now();
    let (viewer, (filter, page, options)) = visit
        .read_as_admin(move |conn, admin| {
            let filter = read_filter(&query, admin)?;
            let audited = audit_only(&filter);
            let page = timeline::page(conn, Scope::Everything, &audited, now.timestamp_millis())?;
            let options = options::for_audit_log(conn)?;
            Ok((filter, page, options))
        })
        .await?;
    let mut view = TimelineView::new("/audit", &filter, &options, &page, &Eyes::of(&viewer, now));
    // Audit entries have neither status nor environment, and come from one source.
    view.filters.groups.retain(|group| matches!(group.name, "type" | "actor"));
    view.filters.by_reference = false;
    view.filters.by_target = true;
    let shell = visit.shell(&viewer, "Audit log").with_breadcrumbs(vec![Crumb::here("Audit log")]);
    visit.page(StatusCode::OK, &ActivityPage::new(shell, "Audit log", view))
}

impl Sample for ActivityPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |view: TimelineView| Self::new(Shell::sample("Activity"), "Activity", view);
        super::samples::views().into_iter().map(|(name, view)| (name, page(view))).collect()
    }
}
