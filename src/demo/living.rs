//! Containers of the demo that an engine really runs: one for Ada and one for Grace, each in a project of its own.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::cast::EMAILS;
use crate::containers::{Environment, Making, NewContainer};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::{containers, projects, users};
use crate::engine::{ImageName, Restart};
use crate::identity::{Origin, Principal};
use crate::observations::{Verdict, record};
use crate::operations::{OperationId, making};
use crate::projects::commands::{Draft, insert};
use crate::projects::{Kind, ProjectDescription, ProjectName};

/// What their projects are called.
const PROJECT: &str = "Live container";
const ABOUT: &str =
    "A container that the engine really runs while this demo does. Stop it, kill it, read what it wrote.";

/// Asks for the containers of those who have none.
pub fn begin(conn: &mut PgConnection, at: DateTime<Utc>, image: &ImageName) -> QueryResult<Vec<OperationId>> {
    let owners: Vec<(UserId, Option<String>)> = users::table
        .filter(users::email.eq_any(EMAILS))
        .filter(users::role.eq("owner"))
        .order(users::email)
        .select((users::id, users::name))
        .load(conn)?;
    let mut asked = Vec::new();
    for (owner, name) in owners {
        let principal = Principal {
            user: Some(owner),
            name: name.unwrap_or_default(),
            is_admin: false,
            origin: Origin::default(),
            at,
        };
        let known: Option<(ProjectId, Option<ContainerId>)> = projects::table
            .filter(projects::user_id.eq(owner))
            .filter(projects::name.eq(PROJECT))
            .filter(projects::status.eq("active"))
            .order(projects::created_at)
            .select((projects::id, projects::container_id))
            .first(conn)
            .optional()?;
        let project = match known {
            Some((_, Some(_))) => continue,
            Some((project, None)) => project,
            None => {
                let Some(draft) = draft() else { return Ok(asked) };
                insert(conn, &principal, &draft, None)?
            }
        };
        let container = NewContainer {
            image: image.clone(),
            volume: None,
            restart: Restart::Never,
            environment: Environment::default(),
        };
        let place = (project, PROJECT, Some(owner));
        let how = Making { begins_project: known.is_none(), is_demo: true, ..Making::of(&container) };
        asked.push(making::begin_for(conn, &principal, place, &container, &how, None)?);
    }
    Ok(asked)
}

fn draft() -> Option<Draft> {
    Some(Draft {
        name: ProjectName::parse(PROJECT, None).ok()?,
        description: ProjectDescription::parse(ABOUT, None).ok()?,
        kind: Kind::parse("static", None).ok()?,
    })
}

/// Forgets all that [`begin`] had made, before it is removed at the engine: what is heard of that is no news. Answers
/// the projects that had them.
pub fn forget(conn: &mut PgConnection, at: DateTime<Utc>) -> QueryResult<Vec<ProjectId>> {
    let owners = users::table.filter(users::email.eq_any(EMAILS)).select(users::id.nullable());
    let made: Vec<(ContainerId, String, ProjectId)> = containers::table
        .inner_join(projects::table)
        .filter(projects::name.eq(PROJECT))
        .filter(projects::user_id.eq_any(owners))
        .select((containers::id, containers::container_id, projects::id))
        .load(conn)?;
    for (container, engine_id, project) in &made {
        record::end_run(conn, engine_id, at, (0, Verdict::AskedHere))?;
        making::leave(conn, *container)?;
        diesel::update(projects::table.find(project))
            .set(projects::container_id.eq(None::<ContainerId>))
            .execute(conn)?;
    }
    Ok(made.into_iter().map(|(_, _, project)| project).collect())
}
