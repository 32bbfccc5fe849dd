//! One thread from first cause to last effect: a push, its deployment, the crash that it led to, and the fix.

use super::cast::Project;
use super::rows::{ContainerSession, EngineEvent};
use super::world::{HOUR, MINUTE, SECOND, World, utc};

/// What the container wrote before it ended.
const LAST_LINES: &str = "\
    listening on :3000\n\
    GET /api/cart 200 12 ms\n\
    POST /api/checkout 500\n\
    TypeError: Cannot read properties of undefined (reading 'rate')\n    \
        at total (/app/src/price.ts:41:27)\n    \
        at checkout (/app/src/server.ts:118:9)\n\
    Node.js v22.11.0";
const TITLE: &str = "shop-api-web crashed with exit code 1";

/// Adds yesterday's crash of the first project's container.
pub(super) fn add(world: &mut World, projects: &[Project]) {
    let Some((shop, container)) = projects.first().and_then(|shop| Some((shop, shop.container.as_ref()?)))
    else {
        return;
    };
    let mut thread = world.thread(shop, world.now - 26 * HOUR);
    let began = thread.at;
    world.push(&mut thread, "main", "Read tax rates from the settings", &["src/price.ts", "src/server.ts"]);
    world.deploy(&mut thread, "production", None);
    let deployed = thread.at;
    world.pass(&mut thread, 7 * MINUTE, 12 * MINUTE);
    let (crashed, id) = (thread.at, format!("eng_{}", world.chance.hex(32)));
    let Some(deployment) = thread.cause.replace(format!("engine:{id}")) else { return };
    world.rows.engine_events.push(EngineEvent {
        id,
        engine_id: "demo",
        kind: "container_crashed",
        engine_container_id: container.engine_id.clone(),
        container_name: format!("{}-web", shop.slug),
        container_id: container.id.hyphenated().to_string(),
        project_id: shop.key(),
        owner_id: shop.user(),
        at: utc(crashed),
        at_nanos: crashed * 1_000_000,
        exit_code: 1,
        was_out_of_memory: false,
        last_lines: LAST_LINES.to_owned(),
        title: TITLE.to_owned(),
        details: format!("Exit code 1.\nThe last lines that it wrote:\n{LAST_LINES}"),
        times: 1,
        is_reconstructed: false,
        cause: format!("action:{deployment}"),
    });
    // The owner looks into it in a request of their own.
    thread.request = world.id("req");
    world.pass(&mut thread, 15 * MINUTE, 25 * MINUTE);
    let files = ["src/price.ts", "tests/price.test.ts"];
    world.push(&mut thread, "main", "Fall back to the country's tax rate", &files);
    world.deploy(&mut thread, "production", None);
    let fixed = thread.at - SECOND;
    run(world, shop, (began, deployed), (Some(crashed), 1));
    run(world, shop, (crashed, fixed), (None, 0));
}

/// The container's runs from `from` on give way to one that starts at `started`.
fn run(
    world: &mut World,
    project: &Project,
    (from, started): (i64, i64),
    (ended_at, exit_code): (Option<i64>, i64),
) {
    let Some(container) = &project.container else { return };
    let sessions = &mut world.rows.sessions;
    sessions.retain(|session| session.container_id != container.engine_id || session.created_at < from);
    for session in sessions.iter_mut().filter(|session| session.container_id == container.engine_id) {
        if session.ended_at.is_none_or(|ended| ended > started) {
            session.status = "ended";
            session.exit_code = Some(0);
            session.ended_at = Some(started);
        }
    }
    let session_id = world.id("session");
    world.rows.sessions.push(ContainerSession {
        session_id,
        project_id: project.key(),
        user_id: project.user(),
        container_id: container.engine_id.clone(),
        status: if ended_at.is_none() { "running" } else { "failed" },
        exit_code: ended_at.map(|_| exit_code),
        created_at: started,
        ended_at,
    });
    let id = container.id.hyphenated().to_string();
    for row in world.rows.containers.iter_mut().filter(|row| row.id == id) {
        row.started_at = Some(utc(started));
        row.stopped_at = ended_at.map(utc);
    }
}
