//! A console of its own, with as many rows as asked for.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, CookieJar};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use pilothouse::app::App;
use pilothouse::config::Config;
use pilothouse::db::{ConnectOptions, Db, SecretHash};
use pilothouse::http::cookies;
use pilothouse::postgres::SUPERUSER;
use pilothouse::runtime::Entropy;

use crate::{cpu, http};

/// What the console signs cookies with, so that sessions can be made beside it.
const SECRET_KEY: &str = "a key that the bench and its console share";
const PASSWORD: &str = "a long enough password";

/// Somebody who is signed in.
pub struct Person {
    pub id: String,
    /// The value of a `Cookie` header.
    pub cookie: String,
}

/// What names and signs cookies as the console does.
pub fn app() -> App {
    let values =
        [("PILOTHOUSE_SECRET_KEY", SECRET_KEY), ("DATABASE_URL", "postgres://nobody@localhost/none")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_values(values.into_iter().collect()).unwrap();
    let options = ConnectOptions {
        url: "postgres://nobody@localhost/none".to_owned(),
        size: 1,
        budget: Duration::from_secs(1),
        behind_pooler: false,
    };
    App::new(config, Db::new(&options))
}

/// A running console, its database and those who use it.
pub struct Stage {
    pub rows: u64,
    console: Child,
    pub base: String,
    dir: PathBuf,
    /// Owns the biggest project, and nothing else.
    pub one: Person,
    /// Owns 200 projects.
    pub many: Person,
    pub admin: Person,
    /// Acts in 20 of all rows.
    pub rare: String,
}

impl Stage {
    /// Starts a console in `dir`, and fills its database unless an earlier run has.
    pub fn start(program: &Path, dir: &Path, rows: u64) -> Self {
        fs::create_dir_all(dir).unwrap();
        let (console, base) = serve(program, dir);
        let mut conn = connect(dir);
        for (name, admin) in [("one", false), ("many", false), ("admin", true), ("rare", false)] {
            create_user(program, dir, name, admin);
        }
        let [one, many, admin, rare] = ["one", "many", "admin", "rare"].map(|name| user_id(&mut conn, name));
        let filled = text(&mut conn, "SELECT (to_regclass('bare.project_actions') IS NOT NULL)::text");
        if filled == "false" {
            eprintln!("making {rows} actions …");
            let seed = [("one", &one), ("many", &many), ("rare", &rare), ("rows", &rows.to_string())]
                .into_iter()
                .fold(include_str!("seed.sql").to_owned(), |sql, (name, value)| {
                    sql.replace(&format!("$({name})"), value)
                });
            conn.transaction(|conn| conn.batch_execute(&seed)).unwrap();
            conn.batch_execute("VACUUM (ANALYZE)").unwrap();
            conn.batch_execute("CHECKPOINT").unwrap();
        }
        let person = |id: &str, name: &str| Person { id: id.to_owned(), cookie: sign_in(&base, name) };
        let stage = Self {
            rows,
            one: person(&one, "one"),
            many: person(&many, "many"),
            admin: person(&admin, "admin"),
            rare,
            console,
            base,
            dir: dir.to_owned(),
        };
        stage.settle();
        stage
    }

    /// Waits until jobs and autovacuum are through with what was written, so that the next figures are not theirs.
    pub fn settle(&self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(5) {
            let before = self.cpu();
            std::thread::sleep(Duration::from_secs(2));
            let after = self.cpu();
            if after.0 + after.1 - before.0 - before.1 < 0.1 {
                return;
            }
        }
        eprintln!(
            "the console does not come to rest: the next figures have work in them that is not their own"
        );
    }

    /// Further sessions of somebody: their cookies.
    pub fn more_sessions(&self, of: &Person, count: usize) -> Vec<String> {
        let app = app();
        let name = cookies::session_name(&app.config);
        let tokens: Vec<String> = (0..count).map(|_| Entropy.secret()).collect();
        let rows: Vec<String> = tokens
            .iter()
            .map(|token| {
                format!("('{}', '{}', now() + interval '1 day')", of.id, SecretHash::of(token).as_str())
            })
            .collect();
        let insert = format!("INSERT INTO sessions (user_id, token, expires_at) VALUES {}", rows.join(", "));
        self.connect().batch_execute(&insert).unwrap();
        let cookie = |token: String| {
            let mut jar = CookieJar::new();
            jar.signed_mut(&cookies::key(&app)).add(Cookie::new(name.clone(), token));
            jar.get(&name).unwrap().stripped().encoded().to_string()
        };
        tokens.into_iter().map(cookie).collect()
    }

    /// Takes away actions whose ids are like this, past the triggers, which would take each of them out of every table.
    pub fn forget_actions(&self, like: &str) {
        let mut conn = self.connect();
        conn.batch_execute("SET session_replication_role = replica").unwrap();
        for (table, id) in [
            ("turbobackend.project_actions", "action_id"),
            ("turbobackend.action_references", "action_id"),
            ("bare.project_actions", "action_id"),
            ("pilothouse.timeline", "source = 'action' AND id"),
            ("pilothouse.thread_entries", "source = 'action' AND id"),
            ("pilothouse.reports", "source = 'action' AND id"),
        ] {
            conn.batch_execute(&format!("DELETE FROM {table} WHERE {id} LIKE '{like}'")).unwrap();
        }
        conn.batch_execute("VACUUM (ANALYZE)").unwrap();
        self.settle();
    }

    /// A connection that no policy binds.
    pub fn connect(&self) -> PgConnection {
        connect(&self.dir)
    }

    /// The process of the console.
    pub fn pid(&self) -> u32 {
        self.console.id()
    }

    /// The directory of the database's socket.
    pub fn socket(&self) -> PathBuf {
        socket(&self.dir)
    }

    /// What the database server has logged.
    pub fn server_log(&self) -> String {
        fs::read_to_string(self.dir.join("postgres/server.log")).unwrap()
    }

    /// CPU seconds of the console and of PostgreSQL so far.
    pub fn cpu(&self) -> (f64, f64) {
        (cpu::of_process(self.console.id()), cpu::of_family(self.postmaster()))
    }

    /// Resident memory of the console in MiB.
    pub fn memory(&self) -> f64 {
        cpu::resident_mib(self.console.id())
    }

    fn postmaster(&self) -> u32 {
        let file = fs::read_to_string(self.dir.join("postgres/data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Stops the console, and tells how long another start takes until its first page.
    pub fn restart(mut self, program: &Path) -> (Duration, f64) {
        self.end();
        let began = Instant::now();
        let (mut console, base) = serve(program, &self.dir);
        let page = http::get(&base, "/login", "");
        let took = began.elapsed();
        assert_eq!(page.status, 200);
        std::thread::sleep(Duration::from_secs(2));
        let idle = cpu::resident_mib(console.id());
        terminate(&mut console);
        (took, idle)
    }

    fn end(&mut self) {
        terminate(&mut self.console);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end();
    }
}

fn serve(program: &Path, dir: &Path) -> (Child, String) {
    let mut console = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("PILOTHOUSE_DATA_DIR", dir)
        .env("PILOTHOUSE_SECRET_KEY", SECRET_KEY)
        // One token reports as fast as it can.
        .env("PILOTHOUSE_TOKEN_LIMIT", "1000000")
        .env_remove("DATABASE_URL")
        // As it is run: a line in the log for each request.
        .env_remove("RUST_LOG")
        .stderr(fs::File::create(dir.join("console.log")).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(console.stdout.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the console ended");
        if let Some(at) = line.find("http://") {
            // Kept open, so that it can go on printing.
            console.stdout = Some(output.into_inner());
            return (console, line[at..].trim().to_owned());
        }
    }
}

fn terminate(console: &mut Child) {
    let _ = Command::new("kill").args(["-TERM", &console.id().to_string()]).status();
    let _ = console.wait();
}

fn create_user(program: &Path, dir: &Path, name: &str, admin: bool) {
    let email = format!("{name}@bench.test");
    let mut create = Command::new(program);
    create.args(["user", "create", "--password-stdin", "--email", &email]).env("PILOTHOUSE_DATA_DIR", dir);
    if admin {
        create.arg("--admin");
    }
    let mut create =
        create.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    writeln!(create.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    // Exits with 1 when an earlier run made the user.
    let _ = create.wait();
}

fn sign_in(base: &str, name: &str) -> String {
    let answer = http::post(
        base,
        "/login",
        "",
        &format!("email={name}%40bench.test&password={}", PASSWORD.replace(' ', "+")),
    );
    assert_eq!(answer.status, 303, "{name} can't sign in");
    let cookie = answer.header("set-cookie").expect("a cookie");
    cookie.split(';').next().unwrap().to_owned()
}

fn socket(dir: &Path) -> PathBuf {
    dir.canonicalize().unwrap().join("postgres/socket")
}

fn connect(dir: &Path) -> PgConnection {
    let socket = socket(dir);
    let url = format!("host={} user={SUPERUSER} dbname=pilothouse", socket.display());
    PgConnection::establish(&url).unwrap()
}

/// One text out of the database.
pub fn text(conn: &mut PgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        found: String,
    }
    let wrapped = format!("SELECT ({query})::text AS found");
    diesel::sql_query(wrapped).get_result::<Found>(conn).unwrap().found
}

fn user_id(conn: &mut PgConnection, name: &str) -> String {
    text(conn, &format!("SELECT id FROM users WHERE email = '{name}@bench.test'"))
}
