//! A project together with the viewer of its page.

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;

use super::queries::{ContainerPart, ProjectJson, ProjectRow, ProjectView};
use crate::auth::viewer::{self, ViewerRow, app_session_id, app_user_id, touch_due};
use crate::db::DbError;
use crate::db::ids::{ProjectId, UserId};
use crate::db::schema::{containers, projects, sessions, users};
use crate::db::time::ago;
use crate::identity::Viewer;
use crate::users::queries::Person;

/// The viewer of a transaction that a session opened, and the project with this id if they may see it: what a
/// project's pages need first, in one round trip.
///
/// # Errors
/// [`DbError::NoSession`] when the transaction was not opened by a session.
pub fn find_with_viewer(
    conn: &mut PgConnection,
    id: ProjectId,
) -> Result<(Viewer, Option<ProjectView>), DbError> {
    type Found = (
        ViewerRow,
        bool,
        Option<ProjectRow>,
        Option<ProjectJson>,
        Option<(UserId, Option<String>, String)>,
        Option<ContainerPart>,
    );
    let owners = diesel::alias!(users as owners);
    let found: Option<Found> = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::id.nullable())))
        .left_join(projects::table.on(projects::id.eq(id)))
        .left_join(owners.on(owners.field(users::id).nullable().eq(projects::user_id)))
        .left_join(containers::table.on(containers::id.nullable().eq(projects::container_id)))
        .filter(users::id.nullable().eq(app_user_id()))
        .filter(sessions::id.nullable().eq(app_session_id()))
        .select((
            ViewerRow::as_select(),
            touch_due!(),
            Option::<ProjectRow>::as_select(),
            Option::<ProjectJson>::as_select(),
            (owners.field(users::id), owners.field(users::name), owners.field(users::email)).nullable(),
            Option::<ContainerPart>::as_select(),
        ))
        .first(conn)
        .optional()?;
    let (viewer, touch_due, project, json, owner, container) = found.ok_or(DbError::NoSession)?;
    let owner = owner.map(|(id, name, email)| Person { id, name, email });
    let view = project.zip(json).map(|(project, json)| ProjectView::of(project, json, owner, container));
    let view = view.map(|view| view.with_term(conn)).transpose()?;
    Ok((viewer::of_row(conn, viewer, touch_due), view))
}
