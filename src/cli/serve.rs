//! `pilothouse serve`

use std::net::TcpListener;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::database::{Database, MigrateFailure};
use super::demo_life;
use super::plain::plain;
use super::user::made_up;
use super::{CommandError, CommandResult, ServeArguments};
use crate::activity::spool;
use crate::app::{App, raise_open_files};
use crate::auth::password;
use crate::config::Config;
use crate::db::server_version::server_version;
use crate::db::{Actor, pool, roles, surroundings};
use crate::{demo, jobs, server};

/// How long `/readyz` says that the console is stopping before it stops. Proxies that look every second
/// have seen it twice by then.
const NOTICE: Duration = Duration::from_millis(2500);

pub(super) fn run(mut config: Config, arguments: &ServeArguments) -> CommandResult {
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    config.is_demo = arguments.demo;
    raise_open_files();
    // The address first: a second console on it must not touch the database of the first.
    let listener = TcpListener::bind(config.listen)
        .map_err(|error| CommandError::Failed(format!("can't listen on {}: {error}", config.listen)))?;
    listener.set_nonblocking(true).map_err(CommandError::failed)?;
    let address = listener.local_addr().map_err(CommandError::failed)?;
    let database = Arc::new(Database::for_serving(&config)?);
    let app = database.app(config)?;
    match prepare(&app, &database, arguments.demo) {
        Ok(()) => {}
        Err(Unprepared::Down(reason)) => {
            tracing::warn!(reason, "the database is not there yet; answering 503 until it is");
            prepare_later(app.clone(), Arc::downgrade(&database), arguments.demo);
        }
        Err(Unprepared::Refused(error)) => return Err(error),
    }
    spool::keep_files_in(app.config.data_dir.clone());
    let jobs = jobs::start(app.clone());
    if arguments.demo {
        demo_life::begin(&app);
    }
    let demo_app = arguments.demo.then(|| app.clone());
    // Nobody can take over from a console that has the database in itself.
    let notice = if app.config.database_url.is_some() { NOTICE } else { Duration::ZERO };
    let outcome = actix_web::rt::System::new().block_on(async {
        let server = server::start(app.clone(), listener).map_err(CommandError::failed)?;
        let handle = server.handle();
        let running = actix_web::rt::spawn(server);
        let told = actix_web::rt::spawn(async move { server::stop_when_told(&app, handle, notice).await });
        // Once it has been polled, the process listens for signals: what reads the line may send one.
        tokio::task::yield_now().await;
        println!("Pilothouse is at http://{address}");
        let stopped = running.await.map_err(CommandError::failed)?.map_err(CommandError::failed);
        told.abort();
        stopped
    });
    drop(jobs);
    if let Some(app) = demo_app {
        demo_life::end(&app);
    }
    if let Some(database) = Arc::into_inner(database) {
        database.stop();
    }
    outcome
}

/// Why requests can't be served yet, or not at all.
enum Unprepared {
    Down(String),
    Refused(CommandError),
}

/// What has to be true before the first request: an up-to-date schema, roles that policies bind, and the
/// demo's life.
fn prepare(app: &App, database: &Database, demo: bool) -> Result<(), Unprepared> {
    match database.migrate() {
        Ok(_) => {}
        Err(MigrateFailure::Unreachable(reason) | MigrateFailure::NotNow(reason)) => {
            return Err(Unprepared::Down(reason));
        }
        Err(MigrateFailure::Failed(reason) | MigrateFailure::Unusable(reason)) => {
            return Err(Unprepared::Refused(CommandError::failed(reason)));
        }
    }
    let down = |error: CommandError| Unprepared::Down(error.to_string());
    if let Some(pooler) = database.untold_pooler(&app.config).map_err(down)? {
        return Err(Unprepared::Refused(CommandError::failed(pooler)));
    }
    let mut conn = database.connect().map_err(down)?;
    let (problems, version, surroundings) = pool::check(&mut conn, |conn| {
        let problems = roles::problems(conn)?;
        Ok::<_, diesel::result::Error>((problems, server_version(conn)?, surroundings::problems(conn)?))
    })
    .map_err(|error| Unprepared::Down(error.to_string()))?;
    for warning in version.warning().into_iter().chain(surroundings) {
        tracing::warn!("{warning}");
    }
    if !problems.is_empty() {
        let told = format!("refusing to serve: {}", problems.join("; "));
        return Err(Unprepared::Refused(CommandError::Failed(told)));
    }
    if demo {
        move_in(app).map_err(Unprepared::Refused)?;
    }
    Ok(())
}

/// Tries again every second until the database is there. A database that turns out to be unusable ends
/// the process, as it would have at the start.
fn prepare_later(app: App, database: Weak<Database>, demo: bool) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let Some(database) = database.upgrade() else { break };
            match prepare(&app, &database, demo) {
                Ok(()) => break tracing::info!("the database is there"),
                Err(Unprepared::Down(_)) => {}
                Err(Unprepared::Refused(error)) => {
                    eprintln!("pilothouse: {}", plain(&error.to_string()));
                    std::process::exit(1);
                }
            }
        }
    });
}

/// Fills an empty console with the demo's life and says how to sign in.
fn move_in(app: &App) -> CommandResult {
    if app.db.read_blocking(&Actor::System, |conn| demo::exists(conn).map_err(CommandError::from))? {
        println!("Sign in as admin@demo.test, ada@demo.test or grace@demo.test.");
        println!("Their password was told at the first start; `pilothouse user set-password` sets another.");
        return Ok(());
    }
    let (password, made_up) = match &app.config.demo_password {
        Some(password) => (password.reveal().to_owned(), false),
        None => (made_up(app), true),
    };
    let hash = password::hash_blocking(&password).map_err(CommandError::failed)?;
    let now = app.clock.now();
    let life = app
        .db
        .write_blocking(&Actor::System, |conn| demo::create(conn, now, &hash).map_err(CommandError::from))?;
    // Another instance was faster, and said how to sign in.
    if life != demo::Summary::default() {
        println!("Demo: {} projects, {} actions, {} events.", life.projects, life.actions, life.events);
        println!("Sign in as admin@demo.test, ada@demo.test or grace@demo.test.");
        if made_up {
            println!("Their password (shown this once): {password}");
        }
    }
    Ok(())
}
