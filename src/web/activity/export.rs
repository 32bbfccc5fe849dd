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
use crate::web::export::{self, Batch, Subject};
use crate::web::projects::project_id;

/// What an export of a timeline holds: every record once, folded ones too, in the timeline's order.
const TIMELINE: &[&str] = &[
    "source",
    "id",
    "time",
    "project_id",
    "project_name",
    "actor_id",
    "actor_name",
    "type",
    "summary",
    "status",
    "environment",
    "details",
    "references",
    "request_id",
    "caused_by",
    "duration_ms",
];

/// What an export of the audit log holds.
const AUDIT: &[&str] = &[
    "id",
    "time",
    "type",
    "summary",
    "actor_id",
    "actor_name",
    "actor_email",
    "actor_role",
    "acting_admin_id",
    "project_id",
    "project_name",
    "target_type",
    "target_id",
    "target_name",
    "address",
    "user_agent",
    "request_id",
    "before",
    "after",
    "details",
    "metadata",
];

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
            columns: TIMELINE,
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, |conn, viewer, filter: &Filter, _, at| {
        Ok(batch(exported::batch(conn, Scope::of(viewer), filter, at)?))
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
            columns: TIMELINE,
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, move |conn, _, filter: &Filter, _, at| {
        // A project that is not theirs any more has no rows for them, which must not look like its end.
        if !projects::exists(conn, id)? {
            return Err(AppError::NotFound);
        }
        Ok(batch(exported::batch(conn, Scope::Project(id), filter, at)?))
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
            columns: AUDIT,
        };
        Ok((subject, filter, position))
    };
    export::start(&authed, &query, open, |conn, _, filter: &Filter, _, at| {
        let (entries, next) = exported_audit::batch(conn, filter, at)?;
        let rows = entries.into_iter().map(|(entry, columns)| audit_row(entry, columns)).collect();
        Ok(Batch { rows, next })
    })
    .await
}

/// The filters that are on; an export has no page and no limit.
fn filters(filter: &Filter) -> Vec<(String, String)> {
    let pairs = filter.pairs().into_iter().filter(|(name, _)| *name != "limit");
    pairs.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn batch<P>((records, next): (Vec<ExportedEntry>, Option<P>)) -> Batch<P> {
    Batch { rows: records.into_iter().map(row).collect(), next }
}

fn row(ExportedEntry { entry, references }: ExportedEntry) -> Vec<Cell> {
    let [project_id, project_name] = project(&entry);
    let details = details(&entry);
    vec![
        Cell::Text(entry.source().as_str().to_owned()),
        Cell::Text(entry.id().to_owned()),
        Cell::millis(entry.moment.ms),
        project_id,
        project_name,
        Cell::text(entry.actor.user.clone()),
        Cell::Text(entry.actor.name.clone()),
        Cell::Text(entry.kind.as_str().to_owned()),
        Cell::Text(entry.plain()),
        Cell::text(entry.status.as_ref().map(|status| status.as_str().to_owned())),
        Cell::text(entry.environment),
        Cell::text(details),
        Cell::stored_json(references.as_deref()),
        Cell::text(entry.request_id),
        Cell::text(entry.caused_by),
        Cell::number(entry.duration_ms),
    ]
}

fn audit_row(entry: Entry, columns: Columns) -> Vec<Cell> {
    let [project_id, project_name] = project(&entry);
    let details = details(&entry);
    vec![
        Cell::Text(entry.id().to_owned()),
        Cell::millis(entry.moment.ms),
        Cell::Text(entry.kind.as_str().to_owned()),
        Cell::Text(entry.plain()),
        Cell::text(entry.actor.user),
        Cell::Text(entry.actor.name),
        Cell::text(columns.actor_email),
        Cell::text(columns.actor_role),
        Cell::text(columns.acting_admin),
        project_id,
        project_name,
        Cell::text(columns.target_kind),
        Cell::text(columns.target_id),
        Cell::text(columns.target_name),
        Cell::text(columns.ip.map(|ip| ip.ip().to_string())),
        Cell::text(columns.user_agent),
        Cell::text(entry.request_id),
        Cell::json(columns.before),
        Cell::json(columns.after),
        Cell::text(details),
        Cell::stored_json(columns.metadata.as_deref()),
    ]
}

/// What an entry says besides its type: the console describes its own acts by what their type is called.
fn details(entry: &Entry) -> Option<String> {
    entry.details.clone().filter(|text| *text != entry.kind.label())
}

/// Id and name; a project that nobody knows has only an id.
fn project(entry: &Entry) -> [Cell; 2] {
    match &entry.project {
        None => [Cell::Empty, Cell::Empty],
        Some(project) => {
            let name = Some(project.name.clone()).filter(|_| project.state != ProjectState::Unknown);
            [Cell::Text(project.id.clone()), Cell::text(name)]
        }
    }
}
