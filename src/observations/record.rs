//! Writing what an engine saw.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::judge::Verdict;
use crate::activity::EngineEventType;
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{
    action_references, container_sessions, containers, engine_events, operations, project_actions, projects,
};
use crate::db::time::{Instant, ago, now};
use crate::engine::ObservedContainer;
use crate::runtime::Entropy;
use diesel::dsl::IntervalDsl;

/// What is written of one thing that happened.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    pub engine: &'a str,
    pub kind: EngineEventType,
    /// The engine's id of the container; none where it concerns all of them.
    pub container: Option<&'a str>,
    pub name: &'a str,
    pub row: Option<ContainerId>,
    pub at: DateTime<Utc>,
    pub exit_code: Option<i64>,
    pub was_out_of_memory: bool,
    pub last_lines: Option<String>,
    pub operation: Option<&'a Asked>,
    pub title: String,
    pub details: Option<String>,
    pub is_reconstructed: bool,
}

impl<'a> Seen<'a> {
    #[must_use]
    pub fn of(engine: &'a str, kind: EngineEventType, at: DateTime<Utc>, title: String) -> Self {
        Self {
            engine,
            kind,
            container: None,
            name: "",
            row: None,
            at,
            exit_code: None,
            was_out_of_memory: false,
            last_lines: None,
            operation: None,
            title,
            details: None,
            is_reconstructed: false,
        }
    }
}

/// An operation that something follows from.
#[derive(Debug, Clone, Queryable)]
pub struct Asked {
    pub operation: String,
    pub request: Option<String>,
    pub project: Option<ProjectId>,
}

/// What an engine's clock and this database's may differ by.
const CLOCKS: TimeDelta = TimeDelta::seconds(5);

/// The operation of one of `verbs` that was under way on a container at `at`.
pub fn operation_at(
    conn: &mut PgConnection,
    row: ContainerId,
    verbs: &[&str],
    at: DateTime<Utc>,
) -> QueryResult<Option<Asked>> {
    operations::table
        .filter(operations::container_id.eq(row))
        .filter(operations::verb.eq_any(verbs))
        .filter(operations::begun_at.le(Some(at + CLOCKS)))
        .filter(operations::ended_at.is_null().or(operations::ended_at.ge(Some(at - CLOCKS))))
        .filter(operations::status.ne("CANCELLED"))
        .order(operations::asked_at.desc())
        .select((operations::id, operations::request_id, operations::project_id))
        .first(conn)
        .optional()
}

/// Writes it, unless it was written. Answers whether it is new.
pub fn write(conn: &mut PgConnection, seen: &Seen<'_>) -> QueryResult<bool> {
    let (project, owner) = match seen.row {
        Some(row) => whose(conn, row)?,
        None => (None, None),
    };
    let project = seen.operation.and_then(|asked| asked.project).or(project);
    let nanos = seen.at.timestamp_micros().saturating_mul(1_000);
    let cause = if seen.kind == EngineEventType::Crashed { deployment_before(conn, seen)? } else { None };
    let written = diesel::insert_into(engine_events::table)
        .values((
            engine_events::id
                .eq(format!("eng_{}", Entropy.ordered_uuid(seen.at.timestamp_millis()).simple())),
            engine_events::engine_id.eq(seen.engine),
            engine_events::kind.eq(seen.kind.as_str()),
            engine_events::engine_container_id.eq(seen.container),
            engine_events::container_name.eq(seen.name),
            engine_events::container_id.eq(seen.row),
            engine_events::project_id.eq(project),
            engine_events::owner_id.eq(owner),
            engine_events::at.eq(Instant(seen.at)),
            engine_events::at_nanos.eq(nanos),
            engine_events::exit_code.eq(seen.exit_code.and_then(|code| i32::try_from(code).ok())),
            engine_events::was_out_of_memory.eq(seen.was_out_of_memory),
            engine_events::last_lines.eq(seen.last_lines.as_deref()),
            engine_events::operation_id.eq(seen.operation.map(|asked| asked.operation.as_str())),
            engine_events::request_id.eq(seen.operation.and_then(|asked| asked.request.as_deref())),
            (
                engine_events::title.eq(&seen.title),
                engine_events::details.eq(seen.details.as_deref()),
                engine_events::is_reconstructed.eq(seen.is_reconstructed),
                engine_events::cause.eq(cause),
            ),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(written > 0)
}

/// What put into a container what runs there: the last deployment before `seen` that names it.
fn deployment_before(conn: &mut PgConnection, seen: &Seen<'_>) -> QueryResult<Option<String>> {
    let names: Vec<String> =
        seen.row.map(|row| row.to_string()).into_iter().chain(seen.container.map(str::to_owned)).collect();
    let deployment: Option<String> = action_references::table
        .inner_join(project_actions::table.on(project_actions::action_id.eq(action_references::action_id)))
        .filter(action_references::key.eq("container_id"))
        .filter(action_references::value.eq_any(names))
        .filter(action_references::created_at.le(seen.at.timestamp_millis()))
        .filter(project_actions::action_type.eq("deployment"))
        .order((action_references::created_at.desc(), action_references::action_id.desc()))
        .select(project_actions::action_id)
        .first(conn)
        .optional()?;
    Ok(deployment.map(|id| format!("action:{id}")))
}

/// Writes it, unless something of its kind was ever written of its container.
pub fn write_once(conn: &mut PgConnection, seen: &Seen<'_>) -> QueryResult<()> {
    let told = engine_events::table
        .filter(engine_events::engine_id.eq(seen.engine))
        .filter(engine_events::engine_container_id.is_not_distinct_from(seen.container))
        .filter(engine_events::kind.eq(seen.kind.as_str()));
    if !diesel::select(diesel::dsl::exists(told)).get_result(conn)? {
        write(conn, seen)?;
    }
    Ok(())
}

/// The only live project of a container, and the container's owner.
fn whose(conn: &mut PgConnection, row: ContainerId) -> QueryResult<(Option<ProjectId>, Option<UserId>)> {
    let live: Vec<ProjectId> = projects::table
        .filter(projects::container_id.eq(row))
        .filter(projects::status.is_distinct_from("deleted"))
        .limit(2)
        .select(projects::id)
        .load(conn)?;
    let owner: Option<Option<UserId>> =
        containers::table.find(row).select(containers::user_id).first(conn).optional()?;
    Ok((if live.len() == 1 { live.first().copied() } else { None }, owner.flatten()))
}

/// The id of the run that a container is in, or was in last.
#[must_use]
pub fn run_id(seen: &ObservedContainer) -> Option<String> {
    let id = seen.id.as_str();
    let short = id.get(..12).unwrap_or(id);
    seen.run.started_at.map(|started| format!("run_{short}_{}", started.timestamp_millis()))
}

/// A run began: one row of `container_sessions` for each.
pub fn begin_run(conn: &mut PgConnection, row: ContainerId, seen: &ObservedContainer) -> QueryResult<()> {
    let (Some(started), Some(run)) = (seen.run.started_at, run_id(seen)) else { return Ok(()) };
    let (project, owner) = whose(conn, row)?;
    let id = seen.id.as_str();
    diesel::insert_into(container_sessions::table)
        .values((
            container_sessions::session_id.eq(run),
            container_sessions::project_id.eq(project.map(|project| project.to_string())),
            container_sessions::user_id.eq(owner.map(|owner| owner.to_string())),
            container_sessions::container_id.eq(id),
            container_sessions::status.eq("running"),
            container_sessions::created_at.eq(started.timestamp_millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .map(|_| ())
}

/// The runs of a container that began before `at` ended.
pub fn end_run(
    conn: &mut PgConnection,
    container: &str,
    at: DateTime<Utc>,
    (exit_code, verdict): (i64, Verdict),
) -> QueryResult<()> {
    let ms = at.timestamp_millis();
    diesel::update(
        container_sessions::table
            .filter(container_sessions::container_id.eq(container))
            .filter(container_sessions::ended_at.is_null())
            .filter(container_sessions::created_at.le(ms)),
    )
    .set((
        container_sessions::ended_at.eq(ms),
        container_sessions::exit_code.eq(i32::try_from(exit_code).ok()),
        container_sessions::status.eq(if verdict == Verdict::Crashed { "failed" } else { "stopped" }),
    ))
    .execute(conn)
    .map(|_| ())
}

/// A container's restart loop that has not been closed.
pub fn open_loop(conn: &mut PgConnection, engine: &str, container: &str) -> QueryResult<Option<String>> {
    engine_events::table
        .filter(engine_events::engine_id.eq(engine))
        .filter(engine_events::engine_container_id.eq(container))
        .filter(engine_events::kind.eq(EngineEventType::RestartLoop.as_str()))
        .filter(engine_events::closed_at.is_null())
        .select(engine_events::id)
        .first(conn)
        .optional()
}

/// It ended and was started by its policy once more.
pub fn count_restart(
    conn: &mut PgConnection,
    id: &str,
    at: DateTime<Utc>,
    exit_code: i64,
) -> QueryResult<()> {
    let times: i32 = diesel::update(engine_events::table.find(id))
        .set((engine_events::times.eq(engine_events::times + 1), engine_events::last_at.eq(Some(at))))
        .returning(engine_events::times)
        .get_result(conn)?;
    diesel::update(engine_events::table.find(id))
        .set(
            engine_events::details
                .eq(format!("It has ended {times} times, the last time with exit code {exit_code}.")),
        )
        .execute(conn)
        .map(|_| ())
}

/// Closes the loops whose container has not ended for ten minutes.
pub fn close_loops(conn: &mut PgConnection, engine: &str) -> QueryResult<usize> {
    diesel::update(
        engine_events::table
            .filter(engine_events::engine_id.eq(engine))
            .filter(engine_events::kind.eq(EngineEventType::RestartLoop.as_str()))
            .filter(engine_events::closed_at.is_null())
            .filter(engine_events::last_at.lt(ago(10.minutes()).nullable())),
    )
    .set(engine_events::closed_at.eq(now.nullable()))
    .execute(conn)
}

/// A loop that was just written has gone round so often.
pub fn open_with(
    conn: &mut PgConnection,
    engine: &str,
    container: &str,
    times: i32,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let Some(id) = open_loop(conn, engine, container)? else { return Ok(()) };
    diesel::update(engine_events::table.find(id))
        .set((engine_events::times.eq(times), engine_events::last_at.eq(Some(at))))
        .execute(conn)
        .map(|_| ())
}
