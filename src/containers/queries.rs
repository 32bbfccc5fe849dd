//! Reads of containers. Row-level security decides whose.

use chrono::{DateTime, Utc};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{Bool, Nullable, Text};
use serde_json::Value;

use crate::db::cursor::{ListPosition, Page, PageStart, keyset};
use crate::db::functions::lower;
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::json::NullableJson;
use crate::db::schema::{containers, projects, users};
use crate::db::spelling::{Patterns, contains, escaped};
use crate::db::statement::{UpTo, plan_of};
use crate::db::time::{Instant, Timestamptz, Written, listed_time};
use crate::users::queries::Person;

/// When an engine that has a container last showed all that it has: the container's state is as of then.
fn swept_at() -> SqlLiteral<Nullable<Timestamptz>> {
    diesel::dsl::sql(
        "(SELECT max(e.last_sweep_at) FROM pilothouse.engine_containers s \
           JOIN pilothouse.engines e ON e.id = s.engine_id \
           WHERE s.container_id = containers.container_id AND s.gone_at IS NULL AND containers.observed_at IS NOT NULL)",
    )
}

/// Whether a container is locked, or a live project of it.
fn is_locked() -> SqlLiteral<Bool> {
    diesel::dsl::sql(
        "(containers.locked_at IS NOT NULL OR EXISTS (SELECT FROM public.projects l WHERE l.container_id = containers.id \
           AND l.locked_at IS NOT NULL AND l.status IS DISTINCT FROM 'deleted'))",
    )
}

/// What a list of containers is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Newest,
    Name,
}

/// Which containers a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name, image or engine's id.
    pub text: Option<String>,
    /// One status; without it everything but the deleted.
    pub status: Option<String>,
    /// One owner, for a user's page.
    pub owner: Option<UserId>,
    /// The order.
    pub sort: Sort,
}

/// What a list shows of a container's own row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct LineRow {
    pub id: ContainerId,
    pub name: String,
    pub status: String,
    pub image_name: Option<String>,
    /// The published port.
    pub assigned_port: Option<i32>,
    pub created_at: Option<DateTime<Utc>>,
    /// When the row was last written.
    pub updated_at: Option<DateTime<Utc>>,
    /// When the engine was last asked.
    pub observed_at: Option<DateTime<Utc>>,
    /// When all of the engine's containers were last looked at.
    #[diesel(select_expression = swept_at(), select_expression_type = SqlLiteral<Nullable<Timestamptz>>)]
    pub swept_at: Option<DateTime<Utc>>,
}

/// One container as lists show it.
#[derive(Debug, Clone, Queryable)]
pub struct ContainerLine {
    pub container: LineRow,
    pub owner: Option<Person>,
    /// A project that runs in it: there may be several, the first by name is shown.
    pub project_id: Option<ProjectId>,
    pub project_name: Option<String>,
}

impl ContainerLine {
    /// Where the line stands in a list that is sorted by `sort`.
    #[must_use]
    pub fn position(&self, sort: Sort) -> ListPosition {
        match sort {
            Sort::Newest => ListPosition::at_time(self.container.created_at, self.container.id.0),
            Sort::Name => ListPosition { key: self.container.name.clone(), id: self.container.id.0 },
        }
    }
}

/// A page of containers that match `filter`.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Page<ContainerLine>> {
    Ok(Page::of(statement(filter, from, limit).load(conn)?, limit, from))
}

/// How PostgreSQL reads [`page`].
pub fn plan_of_page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Vec<String>> {
    plan_of(conn, &statement(filter, from, limit))
}

fn statement(
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> impl LoadQuery<'static, PgConnection, ContainerLine> + QueryFragment<Pg> {
    let first_project = || {
        projects::table
            .filter(projects::container_id.eq(containers::id.nullable()))
            .filter(projects::status.is_distinct_from("deleted"))
            .order((projects::name, projects::id))
            .limit(1)
    };
    let mut query = containers::table
        .left_join(users::table)
        .select((
            LineRow::as_select(),
            Option::<Person>::as_select(),
            first_project().select(projects::id).single_value(),
            first_project().select(projects::name).single_value(),
        ))
        .into_boxed::<Pg>();
    if let Some(text) = &filter.text {
        let wanted = Patterns::of(text);
        query = query.filter(
            contains(containers::name, &wanted)
                .or(contains(containers::image_name, &wanted))
                .or(containers::container_id.like(format!("{}%", escaped(text)))),
        );
    }
    query = match filter.status.as_deref() {
        Some(status) => query.filter(containers::status.eq(status.to_owned())),
        // In the text: for any value, PostgreSQL would expect next to nothing where all have one status.
        None => query.filter(containers::status.ne(Written::<Text>::new("'deleted'"))),
    };
    if let Some(owner) = filter.owner {
        query = query.filter(containers::user_id.eq(owner));
    }
    let query = match filter.sort {
        Sort::Newest => keyset!(
            query, from, descending listed_time!(containers::created_at),
            containers::id, ContainerId, at => Instant(at.time())
        ),
        // Only PostgreSQL knows how its collation lowers a letter, so it lowers both sides.
        Sort::Name => keyset!(
            query, from, ascending lower(containers::name),
            containers::id, ContainerId, at => lower(at.key.clone())
        ),
    };
    UpTo::page_of(limit, query)
}

/// One container with everything that its page shows.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct ContainerView {
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
    /// What it is marked with.
    #[diesel(deserialize_as = NullableJson)]
    pub labels: Option<Value>,
    /// What workers keep with it.
    #[diesel(deserialize_as = NullableJson)]
    pub metadata: Option<Value>,
    /// When the engine was last asked.
    pub observed_at: Option<DateTime<Utc>>,
    /// Who said so.
    pub observed_from: Option<String>,
    /// The state in the engine's own word.
    pub engine_status: Option<String>,
    /// Whether nobody may stop or delete it.
    #[diesel(select_expression = is_locked(), select_expression_type = SqlLiteral<Bool>)]
    pub is_locked: bool,
    /// When all of the engine's containers were last looked at.
    #[diesel(select_expression = swept_at(), select_expression_type = SqlLiteral<Nullable<Timestamptz>>)]
    pub swept_at: Option<DateTime<Utc>>,
    #[diesel(embed)]
    pub owner: Option<Person>,
}

/// The container with this id, if the viewer may see it.
pub fn find(conn: &mut PgConnection, id: ContainerId) -> QueryResult<Option<ContainerView>> {
    containers::table
        .left_join(users::table)
        .filter(containers::id.eq(id))
        .select(ContainerView::as_select())
        .first(conn)
        .optional()
}

/// What those of these containers are called that the viewer may see, by name.
pub fn names(conn: &mut PgConnection, ids: &[ContainerId]) -> QueryResult<Vec<(ContainerId, String)>> {
    containers::table
        .filter(containers::id.eq_any(ids))
        .order((containers::name, containers::id))
        .select((containers::id, containers::name))
        .load(conn)
}

/// The projects that run in a container, by name; at most twenty.
pub fn projects_in(conn: &mut PgConnection, id: ContainerId) -> QueryResult<Vec<(ProjectId, String)>> {
    projects::table
        .filter(projects::container_id.eq(id))
        .filter(projects::status.is_distinct_from("deleted"))
        .order((projects::name, projects::id))
        .limit(20)
        .select((projects::id, projects::name))
        .load(conn)
}

/// The containers that the viewer may attach to a new project: those without one, by name; at most 200.
pub fn free(conn: &mut PgConnection) -> QueryResult<Vec<(ContainerId, String)>> {
    containers::table
        .filter(containers::status.ne("deleted"))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            projects::table.filter(projects::container_id.eq(containers::id.nullable())),
        )))
        .order((containers::name, containers::id))
        .limit(200)
        .select((containers::id, containers::name))
        .load(conn)
}

/// How many containers the viewer has in each status.
pub fn count_by_status(conn: &mut PgConnection) -> QueryResult<Vec<(String, i64)>> {
    containers::table
        .group_by(containers::status)
        .select((containers::status, diesel::dsl::count_star()))
        .order(containers::status)
        .load(conn)
}
