//! Containers for programs: their own rows, without what only people are shown.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::db::cursor::{ListPosition, Page, PageStart, keyset};
use crate::db::ids::{ContainerId, UserId};
use crate::db::schema::containers;
use crate::db::time::{Instant, listed_time};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct PlainContainer {
    pub id: ContainerId,
    /// The engine's id.
    pub container_id: String,
    pub name: String,
    pub status: String,
    pub image_name: Option<String>,
    pub assigned_port: Option<i32>,
    pub url: Option<String>,
    pub user_id: Option<UserId>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
    pub observed_at: Option<DateTime<Utc>>,
    pub engine_status: Option<String>,
}

impl PlainContainer {
    #[must_use]
    pub fn position(&self) -> ListPosition {
        ListPosition::at_time(self.created_at, self.id.0)
    }
}

/// Containers with `status`, or all but the deleted, the newest first.
pub fn page(
    conn: &mut PgConnection,
    status: Option<&str>,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Page<PlainContainer>> {
    let mut query = containers::table
        .select(PlainContainer::as_select())
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    query = match status {
        Some(status) => query.filter(containers::status.eq(status.to_owned())),
        None => query.filter(containers::status.ne("deleted")),
    };
    let query = keyset!(
        query, from, descending listed_time!(containers::created_at),
        containers::id, ContainerId, at => Instant(at.time())
    );
    Ok(Page::of(query.load(conn)?, limit, from))
}

/// The container with this id, if the actor sees it.
pub fn find(conn: &mut PgConnection, id: ContainerId) -> QueryResult<Option<PlainContainer>> {
    containers::table.find(id).select(PlainContainer::as_select()).first(conn).optional()
}
