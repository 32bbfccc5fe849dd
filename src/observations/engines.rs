//! Engines, and what each last showed of its containers.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::containers::{self, Observation};
use crate::db::ids::ContainerId;
use crate::db::schema::{containers as rows, engine_containers, engines};
use crate::db::time::now;
use crate::engine::{EngineInfo, ObservedContainer};

/// An engine answers. Answers up to where its events were taken in, if it was known.
pub fn meet(conn: &mut PgConnection, info: &EngineInfo, address: &str) -> QueryResult<Option<i64>> {
    diesel::insert_into(engines::table)
        .values((
            engines::id.eq(&info.id),
            engines::address.eq(address),
            engines::name.eq(&info.name),
            engines::version.eq(&info.version),
            engines::api_version.eq(&info.api_version),
            engines::connected_since.eq(now.nullable()),
        ))
        .on_conflict(engines::id)
        .do_update()
        .set((
            engines::address.eq(excluded(engines::address)),
            engines::name.eq(excluded(engines::name)),
            engines::version.eq(excluded(engines::version)),
            engines::api_version.eq(excluded(engines::api_version)),
            engines::connected_since.eq(now.nullable()),
            engines::away_since.eq(None::<DateTime<Utc>>),
            engines::away_reason.eq(None::<String>),
        ))
        .returning(engines::last_event_nanos)
        .get_result(conn)
}

/// The engine that was at an address does not answer.
pub fn miss(conn: &mut PgConnection, address: &str, reason: &str) -> QueryResult<()> {
    diesel::update(engines::table.filter(engines::address.eq(address)).filter(engines::away_since.is_null()))
        .set((
            engines::away_since.eq(now.nullable()),
            engines::away_reason.eq(reason),
            engines::connected_since.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .map(|_| ())
}

/// All containers were held against the records.
pub fn note_sweep(conn: &mut PgConnection, engine: &str, count: usize, took: Duration) -> QueryResult<()> {
    diesel::update(engines::table.find(engine))
        .set((
            engines::last_sweep_at.eq(now.nullable()),
            engines::last_sweep_containers.eq(i32::try_from(count).unwrap_or(i32::MAX)),
            engines::last_sweep_ms.eq(i32::try_from(took.as_millis()).unwrap_or(i32::MAX)),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Events up to `nanos` were taken in, so far behind the engine's clock.
pub fn note_events(conn: &mut PgConnection, engine: &str, nanos: i64, lag_ms: i64) -> QueryResult<()> {
    diesel::update(engines::table.find(engine))
        .set((
            engines::last_event_nanos.eq(nanos),
            engines::lag_ms.eq(i32::try_from(lag_ms).unwrap_or(i32::MAX)),
        ))
        .execute(conn)
        .map(|_| ())
}

/// A container as its engine last showed it.
#[derive(Debug, Clone, Queryable)]
pub struct Shown {
    pub container: String,
    /// Its row here.
    pub row: Option<ContainerId>,
    pub name: String,
    pub state: String,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub restart_count: i64,
}

/// Everything that an engine has shown and that has not gone from it.
pub fn shown(conn: &mut PgConnection, engine: &str) -> QueryResult<BTreeMap<String, Shown>> {
    let all: Vec<Shown> = engine_containers::table
        .filter(engine_containers::engine_id.eq(engine))
        .filter(engine_containers::gone_at.is_null())
        .select((
            engine_containers::container_id,
            engine_containers::row_id,
            engine_containers::name,
            engine_containers::state,
            engine_containers::started_at,
            engine_containers::finished_at,
            engine_containers::restart_count,
        ))
        .load(conn)?;
    Ok(all.into_iter().map(|shown| (shown.container.clone(), shown)).collect())
}

/// The rows of these containers, by the engine's ids.
pub fn rows_of(conn: &mut PgConnection, ids: &[String]) -> QueryResult<BTreeMap<String, ContainerId>> {
    let found: Vec<(String, ContainerId)> = rows::table
        .filter(rows::container_id.eq_any(ids))
        .select((rows::container_id, rows::id))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// The known container that last bore a name and is gone: its row and the engine's id.
pub fn former_bearer(
    conn: &mut PgConnection,
    engine: &str,
    name: &str,
) -> QueryResult<Option<(ContainerId, String)>> {
    engine_containers::table
        .filter(engine_containers::engine_id.eq(engine))
        .filter(engine_containers::name.eq(name))
        .filter(engine_containers::gone_at.is_not_null())
        .filter(engine_containers::row_id.is_not_null())
        .order(engine_containers::gone_at.desc())
        .select((engine_containers::row_id.assume_not_null(), engine_containers::container_id))
        .first(conn)
        .optional()
}

/// Keeps how a container looked, and brings its row up to date.
pub fn keep(
    conn: &mut PgConnection,
    engine: &str,
    (row, seen): (Option<ContainerId>, &ObservedContainer),
    observation: &Observation,
) -> QueryResult<()> {
    diesel::insert_into(engine_containers::table)
        .values((
            engine_containers::engine_id.eq(engine),
            engine_containers::container_id.eq(seen.id.as_str()),
            engine_containers::row_id.eq(row),
            engine_containers::name.eq(&seen.name),
            engine_containers::image.eq(&seen.image),
            engine_containers::state.eq(&seen.run.word),
            engine_containers::started_at.eq(seen.run.started_at),
            engine_containers::finished_at.eq(seen.run.finished_at),
            engine_containers::restart_count.eq(seen.restart_count),
        ))
        .on_conflict((engine_containers::engine_id, engine_containers::container_id))
        .do_update()
        .set((
            engine_containers::row_id.eq(excluded(engine_containers::row_id)),
            engine_containers::name.eq(excluded(engine_containers::name)),
            engine_containers::image.eq(excluded(engine_containers::image)),
            engine_containers::state.eq(excluded(engine_containers::state)),
            engine_containers::started_at.eq(excluded(engine_containers::started_at)),
            engine_containers::finished_at.eq(excluded(engine_containers::finished_at)),
            engine_containers::restart_count.eq(excluded(engine_containers::restart_count)),
            engine_containers::gone_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    if let Some(row) = row {
        containers::commands::observe(conn, row, observation)?;
    }
    Ok(())
}

/// A container is on its engine no more.
pub fn keep_gone(
    conn: &mut PgConnection,
    engine: &str,
    container: &str,
    row: Option<ContainerId>,
    observation: &Observation,
) -> QueryResult<()> {
    diesel::update(engine_containers::table.find((engine, container)))
        .filter(engine_containers::gone_at.is_null())
        .set(engine_containers::gone_at.eq(now.nullable()))
        .execute(conn)?;
    match row {
        Some(row) => containers::commands::observe(conn, row, observation).map(|_| ()),
        None => Ok(()),
    }
}
