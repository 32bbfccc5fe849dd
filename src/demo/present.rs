//! What goes on right now.

use serde_json::json;

use super::cast::Project;
use super::rows::Event;
use super::words::WISHES;
use super::world::{MINUTE, SECOND, World, utc};

/// Adds the last quarter of an hour: a wish whose code is being written, and a code base that is being read.
pub(super) fn add(world: &mut World, projects: &[Project]) {
    let [shop, .., status_page, _, _, _] = projects else { return };
    let wish = WISHES[9];
    let mut thread = world.thread(shop, world.now - 14 * MINUTE);
    world.push(&mut thread, "main", WISHES[16].commit, WISHES[16].files);
    world.deploy(&mut thread, "production", None);
    let mut thread = world.thread(shop, world.now - 2 * MINUTE);
    world.talk(&mut thread, wish.prompt, wish.files);
    let writing = format!("Writing code: {}", wish.commit);
    running(
        world,
        shop,
        ("APR_CODE_GENERATION", "apr_session", writing),
        &thread.request,
        world.now - 80 * SECOND,
    );

    let thread = world.thread(status_page, world.now - 6 * MINUTE);
    let reading = "184 of 412 files read".to_owned();
    running(world, status_page, ("INDEXING_PROGRESS", "indexing", reading), &thread.request, thread.at);
}

fn running(
    world: &mut World,
    project: &Project,
    (event_type, entity_type, title): (&'static str, &'static str, String),
    request: &str,
    since: i64,
) {
    let (id, entity) = (world.uuid(), world.id(entity_type));
    world.rows.events.push(Event {
        id,
        project_id: project.key(),
        user_id: project.user(),
        event_type,
        entity_type,
        entity_id: Some(entity),
        title,
        description: None,
        metadata: json!({ "request_id": request }),
        status: "IN_PROGRESS",
        duration: None,
        created_at: utc(since),
        updated_at: utc(world.now - 5 * SECOND),
    });
}
