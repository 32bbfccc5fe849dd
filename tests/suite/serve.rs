//! `pilothouse serve` without `DATABASE_URL`: the database lives and ends with the console.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use pilothouse::postgres::Cluster;

use crate::support::db::new_directory;
use crate::support::engine::{self, APP};

/// A data directory that is removed with the test.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        Self(new_directory())
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("PILOTHOUSE_") || name.starts_with("DATABASE_"))
            {
                program.env_remove(name);
            }
        }
        program.env("PILOTHOUSE_DATA_DIR", self.0.join("data")).env("PILOTHOUSE_LISTEN", "127.0.0.1:0");
        program
    }

    /// Serves, and returns once it answers where it says it is.
    fn serve(&self) -> Serving {
        let mut program = self.program();
        program.arg("serve");
        self.start(program)
    }

    fn start(&self, mut program: Command) -> Serving {
        let log = fs::File::create(self.0.join("stderr")).unwrap();
        let child = program.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut serving = Serving { child, address: String::new(), database: None };
        let mut output = BufReader::new(serving.child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            let read = output.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "{}", fs::read_to_string(self.0.join("stderr")).unwrap());
        }
        line.trim().rsplit('/').next().unwrap().clone_into(&mut serving.address);
        let answer = serving.get("/healthz");
        assert!(answer.starts_with("HTTP/1."), "{answer}");
        // Kept open, so that the program can go on printing.
        serving.child.stdout = Some(output.into_inner());
        serving.database = Cluster::attach(&self.0.join("data")).unwrap().server_pid();
        assert!(serving.database.is_some());
        serving
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

struct Serving {
    child: Child,
    address: String,
    /// Process of its PostgreSQL, once it is known.
    database: Option<u32>,
}

impl Serving {
    /// The whole answer, as it came.
    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the console and for its database to end.
    fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let give_up = Instant::now() + Duration::from_secs(20);
        while self.database.is_some_and(|pid| Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok()) {
            assert!(Instant::now() < give_up, "the database outlives its console");
            std::thread::sleep(Duration::from_millis(10));
        }
        status
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Mostly ended already.
        let _ = self.child.kill();
        if !std::thread::panicking() {
            self.ended();
        }
    }
}

#[test]
fn an_interrupt_or_a_request_to_end_stops_console_and_database_cleanly() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let mut console = home.serve();

        console.signal(signal);

        assert_eq!(console.ended().code(), Some(0), "{signal}");
        let crashed = home.0.join("data/postgres/data/postmaster.pid");
        assert!(!crashed.exists(), "{signal}: the database wrote its last checkpoint");
    }
}

#[test]
fn a_killed_console_takes_its_database_along_and_the_next_start_recovers() {
    let home = Home::new();
    let mut first = home.serve();

    first.signal("KILL");
    // At once: the old server may still be ending.
    let second = home.serve();

    assert_ne!(second.database, first.database);
    first.ended();
}

#[test]
fn a_second_console_on_the_same_data_exits_with_one_line() {
    let home = Home::new();
    let _first = home.serve();

    let second = home.run(&["serve"]);

    assert_eq!(second.status.code(), Some(1));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.trim_end().lines().last().unwrap().contains("another pilothouse (process"), "{told}");
}

#[test]
fn a_command_beside_a_running_console_uses_its_database_and_leaves_it_running() {
    let home = Home::new();
    let console = home.serve();

    let migrated = home.run(&["migrate"]);

    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let still = Cluster::attach(&home.0.join("data")).unwrap();
    assert_eq!(still.server_pid(), console.database);
}

#[test]
fn a_command_without_a_console_starts_the_database_and_stops_it() {
    let home = Home::new();

    let migrated = home.run(&["migrate"]);

    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    assert!(!home.0.join("data/postgres/data/postmaster.pid").exists());
}

#[test]
fn a_request_role_that_row_security_does_not_bind_is_told_and_ends_the_service() {
    let home = Home::new();
    let mut console = home.serve();
    let ready = console.get("/readyz");
    assert!(ready.contains(" 200 OK") && ready.contains("\"schema_drift\":[]"), "{ready}");
    let healthy = home.run(&["doctor"]);
    assert!(healthy.status.success(), "{}", String::from_utf8_lossy(&healthy.stdout));

    let url = Cluster::attach(&home.0.join("data")).unwrap().owner_url();
    diesel::PgConnection::establish(&url)
        .unwrap()
        .batch_execute(
            "ALTER ROLE pilothouse_owner BYPASSRLS; GRANT DELETE ON public.users TO pilothouse_gate",
        )
        .unwrap();

    // The good answer is kept for two seconds.
    std::thread::sleep(Duration::from_secs(2));
    let ready = console.get("/readyz");
    assert!(ready.contains(" 503 ") && ready.contains("role pilothouse_owner differs"), "{ready}");
    let told = home.run(&["doctor"]);
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stdout).unwrap();
    for line in [
        "FAIL  schema: role pilothouse_owner differs: expected plain, found bypassrls",
        "FAIL  schema: grant public.users to pilothouse_gate is more than the migrations give: delete",
        "FAIL  roles: role pilothouse_owner is a superuser or has BYPASSRLS",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    console.signal("TERM");
    console.ended();

    let refused = home.run(&["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    let refused = String::from_utf8(refused.stderr).unwrap();
    let last = refused.trim_end().lines().last().unwrap();
    assert!(
        last.contains("refusing to serve: role pilothouse_owner is a superuser or has BYPASSRLS"),
        "{refused}"
    );
}

#[test]
fn a_password_on_standard_input_is_one_line_or_refused_with_the_reason() {
    let home = Home::new();
    let console = home.serve();
    let send = |arguments: &[&str], password: &[u8]| {
        let mut program = home.program();
        program.args(["user"]).args(arguments).arg("--password-stdin");
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = program.spawn().unwrap();
        running.stdin.take().unwrap().write_all(password).unwrap();
        let done = running.wait_with_output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let create = |email: &str, password: &[u8]| send(&["create", "--email", email], password);
    let renew = |password: &[u8]| send(&["set-password", "--email", "ada@people.test"], password);
    let signs_in = |password: &str| {
        let form = crate::support::person::encoded(&[("email", "ada@people.test"), ("password", password)]);
        let mut stream = TcpStream::connect(&console.address).unwrap();
        let head =
            "POST /login HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{form}", form.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.contains(" 303 ")
    };
    for (bytes, reason) in [
        (&b"four unrelated words\nand a second line\n"[..], "one line"),
        (b"four unrelated words\n\n", "one line"),
        (b"four unrelated words\r", "one line"),
        (b"four unrelated\0words", "one line"),
        (b"four unrelated words \xff", "not UTF-8"),
        (b"", "no password on standard input"),
        (b"\r\n", "no password on standard input"),
    ] {
        let (code, told) = create("ada@people.test", bytes);
        assert!(code == Some(1) && told.contains(reason), "{bytes:?}: {code:?} {told}");
    }
    assert_eq!(create("ada@people.test", b"four unrelated words\r\n").0, Some(0));
    assert!(signs_in("four unrelated words"));
    for bytes in [&b"one two\nthree four five"[..], b"", b"lighthouse keeper \xff"] {
        assert_eq!(renew(bytes).0, Some(1), "{bytes:?}");
    }
    assert_eq!(renew("\u{feff}lighthouse keeper 42\n".as_bytes()).0, Some(0));
    assert!(signs_in("lighthouse keeper 42") && !signs_in("four unrelated words"));
}

#[test]
fn a_demo_beside_an_engine_runs_two_real_containers_for_as_long_as_it_serves() {
    let Some(engine) = engine::shared() else { return };
    let home = Home::new();
    let demo = || {
        let mut program = home.program();
        program
            .args(["serve", "--demo"])
            .env("DOCKER_HOST", engine.address())
            .env("PILOTHOUSE_IMAGES", format!("*={APP}"))
            .env("PILOTHOUSE_PORTS", "127.0.0.1:4300-4309");
        home.start(program)
    };
    let of_demo = ["--filter", "label=pilothouse.demo"];
    let all = || {
        let listed = engine.told(&["ps", "-aq", of_demo[0], of_demo[1]]);
        let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let running = || engine.told(&["ps", "-q", of_demo[0], of_demo[1]]).lines().count();
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let give_up = Instant::now() + Duration::from_secs(90);
        while !holds() {
            assert!(
                Instant::now() < give_up,
                "too long until {what}: {}",
                fs::read_to_string(home.0.join("stderr")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let mut serving = demo();
    until("both run", &|| running() == 2);
    let first = all();
    serving.signal("KILL");
    serving.ended();
    assert_eq!(all(), first, "nobody could remove them");
    let mut serving = demo();
    until("the next start has made its own", &|| {
        running() == 2 && all().iter().all(|id| !first.contains(id))
    });
    serving.signal("TERM");
    assert!(serving.ended().success());
    assert_eq!(all(), Vec::<String>::new());
}
