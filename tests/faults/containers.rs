//! Faults while containers are made: the console dies, the engine freezes. An engine of the run's own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use crate::load::head;
use crate::rig::{Console, Person, Rig, random_below, wait_until};
use crate::test_engine::{APP, TestEngine};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "M1",
        what: "the console is killed within 3 s while it makes three containers, and started again",
        target: "each making ends; one that is done has one container, one that failed has none, no port is given twice",
        run: killed,
    },
    Fault {
        number: "M2",
        what: "the engine freezes for 8 s while it is asked for three containers",
        target: "the same; no request meanwhile is a 500 or takes over 3 s",
        run: frozen,
    },
];

/// Makings of one round.
const AT_ONCE: usize = 3;
const PATIENCE: Duration = Duration::from_mins(3);

struct Scene {
    engine: TestEngine,
    rig: Rig,
    person: Person,
}

impl Scene {
    fn set(verdict: &mut Verdict) -> Option<Self> {
        let engine = TestEngine::start();
        verdict.require(engine.is_some(), || "no container engine can be started here".to_owned());
        let rig = Rig::new();
        let person = rig.person("maker");
        Some(Self { engine: engine?, rig, person })
    }

    fn serve(&self) -> Console {
        let mut recipe = self.rig.recipe();
        recipe.values.insert("DOCKER_HOST".to_owned(), self.engine.address());
        recipe.values.insert("PILOTHOUSE_IMAGES".to_owned(), format!("*={APP}"));
        recipe.values.insert("PILOTHOUSE_PORTS".to_owned(), "127.0.0.1:4000-4999".to_owned());
        recipe.serve()
    }

    /// Asks for a project with a container. Answers the status.
    fn ask(&self, console: &Console, name: &str) -> u16 {
        let body = format!("name={name}&type=node&container=new&volume=%2Fdata");
        let Ok(mut stream) = TcpStream::connect(console.address) else { return 0 };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(3)));
        let request = head("POST", "/projects", console.address, &self.person, body.len()) + &body;
        let mut answer = [0; 12];
        let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.read_exact(&mut answer));
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|code| code.parse().ok());
        sent.ok().and(status).unwrap_or(0)
    }

    /// Once every making is over: what is at the engine is what the record says.
    fn judge(&self, verdict: &mut Verdict) {
        let goes_on = "SELECT count(*)::text FROM pilothouse.operations WHERE ended_at IS NULL";
        let over = wait_until(PATIENCE, || self.rig.database.text(goes_on) == "0");
        verdict.require(over.is_some(), || "a making does not end".to_owned());
        let expected = "SELECT container_id::text || ' ' || count(*) FILTER (WHERE status = 'COMPLETED') \
             FROM pilothouse.operations WHERE verb = 'create' GROUP BY container_id";
        for line in self.rig.database.texts(expected) {
            let (row, count) = line.split_once(' ').unwrap();
            let label = format!("label=pilothouse.container={row}");
            let found = self.engine.told(&["ps", "-aq", "--filter", &label]).lines().count();
            verdict.require(found.to_string() == count, || {
                format!("{row}: {found} containers in place of {count}")
            });
        }
        let odd = "SELECT count(*)::text FROM containers c FULL JOIN pilothouse.port_reservations p ON p.container_id = c.id \
             WHERE (c.status <> 'deleted') IS DISTINCT FROM (p.port IS NOT NULL) OR c.assigned_port IS DISTINCT FROM p.port";
        let odd = self.rig.database.text(odd);
        verdict.require(odd == "0", || format!("{odd} containers whose port is not theirs"));
    }

    fn see(&self, rounds: u32, verdict: &mut Verdict) {
        let counts = "SELECT lower(status) || ' ' || count(*) FROM pilothouse.operations GROUP BY status ORDER BY status";
        verdict.see(format!("{rounds} rounds; makings: {}", self.rig.database.texts(counts).join(", ")));
    }
}

fn killed(rounds: u32, verdict: &mut Verdict) {
    let Some(scene) = Scene::set(verdict) else { return };
    // Each makes containers and networks that stay until the end.
    let rounds = rounds.min(20);
    let mut console = scene.serve();
    for round in 0..rounds {
        for one in 0..AT_ONCE {
            let status = scene.ask(&console, &format!("m{round}-{one}"));
            verdict.require(status == 303, || format!("a form was answered with {status}"));
        }
        sleep(Duration::from_millis(random_below(3_000)));
        console.kill();
        console = scene.serve();
        scene.judge(verdict);
    }
    scene.see(rounds, verdict);
}

fn frozen(rounds: u32, verdict: &mut Verdict) {
    let Some(scene) = Scene::set(verdict) else { return };
    let rounds = rounds.min(10);
    let console = scene.serve();
    for round in 0..rounds {
        for one in 0..AT_ONCE {
            let status = scene.ask(&console, &format!("f{round}-{one}"));
            verdict.require(status == 303, || format!("a form was answered with {status}"));
        }
        sleep(Duration::from_millis(random_below(2_000)));
        scene.engine.signal("STOP");
        for _ in 0..8 {
            let status = scene.ask(&console, "nothing");
            verdict.require(matches!(status, 303 | 503), || {
                format!("frozen, a form was answered with {status}")
            });
            sleep(Duration::from_secs(1));
        }
        scene.engine.signal("CONT");
        scene.judge(verdict);
    }
    scene.see(rounds, verdict);
}
