//! Containers under other names, made anew, and locked.

use super::Scene;
use super::making::Made;
use crate::support::engine::{APP, PATIENT};

impl Scene {
    /// A project's container that runs.
    fn running(&self, name: &str, fields: &[(&str, &str)]) -> Made {
        let made = self.ask(name, fields);
        let (status, answer) = self.end_of(&made.location);
        assert_eq!(status, "COMPLETED", "{answer}");
        made
    }
}

#[test]
fn a_container_is_renamed_here_and_at_the_engine_unless_the_name_is_taken() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.container(PATIENT);
    let path = format!("/containers/{row}/rename");
    let name = format!("n-{}", &row[..8]);
    assert!(scene.owner.get(&path).expect(200).has("main form input[name=name]"));
    for odd in ["", "x", "a/b", "../x", "-x"] {
        let refused = scene.owner.post(&path, &[("name", odd)]).expect(422);
        assert!(refused.has("#name-error"), "{odd}");
    }
    let location = scene.owner.post(&path, &[("name", &name)]).expect(303).location().to_owned();
    assert_eq!(scene.end_of(&location).0, "COMPLETED");
    assert_eq!(scene.inspected(&id, ".Name"), format!("\"/{name}\""));
    assert_eq!(scene.console.text(&format!("SELECT name FROM containers WHERE id = '{row}'")), name);
    let (other, _) = scene.container(PATIENT);
    let taken = format!("c-{}", &other[..8]);
    let location = scene.owner.post(&path, &[("name", &taken)]).expect(303).location().to_owned();
    let (status, answer) = scene.end_of(&location);
    assert!(status == "FAILED" && answer.contains("already in use"), "{answer}");
    assert_eq!(scene.console.text(&format!("SELECT name FROM containers WHERE id = '{row}'")), name);
    scene.console.owner().post(&path, &[("name", "mine")]).expect(404);
}

#[test]
fn made_anew_of_its_image_a_container_keeps_volume_port_and_environment_and_comes_back_when_that_fails() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let image = "localhost/own:1";
    engine.outside(&["tag", APP, image]);
    let mut scene = Scene::making(engine, image, "4070-4079");
    scene.work();
    let made = scene.running("anew", &[("volume", "/data"), ("secret_variables", "KEY=stays")]);
    let first = scene.engine_id(&made);
    scene.engine.outside(&["exec", &first, "sh", "-c", "echo written >/data/file"]);
    let port = scene.inspected(&first, ".HostConfig.PortBindings");
    let path = format!("/containers/{}/recreate", made.row);
    assert!(scene.owner.get(&path).expect(200).has(&format!("form[action='{path}']")));

    scene.engine.outside(&["tag", "localhost/app:2", image]);
    let location = scene.owner.post(&path, &[]).expect(303).location().to_owned();
    let (status, answer) = scene.end_of(&location);
    assert_eq!(status, "COMPLETED", "{answer}");
    let second = scene.engine_id(&made);
    assert_ne!(second, first);
    assert_eq!(scene.engine.state(&first), None, "the old one is gone");
    assert_eq!(scene.inspected(&second, ".Name"), format!("\"/{}\"", made.name));
    assert_eq!(scene.inspected(&second, ".HostConfig.PortBindings"), port);
    assert_eq!(scene.engine.told(&["exec", &second, "cat", "/data/file"]), "written");
    let environment = scene.inspected(&second, ".Config.Env");
    assert!(environment.contains("KEY=stays") && environment.contains("GENERATION=2"), "{environment}");
    assert_eq!(scene.status(&made.row), "running");

    // One without a command can't be made.
    scene.engine.outside(&["tag", crate::support::engine::IMAGE, image]);
    let location = scene.owner.post(&path, &[]).expect(303).location().to_owned();
    let (status, answer) = scene.end_of(&location);
    assert!(status == "FAILED" && answer.contains("No command specified"), "{answer}");
    assert!(answer.contains("as it was"), "{answer}");
    assert_eq!(scene.engine_id(&made), second);
    assert_eq!(scene.engine.state(&second).unwrap(), "running");
    assert_eq!(scene.inspected(&second, ".Name"), format!("\"/{}\"", made.name));
    assert_eq!(scene.verb(&made.row, "stop").0, "COMPLETED", "it can be acted on");

    // What the console did not make it does not make anew.
    let (foreign, _) = scene.container(PATIENT);
    let foreign = format!("/containers/{foreign}/recreate");
    scene.owner.post(&foreign, &[]).expect(409);
    assert!(scene.owner.get(&foreign).expect(200).text("main [role=status]").contains("did not make"));
}

#[test]
fn what_is_locked_is_neither_stopped_nor_deleted_until_it_is_unlocked() {
    let Some(scene) = Scene::set() else { return };
    let (row, id) = scene.container(PATIENT);
    assert_eq!(scene.verb(&row, "start").0, "COMPLETED");
    assert_eq!(
        scene.verb(&row, "lock"),
        ("COMPLETED".into(), "Locked: nobody can stop or delete it until it is unlocked.".into())
    );
    for person in [&scene.owner, &scene.admin] {
        person.post(&format!("/containers/{row}/stop"), &[]).expect(409);
        person
            .post(&format!("/containers/{row}/delete"), &[("confirm", &format!("c-{}", &row[..8]))])
            .expect(409);
    }
    let page = scene.owner.get(&format!("/containers/{row}")).expect(200);
    assert!(
        page.text("#verbs-note").contains("locked")
            && page.has(&format!("form[action='/containers/{row}/unlock']"))
    );
    let several = scene.owner.post_raw("/containers/stop", &format!("confirm=yes&id={row}"));
    assert_eq!(scene.end_of(several.expect(303).location()).0, "FAILED");
    assert_eq!(scene.engine.state(&id).unwrap(), "running");
    assert_eq!(scene.verb(&row, "restart").0, "COMPLETED", "a restart ends with it running");
    assert_eq!(scene.verb(&row, "unlock"), ("COMPLETED".into(), "Unlocked.".into()));
    assert_eq!(scene.verb(&row, "stop").0, "COMPLETED");
}

#[test]
fn a_locked_project_is_not_deleted_nor_is_its_container_stopped_and_one_that_is_deleted_offers_to_stop_it() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4080-4089");
    scene.work();
    let made = scene.running("offered", &[]);
    let project = format!("/projects/{}", made.project);
    scene.owner.post(&format!("{project}/lock"), &[]).expect(303);
    scene.owner.post(&format!("{project}/delete"), &[("confirm", "offered")]).expect(409);
    scene.owner.post(&format!("/containers/{}/stop", made.row), &[]).expect(409);
    scene.owner.post(&format!("{project}/unlock"), &[]).expect(303);

    super::until("its state is known", || scene.status(&made.row) == "running");
    let offer = "input[type=checkbox][name=with_container]";
    assert!(scene.owner.get(&format!("{project}/delete")).expect(200).has(offer));
    let fields = [("confirm", "offered"), ("with_container", "true")];
    scene.owner.post(&format!("{project}/delete"), &fields).expect(303);
    super::until("it is stopped", || scene.status(&made.row) == "stopped");
    assert!(scene.owner.get(&format!("{project}/restore")).expect(200).has(offer));
    scene.owner.post(&format!("{project}/restore"), &[("with_container", "true")]).expect(303);
    super::until("it is started", || scene.status(&made.row) == "running");
    // Nobody ticks it: nothing happens.
    scene.owner.post(&format!("{project}/delete"), &[("confirm", "offered")]).expect(303);
    assert_eq!(scene.console.count("pilothouse.operations WHERE verb = 'stop'"), 1);
}
