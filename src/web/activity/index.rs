//! `GET /activity` and, for admins, `GET /audit`

use actix_web::HttpResponse;
use askama::Template;

use super::TimelineView;
use super::choices;
use super::display::{DayItem, ReferenceChip};
use super::form::{self, Asked, Step};
use super::presenter::TimelinePresenter;
use crate::activity::exported_audit::audit_only;
use crate::activity::options::{self, Options};
use crate::activity::timeline::{self, Known};
use crate::activity::{Filter, Scope};
use crate::audit::columns::{Marks, marks_of};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::{Role, Viewer};
use crate::web::display::in_short;
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
    let filter = Filter::parse(pairs, viewer.zone).map_err(AppError::BadRequest)?;
    Ok(Filter { address: filter.address.filter(|_| viewer.role == Role::Admin), ..filter })
}

/// Shows the timeline of everything.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, step) = authed
        .read(move |conn, viewer| {
            let (filter, complaint) = match form::read(conn, viewer, &query, "/activity")? {
                Asked::Here(filter, complaint) => (filter, complaint),
                Asked::Elsewhere(address) => return Ok(Step::Elsewhere(address)),
            };
            if let Some(column) = choices::asked(&query) {
                let all = options::all(conn, Scope::of(viewer), column)?;
                return Ok(Step::Choices(filter, column, all));
            }
            let page =
                timeline::page(conn, Scope::of(viewer), &filter, &Known::by(viewer), now.timestamp_millis())?;
            let options = Options::of_page(conn, &filter, &page)?;
            Ok(Step::Page((filter, complaint, page, options, here(&query))))
        })
        .await?;
    let (filter, complaint, page, options, here) = match step {
        Step::Page(page) => page,
        Step::Elsewhere(address) => return Ok(urls::see_other(&address)),
        Step::Choices(filter, column, all) => {
            let crumbs = vec![Crumb::link("Activity", "/activity")];
            return choices::show(&authed, &viewer, ("/activity", &filter), column, all, crumbs);
        }
    };
    let presenter = TimelinePresenter::of(&viewer, now).pointed_at(here);
    let view = TimelineView::new("/activity", &filter, options, &page, &presenter).with(complaint);
    let shell =
        authed.shell(&viewer, "Activity").watching_all().with_breadcrumbs(vec![Crumb::here("Activity")]);
    authed.page(view.status(), &ActivityPage { shell, heading: "Activity", view })
}

/// The key of the entry that a link around it points at.
#[must_use]
pub fn here(query: &Query) -> Option<String> {
    query.first("at").map(str::to_owned)
}

/// Shows the audit log: the same timeline, of audit entries alone.
///
/// # Errors
/// 404 for an owner.
pub async fn audit(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, step) = authed
        .read_as_admin(move |conn, admin| {
            let (filter, complaint) = match form::read(conn, admin, &query, "/audit")? {
                Asked::Here(filter, complaint) => (filter, complaint),
                Asked::Elsewhere(address) => return Ok(Step::Elsewhere(address)),
            };
            if let Some(column) = choices::asked(&query) {
                let all = options::all_of_audit_log(conn, column)?;
                return Ok(Step::Choices(filter, column, all));
            }
            let audited = audit_only(&filter);
            let page =
                timeline::page(conn, Scope::Everything, &audited, &Known::default(), now.timestamp_millis())?;
            let options = Options::of_audit_log(&page);
            let marks = marks_of(conn, page.ids())?;
            Ok(Step::Page((filter, complaint, page, marks, options, here(&query))))
        })
        .await?;
    let (filter, complaint, page, marks, options, here) = match step {
        Step::Page(page) => page,
        Step::Elsewhere(address) => return Ok(urls::see_other(&address)),
        Step::Choices(filter, column, all) => {
            let crumbs = vec![Crumb::link("Audit log", "/audit")];
            return choices::show(&authed, &viewer, ("/audit", &filter), column, all, crumbs);
        }
    };
    let presenter = TimelinePresenter::of(&viewer, now).pointed_at(here).to_the_second();
    let mut view = TimelineView::new("/audit", &filter, options, &page, &presenter).with(complaint);
    view.for_each_entry(|entry| {
        let id = entry.id.strip_prefix("audit:").unwrap_or(&entry.id);
        entry.references = marks.get(id).map(audit_chips).unwrap_or_default();
    });
    // Audit entries have neither status nor environment, and come from one source.
    view.filters.groups.retain(|group| matches!(group.name, "type" | "actor"));
    view.filters.reference_keys.clear();
    view.filters.by_target = true;
    let shell =
        authed.shell(&viewer, "Audit log").watching_all().with_breadcrumbs(vec![Crumb::here("Audit log")]);
    authed.page(view.status(), &ActivityPage { shell, heading: "Audit log", view })
}

/// Where an act came from and what it was done to, as ways to everything else from there and to it.
fn audit_chips(marks: &Marks) -> Vec<ReferenceChip> {
    let chip = |key: String, value: String, pair: (&'static str, String)| ReferenceChip {
        key: key.into(),
        value: in_short(&value, 60),
        url: urls::with_query("/audit", &[pair]),
    };
    let mut chips = Vec::new();
    if let Some(address) = marks.ip {
        let address = address.ip().to_string();
        chips.push(chip("from".to_owned(), address.clone(), ("address", address)));
    }
    if let Some(id) = marks.target_id.clone().filter(|id| !id.is_empty()) {
        let name = marks.target_name.clone().filter(|name| !name.trim().is_empty());
        let kind =
            marks.target_kind.as_deref().map_or_else(|| "target".to_owned(), |kind| in_short(kind, 30));
        chips.push(chip(kind, name.unwrap_or_else(|| id.clone()), ("target", id)));
    }
    chips
}
