//! Projects as exports hold them: many at once, without their settings, which may be large and hold secrets.

use std::collections::HashMap;

use diesel::prelude::*;

use super::queries::{self, Filter, ProjectRow};
use crate::db::batch;
use crate::db::cursor::{ListPosition, PageStart};
use crate::db::ids::{ContainerId, ProjectId};
use crate::db::schema::{containers, projects};
use crate::users::queries::Person;

/// What an export says of a project's container.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct ContainerPart {
    pub id: ContainerId,
    pub name: String,
    pub status: String,
}

#[derive(Debug, Clone)]
pub struct ExportedProject {
    pub project: ProjectRow,
    pub owner: Option<Person>,
    pub container: Option<ContainerPart>,
    /// Epoch milliseconds of its newest action.
    pub last_action_ms: Option<i64>,
}

/// What [`queries::page`] shows, as far as it fits into a batch, and where the next one begins.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<(Vec<ExportedProject>, Option<ListPosition>)> {
    let mut page = queries::page(conn, filter, from, limit)?;
    let mut ids: Vec<ProjectId> = page.rows.iter().map(|line| line.project.id).collect();
    page.cut(fitting(conn, &ids)?);
    ids.truncate(page.rows.len());
    let next = page.last(|line| line.position(filter.sort));
    let records: Vec<(ProjectRow, Option<ContainerPart>)> = projects::table
        .left_join(containers::table)
        .filter(projects::id.eq_any(ids))
        .select((ProjectRow::as_select(), Option::<ContainerPart>::as_select()))
        .load(conn)?;
    let mut records: HashMap<ProjectId, _> =
        records.into_iter().map(|record| (record.0.id, record)).collect();
    let rows = page.rows.into_iter().filter_map(|line| {
        let (project, container) = records.remove(&line.project.id)?;
        Some(ExportedProject { project, container, owner: line.owner, last_action_ms: line.last_action_ms })
    });
    Ok((rows.collect(), next))
}

/// How many of the first of `ids` fit into a batch.
fn fitting(conn: &mut PgConnection, ids: &[ProjectId]) -> QueryResult<usize> {
    let weights: HashMap<ProjectId, Option<i32>> = projects::table
        .filter(projects::id.eq_any(ids))
        .select((projects::id, batch::octet_length(projects::description)))
        .load(conn)?
        .into_iter()
        .collect();
    Ok(batch::fitting(ids.iter().map(|id| weights.get(id).copied().flatten().unwrap_or(0).into())))
}
