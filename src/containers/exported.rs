//! Containers as exports hold them: many at once, without labels and metadata, which may be large and hold secrets.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::batch;
use crate::db::ids::{ContainerId, UserId};
use crate::db::schema::{containers, users};

#[derive(Debug, Clone, Queryable)]
pub struct ExportedContainer {
    /// `containers.id`.
    pub id: ContainerId,
    /// The engine's id.
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
    /// Its owner: id, name and address.
    pub owner: Option<(UserId, Option<String>, String)>,
}

/// Those of the containers with these ids that the viewer may see, in any order.
pub fn of(conn: &mut PgConnection, ids: &[ContainerId]) -> QueryResult<Vec<ExportedContainer>> {
    containers::table
        .left_join(users::table)
        .filter(containers::id.eq_any(ids))
        .select((
            containers::id,
            containers::container_id,
            containers::name,
            containers::status,
            containers::image_name,
            containers::assigned_port,
            containers::url,
            containers::created_at,
            containers::updated_at,
            containers::started_at,
            containers::stopped_at,
            containers::observed_at,
            containers::observed_from,
            containers::engine_status,
            (users::id, users::name, users::email).nullable(),
        ))
        .load(conn)
}

/// How many of the first of `ids` fit into a batch.
pub fn fitting(conn: &mut PgConnection, ids: &[ContainerId]) -> QueryResult<usize> {
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
