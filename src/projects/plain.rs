//! Projects for programs: their own rows, without what only people are shown.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::db::cursor::{ListPosition, Page, PageStart, keyset};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::projects;
use crate::db::time::{Instant, listed_time};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub struct PlainProject {
    pub id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    /// `projects.type`.
    pub kind: Option<String>,
    pub status: Option<String>,
    pub user_id: Option<UserId>,
    pub container_id: Option<ContainerId>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl PlainProject {
    #[must_use]
    pub fn position(&self) -> ListPosition {
        ListPosition::at_time(self.updated_at, self.id.0)
    }
}

/// Projects with `status`, or all but the deleted, the last changed first.
pub fn page(
    conn: &mut PgConnection,
    status: Option<&str>,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Page<PlainProject>> {
    let mut query = projects::table
        .select(PlainProject::as_select())
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    query = match status {
        Some(status) => query.filter(projects::status.eq(status.to_owned())),
        None => query.filter(projects::status.is_distinct_from("deleted")),
    };
    let query = keyset!(
        query, from, descending listed_time!(projects::updated_at),
        projects::id, ProjectId, at => Instant(at.time())
    );
    Ok(Page::of(query.load(conn)?, limit, from))
}

/// The project with this id, if the actor sees it.
pub fn find(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Option<PlainProject>> {
    projects::table.find(id).select(PlainProject::as_select()).first(conn).optional()
}
