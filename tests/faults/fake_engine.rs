//! What no engine can be made to do at will: five hundred containers that change ten thousand times within seconds.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Default)]
struct State {
    /// By id: whether it runs, when that began and when it last ended, in nanoseconds.
    containers: BTreeMap<String, (bool, i64, i64)>,
    /// Lines of `/events`, for whoever subscribes.
    events: Vec<String>,
}

/// See the module.
pub struct FakeEngine {
    socket: PathBuf,
    state: Arc<(Mutex<State>, Condvar)>,
    pub inspected: Arc<AtomicUsize>,
}

fn nanos() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn rfc3339(nanos: i64) -> String {
    if nanos == 0 {
        return "0001-01-01T00:00:00Z".to_owned();
    }
    chrono::DateTime::from_timestamp_nanos(nanos).to_rfc3339()
}

impl FakeEngine {
    /// An engine with `count` containers that run, in `dir`.
    pub fn start(dir: &Path, count: usize) -> Self {
        let socket = dir.join("fake-engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let began = nanos() - 60_000_000_000;
        let containers = (0..count).map(|n| (id(n), (true, began, 0))).collect();
        let state = Arc::new((Mutex::new(State { containers, events: Vec::new() }), Condvar::new()));
        let inspected = Arc::new(AtomicUsize::new(0));
        let (shared, counter) = (Arc::clone(&state), Arc::clone(&inspected));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, counter) = (Arc::clone(&shared), Arc::clone(&counter));
                std::thread::spawn(move || answer(&stream, &shared, &counter));
            }
        });
        Self { socket, state, inspected }
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Each container ends with exit code 1 and begins again, `rounds` times; two events each.
    pub fn storm(&self, rounds: usize) {
        let (state, changed) = &*self.state;
        for _ in 0..rounds {
            let mut state = state.lock().unwrap();
            let ids: Vec<String> = state.containers.keys().cloned().collect();
            for id in ids {
                let (ended, began) = (nanos(), nanos() + 1_000);
                state.events.push(event(&id, "die", ended));
                state.events.push(event(&id, "start", began));
                state.containers.insert(id, (true, began, ended));
            }
            drop(state);
            changed.notify_all();
        }
    }

    /// When the container last began, in milliseconds.
    pub fn began_ms(&self, id: &str) -> i64 {
        self.state.0.lock().unwrap().containers[id].1 / 1_000_000
    }
}

/// The id of the container `n`.
pub fn id(n: usize) -> String {
    format!("{n:064x}")
}

fn event(id: &str, action: &str, at: i64) -> String {
    format!(
        r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{"name":"c{}","image":"x","exitCode":"1"}}}},"time":{},"timeNano":{at}}}"#,
        &id[56..],
        at / 1_000_000_000
    )
}

fn inspected(id: &str, (runs, began, ended): (bool, i64, i64)) -> String {
    format!(
        r#"{{"Id":"{id}","Name":"/c{}","RestartCount":0,"Config":{{"Image":"x","Tty":false,"Labels":{{}}}},
           "State":{{"Status":"{}","Running":{runs},"Pid":1,"ExitCode":1,"StartedAt":"{}","FinishedAt":"{}"}}}}"#,
        &id[56..],
        if runs { "running" } else { "exited" },
        rfc3339(began),
        rfc3339(ended)
    )
}

fn answer(stream: &UnixStream, shared: &(Mutex<State>, Condvar), counter: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut line) = (String::new(), String::new());
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/v1.41").unwrap_or(path);
    let (state, changed) = shared;
    let body = match path {
        "/version" => r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#.to_owned(),
        "/info" => r#"{"ID":"FAKE","Name":"fake"}"#.to_owned(),
        "/containers/json" => {
            let state = state.lock().unwrap();
            let listed = state.containers.iter().map(|(id, (runs, ..))| {
                let word = if *runs { "running" } else { "exited" };
                format!(r#"{{"Id":"{id}","Names":["/c{}"],"Image":"x","State":"{word}"}}"#, &id[56..])
            });
            format!("[{}]", listed.collect::<Vec<_>>().join(","))
        }
        "/events" => return tell(stream, state, changed),
        path => {
            let id = path.trim_start_matches("/containers/").split('/').next().unwrap_or_default();
            let state = state.lock().unwrap();
            match state.containers.get(id) {
                Some(container) if path.ends_with("/json") => {
                    counter.fetch_add(1, Ordering::Relaxed);
                    inspected(id, *container)
                }
                Some(_) if path.ends_with("/stats") => "{}".to_owned(),
                _ => String::new(),
            }
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all((head + &body).as_bytes());
}

/// Tells events for as long as somebody listens.
fn tell(mut stream: &UnixStream, state: &Mutex<State>, changed: &Condvar) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut told = state.lock().unwrap().events.len();
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    loop {
        let events = {
            let mut state = state.lock().unwrap();
            while state.events.len() == told {
                state = changed.wait(state).unwrap();
            }
            let events = state.events[told..].join("\n") + "\n";
            told = state.events.len();
            events
        };
        let chunk = format!("{:x}\r\n{events}\r\n", events.len());
        if stream.write_all(chunk.as_bytes()).is_err() {
            return;
        }
    }
}
