//! What is done to containers: once, on record, by those who may.

use super::{Scene, until};
use crate::reports::Program;
use crate::support::engine::{PATIENT, TestEngine};

#[test]
fn an_owner_starts_restarts_stops_and_deletes_a_container_and_each_is_on_record() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.container(PATIENT);
    let done = scene.verb(&row, "start");
    assert_eq!(done, ("COMPLETED".to_owned(), "Started.".to_owned()));
    assert_eq!((scene.engine.state(&id).unwrap(), scene.status(&row)), ("running".into(), "running".into()));
    let first = scene.engine.pid(&id);

    assert_eq!(scene.verb(&row, "restart").0, "COMPLETED");
    assert_ne!(scene.engine.pid(&id), first);

    assert_eq!(scene.verb(&row, "stop"), ("COMPLETED".into(), "Stopped. It ended with exit code 0.".into()));
    assert_eq!((scene.engine.state(&id).unwrap(), scene.status(&row)), ("exited".into(), "stopped".into()));
    assert!(scene.console.holds(
        "(SELECT engine_status = 'exited' AND observed_at IS NOT NULL AND observed_from LIKE 'unix://%' AND stopped_at IS NOT NULL FROM containers)"
    ));

    let path = format!("/containers/{row}/delete");
    assert!(scene.owner.get(&path).expect(200).has("form[method=post] input[name=confirm]"));
    scene.owner.post(&path, &[("confirm", "another")]).expect(422);
    let name = format!("c-{}", &row[..8]);
    let location = scene.owner.post(&path, &[("confirm", &name)]).expect(303).location().to_owned();
    assert_eq!(scene.end_of(&location), ("COMPLETED".into(), "Deleted.".into()));
    assert_eq!((scene.engine.state(&id), scene.status(&row)), (None, "deleted".into()));

    let page = scene.owner.get(&location).expect(200);
    let told = page.text("main");
    assert!(told.contains("The owner") && told.contains("Took") && told.contains("Deleted."), "{told}");
    let timeline = scene.owner.get(&format!("/containers/{row}")).expect(200);
    let entries = timeline.attributes("ol.timeline [data-activity]", "data-activity");
    assert!(entries.iter().filter(|key| key.starts_with("event:op_")).count() == 4, "{entries:?}");
    let acts = scene
        .console
        .text("SELECT string_agg(\"activityType\", ' ' ORDER BY \"createdAt\") FROM \"ActivityLog\"");
    assert_eq!(acts, "container.start container.restart container.stop container.delete");
    scene.owner.post(&format!("/containers/{row}/start"), &[]).expect(409);
}

#[test]
fn pressed_twice_it_happens_once_and_another_verb_is_told_what_goes_on() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::without_runner(engine);
    let (row, _) = scene.container(PATIENT);
    let press = |verb: &str| scene.owner.post(&format!("/containers/{row}/{verb}"), &[]);
    let first = press("start").expect(303).location().to_owned();
    let other_instance = scene.console.beside();
    let again = scene.owner.at(&other_instance.base).post(&format!("/containers/{row}/start"), &[]);
    assert_eq!(again.expect(303).location(), first);
    let refused = press("stop").expect(409);
    assert!(refused.text("main [role=status]").contains("being started"), "{}", refused.text("main"));
    assert!(
        scene.owner.get(&format!("/containers/{row}")).expect(200).text("main").contains("being started")
    );
    assert_eq!(scene.console.count("pilothouse.operations"), 1);
    assert_eq!(scene.console.count("pilothouse.jobs WHERE kind = 'carry_out_operation'"), 1);
    scene.runner = Some(pilothouse::jobs::start(scene.console.app.clone()));
    assert_eq!(scene.end_of(&first).0, "COMPLETED");
}

#[test]
fn a_waiting_operation_is_taken_back_and_nothing_was_done() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::without_runner(engine);
    let (row, id) = scene.container(PATIENT);
    let location =
        scene.owner.post(&format!("/containers/{row}/start"), &[]).expect(303).location().to_owned();
    let cancel = format!("{location}/cancel");
    scene.console.owner().post(&cancel, &[]).expect(404);
    assert!(scene.owner.get(&location).expect(200).has(&format!("form[action='{cancel}']")));
    scene.owner.post(&cancel, &[]).expect(303);
    scene.runner = Some(pilothouse::jobs::start(scene.console.app.clone()));
    assert_eq!(scene.end_of(&location).0, "CANCELLED");
    until("the job is done", || {
        scene.console.count("pilothouse.jobs WHERE kind = 'carry_out_operation' AND state = 'done'") == 1
    });
    assert_eq!(scene.engine.state(&id).unwrap(), "created");
}

#[test]
fn an_engine_s_refusal_is_kept_in_its_own_words_and_can_be_tried_again() {
    let Some(scene) = Scene::set() else { return };
    let row = uuid::Uuid::new_v4().to_string();
    let name = format!("c-{}", &row[..8]);
    let id = scene.engine.create(&name, PATIENT, &[("pilothouse.container", &row)]);
    scene.row(&row, &id, &name);
    scene.engine.start_container(&id);
    scene.engine.outside(&["pause", &name]);
    let (status, answer) = scene.verb(&row, "start");
    assert_eq!(status, "FAILED");
    assert!(answer.contains("paused"), "{answer}");
    let location = scene.console.text("SELECT '/events/' || id FROM pilothouse.operations");
    let page = scene.owner.get(&location).expect(200);
    assert!(
        page.text("main").contains(&answer) && page.has(&format!("form[action='/containers/{row}/start']"))
    );
    scene.engine.outside(&["unpause", &name]);
}

#[test]
fn what_the_console_did_not_make_it_leaves_alone() {
    let Some(scene) = Scene::set() else { return };
    let row = uuid::Uuid::new_v4().to_string();
    let id = scene.engine.create(&format!("foreign-{}", &row[..8]), PATIENT, &[]);
    scene.row(&row, &id, "foreign");
    let refused = scene.owner.post(&format!("/containers/{row}/start"), &[]).expect(409);
    assert!(refused.text("main").contains("did not make"), "{}", refused.text("main"));
    // Another row's label is none of this one's.
    let other = uuid::Uuid::new_v4().to_string();
    let id =
        scene.engine.create(&format!("other-{}", &other[..8]), PATIENT, &[("pilothouse.container", &row)]);
    scene.row(&other, &id, "other");
    scene.owner.post(&format!("/containers/{other}/start"), &[]).expect(409);
    // A worker's own words are no id.
    let reported = scene.console.container(&scene.owner, "reported");
    scene.owner.post(&format!("/containers/{reported}/start"), &[]).expect(409);
    for odd in ["../version?x=", "abc", &id[..12], &id] {
        let odd = percent_encoding::utf8_percent_encode(odd, percent_encoding::NON_ALPHANUMERIC).to_string();
        scene.owner.post(&format!("/containers/{odd}/start"), &[]).expect(404);
    }
    assert_eq!(scene.console.count("pilothouse.operations"), 0);
    assert_eq!(scene.engine.state(&id).unwrap(), "created");
}

#[test]
fn strangers_see_neither_the_container_nor_what_is_done_to_it() {
    let Some(scene) = Scene::set() else { return };
    let stranger = scene.console.owner();
    let (row, _) = scene.container(PATIENT);
    stranger.post(&format!("/containers/{row}/start"), &[]).expect(404);
    let location =
        scene.owner.post(&format!("/containers/{row}/start"), &[]).expect(303).location().to_owned();
    stranger.get(&location).expect(404);
    stranger.get(&format!("{location}/raw")).expect(404);
    assert_eq!(scene.end_of(&location).0, "COMPLETED");
    scene.owner.get(&format!("{location}/raw")).expect(200);
    scene.admin.get(&location).expect(200);
    assert!(!stranger.get("/activity").expect(200).body.contains(&location));
    assert!(scene.owner.get("/activity").expect(200).body.contains(&location));
}

#[test]
fn several_at_once_are_one_operation_with_a_result_each() {
    let Some(scene) = Scene::set() else { return };
    let (first, _) = scene.container(PATIENT);
    let (second, _) = scene.container(PATIENT);
    let foreign = scene.console.container(&scene.console.owner(), "foreign");
    let asked = scene.owner.post_raw("/containers/start", &format!("id={first}&id={second}")).expect(200);
    assert!(asked.has("form[action='/containers/start'] input[name=confirm][value=yes]"));
    assert_eq!(scene.console.count("pilothouse.operations"), 0);
    let body = format!("confirm=yes&id={first}&id={second}&id={foreign}");
    let location = scene.owner.post_raw("/containers/start", &body).expect(303).location().to_owned();
    let (status, answer) = scene.end_of(&location);
    assert_eq!((status.as_str(), answer.as_str()), ("FAILED", "2 of 3 done."));
    let page = scene.owner.get(&location).expect(200);
    assert_eq!(page.texts("main .panel .lines li").len(), 3, "{}", page.body);
    assert!(page.text("main").contains("not yours"));
    assert_eq!((scene.status(&first), scene.status(&second)), ("running".into(), "running".into()));
    let rest = scene.owner.post_raw("/containers/stop", &format!("confirm=yes&id={first}&id={second}"));
    assert_eq!(scene.end_of(rest.expect(303).location()), ("COMPLETED".into(), "2 of 2 done.".into()));
    scene.owner.post_raw("/containers/stop", "confirm=yes").expect(400);
    scene.owner.post_raw("/containers/stop", "confirm=yes&id=x").expect(400);
}

#[test]
fn an_engine_that_goes_away_freezes_and_comes_back_is_told_and_what_it_did_is_found_out() {
    let Some(engine) = TestEngine::start() else { return };
    let scene = Scene::beside(engine.into());
    let (row, id) = scene.container(PATIENT);
    assert_eq!(scene.verb(&row, "start").0, "COMPLETED");
    let stop = format!("/containers/{row}/stop");

    // Frozen between the question and the answer: the container tells what became of it.
    let location = scene.owner.post(&stop, &[]).expect(303).location().to_owned();
    scene.engine.signal("STOP");
    scene.owner.get("/containers").expect(200);
    scene.owner.get(&format!("/containers/{row}")).expect(200);
    scene.engine.signal("CONT");
    assert_eq!(scene.end_of(&location).0, "COMPLETED");
    assert_eq!(scene.engine.state(&id).unwrap(), "exited");

    scene.engine.end();
    until("its absence is known", || scene.console.app.engine.standing_blocking().obstacle().is_some());
    let refused = scene.owner.post(&format!("/containers/{row}/start"), &[]).expect(503);
    assert!(refused.text("main").contains("away since"), "{}", refused.text("main"));
    let page = scene.owner.get(&format!("/containers/{row}")).expect(200);
    assert!(page.text("#verbs-note").contains("away since"), "{}", page.body);
    assert!(scene.owner.get("/containers").expect(200).text(".page-lead").contains("away since"));
    scene.engine.begin_again();
    until("its presence is known", || scene.console.app.engine.standing_blocking().obstacle().is_none());
    assert_eq!(scene.verb(&row, "start").0, "COMPLETED");
}

#[test]
fn what_was_done_before_a_process_died_is_found_and_not_done_again() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::without_runner(engine);
    let (row, id) = scene.container(PATIENT);
    let location =
        scene.owner.post(&format!("/containers/{row}/restart"), &[]).expect(303).location().to_owned();
    // The process died after the engine had restarted it, and before it could say so.
    scene.engine.start_container(&id);
    let pid = scene.engine.pid(&id);
    scene.console.sql(
        "UPDATE pilothouse.operations SET status = 'IN_PROGRESS', begun_at = now(); \
         UPDATE pilothouse.jobs SET attempts = 1, payload = payload || jsonb_build_object('before', \
             jsonb_build_object('was_running', true, 'started_at', now() - interval '1 hour', 'asked_at', now(), 'first_asked_at', now())) \
         WHERE kind = 'carry_out_operation'",
    );
    scene.runner = Some(pilothouse::jobs::start(scene.console.app.clone()));
    assert_eq!(scene.end_of(&location), ("COMPLETED".into(), "Restarted.".into()));
    assert_eq!(scene.engine.pid(&id), pid, "it was not restarted again");
}

#[test]
fn a_program_starts_and_stops_the_containers_of_its_projects_with_the_scope_for_it() {
    let Some(mut scene) = Scene::set() else { return };
    let (row, id) = scene.container(PATIENT);
    let project = scene.console.project(&scene.owner, "operated");
    scene.console.sql(&format!("UPDATE projects SET container_id = '{row}' WHERE id = '{project}'"));
    let program = Program::of(&scene.console, &scene.owner, &project, "read,operate");
    let path = |verb: &str| format!("/api/containers/{row}/{verb}");
    let asked = program.post(&path("start"), &serde_json::json!({})).expect(202);
    let event: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(event["eventType"], "CONTAINER_START");
    assert_eq!(event["projectId"], project.as_str());
    let location = format!("/events/{}", event["id"].as_str().unwrap());
    assert_eq!(scene.end_of(&location).0, "COMPLETED");
    assert_eq!(scene.engine.state(&id).unwrap(), "running");
    assert!(scene.owner.get(&location).expect(200).text("main").contains("the token CI"));
    // While one thing goes on, another one is refused with what it is.
    scene.runner = None;
    let stop = scene.owner.post(&path("stop"), &[]).expect(202);
    assert!(stop.body.contains("PENDING"), "{}", stop.body);
    let refused = program.post(&path("restart"), &serde_json::json!({})).expect(409);
    assert!(refused.body.contains("being stopped"), "{}", refused.body);

    let reader = Program::of(&scene.console, &scene.owner, &project, "read");
    reader.post(&path("stop"), &serde_json::json!({})).expect(403);
    let (other, _) = scene.container(PATIENT);
    program.post(&format!("/api/containers/{other}/start"), &serde_json::json!({})).expect(404);
    scene.console.owner().post(&path("start"), &[]).expect(404);
}
