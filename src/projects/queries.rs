//! Reads of projects. Row-level security decides whose.

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;

use super::model::Status;
use crate::db::cursor::{ListPosition, Page, PageStart, keyset};
use crate::db::functions::lower;
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::json::NullableJson;
use crate::db::schema::{containers, project_activity, projects, timeline, users};
use crate::db::spelling::{Patterns, contains};
use crate::db::statement::{UpTo, plan_of};
use crate::db::time::{Instant, Written, listed_time};
use crate::retention::queries::{Term, term_of_project};
use crate::users::queries::Person;

/// What a list of projects is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The last in which something happened first.
    #[default]
    Active,
    /// The last changed first.
    Changed,
    Name,
}

/// Which projects a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name or description.
    pub text: Option<String>,
    /// One status; without it everything but the deleted.
    pub status: Option<String>,
    /// One type.
    pub kind: Option<String>,
    /// One owner, for a user's page.
    pub owner: Option<UserId>,
    /// The order.
    pub sort: Sort,
}

/// The columns of `projects` that pages, lists and exports show, each by its name; its JSON is `ProjectJson`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub struct ProjectRow {
    pub id: ProjectId,
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// `projects.type`.
    pub kind: Option<String>,
    /// `projects.status`.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    pub locked_at: Option<DateTime<Utc>>,
}

/// What may be large, and holds secrets.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub(super) struct ProjectJson {
    #[diesel(deserialize_as = NullableJson)]
    settings: Option<Value>,
    #[diesel(deserialize_as = NullableJson)]
    metadata: Option<Value>,
}

/// What a list shows of a project's own row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub struct LineRow {
    pub id: ProjectId,
    pub name: String,
    /// `projects.type`.
    pub kind: Option<String>,
    pub status: Option<String>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a list shows of a project's container.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct LineContainer {
    pub status: String,
    /// When the engine was last asked.
    pub observed_at: Option<DateTime<Utc>>,
    /// When the row was last written.
    pub updated_at: Option<DateTime<Utc>>,
}

/// One project as lists show it.
#[derive(Debug, Clone, Queryable)]
pub struct ProjectLine {
    pub project: LineRow,
    pub owner: Option<Person>,
    pub container: Option<LineContainer>,
    /// Epoch milliseconds of its newest action.
    pub last_action_ms: Option<i64>,
    /// Where it stands among the last active, which may be a second behind.
    active_ms: i64,
}

impl ProjectLine {
    /// Where the line stands in a list that is sorted by `sort`.
    #[must_use]
    pub fn position(&self, sort: Sort) -> ListPosition {
        let id = self.project.id.0;
        match sort {
            Sort::Changed => ListPosition::at_time(self.project.updated_at, id),
            Sort::Name => ListPosition { key: self.project.name.clone(), id },
            Sort::Active => ListPosition { key: self.active_ms.to_string(), id },
        }
    }
}

/// `$tables`, which have projects in them, with `$active` as their place among the last active, by `$filter`.
macro_rules! lines {
    ($tables:expr, $active:expr, $filter:expr) => {{
        let actions = timeline::table.filter(timeline::project_id.eq(projects::id.nullable()));
        let last_action =
            actions.filter(timeline::source.eq("action")).select(max(timeline::at)).single_value();
        let mut query = $tables
            .left_join(users::table)
            .left_join(containers::table)
            .select((
                LineRow::as_select(),
                Option::<Person>::as_select(),
                Option::<LineContainer>::as_select(),
                last_action,
                $active,
            ))
            .into_boxed::<Pg>();
        if let Some(text) = &$filter.text {
            let wanted = Patterns::of(text);
            query =
                query.filter(contains(projects::name, &wanted).or(contains(projects::description, &wanted)));
        }
        query = match $filter.status.as_deref() {
            // Workers leave the status out, which means the default.
            Some("active") => {
                query.filter(projects::status.eq("active").assume_not_null().or(projects::status.is_null()))
            }
            Some(status) => query.filter(projects::status.eq(status.to_owned())),
            // In the text: for any value, PostgreSQL would expect next to nothing where all have one status.
            None => {
                query.filter(projects::status.is_distinct_from(Written::<Nullable<Text>>::new("'deleted'")))
            }
        };
        if let Some(kind) = &$filter.kind {
            query = query.filter(projects::kind.eq(kind.clone()));
        }
        if let Some(owner) = $filter.owner {
            query = query.filter(projects::user_id.eq(owner));
        }
        query
    }};
}

/// The statement of a page, as `$query`, whose type depends on its order.
macro_rules! asked {
    ($filter:ident, $from:ident, $query:ident => $then:expr) => {{
        let undated = || Written::<BigInt>::new("0::bigint");
        match $filter.sort {
            Sort::Changed => {
                let $query = keyset!(
                    lines!(projects::table, undated(), $filter), $from,
                    descending listed_time!(projects::updated_at), projects::id, ProjectId, at => Instant(at.time())
                );
                $then
            }
            // Only PostgreSQL knows how its collation lowers a letter, so it lowers both sides.
            Sort::Name => {
                let $query = keyset!(
                    lines!(projects::table, undated(), $filter), $from,
                    ascending lower(projects::name), projects::id, ProjectId, at => lower(at.key.clone())
                );
                $then
            }
            Sort::Active => {
                let tables = projects::table.inner_join(project_activity::table);
                let mut query = lines!(tables, project_activity::at, $filter);
                if let Some(owner) = $filter.owner {
                    query = query.filter(project_activity::owner_id.eq(owner));
                }
                let $query = keyset!(
                    query, $from, descending project_activity::at,
                    project_activity::project_id, ProjectId, at => at.key.parse().unwrap_or(0_i64)
                );
                $then
            }
        }
    }};
}

/// A page of projects that match `filter`.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Page<ProjectLine>> {
    asked!(filter, from, query => Ok(Page::of(UpTo::page_of(limit, query).load(conn)?, limit, from)))
}

/// How PostgreSQL reads [`page`].
pub fn plan_of_page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
    limit: usize,
) -> QueryResult<Vec<String>> {
    asked!(filter, from, query => plan_of(conn, &UpTo::page_of(limit, query)))
}

/// One project with what its pages show of its owner and container.
#[derive(Debug, Clone)]
pub struct ProjectView {
    pub id: ProjectId,
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// `projects.type`.
    pub kind: Option<String>,
    /// `projects.status`.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed: what an edit must have seen.
    pub updated_at: Option<DateTime<Utc>>,
    /// Whether nobody may delete it, nor stop or delete its container.
    pub is_locked: bool,
    /// For workers.
    pub settings: Option<Value>,
    /// For its owner.
    pub metadata: Option<Value>,
    pub owner: Option<Person>,
    pub container: Option<ContainerPart>,
    /// Until when a deleted project can be restored.
    pub term: Option<Term>,
}

impl ProjectView {
    pub(super) fn of(
        project: ProjectRow,
        json: ProjectJson,
        owner: Option<Person>,
        container: Option<ContainerPart>,
    ) -> Self {
        let ProjectRow { id, name, description, kind, status, created_at, updated_at, locked_at } = project;
        let ProjectJson { settings, metadata } = json;
        Self {
            id,
            name,
            description,
            kind,
            status,
            created_at,
            updated_at,
            is_locked: locked_at.is_some(),
            settings,
            metadata,
            owner,
            container,
            term: None,
        }
    }

    /// The same, and how long it stays if it is deleted.
    pub(super) fn with_term(mut self, conn: &mut PgConnection) -> QueryResult<Self> {
        if self.is_deleted() {
            self.term = Some(term_of_project(conn, self.id)?);
        }
        Ok(self)
    }

    /// Whether it is out of sight until somebody restores it.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        Status::from_stored(self.status.as_deref()) == Status::Deleted
    }
}

/// What a project's pages show of its container.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = containers)]
pub struct ContainerPart {
    /// `containers.id`.
    pub id: ContainerId,
    pub name: String,
    /// `containers.status`.
    pub status: String,
    pub image_name: Option<String>,
    /// The published port.
    pub assigned_port: Option<i32>,
    /// Where it is served.
    pub url: Option<String>,
    /// When the engine was last asked.
    pub observed_at: Option<DateTime<Utc>>,
    /// When the row was last written.
    pub updated_at: Option<DateTime<Utc>>,
}

/// The project with this id, if the viewer may see it.
pub fn find(conn: &mut PgConnection, id: ProjectId) -> QueryResult<Option<ProjectView>> {
    let found: Option<(ProjectRow, ProjectJson, Option<Person>, Option<ContainerPart>)> = projects::table
        .left_join(users::table)
        .left_join(containers::table)
        .filter(projects::id.eq(id))
        .select((
            ProjectRow::as_select(),
            ProjectJson::as_select(),
            Option::<Person>::as_select(),
            Option::<ContainerPart>::as_select(),
        ))
        .first(conn)
        .optional()?;
    found
        .map(|(project, json, owner, container)| {
            ProjectView::of(project, json, owner, container).with_term(conn)
        })
        .transpose()
}

/// Whether a project with this id exists for whoever asks.
pub fn exists(conn: &mut PgConnection, id: ProjectId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(projects::table.filter(projects::id.eq(id)))).get_result(conn)
}

/// The types that the viewer's projects have, for a filter; at most fifty.
pub fn kinds(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    projects::table
        .select(projects::kind.assume_not_null())
        .filter(projects::kind.is_not_null())
        .distinct()
        .order(projects::kind)
        .limit(50)
        .load(conn)
}

/// How many projects the viewer has, the deleted aside.
pub fn count(conn: &mut PgConnection) -> QueryResult<i64> {
    projects::table.filter(projects::status.is_distinct_from("deleted")).count().get_result(conn)
}

/// How many projects `owner` has, the deleted aside.
pub fn count_of(conn: &mut PgConnection, owner: UserId) -> QueryResult<i64> {
    projects::table
        .filter(projects::user_id.eq(owner))
        .filter(projects::status.is_distinct_from("deleted"))
        .count()
        .get_result(conn)
}

/// The newest projects that may have files: id and name.
pub fn with_files(conn: &mut PgConnection, most: i64) -> QueryResult<Vec<(ProjectId, String)>> {
    projects::table
        .filter(projects::container_id.is_not_null())
        .filter(projects::status.is_distinct_from("deleted"))
        .order((projects::created_at.desc(), projects::id.desc()))
        .limit(most)
        .select((projects::id, projects::name))
        .load(conn)
}
