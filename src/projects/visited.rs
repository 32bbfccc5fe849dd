//! A project together with the viewer of its page.

use chrono::{DateTime, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use serde_json::Value;

use super::queries::{ContainerPart, ProjectView, container_columns};
use crate::auth::viewer::{self, app_session_id, app_user_id, viewer_columns};
use crate::db::DbError;
use crate::db::ids::{ProjectId, UserId};
use crate::db::json::StoredJson;
use crate::db::schema::{containers, projects, sessions, users};
use crate::db::time::ago;
use crate::identity::{Viewer, ViewerRow};

/// The viewer of a transaction that a session opened, and the project with this id if they may see it: what a
/// project's pages need first, in one round trip.
///
/// # Errors
/// [`DbError::NoSession`] when the transaction was not opened by a session.
pub fn find_with_viewer(
    conn: &mut PgConnection,
    id: ProjectId,
) -> Result<(Viewer, Option<ProjectView>), DbError> {
    type Own = (
        ProjectId,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
        Option<StoredJson>,
        Option<StoredJson>,
    );
    type Owner = (UserId, Option<String>, String);
    type Found = (ViewerRow, Option<Own>, Option<Owner>, Option<ContainerPart>);
    let owners = diesel::alias!(users as owners);
    let found: Option<Found> = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::id.nullable())))
        .left_join(projects::table.on(projects::id.eq(id)))
        .left_join(owners.on(owners.field(users::id).nullable().eq(projects::user_id)))
        .left_join(containers::table.on(containers::id.nullable().eq(projects::container_id)))
        .filter(users::id.nullable().eq(app_user_id()))
        .filter(sessions::id.nullable().eq(app_session_id()))
        .select((
            viewer_columns!(),
            (
                projects::id,
                projects::name,
                projects::description,
                projects::kind,
                projects::status,
                projects::created_at,
                projects::updated_at,
                projects::settings,
                projects::metadata,
            )
                .nullable(),
            (owners.field(users::id), owners.field(users::name), owners.field(users::email)).nullable(),
            container_columns!().nullable(),
        ))
        .first(conn)
        .optional()?;
    let (viewer, own, owner, container) = found.ok_or(DbError::NoSession)?;
    let view = own.map(|own| {
        let (id, name, description, kind, status, created_at, updated_at, settings, metadata) = own;
        ProjectView {
            id,
            name,
            description,
            kind,
            status,
            created_at,
            updated_at,
            settings: settings.map(Value::from),
            metadata: metadata.map(Value::from),
            owner,
            container,
        }
    });
    Ok((viewer::of_row(conn, viewer), view))
}
