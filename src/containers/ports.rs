//! Ports of `PILOTHOUSE_PORTS`: each is one container's, whichever instance gives it away.

use std::net::IpAddr;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::db::ids::ContainerId;
use crate::db::schema::{containers, port_reservations};

/// Taken by whoever gives a port away.
const LOCK: i64 = 0x7069_6c6f_706f_7274;

/// The port that a container has, or the first that nobody has; none when all are taken. Those of `avoided` are
/// somebody else's, outside of this console.
pub fn reserve(
    conn: &mut PgConnection,
    container: ContainerId,
    address: IpAddr,
    (first, last): (u16, u16),
    avoided: &[u16],
) -> QueryResult<Option<u16>> {
    conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
    let own: Option<i32> = port_reservations::table
        .filter(port_reservations::container_id.eq(container))
        .select(port_reservations::port)
        .first(conn)
        .optional()?;
    if let Some(own) = own.and_then(|port| u16::try_from(port).ok()).filter(|port| !avoided.contains(port)) {
        return Ok(Some(own));
    }
    release(conn, container)?;
    let given: Vec<i32> = port_reservations::table.select(port_reservations::port).load(conn)?;
    // What workers gave away themselves.
    let reported: Vec<Option<i32>> = containers::table
        .filter(containers::status.ne("deleted"))
        .filter(containers::assigned_port.between(i32::from(first), i32::from(last)))
        .select(containers::assigned_port)
        .load(conn)?;
    let is_taken = |port: i32| given.contains(&port) || reported.contains(&Some(port));
    let free = (first..=last).find(|port| !avoided.contains(port) && !is_taken(i32::from(*port)));
    let Some(free) = free else { return Ok(None) };
    diesel::insert_into(port_reservations::table)
        .values((
            port_reservations::address.eq(address.to_string()),
            port_reservations::port.eq(i32::from(free)),
            port_reservations::container_id.eq(container),
        ))
        .execute(conn)?;
    Ok(Some(free))
}

/// The container needs no port any more.
pub fn release(conn: &mut PgConnection, container: ContainerId) -> QueryResult<()> {
    diesel::delete(port_reservations::table.filter(port_reservations::container_id.eq(container)))
        .execute(conn)
        .map(|_| ())
}
