//! `GET /activity` and, for admins, `GET /audit`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::TimelineView;
use super::choices;
use super::display::DayItem;
use super::form::{self, Step};
use super::presenter::TimelinePresenter;
use crate::activity::exported_audit::audit_only;
use crate::activity::options::{self, Options};
use crate::activity::timeline::{self, Known};
use crate::activity::{Filter, Scope};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::web::sample::Sample;
use crate::web::shell::{Crumb, Shell};
use crate::web::urls;

/// The timeline of everything that the viewer may see.
#[derive(Debug, Template)]
#[template(path = "activity/index.html")]
pub struct ActivityPage {
    /// The frame.
    pub shell: Shell,
    /// What it is called.
    pub heading: &'static str,
    /// Filters, entries and the neighbouring pages.
    pub view: TimelineView,
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
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, step) = authed
        .read(move |conn, viewer| {
            let filter = read_filter(&query, viewer)?;
            if let Some(address) = form::canonical(conn, viewer, &query, &filter, "/activity")? {
                return Ok(Step::Elsewhere(address));
            }
            if let Some(column) = choices::asked(&query) {
                let all = options::all(conn, Scope::of(viewer), column)?;
                return Ok(Step::Choices(Box::new(filter), column, all));
            }
            let page =
                timeline::page(conn, Scope::of(viewer), &filter, &Known::by(viewer), now.timestamp_millis())?;
            let options = Options::of_page(conn, &filter, &page)?;
            Ok(Step::Page((filter, page, options, here(&query))))
        })
        .await?;
    let (filter, page, options, here) = match step {
        Step::Page(page) => page,
        Step::Elsewhere(address) => return Ok(urls::see_other(&address)),
        Step::Choices(filter, column, all) => {
            let crumbs = vec![Crumb::link("Activity", "/activity")];
            return choices::show(&authed, &viewer, ("/activity", &filter), column, all, crumbs);
        }
    };
    let presenter = TimelinePresenter::of(&viewer, now).pointed_at(here);
    let view = TimelineView::new("/activity", &filter, options, &page, &presenter);
    let shell = authed.shell(&viewer, "Activity").with_breadcrumbs(vec![Crumb::here("Activity")]);
    authed.page(StatusCode::OK, &ActivityPage { shell, heading: "Activity", view })
}

/// The key of the entry that a link around it points at.
#[must_use]
pub fn here(query: &Query) -> Option<String> {
    query.first("at").map(str::to_owned)
}

/// Shows the audit log: the same timeline, of audit entries alone.
///
/// # Errors
/// 404 for an owner; 400 for a filter that makes no sense.
pub async fn audit(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, step) = authed
        .read_as_admin(move |conn, admin| {
            let filter = read_filter(&query, admin)?;
            if let Some(address) = form::canonical(conn, admin, &query, &filter, "/audit")? {
                return Ok(Step::Elsewhere(address));
            }
            if let Some(column) = choices::asked(&query) {
                let all = options::all_of_audit_log(conn, column)?;
                return Ok(Step::Choices(Box::new(filter), column, all));
            }
            let audited = audit_only(&filter);
            let page =
                timeline::page(conn, Scope::Everything, &audited, &Known::default(), now.timestamp_millis())?;
            let options = Options::of_audit_log(&page);
            Ok(Step::Page((filter, page, options, here(&query))))
        })
        .await?;
    let (filter, page, options, here) = match step {
        Step::Page(page) => page,
        Step::Elsewhere(address) => return Ok(urls::see_other(&address)),
        Step::Choices(filter, column, all) => {
            let crumbs = vec![Crumb::link("Audit log", "/audit")];
            return choices::show(&authed, &viewer, ("/audit", &filter), column, all, crumbs);
        }
    };
    let presenter = TimelinePresenter::of(&viewer, now).pointed_at(here);
    let mut view = TimelineView::new("/audit", &filter, options, &page, &presenter);
    // Audit entries have neither status nor environment, and come from one source.
    view.filters.groups.retain(|group| matches!(group.name, "type" | "actor"));
    view.filters.reference_keys.clear();
    view.filters.by_target = true;
    let shell = authed.shell(&viewer, "Audit log").with_breadcrumbs(vec![Crumb::here("Audit log")]);
    authed.page(StatusCode::OK, &ActivityPage { shell, heading: "Audit log", view })
}

impl Sample for ActivityPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |view| Self { shell: Shell::sample("Activity"), heading: "Activity", view };
        super::samples::views().into_iter().map(|(name, view)| (name, page(view))).collect()
    }
}
