//! Containers that the console makes: what they are made of, and that nothing half-made is left of one that fails.

use super::{Scene, until};
use crate::support::engine::{APP, TestEngine};

/// A project's container, by the operation that makes it.
pub(super) struct Made {
    pub location: String,
    pub project: String,
    pub row: String,
    /// The engine's name for it.
    pub name: String,
}

impl Scene {
    /// Nobody works yet; containers are made of `image`, with a port of `ports`.
    pub(super) fn making(engine: std::sync::Arc<TestEngine>, image: &str, ports: &str) -> Self {
        let images = format!("*={image}");
        let ports = format!("127.0.0.1:{ports}");
        Self::without_runner_with(engine, &[("PILOTHOUSE_IMAGES", &images), ("PILOTHOUSE_PORTS", &ports)])
    }

    pub(super) fn work(&mut self) {
        self.runner = Some(pilothouse::jobs::start(self.console.app.clone()));
    }

    /// Asks for a project with a new container.
    pub(super) fn ask(&self, name: &str, fields: &[(&str, &str)]) -> Made {
        let form: Vec<(&str, &str)> =
            [("name", name), ("container", "new")].into_iter().chain(fields.iter().copied()).collect();
        let location = self.owner.post("/projects", &form).expect(303).location().to_owned();
        let id = location.strip_prefix("/events/").unwrap();
        let of = |column: &str| {
            self.console.text(&format!("SELECT {column}::text FROM pilothouse.operations WHERE id = '{id}'"))
        };
        Made { project: of("project_id"), row: of("container_id"), name: of("container_name"), location }
    }

    /// One field of a container as the engine has it.
    pub(super) fn inspected(&self, container: &str, field: &str) -> String {
        self.engine.told(&["inspect", "-f", &format!("{{{{json {field}}}}}"), container])
    }

    pub(super) fn engine_id(&self, made: &Made) -> String {
        self.console.text(&format!("SELECT container_id FROM containers WHERE id = '{}'", made.row))
    }

    /// Nothing of it is anywhere but on record.
    fn nothing_is_left_of(&self, made: &Made) {
        let label = format!("label=pilothouse.container={}", made.row);
        assert_eq!(self.engine.told(&["ps", "-aq", "--filter", &label]), "", "a container");
        assert_eq!(self.engine.told(&["volume", "ls", "-q", "--filter", &label]), "", "a volume");
        assert_eq!(self.engine.told(&["network", "ls", "-q", "--filter", &label]), "", "a network");
        assert!(self.console.holds(&format!(
            "(SELECT status = 'deleted' AND container_id = 'pending:' || id AND assigned_port IS NULL AND url IS NULL \
              FROM containers WHERE id = '{}')",
            made.row
        )));
        assert!(
            self.console
                .holds(&format!("(SELECT container_id IS NULL FROM projects WHERE id = '{}')", made.project))
        );
        assert_eq!(self.console.count("pilothouse.port_reservations"), 0);
    }

    /// Presses "Try again" on the operation's page.
    fn try_again(&self, location: &str) -> String {
        let again = format!("{location}/again");
        assert!(self.owner.get(location).expect(200).has(&format!("form[action='{again}']")));
        self.owner.post(&again, &[]).expect(303).location().to_owned()
    }
}

#[test]
fn a_project_gets_a_container_of_its_own_within_limits_and_its_beginning_is_told() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4000-4009");
    scene.work();
    let variables = "API_TOKEN=the value that never leaves\nMODE=quick";
    let fields = [("volume", "/data"), ("restart", "on-failure"), ("secret_variables", variables)];
    let made = scene.ask("Shop API", &fields);
    assert!(made.name.starts_with("shop-api-"), "{}", made.name);
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "COMPLETED", "{answer}");

    let id = scene.engine_id(&made);
    let host = |field: &str| scene.inspected(&id, &format!(".HostConfig.{field}"));
    assert_eq!(host("Memory"), (512 << 20).to_string());
    assert_eq!((host("NanoCpus").as_str(), host("PidsLimit").as_str()), ("1000000000", "256"));
    assert_eq!(
        (host("SecurityOpt"), host("CapDrop")),
        (r#"["no-new-privileges"]"#.into(), r#"["ALL"]"#.into())
    );
    assert!(host("CapAdd").contains("NET_BIND_SERVICE") && !host("CapAdd").contains("SYS_ADMIN"));
    assert_eq!((host("Privileged").as_str(), host("Binds").as_str()), ("false", "null"));
    assert!(host("RestartPolicy").contains("on-failure"));
    assert!(host("PortBindings").contains("8080/tcp") && host("PortBindings").contains("127.0.0.1"));
    let labels = scene.inspected(&id, ".Config.Labels");
    assert!(labels.contains(&made.row) && labels.contains(&scene.console.app.console_id().to_string()));
    let mounts = scene.inspected(&id, ".Mounts");
    assert!(mounts.contains(&format!("pilothouse-{}", made.row)) && mounts.contains("/data"), "{mounts}");
    let networks = scene.inspected(&id, ".NetworkSettings.Networks");
    assert!(networks.contains("10.200.") && networks.contains("\"IPPrefixLen\":28"), "{networks}");
    let environment = scene.inspected(&id, ".Config.Env");
    assert!(
        environment.contains("API_TOKEN=the value that never leaves") && environment.contains("PORT=8080")
    );

    // What the console says of it, and what it does not.
    let port =
        scene.console.text(&format!("SELECT assigned_port::text FROM containers WHERE id = '{}'", made.row));
    assert!((4000..=4009).contains(&port.parse().unwrap()));
    assert!(host("PortBindings").contains(&port));
    let url = scene.console.text(&format!("SELECT url FROM containers WHERE id = '{}'", made.row));
    assert_eq!(url, format!("http://127.0.0.1:{port}"));
    let references = scene.console.text(&format!(
        "SELECT concat_ws(' ', reference_ids->>'container_id', reference_ids->>'container_session_id') \
         FROM turbobackend.project_actions WHERE action_type = 'project_created' AND project_id = '{}'",
        made.project
    ));
    let (told, run) = references.split_once(' ').unwrap();
    assert_eq!(told, id);
    assert!(scene.console.holds(&format!(
        "(SELECT project_id = '{}' AND container_id = '{id}' FROM turbobackend.container_sessions WHERE session_id = '{run}')",
        made.project
    )));
    let page = scene.owner.get(&made.location).expect(200);
    assert!(page.text("main").contains("API_TOKEN, MODE"), "{}", page.text("main"));
    let everything = scene.console.text(
        "SELECT string_agg(schema_to_xml(name, true, false, '')::text, ' ') \
         FROM unnest(ARRAY['public', 'turbobackend', 'pilothouse']) name",
    );
    assert!(everything.contains("API_TOKEN") && !everything.contains("never leaves"));
    assert_eq!(scene.console.count("pilothouse.operations WHERE sealed IS NOT NULL"), 0);

    // Deleted, it leaves its port to others; its volume stays.
    let fields = [("confirm", made.name.as_str())];
    let delete = format!("/containers/{}/delete", made.row);
    let location = scene.owner.post(&delete, &fields).expect(303).location().to_owned();
    assert_eq!(scene.end_of(&location).0, "COMPLETED");
    assert_eq!(scene.console.count("pilothouse.port_reservations"), 0);
    let label = format!("label=pilothouse.container={}", made.row);
    assert_ne!(scene.engine.told(&["volume", "ls", "-q", "--filter", &label]), "");
    assert_eq!(scene.engine.told(&["network", "ls", "-q", "--filter", &label]), "");
}

#[test]
fn an_image_that_nobody_has_leaves_nothing_and_the_same_is_tried_again_once_there_is_one() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let image = "127.0.0.1:1/nobody/has:it";
    let mut scene = Scene::making(engine, image, "4010-4019");
    scene.work();
    let made = scene.ask("image", &[("volume", "/data"), ("secret_variables", "KEY=kept for a day")]);
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "FAILED");
    assert!(answer.contains("127.0.0.1:1"), "the engine's own words: {answer}");
    scene.nothing_is_left_of(&made);
    assert_eq!(scene.console.count("turbobackend.project_actions WHERE action_type = 'project_created'"), 0);
    scene.console.owner().post(&format!("{}/again", made.location), &[]).expect(404);
    scene.engine.outside(&["tag", APP, image]);
    let again = scene.try_again(&made.location);
    let (status, answer) = scene.end_of(&again);
    assert_eq!(status, "COMPLETED", "{answer}");
    assert!(scene.inspected(&scene.engine_id(&made), ".Config.Env").contains("KEY=kept for a day"));
    assert_eq!(scene.console.count("pilothouse.operations WHERE sealed IS NOT NULL"), 0);
    assert_eq!(scene.console.count("turbobackend.project_actions WHERE action_type = 'project_created'"), 1);
    // Once it is there, there is nothing to try again.
    let told = scene.owner.post(&format!("{}/again", made.location), &[]).expect(303);
    assert_eq!(told.location(), made.location);
    assert_eq!(scene.console.count("pilothouse.operations"), 2);
}

#[test]
fn a_port_of_somebody_else_is_passed_by_and_without_another_one_nothing_is_left() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(std::sync::Arc::clone(&engine), APP, "4020-4020");
    let network = format!("foreign-{}", &uuid::Uuid::new_v4().to_string()[..8]);
    engine.outside(&["network", "create", "--subnet", "10.99.0.0/28", &network]);
    let foreign = engine.told(&["run", "-d", "--network", &network, "-p", "127.0.0.1:4020:8080", APP]);
    scene.work();
    let made = scene.ask("port", &[]);
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "FAILED");
    assert!(answer.contains("port is already allocated"), "{answer}");
    scene.nothing_is_left_of(&made);

    let mut scene = Scene::making(engine, APP, "4020-4021");
    scene.work();
    let made = scene.ask("port", &[]);
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "COMPLETED", "{answer}");
    assert_eq!(
        scene.console.text(&format!("SELECT url FROM containers WHERE id = '{}'", made.row)),
        "http://127.0.0.1:4021"
    );
    scene.engine.outside(&["rm", "-f", &foreign]);
}

#[test]
fn a_name_of_somebody_else_is_told_and_left_alone() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4030-4039");
    let made = scene.ask("name", &[]);
    let foreign = scene.engine.create(&made.name, "true", &[]);
    scene.work();
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "FAILED");
    assert!(answer.contains("already in use"), "{answer}");
    scene.nothing_is_left_of(&made);
    assert_eq!(scene.engine.state(&foreign).unwrap(), "created");
    scene.engine.outside(&["rm", &foreign]);
    let again = scene.try_again(&made.location);
    assert_eq!(scene.end_of(&again).0, "COMPLETED");
}

#[test]
fn what_the_engine_made_before_a_process_died_is_found_by_its_label() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4040-4049");
    let made = scene.ask("killed", &[]);
    // The process died after the engine had made it, and before it could say so.
    let console = scene.console.app.console_id().to_string();
    let labels = [("pilothouse.container", made.row.as_str()), ("pilothouse.instance", console.as_str())];
    let id = scene.engine.create(&made.name, crate::support::engine::PATIENT, &labels);
    scene.console.sql("UPDATE pilothouse.operations SET status = 'IN_PROGRESS', begun_at = now()");
    scene.work();
    let (status, answer) = scene.end_of(&made.location);
    assert_eq!(status, "COMPLETED", "{answer}");
    assert_eq!(scene.engine_id(&made), id);
    let label = format!("label=pilothouse.container={}", made.row);
    assert_eq!(scene.engine.told(&["ps", "-aq", "--filter", &label]).lines().count(), 1);
}

#[test]
fn two_instances_give_no_port_away_twice() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4050-4053");
    let other = scene.console.beside();
    let made: Vec<_> = ["one", "two", "three", "four"].map(|name| scene.ask(name, &[])).into();
    scene.work();
    let beside = pilothouse::jobs::start(other.app.clone());
    for made in &made {
        let (status, answer) = scene.end_of(&made.location);
        assert_eq!(status, "COMPLETED", "{answer}");
    }
    drop(beside);
    let ports = scene
        .console
        .text("SELECT string_agg(assigned_port::text, ' ' ORDER BY assigned_port) FROM containers");
    assert_eq!(ports, "4050 4051 4052 4053");
    // There is no fifth.
    let fifth = scene.ask("five", &[]);
    let (status, answer) = scene.end_of(&fifth.location);
    assert!(status == "FAILED" && answer.contains("PILOTHOUSE_PORTS"), "{answer}");
}

#[test]
fn a_making_that_is_taken_back_leaves_nothing() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4060-4069");
    let made = scene.ask("back", &[]);
    scene.owner.get(&format!("/containers/{}", made.row)).expect(200);
    scene.owner.post(&format!("/containers/{}/start", made.row), &[]).expect(409);
    scene.owner.post(&format!("{}/cancel", made.location), &[]).expect(303);
    scene.work();
    until("the job is done", || {
        scene.console.count("pilothouse.jobs WHERE kind = 'make_container' AND state = 'done'") == 1
    });
    assert_eq!(scene.end_of(&made.location).0, "CANCELLED");
    scene.nothing_is_left_of(&made);
}

#[test]
fn what_can_not_be_made_is_refused_with_the_reason_before_anything_is_written() {
    let console = crate::support::console::Console::start();
    let owner = console.owner();
    let form = [("name", "shop"), ("container", "new")];
    assert!(owner.get("/projects/new").expect(200).has("select[name=container] option[value=new]"));
    let refused = owner.post("/projects", &form).expect(503);
    assert!(refused.text("[role=alert]").contains("away since"), "{}", refused.body);
    assert_eq!(refused.attributes("input[name=name]", "value"), ["shop"]);
    assert_eq!(console.count("projects") + console.count("containers"), 0);
    let Some(engine) = crate::support::engine::shared() else { return };
    let scene = Scene::without_runner(engine);
    let refused = scene.owner.post("/projects", &form).expect(422);
    assert!(refused.text("main").contains("No image is configured"), "{}", refused.text("main"));
    // Owners name no image, admins do.
    let named = [("name", "shop"), ("container", "new"), ("image", APP)];
    scene.owner.post("/projects", &named).expect(422);
    for (field, odd) in [("image", "../version"), ("volume", "/etc"), ("secret_variables", "hunter2 alone")] {
        let form: Vec<_> =
            named.into_iter().filter(|(name, _)| *name != field).chain([(field, odd)]).collect();
        let refused = scene.admin.post("/projects", &form).expect(422);
        assert!(!refused.body.contains("hunter2"));
    }
    assert_eq!(scene.console.count("projects") + scene.console.count("pilothouse.operations"), 0);
    scene.admin.post("/projects", &named).expect(303);
}

#[test]
fn a_draft_becomes_a_project_in_a_container_and_one_thread_goes_from_the_first_message_to_the_engine() {
    let Some(engine) = crate::support::engine::shared() else { return };
    let mut scene = Scene::making(engine, APP, "4070-4079");
    scene.work();
    let draft = crate::assistant::drafts::ready(&scene.console, &scene.owner);
    scene.owner.post(&format!("{draft}/post"), &[("consent", "yes")]).expect(303);
    let asked = scene.owner.post(&format!("{draft}/project"), &[("container", "new")]).expect(303);
    let (status, answer) = scene.end_of(asked.location());
    assert_eq!(status, "COMPLETED", "{answer}");

    let begun = scene.console.text(
        "SELECT 'action:' || action_id FROM turbobackend.project_actions WHERE action_type = 'conversation_begun'",
    );
    until("the engine tells of it", || {
        scene.console.count(&format!(
            "pilothouse.thread_entries WHERE root = '{begun}' AND source = 'engine' AND id IN \
             (SELECT e.id FROM pilothouse.engine_events e WHERE e.kind = 'container_started')"
        )) == 1
    });
    let id = asked.location().strip_prefix("/events/").unwrap();
    let thread = scene.owner.get(&format!("/threads/event:{id}")).expect(200);
    let steps = thread.texts("ol.timeline > li");
    assert!(steps[0].contains("began to describe") && steps.len() >= 6, "{steps:?}");
    assert!(thread.has("ol.timeline > li[data-activity^='engine:']"));
}
