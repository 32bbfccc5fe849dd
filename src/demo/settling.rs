//! How people, projects and containers come to be, and what is there before the work begins.

use serde_json::json;

use super::cast::{Container, Person, Project};
use super::rows::{self, ContainerSession};
use super::words::{FILES, WISHES};
use super::world::{DAY, HOUR, MINUTE, SECOND, World, utc};

/// Lets everybody arrive and every project begin; projects that end are archived.
pub(super) fn settle(world: &mut World, people: &[Person; 3], projects: &[Project], password_hash: &str) {
    arrive(world, people, password_hash);
    for project in projects {
        begin(world, project);
    }
    for person in people {
        for days in (0..60).rev().filter(|days| days % 3 != 1) {
            if !world.is_weekend(days)
                && let Some(at) = world.working_moment(person, days)
            {
                let target = ("user", person.id.hyphenated().to_string(), person.name);
                world.audit(person, at, ("session.started", "Signed in"), target);
            }
        }
    }
}

fn arrive(world: &mut World, people: &[Person; 3], password_hash: &str) {
    let [admin, ..] = people;
    for (n, person) in (0..).zip(people) {
        let at = world.now - 121 * DAY + n * 3 * HOUR;
        world.rows.users.push(rows::User {
            id: person.id.hyphenated().to_string(),
            email: person.email,
            name: person.name,
            role: person.role,
            password_hash: password_hash.to_owned(),
            time_zone: person.time_zone,
            created_at: utc(at),
            updated_at: utc(at),
            last_login: utc(world.now - 3 * HOUR - n * HOUR),
            is_active: true,
        });
        if n > 0 {
            let target = || ("user", person.id.hyphenated().to_string(), person.name);
            world.audit(admin, at, ("user.created", "User created"), target());
            world.audit(person, at + HOUR, ("password.set", "Password set"), target());
            world.audit(person, at + HOUR + MINUTE, ("preferences.changed", "Preferences changed"), target());
        }
    }
}

fn begin(world: &mut World, project: &Project) {
    let midnight = world.now - world.now.rem_euclid(DAY) - project.born * DAY;
    let born = midnight + project.owner.starts_at * HOUR + world.chance.between(0, HOUR);
    let mut thread = world.thread(project, born);
    let target = || ("project", project.key(), project.name.as_str());
    world.audit(&project.owner, born, ("project.created", "Project created"), target());
    if let Some(entry) = world.rows.audit.last_mut() {
        entry.request_id.clone_from(&thread.request);
        entry.after = Some(json!({ "name": project.name, "type": project.kind }));
    }
    let archived = project.archived.map(|days| midnight + (project.born - days) * DAY + 16 * HOUR);
    let mut references = json!({});
    if let Some(container) = &project.container {
        references["container_id"] = json!(container.engine_id);
        let until = archived.unwrap_or(world.now);
        if let Some(session) = runs(world, project, container, born, until) {
            references["container_session_id"] = json!(session);
        }
        store_container(world, project, container, born, until);
    }
    let details = match &project.container {
        Some(container) => format!("Project created with container {}", &container.engine_id[..12]),
        None => "Project created without a container".to_owned(),
    };
    world.act(&mut thread, ("project_created", details), ("success", "development"), references);
    let title = (format!("First files of {}", project.slug), Some(format!("{} files", FILES.len())));
    let duration = world.chance.between(30 * SECOND, 3 * MINUTE);
    world.operation(&mut thread, ("CODE_SCAFFOLDING", "scaffold"), title, "COMPLETED", duration);
    world.push(&mut thread, "main", "Start the project", &FILES);
    if project.container.is_some() {
        world.create_database(&mut thread);
        world.add_endpoints(&mut thread);
    }
    world.deploy(&mut thread, "staging", None);

    let mut updated = born;
    if let Some(at) = archived {
        updated = at;
        let mut thread = world.thread(project, at);
        world.audit(&project.owner, at, ("project.archived", "Project archived (audit)"), target());
        if let Some(entry) = world.rows.audit.last_mut() {
            entry.request_id.clone_from(&thread.request);
        }
        let details = format!("Archived: {}", project.description);
        world.act(&mut thread, ("project_archived", details), ("success", "production"), json!({}));
    }
    world.rows.projects.push(rows::Project {
        id: project.key(),
        container_id: project.container.as_ref().map(|container| container.id.hyphenated().to_string()),
        name: project.name.clone(),
        description: project.description,
        r#type: project.kind,
        status: if archived.is_some() { "archived" } else { "active" },
        created_at: utc(born),
        updated_at: utc(updated),
        user_id: project.user(),
        metadata: json!({ "first_wish": WISHES[0].prompt }),
        settings: json!({ "auto_deploy": project.pace > 80 }),
    });
}

/// The container's runs from `born` to `until`, the last one as its status says. Returns the first run's id.
fn runs(
    world: &mut World,
    project: &Project,
    container: &Container,
    born: i64,
    until: i64,
) -> Option<String> {
    if container.status == "created" {
        return None;
    }
    let first = world.rows.sessions.len();
    let mut started = born;
    loop {
        let ended = started + world.chance.between(4 * HOUR, 30 * DAY);
        let is_last = ended + HOUR >= until;
        let goes_on = is_last && container.status == "running";
        let exit_code = world.chance.pick(&[0, 0, 0, 0, 137, 1]);
        let session_id = world.id("session");
        world.rows.sessions.push(ContainerSession {
            session_id,
            project_id: project.key(),
            user_id: project.user(),
            container_id: container.engine_id.clone(),
            status: if goes_on { "running" } else { "ended" },
            exit_code: (!goes_on).then_some(exit_code),
            created_at: started,
            ended_at: (!goes_on).then_some(ended.min(until)),
        });
        if is_last {
            break;
        }
        started = ended + world.chance.between(10 * SECOND, 30 * MINUTE);
    }
    world.rows.sessions.get(first).map(|session| session.session_id.clone())
}

fn store_container(world: &mut World, project: &Project, container: &Container, born: i64, until: i64) {
    let running = container.status == "running";
    let last = world.rows.sessions.last().filter(|session| session.container_id == container.engine_id);
    let (started, stopped) =
        (last.map(|session| session.created_at), last.and_then(|session| session.ended_at));
    // Workers tell again and again what runs; one of them has fallen silent.
    let told = if running && project.slug != "recipe-box" { Some(until) } else { stopped.or(started) };
    world.rows.containers.push(rows::Container {
        id: container.id.hyphenated().to_string(),
        container_id: container.engine_id.clone(),
        name: if project.name.len() > 100 { project.name.clone() } else { format!("{}-web", project.slug) },
        status: container.status,
        image_name: format!("builder/{}:{}", project.kind, 18 + container.port % 5),
        assigned_port: container.port,
        url: running.then(|| format!("http://localhost:{}", container.port)),
        created_at: utc(born),
        updated_at: utc(told.unwrap_or(born).min(until)),
        started_at: started.map(utc),
        stopped_at: stopped.map(utc),
        user_id: project.user(),
        labels: json!({ "pilothouse.project": project.slug, "tier": "web" }),
        metadata: json!({ "memory_mb": 512, "cpus": 1 }),
    });
}
