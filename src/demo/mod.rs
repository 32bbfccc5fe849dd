//! An invented world to look at: `serve --demo` fills an empty console with four months of it.
//!
//! Three people, nine projects, and a life in which effects have causes: a message leads to code, the code
//! to a push, the push to a deployment, a failed deployment to a repair. It is the same life each time,
//! counted back from now, and nothing in it lies in the future. Some names and rows are odd on purpose,
//! because what workers write is odd too.

mod cast;
mod chance;
mod conversation;
mod crash;
mod files;
pub mod living;
mod oddities;
mod operations;
mod present;
mod rows;
mod settling;
mod story;
mod words;
mod world;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::users;

/// The life is told by this seed.
const SEED: u64 = 0x00DE_C0DE;

/// Taken by whoever fills the database, so that two instances don't do it at once.
const LOCK: i64 = 0x7069_6c6f_6465_6d6f;

/// How much life there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// People who can sign in.
    pub users: usize,
    /// Projects of the two owners.
    pub projects: usize,
    /// Rows of `project_actions`.
    pub actions: usize,
    /// Rows of `"ActivityEvent"`.
    pub events: usize,
}

/// Whether one of the demo's users is there already.
pub fn exists(conn: &mut PgConnection) -> QueryResult<bool> {
    // Not every column may be read in every role, and a bare EXISTS would ask for all.
    let known = users::table.filter(users::email.eq_any(cast::EMAILS)).select(users::id);
    diesel::select(diesel::dsl::exists(known)).get_result(conn)
}

/// Fills the database with the life that leads up to `now`; all three users get `password_hash`. Does
/// nothing, and counts nothing, when [`exists`] says so. Belongs into one transaction of the system.
pub fn create(conn: &mut PgConnection, now: DateTime<Utc>, password_hash: &str) -> QueryResult<Summary> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(conn)?;
    if exists(conn)? {
        return Ok(Summary::default());
    }
    let rows = life(now, password_hash);
    rows.insert(conn)?;
    Ok(Summary {
        users: rows.users.len(),
        projects: rows.projects.len(),
        actions: rows.actions.len(),
        events: rows.events.len(),
    })
}

/// Everything that happened until `now`.
fn life(now: DateTime<Utc>, password_hash: &str) -> rows::Rows {
    let mut chance = chance::Chance::seeded(SEED);
    let people = cast::people(&mut chance);
    let projects = cast::projects(&mut chance, &people);
    let mut world = world::World::new(chance, now.timestamp_millis());
    settling::settle(&mut world, &people, &projects, password_hash);
    for project in &projects {
        story::work_on(&mut world, project);
    }
    oddities::add(&mut world, &projects);
    present::add(&mut world, &projects);
    crash::add(&mut world, &projects);
    files::store(&mut world, &projects);
    world.rows
}

#[cfg(test)]
mod tests;
