//! What happens on the days of a project.

use super::cast::Project;
use super::words::{CHORES, WISHES};
use super::world::{MINUTE, SECOND, World};

/// Tells a project's days, from the one after its first to its last or today.
pub(super) fn work_on(world: &mut World, project: &Project) {
    for days in (project.archived.map_or(0, |last| last + 1)..project.born).rev() {
        let mut moments: Vec<i64> = Vec::new();
        for _ in 0..episodes(world, project, days) {
            moments.extend(world.working_moment(&project.owner, days));
        }
        moments.sort_unstable();
        for at in moments {
            episode(world, project, at);
        }
    }
}

/// How much happens on that day: little on weekends, nothing on quiet days, a lot now and then.
fn episodes(world: &mut World, project: &Project, days: i64) -> i64 {
    let throw = world.chance.between(1, 100);
    let ordinary = if world.is_weekend(days) {
        i64::from(throw > 93)
    } else {
        match throw {
            ..=38 => 0,
            39..=66 => 1,
            67..=90 => 2,
            91..=97 => 4,
            _ => 7,
        }
    };
    (ordinary * project.pace + world.chance.between(0, 99)) / 100
}

fn episode(world: &mut World, project: &Project, at: i64) {
    match world.chance.between(1, 100) {
        ..=55 => wish(world, project, at),
        56..=75 => chores(world, project, at),
        76..=84 => data(world, project, at),
        85..=90 => redeployment(world, project, at),
        91..=96 => pull_request(world, project, at),
        _ => indexing(world, project, at),
    }
}

/// Somebody asks, code is written, pushed and deployed.
fn wish(world: &mut World, project: &Project, at: i64) {
    let wish = world.chance.pick(&WISHES);
    let mut thread = world.thread(project, at);
    world.talk(&mut thread, wish.prompt, wish.files);
    world.pass(&mut thread, SECOND, 20 * SECOND);
    world.write_code(&mut thread, &wish);
    if world.chance.likely(25) {
        world.run_queries(&mut thread);
    }
    if world.chance.likely(30) {
        world.add_endpoints(&mut thread);
    }
    world.push(&mut thread, "main", wish.commit, wish.files);
    let environment =
        world.chance.pick(&["production", "production", "production", "staging", "staging", "preview"]);
    match world.chance.between(1, 100) {
        ..=14 => world.deploy_and_repair(&mut thread, environment),
        15..=85 => world.deploy(&mut thread, environment, None),
        _ => {}
    }
}

/// An owner's own commits, one after the other and deployed together.
fn chores(world: &mut World, project: &Project, at: i64) {
    let mut thread = world.thread(project, at);
    for _ in 0..world.chance.between(1, 4) {
        let chore = world.chance.pick(&CHORES);
        // Each is an act of its own: one push does not cause the next.
        thread.request = world.id("req");
        thread.cause = None;
        world.push(&mut thread, "main", chore.commit, chore.files);
        world.pass(&mut thread, MINUTE, 14 * MINUTE);
    }
    if world.chance.likely(50) {
        world.deploy(&mut thread, "production", None);
    }
}

/// A database is made, or questions are asked of the one that is there.
fn data(world: &mut World, project: &Project, at: i64) {
    let mut thread = world.thread(project, at);
    if world.chance.likely(12) {
        world.create_database(&mut thread);
    }
    for _ in 0..world.chance.between(1, 3) {
        world.run_queries(&mut thread);
    }
}

/// The same commit once more, because somebody wants it so.
fn redeployment(world: &mut World, project: &Project, at: i64) {
    let own = project.key();
    let newest = world.rows.pushes.iter().rfind(|push| push.project_id == own && push.created_at < at);
    let Some(push) = newest.cloned() else { return };
    let mut thread = world.thread(project, at);
    thread.cause = world
        .rows
        .actions
        .iter()
        .rfind(|action| action.reference_ids["github_push_id"] == push.push_id.as_str())
        .map(|action| action.action_id.clone());
    thread.commit = push.commit_sha;
    world.deploy(&mut thread, "production", None);
}

/// A change that goes through review on a branch of its own.
fn pull_request(world: &mut World, project: &Project, at: i64) {
    let wish = world.chance.pick(&WISHES);
    let mut thread = world.thread(project, at);
    let steps = [
        ("APR_SESSION_CREATED", "Pull request asked for", 1),
        ("APR_ANALYZING", "Reading what is there", 40),
        ("APR_CODE_GENERATION", "Writing the change", 180),
    ];
    for (kind, title, seconds) in steps {
        let duration = world.chance.between(SECOND, seconds * SECOND + SECOND);
        let title = format!("{title}: {}", wish.commit);
        world.operation(&mut thread, (kind, "apr_session"), (title, None), "COMPLETED", duration);
    }
    world.push(&mut thread, "assistant/change", wish.commit, wish.files);
    let duration = world.chance.between(20 * SECOND, 4 * MINUTE);
    if world.chance.likely(80) {
        let title = |text: &str| (format!("{text}: {}", wish.commit), None);
        world.operation(
            &mut thread,
            ("APR_VALIDATION", "apr_session"),
            title("Tests pass"),
            "COMPLETED",
            duration,
        );
        world.operation(
            &mut thread,
            ("APR_REVIEW", "apr_session"),
            title("Reviewed"),
            "COMPLETED",
            duration * 3,
        );
        world.operation(
            &mut thread,
            ("APR_PR_CREATED", "apr_session"),
            title("Opened"),
            "COMPLETED",
            2 * SECOND,
        );
        world.operation(&mut thread, ("APR_COMPLETED", "apr_session"), title("Merged"), "COMPLETED", SECOND);
        world.push(&mut thread, "main", wish.commit, wish.files);
        world.deploy(&mut thread, "staging", None);
    } else {
        let why = Some("2 tests failed in tests/price.test.ts".to_owned());
        let title = format!("Tests fail: {}", wish.commit);
        world.operation(&mut thread, ("APR_VALIDATION", "apr_session"), (title, why), "FAILED", duration);
        let title = format!("Given up: {}", wish.commit);
        world.operation(&mut thread, ("APR_FAILED", "apr_session"), (title, None), "FAILED", SECOND);
    }
}

/// The code base is read anew.
fn indexing(world: &mut World, project: &Project, at: i64) {
    let mut thread = world.thread(project, at);
    let files = world.chance.between(80, 900);
    let started = (format!("Indexing {files} files"), None);
    world.operation(&mut thread, ("INDEXING_STARTED", "indexing"), started, "COMPLETED", SECOND);
    let duration = world.chance.between(20 * SECOND, 6 * MINUTE);
    let half = (format!("{} of {files} files read", files / 2), None);
    world.operation(&mut thread, ("INDEXING_PROGRESS", "indexing"), half, "COMPLETED", duration);
    if world.chance.likely(90) {
        let done = (format!("{files} files indexed"), None);
        world.operation(&mut thread, ("INDEXING_COMPLETED", "indexing"), done, "COMPLETED", duration);
    } else {
        let failed = ("Indexing stopped".to_owned(), Some("src/legacy.ts is not valid UTF-8".to_owned()));
        world.operation(&mut thread, ("INDEXING_FAILED", "indexing"), failed, "FAILED", duration / 2);
    }
}
