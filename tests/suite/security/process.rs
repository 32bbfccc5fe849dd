//! The program itself, with its log: what it writes down, and what it must not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use pilothouse::auth::password;
use reqwest::Method;

use crate::support::console::PASSWORD;
use crate::support::db::{TestDb, new_directory};
use crate::support::person::{Person, as_form, encoded};

struct Program {
    child: Child,
    base: String,
    log: std::path::PathBuf,
}

impl Program {
    fn serve(db: &TestDb) -> Self {
        Self::serve_after(db, "true")
    }

    /// Serves once the shell has run `command`.
    fn serve_after(db: &TestDb, command: &str) -> Self {
        Self::serve_with(db, command, &[("RUST_LOG", "debug")])
    }

    /// [`Program::serve_after`] in an environment of its own.
    fn serve_with(db: &TestDb, command: &str, environment: &[(&str, &str)]) -> Self {
        let directory = new_directory();
        let log = directory.join("log");
        let mut child = Command::new("sh")
            .args(["-c", &format!("{command} && exec \"$0\" serve"), env!("CARGO_BIN_EXE_pilothouse")])
            .env("DATABASE_URL", db.url())
            .env("PILOTHOUSE_MIGRATE_URL", db.owner_url())
            .env("PILOTHOUSE_SECRET_KEY", "a key that is long enough for tests only")
            .env("PILOTHOUSE_DATA_DIR", directory.join("data"))
            .env("PILOTHOUSE_LISTEN", "127.0.0.1:0")
            .env("DATABASE_TIMEOUT", "1000")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "{}", fs::read_to_string(&log).unwrap());
        }
        let address = line.trim().rsplit('/').next().unwrap();
        let base = format!("http://{address}");
        child.stdout = Some(output.into_inner());
        Self { child, base, log }
    }

    /// Ends it, and answers what it logged.
    fn log(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again while the machine is too slow for a page's budget.
fn patiently(what: impl Fn() -> crate::support::answer::Answer) -> crate::support::answer::Answer {
    for _ in 0..20 {
        let answer = what();
        if answer.status != 503 {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    what()
}

#[derive(diesel::QueryableByName)]
struct Dump {
    #[diesel(sql_type = Text)]
    text: String,
}

#[test]
fn no_secret_is_in_the_log_or_in_the_database_and_no_request_writes_a_line_of_its_own() {
    let db = TestDb::new();
    let mut superuser = db.connect_owner();
    let hash = password::hash_blocking(PASSWORD).unwrap();
    superuser
        .batch_execute(&format!(
            "INSERT INTO users (email, name, role, password_hash) VALUES ('ada@x.test', 'Ada', 'admin', '{hash}'), \
             ('grace@x.test', 'Grace', 'owner', NULL)"
        ))
        .unwrap();
    let program = Program::serve(&db);
    let ada = Person::new(&program.base);
    let wrong = "a wrong password that must stay secret";
    let set = "a new password that must stay secret";

    patiently(|| ada.post("/login", &[("email", "ada@x.test"), ("password", wrong)])).expect(422);
    patiently(|| ada.post("/login", &[("email", "ada@x.test"), ("password", PASSWORD)])).expect(303);
    let cookie = ada.session_cookie().unwrap();
    let token = cookie[cookie.len() - 64..].to_owned();
    for path in ["/", "/projects", "/users", "/account/sessions", "/nothing"] {
        let page = patiently(|| ada.get(path));
        assert!(!page.body.contains(&token), "{path} shows the session");
    }
    // A session in an address is nobody's.
    let nobody = Person::new(&program.base);
    for query in ["token", "session", "sid", "__Host-pilothouse", "access_token", "api_key"] {
        patiently(|| nobody.get(&format!("/projects?{query}={}", &token[..8]))).expect(303);
    }
    let users = patiently(|| ada.get("/users")).expect(200);
    let grace = users
        .select("tr[data-user]")
        .into_iter()
        .find(|row| row.text().any(|text| text.contains("grace")))
        .and_then(|row| row.attr("data-user").map(str::to_owned))
        .unwrap();
    let made = patiently(|| ada.post(&format!("/users/{grace}/link"), &[])).expect(303);
    let link = patiently(|| ada.get(made.location())).expect(200).attribute("#link", "value");
    let link = link.strip_prefix(&program.base).unwrap().to_owned();
    let secret = link.rsplit('/').next().unwrap().to_owned();
    patiently(|| nobody.get(&link)).expect(200);
    patiently(|| nobody.post(&link, &[("password", "short")])).expect(422);
    patiently(|| nobody.post(&link, &[("password", set)])).expect(303);
    // What would forge a line, or clear a terminal that shows the log.
    nobody.get("/%0aERROR%20forged%20line%0d%0a%1b[2J").expect(404);
    let odd = nobody.request(Method::GET, "/nothing").header("user-agent", "\u{9b}2Jforged agent");
    nobody.send(odd).expect(404);
    let odd = as_form(
        nobody.own_post("/login"),
        &encoded(&[("email", "x\n{\"level\":\"ERROR\"}"), ("password", "x")]),
    );
    nobody.send(odd);
    patiently(|| ada.post("/logout", &[])).expect(303);

    let log = program.log();

    let mut lines = 0;
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
        assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        lines += 1;
    }
    assert!(lines > 20 && log.contains("answered") && log.contains("/account/sessions"), "{log}");
    let everything: String = ["public", "turbobackend", "pilothouse"]
        .into_iter()
        .map(|schema| {
            let query = format!("SELECT schema_to_xml('{schema}', true, false, '')::text AS text");
            diesel::sql_query(query).get_result::<Dump>(&mut superuser).unwrap().text
        })
        .collect();
    assert!(everything.contains("ada@x.test") && everything.contains("password.set"));
    for (name, secret) in [
        ("the cookie", cookie.as_str()),
        ("the token", &token),
        ("the link", &secret),
        ("a wrong password", wrong),
        ("a right password", PASSWORD),
        ("a new password", set),
        ("the key", "a key that is long enough"),
    ] {
        assert!(!log.contains(secret), "{name} is in the log");
        assert!(!everything.contains(secret), "{name} is in the database");
    }
}

#[test]
fn each_request_is_a_line_of_the_log_without_what_it_asked_for_and_a_setting_leaves_it_out() {
    let db = TestDb::new();
    let hash = password::hash_blocking(PASSWORD).unwrap();
    db.connect_owner()
        .batch_execute(&format!(
            "INSERT INTO users (id, email, name, role, password_hash) \
             VALUES ('00000000-0000-4000-8000-00000000ada0', 'ada@x.test', 'Ada', 'admin', '{hash}')"
        ))
        .unwrap();
    let lines_of = |setting: &str| {
        let environment = [("PILOTHOUSE_ACCESS_LOG", setting), ("RUST_LOG", "warn,pilothouse=info")];
        let program = Program::serve_with(&db, "true", &environment);
        let ada = Person::new(&program.base);
        patiently(|| ada.post("/login", &[("email", "ada@x.test"), ("password", PASSWORD)])).expect(303);
        let cookie = ada.session_cookie().unwrap();
        patiently(|| ada.get("/users/00000000-0000-4000-8000-00000000ada0?ref=wanted")).expect(200);
        patiently(|| ada.get("/activity/wanted?q=wanted")).expect(404);
        patiently(|| Person::new(&program.base).get("/passwords/wanted?wanted=wanted")).expect(404);
        patiently(|| ada.get("/wanted?wanted")).expect(404);
        let log = program.log();
        assert!(!log.contains("wanted") && !log.contains(&cookie[cookie.len() - 64..]), "{log}");
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answered = lines.into_iter().filter(|line| line["target"] == "pilothouse::access");
        answered.filter(|line| line["fields"]["status"] != 503).collect::<Vec<_>>()
    };
    let lines = lines_of("true");
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let fields = &line["fields"];
            assert!(line["level"] == "INFO" && fields["ms"].is_u64(), "{line}");
            assert_eq!(fields["request_id"].as_str().unwrap().len(), 32, "{line}");
            (&fields["method"], &fields["route"], &fields["status"], fields["user_id"].is_string())
        })
        .collect();
    let told = serde_json::to_value(told).unwrap();
    let expected = serde_json::json!([
        ["POST", "/login", 303, false],
        ["GET", "/users/{id}", 200, true],
        ["GET", "/activity/{action_id}", 404, true],
        ["GET", "/passwords/{token}", 404, false],
        ["GET", null, 404, true],
    ]);
    assert_eq!(told, expected);
    assert_eq!(lines[1]["fields"]["user_id"], "00000000-0000-4000-8000-00000000ada0");
    assert!(lines_of("false").is_empty());
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let db = TestDb::new();
    let program = Program::serve_after(&db, "ulimit -S -n 300");
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    let of: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(of[3], of[4], "{line}");
    assert_ne!(of[3], "300", "this machine allows no more, so that nothing is shown");
    program.log();
}

#[test]
fn many_idle_connections_at_few_files_cost_those_who_work_nothing_and_are_told() {
    let db = TestDb::new();
    let program = Program::serve_after(&db, "ulimit -n 256");
    let address = program.base.trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> = (0..400).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    assert_eq!(idle.len(), 400);
    for _ in 0..10 {
        let visitor = Person::new(&program.base);
        patiently(|| visitor.get("/login")).expect(200);
    }
    let log = program.log();
    assert!(log.contains("more connections came than there is room for"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
}
