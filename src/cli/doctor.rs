//! `pilothouse doctor`

use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Bool;
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::activity::{fill, upkeep};
use crate::app;
use crate::backups::{outside, records};
use crate::config::Config;
use crate::data_dir;
use crate::db::server_version::server_version;
use crate::db::{drift, migrations, pool, roles, surroundings};
use crate::engine::Engine;
use crate::outgoing::Outgoing;
use crate::queue::queries::late_duties;
use crate::runtime::Clock;

/// Prints a line a check, and remembers whether one failed.
#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn fail(&mut self, what: &str, detail: &str) {
        self.failed = true;
        tell("FAIL ", what, detail);
    }
}

fn fine(what: &str, detail: &str) {
    tell("ok   ", what, detail);
}

fn note(what: &str, detail: &str) {
    tell("note ", what, detail);
}

/// Whoever reads may stop early, which is no failure of a check.
fn tell(verdict: &str, what: &str, detail: &str) {
    let _ = writeln!(std::io::stdout(), "{verdict} {what}: {}", plain(detail));
}

#[derive(QueryableByName)]
struct Owns {
    #[diesel(sql_type = Bool)]
    owns: bool,
}

pub(super) fn run(config: &Config) -> CommandResult {
    let mut report = Report::default();
    let place = match &config.database_url {
        Some(_) => "DATABASE_URL".to_owned(),
        None => format!("embedded in {}", config.data_dir.display()),
    };
    fine("configuration", &format!("listens on {}, database {place}", config.listen));
    if let Err(error) = data_dir::check(&config.data_dir, None)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        report.fail("data directory", &format!("can't use {}: {error}", config.data_dir.display()));
    }
    let database = Database::for_command(config);
    match &database {
        Err(error) => report.fail("database", &error.to_string()),
        Ok(database) => match database.connect() {
            Err(error) => report.fail("database", &error.to_string()),
            Ok(mut conn) => {
                let (version, encoding, surroundings) = pool::check(&mut conn, |conn| {
                    let version = server_version(conn)?;
                    let encoding = surroundings::wrong_encoding(conn)?;
                    Ok::<_, diesel::result::Error>((version, encoding, surroundings::problems(conn)?))
                })?;
                fine("database", &format!("reachable, PostgreSQL {version}"));
                if let Some(warning) = version.warning() {
                    note("database", &warning);
                }
                for problem in encoding.into_iter().chain(surroundings) {
                    report.fail("database", &problem);
                }
                match database.untold_pooler(config)? {
                    Some(told) => report.fail("pooler", told),
                    None if config.behind_pooler => fine("pooler", "in transaction mode"),
                    None => {}
                }
                check_schema(&mut report, &mut database.connect_as_owner()?)?;
                if config.database_url.is_some() {
                    note("backups", &outside::advice(&mut database.connect_as_owner()?)?);
                }
                pool::check(&mut conn, |conn| check_roles(&mut report, conn, config))?;
            }
        },
    }
    check_buckets(&mut report, config)?;
    check_engine(config);
    if let Ok(database) = database {
        database.stop();
    }
    if report.failed {
        Err(CommandError::Failed("something needs attention, see above".to_owned()))
    } else {
        Ok(())
    }
}

fn check_schema(report: &mut Report, conn: &mut diesel::PgConnection) -> CommandResult {
    let pending = migrations::pending(conn)?;
    if pending.is_empty() {
        fine("migrations", "none pending");
    } else {
        let told = format!("pending: {}; run `pilothouse migrate`", pending.join(", "));
        report.fail("migrations", &told);
        return Ok(());
    }
    let findings = drift::findings(conn)?;
    if findings.is_empty() {
        fine("schema", "as the migrations made it");
    }
    for finding in findings {
        report.fail("schema", &finding.to_string());
    }
    check_rows(report, conn);
    check_duties(conn)
}

/// What the console does by itself is done by an instance that serves, and none may serve now.
fn check_duties(conn: &mut diesel::PgConnection) -> CommandResult {
    let late = late_duties(conn)?;
    if late.is_empty() {
        fine("duties", "none is late");
    }
    for told in records::notes(conn)? {
        note("backups", &format!("{told}: see /operations/backups"));
    }
    for duty in late {
        note("duties", &format!("{duty}: see /operations of an instance that serves"));
    }
    Ok(())
}

/// Whether backups can be copied from here.
fn check_buckets(report: &mut Report, config: &Config) -> CommandResult {
    for bucket in app::buckets(config, &Outgoing::to(config.outside.private_targets.clone()))? {
        match bucket.check() {
            Ok(()) => fine("bucket", &format!("{} answers, in {}", bucket.name, bucket.region())),
            Err(error) => report.fail("bucket", &error.to_string()),
        }
    }
    Ok(())
}

/// Rows that came while triggers did not fire, as far as a look of a few seconds finds them.
fn check_rows(report: &mut Report, conn: &mut diesel::PgConnection) {
    let looked = conn.transaction(|conn| {
        conn.batch_execute("SET LOCAL statement_timeout = '5s'")?;
        Ok::<_, diesel::result::Error>((upkeep::glance(conn)?, upkeep::undated(conn)?))
    });
    match &looked {
        Ok((0, _)) => fine("rows", "as the triggers keep them, among the newest"),
        Ok((lacking, _)) => report.fail(
            "rows",
            &format!(
                "{lacking} actions came while triggers did not fire: the timeline lacks them. \
                 Run `pilothouse timeline rebuild`"
            ),
        ),
        Err(error) => {
            note("rows", &format!("not looked at ({error}); `pilothouse timeline check` looks at all"));
        }
    }
    if let Ok(state) = fill::state(conn) {
        if state.unwritten > 0 {
            let unwritten = state.unwritten;
            report.fail(
                "timeline",
                &format!("{unwritten} records could not be put into it. Run `pilothouse timeline rebuild`"),
            );
        }
        if state.is_filling {
            note("timeline", "older records are still being taken into it, by a job");
        }
    }
    if let Ok((_, undated @ 1..)) = looked {
        note("rows", &format!("{undated} actions or audit entries have no time: they stand in 1970"));
    }
}

fn check_roles(report: &mut Report, conn: &mut diesel::PgConnection, config: &Config) -> CommandResult {
    let problems = roles::problems(conn)?;
    if problems.is_empty() {
        fine("roles", "bound by row-level security");
    }
    for problem in problems {
        report.fail("roles", &problem);
    }
    for silenced in roles::silenced(conn)? {
        note("roles", &silenced);
    }
    let owner: Owns = sql_query(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
           WHERE r.rolname = session_user AND c.relnamespace = to_regnamespace('pilothouse')) \
         OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS owns",
    )
    .get_result(conn)?;
    if owner.owns {
        let hint = if config.migrate_url.is_some() {
            ""
        } else {
            ", and name the owner's in PILOTHOUSE_MIGRATE_URL"
        };
        note("login", &format!("the console's login owns the schema; give it one that owns nothing{hint}"));
    }
    Ok(())
}

fn check_engine(config: &Config) {
    let engine = Engine::at(&config.docker_host, Clock::system());
    match engine.ask_blocking(|api| api.info()) {
        Ok(info) => {
            let told = format!("{}, version {}, API {}", engine.address(), info.version, info.api_version);
            fine("engine", &told);
        }
        Err(error) => {
            let told =
                format!("none at {} ({error}): container states are what workers report", engine.address());
            note("engine", &told);
        }
    }
}
