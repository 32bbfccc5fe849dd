//! What the console itself writes of containers: what an engine showed.

use diesel::prelude::*;

use super::model::{Observation, Status};
use super::ports;
use crate::db::ids::ContainerId;
use crate::db::schema::containers;
use crate::db::time::now;

/// Writes a state that an engine showed, when it is another than the row has. A row that did not change is left alone:
/// forms carry when it was last written. Answers whether it was written.
pub fn observe(conn: &mut PgConnection, id: ContainerId, seen: &Observation) -> QueryResult<bool> {
    let status = seen.status();
    let is_other = containers::status
        .ne(status.as_str())
        .or(containers::engine_status.is_distinct_from(seen.engine_status.as_str()))
        .or(containers::observed_from.is_distinct_from(seen.from.as_str()))
        .or(containers::observed_at.is_null())
        .or(containers::started_at.is_distinct_from(seen.started_at).and(containers::status.ne("deleted")))
        .or(containers::stopped_at.is_distinct_from(seen.stopped_at).and(containers::status.ne("deleted")));
    let written = diesel::update(containers::table.filter(containers::id.eq(id)).filter(is_other))
        .set((
            containers::status.eq(status.as_str()),
            containers::engine_status.eq(seen.engine_status.as_str()),
            containers::observed_at.eq(now.nullable()),
            containers::observed_from.eq(seen.from.as_str()),
            (status != Status::Deleted).then(|| containers::started_at.eq(seen.started_at)),
            containers::stopped_at.eq(seen.stopped_at),
        ))
        .execute(conn)?;
    if written > 0 && status == Status::Deleted {
        ports::release(conn, id)?;
    }
    Ok(written > 0)
}

/// The engine calls a container otherwise: its row goes along when it bore the old name.
pub fn follow_rename(conn: &mut PgConnection, id: ContainerId, old: &str, new: &str) -> QueryResult<()> {
    diesel::update(containers::table.filter(containers::id.eq(id)).filter(containers::name.eq(old)))
        .set(containers::name.eq(new))
        .execute(conn)
        .map(|_| ())
}
