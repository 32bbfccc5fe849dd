//! Containers as exports hold them: many at once, without labels and metadata, which may be large and hold secrets.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::queries::{self, ContainerLine, Filter};
use crate::db::batch;
use crate::db::cursor::{ListPosition, PageStart};
use crate::db::ids::{ContainerId, ProjectId};
use crate::db::schema::containers;
use crate::users::queries::Person;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct ExportedRow {
    /// `containers.id`.
    pub id: ContainerId,
    /// The engine's id.
    #[diesel(column_name = container_id)]
    pub engine_id: String,
    pub name: String,
    /// `containers.status`.
    pub status: String,
    pub image_name: Option<String>,
    /// The published port.
    pub assigned_port: Option<i32>,
    /// Where it is served.
    pub url: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When the row was last written.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was last started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was last stopped.
    pub stopped_at: Option<DateTime<Utc>>,
    /// When the engine was last asked.
    pub observed_at: Option<DateTime<Utc>>,
    /// Who said so.
    pub observed_from: Option<String>,
    /// The state in the engine's own word.
    pub engine_status: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ExportedContainer {
    pub container: ExportedRow,
    pub owner: Option<Person>,
    pub project_id: Option<ProjectId>,
    pub project_name: Option<String>,
}

/// What [`queries::page`] shows, as far as it fits into a batch, and where the next one begins.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<(Vec<ExportedContainer>, Option<ListPosition>)> {
    let mut page = queries::page(conn, filter, from, limit)?;
    let mut ids: Vec<ContainerId> = page.rows.iter().map(|line| line.container.id).collect();
    page.cut(fitting(conn, &ids)?);
    ids.truncate(page.rows.len());
    let next = page.last(|line| line.position(filter.sort));
    let records: Vec<ExportedRow> =
        containers::table.filter(containers::id.eq_any(ids)).select(ExportedRow::as_select()).load(conn)?;
    let mut records: HashMap<ContainerId, _> =
        records.into_iter().map(|record| (record.id, record)).collect();
    let rows = page.rows.into_iter().filter_map(|line| {
        let ContainerLine { container, owner, project_id, project_name } = line;
        let container = records.remove(&container.id)?;
        Some(ExportedContainer { container, owner, project_id, project_name })
    });
    Ok((rows.collect(), next))
}

/// How many of the first of `ids` fit into a batch.
fn fitting(conn: &mut PgConnection, ids: &[ContainerId]) -> QueryResult<usize> {
    let weights: HashMap<ContainerId, [Option<i32>; 3]> = containers::table
        .filter(containers::id.eq_any(ids))
        .select((
            containers::id,
            batch::octet_length(containers::url),
            batch::octet_length(containers::observed_from),
            batch::octet_length(containers::engine_status),
        ))
        .load(conn)?
        .into_iter()
        .map(|(id, url, from, status)| (id, [url, from, status]))
        .collect();
    let weight = |id| weights.get(id).into_iter().flatten().flatten().map(|bytes| i64::from(*bytes)).sum();
    Ok(batch::fitting(ids.iter().map(weight)))
}
