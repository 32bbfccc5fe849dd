//! `POST /activity/export`, `POST /projects/{id}/activity/export` and, for admins, `POST /audit/export`

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::index::read_filter;
use crate::activity::exported_audit;
use crate::activity::timeline::exported::{self, ExportedEntry};
use crate::activity::{Entry, Filter, ProjectState, Scope};
use crate::audit::columns::Columns;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::projects::queries as projects;
use crate::web::export::cell::Cell;
use crate::web::export::{self, Subject, export_row};
use crate::web::projects::project_id;

/// Exports everything that the viewer's timeline shows.
///
/// # Errors
/// 400 for a filter or format that makes no sense; 429 after too many.
pub async fn timeline(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let asked = query.clone();
    let open = move |conn: &mut _, viewer: &_| {
        let filter = read_filter(&asked, viewer)?;
        let position = exported::start(conn, Scope::of(viewer), &filter)?;
        let subject = Subject {
            what: "the activity".to_owned(),
            file: "activity".to_owned(),
            project: None,
            filters: filters(&filter),
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, |conn, viewer, filter: &Filter, _, at| {
        Ok(exported::batch(conn, Scope::of(viewer), filter, at)?)
    })
    .await
}

/// Exports what a project's timeline shows.
///
/// # Errors
/// 404 for a project that the viewer can't see; otherwise as [`timeline`].
pub async fn of_project(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<Vec<(String, String)>>,
) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let query = Query(form.0);
    let asked = query.clone();
    let open = move |conn: &mut _, viewer: &_| {
        let project = projects::find(conn, id)?.ok_or(AppError::NotFound)?;
        let filter = read_filter(&asked, viewer)?;
        let position = exported::start(conn, Scope::Project(id), &filter)?;
        let subject = Subject {
            what: format!("the activity of {}", project.name),
            file: format!("{}-activity", export::file_name(&project.name, "project")),
            project: Some(id),
            filters: filters(&filter),
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, move |conn, _, filter: &Filter, _, at| {
        // A project that is not theirs any more has no rows for them, which must not look like its end.
        if !projects::exists(conn, id)? {
            return Err(AppError::NotFound);
        }
        Ok(exported::batch(conn, Scope::Project(id), filter, at)?)
    })
    .await
}

/// Exports what the audit log shows.
///
/// # Errors
/// 404 for an owner; otherwise as [`timeline`].
pub async fn audit(authed: AuthedRequest, form: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let query = Query(form.0);
    let asked = query.clone();
    let open = move |conn: &mut _, viewer: &crate::identity::Viewer| {
        let admin = viewer.as_admin().ok_or(AppError::NotFound)?;
        let filter = read_filter(&asked, &admin)?;
        let position = exported::start(conn, Scope::Everything, &exported_audit::audit_only(&filter))?;
        let subject = Subject {
            what: "the audit log".to_owned(),
            file: "audit".to_owned(),
            project: None,
            filters: filters(&filter),
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, |conn, _, filter: &Filter, _, at| {
        Ok(exported_audit::batch(conn, filter, at)?)
    })
    .await
}

/// The filters that are on; an export has no page and no limit.
fn filters(filter: &Filter) -> Vec<(String, String)> {
    let pairs = filter.pairs().into_iter().filter(|(name, _)| *name != "limit");
    pairs.map(|(name, value)| (name.to_owned(), value)).collect()
}

// Every record once, folded ones too, in the timeline's order.
export_row!(row: ExportedEntry {
    "source": Cell::Text(row.entry.source().as_str().to_owned()),
    "id": Cell::Text(row.entry.id().to_owned()),
    "time": Cell::millis(row.entry.moment.ms),
    "project_id": Cell::text(row.entry.project.as_ref().map(|project| project.id.clone())),
    "project_name": Cell::text(project_name(&row.entry)),
    "actor_id": Cell::text(row.entry.actor.user.clone()),
    "actor_name": Cell::Text(row.entry.actor.name.clone()),
    "type": Cell::Text(row.entry.kind.as_str().to_owned()),
    "summary": Cell::Text(row.entry.plain()),
    "status": Cell::text(row.entry.status.as_ref().map(|status| status.as_str().to_owned())),
    "environment": Cell::text(row.entry.environment.clone()),
    "details": Cell::text(details(&row.entry)),
    "references": Cell::stored_json(row.references.as_deref()),
    "request_id": Cell::text(row.entry.request_id),
    "caused_by": Cell::text(row.entry.caused_by),
    "duration_ms": Cell::number(row.entry.duration_ms),
});

export_row!(row: (Entry, Columns) {
    "id": Cell::Text(row.0.id().to_owned()),
    "time": Cell::millis(row.0.moment.ms),
    "type": Cell::Text(row.0.kind.as_str().to_owned()),
    "summary": Cell::Text(row.0.plain()),
    "actor_id": Cell::text(row.0.actor.user.clone()),
    "actor_name": Cell::Text(row.0.actor.name.clone()),
    "actor_email": Cell::text(row.1.actor_email),
    "actor_role": Cell::text(row.1.actor_role),
    "acting_admin_id": Cell::text(row.1.acting_admin),
    "project_id": Cell::text(row.0.project.as_ref().map(|project| project.id.clone())),
    "project_name": Cell::text(project_name(&row.0)),
    "target_type": Cell::text(row.1.target_kind),
    "target_id": Cell::text(row.1.target_id),
    "target_name": Cell::text(row.1.target_name),
    "address": Cell::text(row.1.ip.map(|ip| ip.ip().to_string())),
    "user_agent": Cell::text(row.1.user_agent),
    "request_id": Cell::text(row.0.request_id.clone()),
    "before": Cell::json(row.1.before),
    "after": Cell::json(row.1.after),
    "details": Cell::text(details(&row.0)),
    "metadata": Cell::stored_json(row.1.metadata.as_deref()),
});

/// What an entry says besides its type: the console describes its own acts by what their type is called.
fn details(entry: &Entry) -> Option<String> {
    entry.details.clone().filter(|text| *text != entry.kind.label())
}

/// A project that nobody knows has only an id.
fn project_name(entry: &Entry) -> Option<String> {
    let project = entry.project.as_ref()?;
    (project.state != ProjectState::Unknown).then(|| project.name.clone())
}
