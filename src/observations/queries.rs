//! Reads for the page of the engine.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::commands::Taker;
use crate::db::ids::{ProjectId, UserId};
use crate::db::schema::{engine_containers, engines, projects, users};

/// An engine as it was last seen.
#[derive(Debug, Clone, Queryable)]
pub struct EngineView {
    pub id: String,
    pub address: String,
    pub name: String,
    pub version: String,
    pub api_version: String,
    pub connected_since: Option<DateTime<Utc>>,
    pub away_since: Option<DateTime<Utc>>,
    pub away_reason: Option<String>,
    pub last_sweep_at: Option<DateTime<Utc>>,
    pub last_sweep_containers: Option<i32>,
    pub last_sweep_ms: Option<i32>,
    pub lag_ms: Option<i32>,
}

/// The engines that were seen, the one that was met last first.
pub fn engines(conn: &mut PgConnection) -> QueryResult<Vec<EngineView>> {
    engines::table
        .order((engines::connected_since.desc().nulls_last(), engines::id))
        .limit(20)
        .select((
            engines::id,
            engines::address,
            engines::name,
            engines::version,
            engines::api_version,
            engines::connected_since,
            engines::away_since,
            engines::away_reason,
            engines::last_sweep_at,
            engines::last_sweep_containers,
            engines::last_sweep_ms,
            engines::lag_ms,
        ))
        .load(conn)
}

/// A container that an engine has and that is in no record here.
#[derive(Debug, Clone, Queryable)]
pub struct UnknownContainer {
    pub engine: String,
    pub container: String,
    pub name: String,
    pub image: String,
    pub state: String,
    pub first_seen_at: DateTime<Utc>,
    pub ignored_at: Option<DateTime<Utc>>,
    pub ignored_by: Option<String>,
}

/// Containers shown at most.
pub const MOST_UNKNOWN: i64 = 200;

/// What engines have that is unknown here, those that nobody has decided about first.
pub fn unknown(conn: &mut PgConnection) -> QueryResult<Vec<UnknownContainer>> {
    engine_containers::table
        .filter(engine_containers::row_id.is_null())
        .filter(engine_containers::gone_at.is_null())
        .order((
            engine_containers::ignored_at.is_not_null(),
            engine_containers::name,
            engine_containers::container_id,
        ))
        .limit(MOST_UNKNOWN)
        .select((
            engine_containers::engine_id,
            engine_containers::container_id,
            engine_containers::name,
            engine_containers::image,
            engine_containers::state,
            engine_containers::first_seen_at,
            engine_containers::ignored_at,
            engine_containers::ignored_by_name,
        ))
        .load(conn)
}

/// Projects without a container and active users, as what to write and what it stands for; a hundred of each at most.
pub fn takers(conn: &mut PgConnection) -> QueryResult<Vec<(String, String)>> {
    let free: Vec<(ProjectId, String)> = projects::table
        .filter(projects::container_id.is_null())
        .filter(projects::status.is_distinct_from("deleted"))
        .order((projects::name, projects::id))
        .limit(100)
        .select((projects::id, projects::name))
        .load(conn)?;
    let people: Vec<(String, Option<String>)> = users::table
        .filter(users::is_active)
        .order(users::email)
        .limit(100)
        .select((users::email, users::name))
        .load(conn)?;
    let mut takers: Vec<(String, String)> =
        free.into_iter().map(|(id, name)| (id.to_string(), format!("Project {name}"))).collect();
    takers.extend(people.into_iter().map(|(email, name)| {
        let name = name.unwrap_or_else(|| email.clone());
        (email, name)
    }));
    Ok(takers)
}

/// Whom a text means: a project or a user by id, a user by address.
pub fn taker(conn: &mut PgConnection, text: &str) -> QueryResult<Option<Taker>> {
    if let Ok(id) = text.parse::<ProjectId>() {
        let project: Option<ProjectId> =
            projects::table.find(id).select(projects::id).first(conn).optional()?;
        return Ok(Some(project.map_or(Taker::Owner(UserId(id.0)), Taker::Project)));
    }
    let user: Option<UserId> =
        users::table.filter(users::email.eq(text)).select(users::id).first(conn).optional()?;
    Ok(user.map(Taker::Owner))
}
