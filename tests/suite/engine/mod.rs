//! Containers for real: a console and an engine that the tests start themselves.

mod faked;
mod figures;
mod logs;
mod making;
mod observing;
mod remaking;
mod verbs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pilothouse::jobs::Runner;

use crate::support::console::{Console, Person};
use crate::support::engine::{self, TestEngine};

/// A console beside the shared engine, with its runner.
struct Scene {
    runner: Option<Runner>,
    console: Console,
    engine: Arc<TestEngine>,
    owner: Person,
    admin: Person,
}

impl Scene {
    /// None where no engine can be started.
    fn set() -> Option<Self> {
        Some(Self::beside(engine::shared()?))
    }

    fn beside(engine: Arc<TestEngine>) -> Self {
        let mut scene = Self::without_runner(engine);
        scene.runner = Some(pilothouse::jobs::start(scene.console.app.clone()));
        scene
    }

    /// Nobody carries anything out.
    fn without_runner(engine: Arc<TestEngine>) -> Self {
        Self::without_runner_with(engine, &[])
    }

    fn without_runner_with(engine: Arc<TestEngine>, settings: &[(&str, &str)]) -> Self {
        let console = Console::beside_engine(&engine.address(), settings);
        let (owner, admin) = (console.owner(), console.admin());
        Self { runner: None, console, engine, owner, admin }
    }

    /// A container of the owner's that runs `script` once it is started: the row's id and the engine's.
    fn container(&self, script: &str) -> (String, String) {
        let row = uuid::Uuid::new_v4().to_string();
        let name = format!("c-{}", &row[..8]);
        let id = self.engine.create(&name, script, &[("pilothouse.container", &row)]);
        self.row(&row, &id, &name);
        (row, id)
    }

    fn row(&self, row: &str, id: &str, name: &str) {
        self.console.sql(&format!(
            "INSERT INTO containers (id, container_id, name, status, user_id) \
             VALUES ('{row}', '{id}', '{name}', 'created', '{}')",
            self.owner.id
        ));
    }

    /// Waits for the operation behind `location` to end; answers its status and what came of it.
    fn end_of(&self, location: &str) -> (String, String) {
        let id = location.strip_prefix("/events/").unwrap();
        let over =
            format!("EXISTS (SELECT FROM pilothouse.operations WHERE id = '{id}' AND ended_at IS NOT NULL)");
        until("the operation is over", || self.console.holds(&over));
        let of = |column: &str| {
            self.console.text(&format!("SELECT {column} FROM pilothouse.operations WHERE id = '{id}'"))
        };
        (of("status"), of("answer"))
    }

    /// Has the owner do `verb` and waits for its end.
    fn verb(&self, row: &str, verb: &str) -> (String, String) {
        let location =
            self.owner.post(&format!("/containers/{row}/{verb}"), &[]).expect(303).location().to_owned();
        self.end_of(&location)
    }

    fn status(&self, row: &str) -> String {
        self.console.text(&format!("SELECT status FROM containers WHERE id = '{row}'"))
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < give_up, "too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
