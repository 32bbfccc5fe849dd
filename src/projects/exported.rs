//! Projects as exports hold them: many at once, without their settings, which may be large and hold secrets.

use std::collections::HashMap;

use diesel::prelude::*;

use super::queries::ProjectRow;
use crate::db::batch;
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{containers, projects, users};

#[derive(Debug, Clone, Queryable)]
pub struct ExportedProject {
    pub project: ProjectRow,
    /// Its owner: id, name and address.
    pub owner: Option<(UserId, Option<String>, String)>,
    /// Its container: id, name and status.
    pub container: Option<(ContainerId, String, String)>,
}

/// Those of the projects with these ids that the viewer may see, in any order.
pub fn of(conn: &mut PgConnection, ids: &[ProjectId]) -> QueryResult<Vec<ExportedProject>> {
    projects::table
        .left_join(users::table)
        .left_join(containers::table)
        .filter(projects::id.eq_any(ids))
        .select((
            ProjectRow::as_select(),
            (users::id, users::name, users::email).nullable(),
            (containers::id, containers::name, containers::status).nullable(),
        ))
        .load(conn)
}

/// How many of the first of `ids` fit into a batch.
pub fn fitting(conn: &mut PgConnection, ids: &[ProjectId]) -> QueryResult<usize> {
    let weights: HashMap<ProjectId, Option<i32>> = projects::table
        .filter(projects::id.eq_any(ids))
        .select((projects::id, batch::octet_length(projects::description)))
        .load(conn)?
        .into_iter()
        .collect();
    Ok(batch::fitting(ids.iter().map(|id| weights.get(id).copied().flatten().unwrap_or(0).into())))
}
