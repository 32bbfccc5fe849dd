//! Reads for the page of the engine.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::{engine_containers, engines};

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
        .order((engine_containers::ignored_at.is_not_null(), engine_containers::name, engine_containers::container_id))
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
