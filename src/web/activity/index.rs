//! `GET /activity` and, for admins, `GET /audit`

use actix_web::HttpResponse;
use askama::Template;

use super::TimelineView;
use super::display::{DayItem, ReferenceChip};
use super::presenter::TimelinePresenter;
use super::shown::{Shown, filter_of, here};
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
    let (viewer, shown) = authed
        .read(move |conn, viewer| {
            let of = (Scope::of(viewer), &Known::by(viewer));
            Shown::read(conn, viewer, &query, "/activity", of, now)
        })
        .await?;
    let shown = match shown {
        Ok(shown) => shown,
        Err(instead) => {
            let crumbs = vec![Crumb::link("Activity", "/activity")];
            return instead.answer(&authed, &viewer, "/activity", crumbs);
        }
    };
    let view = shown.view("/activity", TimelinePresenter::of(&viewer, now));
    let shell =
        authed.shell(&viewer, "Activity").watching_all().with_breadcrumbs(vec![Crumb::here("Activity")]);
    authed.page(view.status(), &ActivityPage { shell, heading: "Activity", view })
}

/// Shows the audit log: the same timeline, of audit entries alone.
///
/// # Errors
/// 404 for an owner.
pub async fn audit(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, read) = authed
        .read_as_admin(move |conn, admin| {
            let (filter, complaint) =
                match filter_of(conn, admin, &query, "/audit", options::all_of_audit_log)? {
                    Ok(asked) => asked,
                    Err(instead) => return Ok(Err(instead)),
                };
            let audited = audit_only(&filter);
            let page =
                timeline::page(conn, Scope::Everything, &audited, &Known::default(), now.timestamp_millis())?;
            let options = Options::of_audit_log(&page);
            let marks = marks_of(conn, page.ids())?;
            Ok(Ok((Shown { filter, complaint, page, options, here: here(&query) }, marks)))
        })
        .await?;
    let (shown, marks) = match read {
        Ok(read) => read,
        Err(instead) => {
            return instead.answer(&authed, &viewer, "/audit", vec![Crumb::link("Audit log", "/audit")]);
        }
    };
    let mut view = shown.view("/audit", TimelinePresenter::of(&viewer, now).to_the_second());
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
