//! What the console sees of containers: every change, once, and who asked for it.

use super::{Scene, until};
use crate::support::engine::{PATIENT, TestEngine};

impl Scene {
    /// Waits for an entry of this kind about the container; answers its id.
    fn seen(&self, row: &str, kind: &str) -> String {
        let rows = format!("pilothouse.engine_events WHERE container_id = '{row}' AND kind = '{kind}'");
        until(&format!("{kind} is seen"), || self.console.count(&rows) == 1);
        self.console.text(&format!("SELECT id FROM {rows}"))
    }

    fn kinds(&self, row: &str) -> String {
        self.console.text(&format!(
            "SELECT coalesce(string_agg(kind, ' ' ORDER BY at_nanos), '') FROM pilothouse.engine_events WHERE container_id = '{row}'"
        ))
    }

    fn state_becomes(&self, row: &str, state: &str) {
        until(&format!("it is {state}"), || self.status(row) == state);
    }

    /// Waits for a sweep that begins from now on.
    fn swept(&self) {
        let before = self.console.text("SELECT now()");
        until("everything was looked at", || {
            self.console
                .holds(&format!("EXISTS (SELECT FROM pilothouse.engines WHERE last_sweep_at > '{before}')"))
        });
    }
}

#[test]
fn what_is_done_outside_is_seen_and_what_was_asked_here_is_told_apart() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.seen(&row, "container_started_outside");
    scene.state_becomes(&row, "running");
    let name = format!("c-{}", &row[..8]);
    scene.engine.outside(&["pause", &name]);
    scene.seen(&row, "container_paused");
    assert!(scene.console.holds(&format!(
        "(SELECT status = 'running' AND engine_status = 'paused' FROM containers WHERE id = '{row}')"
    )));
    scene.engine.outside(&["unpause", &name]);
    scene.engine.outside(&["stop", "-t", "5", &name]);
    scene.seen(&row, "container_stopped_outside");
    scene.state_becomes(&row, "stopped");
    assert_eq!(scene.verb(&row, "start").0, "COMPLETED");
    scene.seen(&row, "container_started");
    assert_eq!(scene.verb(&row, "stop").0, "COMPLETED");
    let stopped = scene.seen(&row, "container_stopped");
    assert_eq!(
        scene.kinds(&row),
        "container_started_outside container_paused container_resumed container_stopped_outside container_started container_stopped"
    );
    let cause = scene
        .console
        .text(&format!("SELECT cause FROM pilothouse.timeline WHERE source = 'engine' AND id = '{stopped}'"));
    assert!(cause.starts_with("event:op_"), "{cause}");
    let page = scene.owner.get(&format!("/engine/events/{stopped}")).expect(200);
    assert!(page.text("main .thread").contains("Stop container"), "{}", page.text("main"));
    scene.console.owner().get(&format!("/engine/events/{stopped}")).expect(404);
    let shown = scene.owner.get(&format!("/containers/{row}")).expect(200);
    assert_eq!(shown.attributes("header[data-state]", "data-state"), ["stopped"]);
    assert!(shown.has(&format!("[data-activity='engine:{stopped}']")) || shown.body.contains(&stopped));
    assert!(
        scene.console.count(&format!(
            "turbobackend.container_sessions WHERE container_id = '{id}' AND ended_at IS NOT NULL"
        )) == 2
    );
}

#[test]
fn a_crash_is_raised_with_its_exit_code_and_its_last_lines_and_a_clean_end_is_not() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let (row, id) = scene.container("echo the first line; echo and the last words >&2; sleep 1; exit 3");
    scene.engine.start_container(&id);
    let crash = scene.seen(&row, "container_crashed");
    let told = scene.console.text(&format!(
        "SELECT concat_ws('|', exit_code, last_lines) FROM pilothouse.engine_events WHERE id = '{crash}'"
    ));
    assert!(
        told.starts_with("3|") && told.contains("the first line") && told.contains("and the last words"),
        "{told}"
    );
    let page = scene.owner.get(&format!("/engine/events/{crash}")).expect(200);
    assert!(page.text("main").contains("and the last words"), "{}", page.text("main"));
    assert!(scene.owner.get("/activity?status=failed").expect(200).body.contains(&crash));
    assert!(scene.console.holds(&format!(
        "(SELECT status = 'failed' AND exit_code = 3 FROM turbobackend.container_sessions WHERE container_id = '{id}')"
    )));

    let (clean, id) = scene.container("sleep 1; exit 0");
    scene.engine.start_container(&id);
    scene.seen(&clean, "container_ended");
    assert!(!scene.kinds(&clean).contains("crashed"));

    // Killed on the machine itself: no event tells of anybody who asked.
    let (killed, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    let pid = scene.engine.pid(&id).to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    scene.seen(&killed, "container_crashed");
}

#[test]
fn a_restart_loop_is_one_entry_that_counts() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let row = uuid::Uuid::new_v4().to_string();
    let name = format!("c-{}", &row[..8]);
    let id = scene.engine.create_restarting(&name, "exit 1", &[("pilothouse.container", &row)]);
    scene.row(&row, &id, &name);
    scene.engine.start_container(&id);
    let counted = format!(
        "pilothouse.engine_events WHERE container_id = '{row}' AND kind = 'container_restart_loop' AND times >= 4"
    );
    until("it is counted", || scene.console.count(&counted) == 1);
    let crashes = scene.console.count(&format!(
        "pilothouse.engine_events WHERE container_id = '{row}' AND kind = 'container_crashed'"
    ));
    assert!((1..=3).contains(&crashes), "the loop does not drown the timeline: {crashes}");
    scene.engine.outside(&["rm", "-f", &name]);
}

#[test]
fn what_happened_while_nobody_observed_is_reconstructed_once() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::beside(engine);
    scene.swept();
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.seen(&row, "container_started_outside");
    let (gone, gone_id) = scene.container(PATIENT);
    scene.engine.start_container(&gone_id);
    scene.seen(&gone, "container_started_outside");
    drop(scene.runner.take());
    let name = format!("c-{}", &row[..8]);
    scene.engine.outside(&["stop", "-t", "5", &name]);
    scene.engine.outside(&["rm", "-f", &format!("c-{}", &gone[..8])]);
    // Docker's ring of events does not reach back to it.
    scene.console.sql("UPDATE pilothouse.engines SET last_event_nanos = (extract(epoch FROM now() + interval '1 hour') * 1e9)::bigint");
    scene.runner = Some(pilothouse::jobs::start(scene.console.app.clone()));
    scene.state_becomes(&row, "stopped");
    scene.state_becomes(&gone, "deleted");
    scene.seen(&gone, "container_gone");
    scene.swept();
    assert_eq!(scene.kinds(&row), "container_started_outside container_ended");
    assert!(scene.console.holds(&format!("(SELECT is_reconstructed FROM pilothouse.engine_events WHERE container_id = '{row}' AND kind = 'container_ended')")));
}

#[test]
fn one_instance_observes_and_another_takes_over() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let scene = Scene::without_runner(engine);
    let other = scene.console.beside();
    let first = pilothouse::jobs::start(scene.console.app.clone());
    until("somebody observes", || scene.console.count("pilothouse.leases WHERE held_until > now()") == 1);
    let holder = scene.console.text("SELECT holder FROM pilothouse.leases");
    let second = pilothouse::jobs::start(other.app.clone());
    scene.swept();
    assert_eq!(scene.console.text("SELECT holder FROM pilothouse.leases"), holder);
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.seen(&row, "container_started_outside");
    // Gone without a word.
    drop(first);
    until("another observes", || {
        scene.console.holds(&format!(
            "EXISTS (SELECT FROM pilothouse.leases WHERE holder <> '{holder}' AND held_until > now())"
        ))
    });
    scene.engine.outside(&["rm", "-f", &format!("c-{}", &row[..8])]);
    scene.seen(&row, "container_gone");
    drop(second);
}

#[test]
fn an_admin_adopts_what_is_unknown_and_its_owner_may_act_on_it() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let name = format!("stray-{}", &uuid::Uuid::new_v4().to_string()[..8]);
    let (id, ignored) =
        (scene.engine.create(&name, PATIENT, &[]), scene.engine.create(&format!("{name}-2"), PATIENT, &[]));
    scene.engine.start_container(&id);
    let shown =
        |id: &str| format!("pilothouse.engine_containers WHERE container_id = '{id}' AND row_id IS NULL");
    until("they are seen", || {
        scene.console.count(&shown(&id)) == 1 && scene.console.count(&shown(&ignored)) == 1
    });
    scene.owner.get("/engine").expect(404);
    let page = scene.admin.get("/engine").expect(200);
    assert!(
        page.has(&format!("[data-unknown='{id}']")) && page.text("main").contains("Version"),
        "{}",
        page.body
    );
    let project = scene.console.project(&scene.owner, "adopter");
    scene.owner.post(&format!("/engine/{id}/adopt"), &[("taker", &project)]).expect(404);
    scene.admin.post(&format!("/engine/{id}/adopt"), &[("taker", "nobody@people.test")]).expect(400);
    let location = scene
        .admin
        .post(&format!("/engine/{id}/adopt"), &[("taker", &project)])
        .expect(303)
        .location()
        .to_owned();
    let row = location.strip_prefix("/containers/").unwrap().to_owned();
    scene.admin.post(&format!("/engine/{id}/adopt"), &[("taker", &project)]).expect(404);
    scene.admin.post(&format!("/engine/{ignored}/ignore"), &[]).expect(303);
    assert!(scene.admin.get("/engine").expect(200).text("main").contains("Ignored by"));
    scene.state_becomes(&row, "running");
    assert_eq!(scene.verb(&row, "stop").0, "COMPLETED");
    assert!(scene.owner.get(&format!("/projects/{project}/activity")).expect(200).body.contains("event:op_"));
}

#[test]
fn no_value_of_an_environment_variable_leaves() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let (row, id) = scene.container("exit 7");
    scene.engine.start_container(&id);
    let crash = scene.seen(&row, "container_crashed");
    for path in [
        format!("/containers/{row}"),
        format!("/engine/events/{crash}"),
        format!("/engine/events/{crash}/raw"),
        "/activity".to_owned(),
    ] {
        assert!(!scene.owner.get(&path).expect(200).body.contains("the value that never leaves"), "{path}");
    }
    assert!(!scene.admin.get("/engine").expect(200).body.contains("the value that never leaves"));
    assert!(!scene.console.holds(
        "EXISTS (SELECT FROM pilothouse.engine_events e WHERE e::text LIKE '%never leaves%') OR EXISTS (SELECT FROM pilothouse.engine_containers e WHERE e::text LIKE '%never leaves%')"
    ));
}

#[test]
fn an_engine_that_was_away_says_since_when_and_is_observed_again() {
    let Some(engine) = TestEngine::start() else { return };
    let scene = Scene::beside(engine.into());
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.state_becomes(&row, "running");
    let observed = || {
        scene.owner.get("/containers").expect(200).attributes("[data-container]", "data-observed")[0].clone()
    };
    let before = observed();
    scene.engine.end();
    until("its absence is known", || {
        scene.console.count("pilothouse.engines WHERE away_since IS NOT NULL") == 1
    });
    assert!(scene.admin.get("/engine").expect(200).text("main").contains("away"));
    scene.owner.get(&format!("/containers/{row}")).expect(200);
    scene.engine.begin_again();
    until("its presence is known", || {
        scene.console.count("pilothouse.engines WHERE away_since IS NULL AND connected_since IS NOT NULL")
            == 1
    });
    scene.swept();
    assert!(observed() >= before);
    scene.state_becomes(&row, "stopped");
}

#[test]
fn a_container_that_another_one_replaced_under_its_name_is_told() {
    let Some(scene) = Scene::set() else { return };
    scene.swept();
    let (row, id) = scene.container(PATIENT);
    scene.engine.start_container(&id);
    scene.state_becomes(&row, "running");
    let name = format!("c-{}", &row[..8]);
    scene.engine.outside(&["rm", "-f", &name]);
    scene.seen(&row, "container_gone");
    let other = scene.engine.create(&name, PATIENT, &[]);
    scene.engine.start_container(&other);
    scene.seen(&row, "container_replaced");
    assert_eq!(scene.status(&row), "deleted", "the other one is none of its");
    scene.engine.outside(&["rm", "-f", &name]);
}
