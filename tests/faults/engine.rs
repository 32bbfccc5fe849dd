//! Faults of the container engine, and of those who share one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::fake_engine::{self, FakeEngine};
use crate::rig::{Console, Person, Recipe, Rig, wait_until};
use crate::test_engine::{PATIENT, TestEngine};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "E1",
        what: "the engine freezes for 20 s while somebody looks at the list, a container and its logs, and follows these",
        target: "list and container below 500 ms; the logs say so; a verb is a 503; all in order 15 s after",
        run: frozen,
    },
    Fault {
        number: "E2",
        what: "the engine's socket goes away for 10 s and comes back",
        target: "pages say since when; observed again within 30 s of its return; the container's state is the engine's",
        run: gone_and_back,
    },
    Fault {
        number: "E3",
        what: "of two consoles the one that observes is killed",
        target: "the other one observes within 30 s, and what happened meanwhile is on record once",
        run: takeover,
    },
    Fault {
        number: "E4",
        what: "the console is killed as soon as the engine has restarted a container for it, and started again",
        target: "found and told after the restart; the container was restarted once",
        run: killed_before_commit,
    },
    Fault {
        number: "E5",
        what: "a container writes a line of 100 MB while ten read its logs and one follows them",
        target: "all are served; at most 128 MiB more",
        run: endless_line,
    },
    Fault {
        number: "E6",
        what: "500 containers change 10,000 times within seconds (a fake socket)",
        target: "all states right within 3 minutes, the list below 500 ms meanwhile; at most 128 MiB more",
        run: storm,
    },
    Fault {
        number: "E7",
        what: "an engine has 500 containers, 50 of them running",
        target: "a sweep below 5 s; the list below 500 ms; at most 10 % of a core",
        run: many,
    },
];

const NEEDS_ENGINE: &str = "no engine can be started here";

/// A console beside an engine.
struct Scene {
    rig: Rig,
    recipe: Recipe,
    person: Person,
}

impl Scene {
    fn beside(address: &str) -> Self {
        let rig = Rig::new();
        let mut recipe = rig.recipe();
        recipe.values.insert("DOCKER_HOST".to_owned(), address.to_owned());
        let person = rig.person("ada");
        Self { rig, recipe, person }
    }

    /// A record of the engine's container `id`, Ada's.
    fn record(&self, row: &str, id: &str) {
        self.rig.database.sql(&format!(
            "INSERT INTO containers (id, container_id, name, status, user_id) \
             SELECT '{row}', '{id}', 'c-{}', 'created', u.id FROM users u WHERE u.email = 'ada@faults.test'",
            &row[..8]
        ));
    }

    /// A container that runs `script`: the record's id and the engine's.
    fn container(&self, engine: &TestEngine, script: &str) -> (String, String) {
        let row = uuid::Uuid::new_v4().to_string();
        let id = engine.create(&format!("c-{}", &row[..8]), script, &[("pilothouse.container", &row)]);
        self.record(&row, &id);
        engine.start_container(&id);
        (row, id)
    }

    fn get(&self, address: SocketAddr, path: &str) -> (u16, String, Duration) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: {}\r\n\r\n",
            self.person.cookie
        );
        ask(address, &head)
    }

    fn post(&self, address: SocketAddr, path: &str) -> (u16, String, Duration) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
            self.person.cookie
        );
        ask(address, &head)
    }

    fn holds(&self, condition: &str) -> bool {
        self.rig.database.text(&format!("SELECT {condition}")) == "true"
    }

    fn becomes(&self, within: u64, condition: &str) -> Option<Duration> {
        wait_until(Duration::from_secs(within), || self.holds(condition))
    }
}

fn ask(address: SocketAddr, head: &str) -> (u16, String, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(40)));
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.read_to_end(&mut answer);
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text, began.elapsed())
}

fn engine(verdict: &mut Verdict) -> Option<TestEngine> {
    let engine = TestEngine::start();
    verdict.require(engine.is_some(), || NEEDS_ENGINE.to_owned());
    engine
}

fn mebibytes(console: &Console, name: &str) -> u64 {
    console.figure(name) / 1024
}

fn frozen(_: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    let console = scene.recipe.serve();
    let at = console.address;
    let (row, _) = scene.container(&engine, "while true; do echo tick; sleep 0.1; done");
    let seen = scene.becomes(60, &format!("status = 'running' FROM containers WHERE id = '{row}'"));
    verdict.require(seen.is_some(), || "it was never seen to run".to_owned());
    let mut live = TcpStream::connect(at).unwrap();
    let head = format!(
        "GET /containers/{row}/logs/live HTTP/1.1\r\nHost: {at}\r\nCookie: {}\r\n\r\n",
        scene.person.cookie
    );
    live.write_all(head.as_bytes()).unwrap();
    let (mut told, mut stream) = (vec![0; 1 << 20], String::new());
    live.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    while !stream.contains("tick") {
        match live.read(&mut told) {
            Ok(read) if read > 0 => stream.push_str(&String::from_utf8_lossy(&told[..read])),
            _ => break,
        }
    }
    verdict.require(stream.contains("tick"), || "nobody could follow".to_owned());
    engine.signal("STOP");
    let (began, mut slowest, mut said) = (Instant::now(), Duration::ZERO, false);
    while began.elapsed() < Duration::from_secs(20) {
        for path in ["/containers".to_owned(), format!("/containers/{row}")] {
            let (status, _, took) = scene.get(at, &path);
            verdict.require(status == 200, || format!("{path}: {status}"));
            slowest = slowest.max(took);
        }
        let (status, page, _) = scene.get(at, &format!("/containers/{row}/logs"));
        verdict.require(status == 200, || format!("logs: {status}"));
        said |= page.contains("engine is not connected");
        verdict.count_requests(3);
    }
    let (refused, ..) = scene.post(at, &format!("/containers/{row}/stop"));
    engine.signal("CONT");
    let back = wait_until(Duration::from_mins(1), || {
        scene.get(at, &format!("/containers/{row}/logs")).1.contains("data-line")
    });
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until
        && !(stream.contains("away")
            && stream.rsplit("away").next().is_some_and(|rest| rest.contains("tick")))
    {
        let Ok(read) = live.read(&mut told) else { break };
        stream.push_str(&String::from_utf8_lossy(&told[..read]));
    }
    verdict.see(format!(
        "slowest page {} ms; a verb {refused}; logs again after {:?} s",
        slowest.as_millis(),
        back.map(|b| b.as_secs())
    ));
    verdict.require(slowest < Duration::from_millis(500), || format!("a page took {slowest:?}"));
    verdict.require(said, || "the logs never said so".to_owned());
    verdict.require(refused == 503, || format!("a verb answered {refused}"));
    verdict.require(back.is_some_and(|back| back < Duration::from_secs(15)), || format!("{back:?}"));
    verdict.require(stream.contains("away"), || "who follows was not told".to_owned());
    verdict.require(stream.rsplit("away").next().is_some_and(|rest| rest.contains("tick")), || {
        "lines did not go on".to_owned()
    });
}

fn gone_and_back(_: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    let console = scene.recipe.serve();
    let (row, id) = scene.container(&engine, PATIENT);
    let running = format!("status = 'running' FROM containers WHERE id = '{row}'");
    verdict.require(scene.becomes(60, &running).is_some(), || "it was never seen to run".to_owned());
    let away = "EXISTS (SELECT FROM pilothouse.engines WHERE away_since IS NOT NULL)";
    let here = "EXISTS (SELECT FROM pilothouse.engines WHERE away_since IS NULL AND last_sweep_at > now() - interval '5 seconds')";
    let socket = engine.address().trim_start_matches("unix://").to_owned();
    std::fs::rename(&socket, format!("{socket}.away")).unwrap();
    verdict.require(scene.becomes(30, away).is_some(), || "its absence was never known".to_owned());
    let (_, page, _) = scene.get(console.address, "/containers");
    verdict.require(page.contains("away since"), || "the list does not say so".to_owned());
    sleep(Duration::from_secs(10));
    std::fs::rename(format!("{socket}.away"), &socket).unwrap();
    let back = scene.becomes(60, here);
    verdict.see(format!(
        "observed again {} s after the socket's return",
        back.map_or(99, |back| back.as_secs())
    ));
    verdict.require(back.is_some_and(|back| back <= Duration::from_secs(30)), || format!("{back:?}"));
    let state = engine.state(&id).unwrap_or_default();
    let word = if state == "running" { "running" } else { "stopped" };
    let told = scene.becomes(60, &format!("status = '{word}' FROM containers WHERE id = '{row}'"));
    verdict.require(told.is_some(), || format!("it is {state}, and the record says otherwise"));
}

fn takeover(_: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    let mut first = scene.recipe.serve();
    let held = "EXISTS (SELECT FROM pilothouse.leases WHERE name = 'observe_engine' AND held_until > now())";
    verdict.require(scene.becomes(60, held).is_some(), || "nobody observes".to_owned());
    let holder =
        || scene.rig.database.text("SELECT holder FROM pilothouse.leases WHERE name = 'observe_engine'");
    let before = holder();
    let mut recipe = scene.rig.recipe();
    recipe.values.clone_from(&scene.recipe.values);
    let second = recipe.serve();
    sleep(Duration::from_secs(3));
    verdict.require(holder() == before, || "two observe at once".to_owned());
    let (row, id) = scene.container(&engine, PATIENT);
    let running = format!("status = 'running' FROM containers WHERE id = '{row}'");
    verdict.require(scene.becomes(60, &running).is_some(), || "it was never seen to run".to_owned());
    first.kill();
    engine.outside(&["kill", &id]);
    let crashed = format!(
        "count(*) = 1 FROM pilothouse.engine_events WHERE container_id = '{row}' AND kind = 'container_stopped_outside'"
    );
    let taken = wait_until(Duration::from_mins(1), || holder() != before);
    let told = scene.becomes(60, &crashed);
    verdict.see(format!("observed by the other one after {} s", taken.map_or(99, |taken| taken.as_secs())));
    verdict.require(taken.is_some_and(|taken| taken <= Duration::from_secs(30)), || format!("{taken:?}"));
    verdict.require(told.is_some(), || "what happened meanwhile is not on record once".to_owned());
    let (status, ..) = scene.get(second.address, &format!("/containers/{row}"));
    verdict.require(status == 200, || format!("the other one answers {status}"));
}

fn killed_before_commit(rounds: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    let (row, id) = scene.container(&engine, PATIENT);
    let (mut settled, rounds) = (0, rounds.min(5));
    for _ in 0..rounds {
        let mut console = scene.recipe.serve();
        let before = engine.pid(&id);
        let (status, ..) = scene.post(console.address, &format!("/containers/{row}/restart"));
        verdict.require(status == 303, || format!("asked: {status}"));
        // As soon as the engine has another process of it: the answer is on its way.
        let done = wait_until(Duration::from_secs(30), || engine.pid(&id) != before && engine.pid(&id) != 0);
        console.kill();
        verdict.require(done.is_some(), || "it was never restarted".to_owned());
        let pid = engine.pid(&id);
        let _console = scene.recipe.serve();
        let over = "NOT EXISTS (SELECT FROM pilothouse.operations WHERE ended_at IS NULL)";
        settled += usize::from(scene.becomes(90, over).is_some());
        verdict.require(engine.pid(&id) == pid, || "it was restarted again".to_owned());
    }
    let told = scene.rig.database.text("SELECT string_agg(DISTINCT status, ' ') FROM pilothouse.operations");
    verdict.see(format!("{settled} of {rounds} settled, as {told}"));
    verdict
        .require(settled == rounds as usize && told == "COMPLETED", || format!("{settled} settled: {told}"));
}

fn endless_line(_: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    let console = scene.recipe.serve();
    let (row, id) = scene.container(
        &engine,
        "echo before; busybox head -c 100000000 /dev/zero | busybox tr '\\0' x; echo; echo after; sleep 600",
    );
    let at = console.address;
    let path = format!("/containers/{row}/logs");
    console.forget_peak();
    let before = mebibytes(&console, "VmHWM");
    let mut live = TcpStream::connect(at).unwrap();
    let head =
        format!("GET {path}/live?after=0 HTTP/1.1\r\nHost: {at}\r\nCookie: {}\r\n\r\n", scene.person.cookie);
    live.write_all(head.as_bytes()).unwrap();
    let done = wait_until(Duration::from_mins(2), || scene.get(at, &path).1.contains("after"));
    verdict.require(done.is_some(), || "what follows was never shown".to_owned());
    let mut served = 0;
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10)
            .map(|n| {
                let path = format!("{path}?find=after&lines={}", 100 + n);
                let scene = &scene;
                scope.spawn(move || scene.get(at, &path))
            })
            .collect();
        for one in asked {
            let (status, page, took) = one.join().unwrap();
            served += usize::from(status == 200 && page.contains("after") && took < Duration::from_secs(30));
        }
    });
    let more = mebibytes(&console, "VmHWM").saturating_sub(before);
    verdict.count_requests(11);
    verdict.see(format!("{served} of 10 searches served; {more} MiB more at most"));
    verdict.require(served == 10, || format!("{served} of 10 were served"));
    verdict.require(more <= 128, || format!("{more} MiB more"));
    engine.outside(&["rm", "-f", &id]);
}

fn storm(_: u32, verdict: &mut Verdict) {
    let dir = crate::rig::Directory::new();
    let fake = FakeEngine::start(&dir.0, 500);
    let scene = Scene::beside(&fake.address());
    for n in 0..500 {
        scene.record(&uuid::Uuid::new_v4().to_string(), &fake_engine::id(n));
    }
    let console = scene.recipe.serve();
    let all = "(SELECT count(*) FROM containers WHERE status = 'running') = 500";
    let met = scene.becomes(120, all);
    verdict.require(met.is_some(), || "they were never all seen".to_owned());
    sleep(Duration::from_secs(3));
    console.forget_peak();
    let (before, cpu, asked) = (
        mebibytes(&console, "VmHWM"),
        console.cpu(),
        fake.inspected.load(std::sync::atomic::Ordering::Relaxed),
    );
    let began = Instant::now();
    fake.storm(10);
    let (mut slowest, mut done) = (Duration::ZERO, None);
    let last = fake.began_ms(&fake_engine::id(499));
    let right = format!(
        "(SELECT count(*) FROM containers WHERE started_at >= to_timestamp({last} / 1000.0) - interval '1 second') = 500 \
         AND (SELECT last_event_nanos / 1000000 >= {last} FROM pilothouse.engines)"
    );
    while began.elapsed() < Duration::from_mins(4) && done.is_none() {
        let (status, _, took) = scene.get(console.address, "/containers");
        verdict.require(status == 200, || format!("the list: {status}"));
        verdict.count_requests(1);
        slowest = slowest.max(took);
        done = scene.holds(&right).then(|| began.elapsed());
        sleep(Duration::from_millis(200));
    }
    let more = mebibytes(&console, "VmHWM").saturating_sub(before);
    let asked = fake.inspected.load(std::sync::atomic::Ordering::Relaxed) - asked;
    let lag = scene.rig.database.text("SELECT lag_ms FROM pilothouse.engines");
    let written = scene.rig.database.text("SELECT count(*) FROM pilothouse.engine_events");
    verdict.see(format!(
        "500 met in {} s; 10,000 taken in after {} s, {} s of CPU, {asked} looks, {written} entries, lag {lag} ms; {more} MiB more; slowest list {} ms",
        met.unwrap_or_default().as_secs(), done.unwrap_or_default().as_secs(), console.cpu().checked_sub(cpu).unwrap().as_secs(), slowest.as_millis()
    ));
    verdict.require(done.is_some_and(|done| done < Duration::from_mins(3)), || format!("{done:?}"));
    verdict.require(slowest < Duration::from_millis(500), || format!("the list took {slowest:?}"));
    verdict.require(more <= 128, || format!("{more} MiB more"));
}

fn many(_: u32, verdict: &mut Verdict) {
    let Some(engine) = engine(verdict) else { return };
    let scene = Scene::beside(&engine.address());
    for n in 0..500 {
        let row = uuid::Uuid::new_v4().to_string();
        let id = engine.create(&format!("c-{}", &row[..8]), "sleep 600", &[("pilothouse.container", &row)]);
        scene.record(&row, &id);
        if n < 50 {
            engine.start_container(&id);
        }
    }
    let console = scene.recipe.serve();
    let swept =
        scene.becomes(120, "EXISTS (SELECT FROM pilothouse.engines WHERE last_sweep_containers = 500)");
    verdict.require(swept.is_some(), || "they were never all looked at".to_owned());
    let first = scene.rig.database.text("SELECT last_sweep_ms FROM pilothouse.engines");
    let (cpu, began, mut slowest) = (console.cpu(), Instant::now(), Duration::ZERO);
    while began.elapsed() < Duration::from_secs(65) {
        slowest = slowest.max(scene.get(console.address, "/containers").2);
        verdict.count_requests(1);
        sleep(Duration::from_secs(1));
    }
    let busy = console.cpu().checked_sub(cpu).unwrap().as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let later = scene.rig.database.text("SELECT last_sweep_ms FROM pilothouse.engines");
    let samples = scene.rig.database.text("SELECT count(*) FROM pilothouse.samples");
    verdict.see(format!("the first look {first} ms, later ones {later} ms; {samples} samples; slowest list {} ms; {busy:.1} % of a core", slowest.as_millis()));
    verdict.require(later.parse().is_ok_and(|ms: u64| ms < 5_000), || format!("a sweep took {later} ms"));
    verdict.require(slowest < Duration::from_millis(500), || format!("the list took {slowest:?}"));
    verdict.require(busy < 10.0, || format!("{busy:.1} % of a core"));
}
