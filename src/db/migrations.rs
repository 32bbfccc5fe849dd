//! The schema's migrations, built into the program.

use std::time::Duration;

use super::roles::ROLES;
use super::server_version::{ServerVersion, server_version};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock that lets one instance at a time migrate a database: "pilothou" in ASCII.
const MIGRATION_LOCK: i64 = 0x7069_6c6f_7468_6f75;

/// How long one instance waits for another that is migrating.
const WAIT_FOR_OTHER_INSTANCE: &str = "30min";

/// How long a statement waits for a table that others are using. While it waits, everyone who comes
/// later waits behind it, so it gives up before a page would, and is tried again after a pause.
const WAIT_FOR_TABLE: &str = "400ms";
/// How long the pause is, and how often it is tried again: for a minute in all.
const PAUSE: Duration = Duration::from_millis(600);
const TRIES: u32 = 60;

mod applied {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}

impl MigrateError {
    /// Whether the database went away, or others used its tables all the time: later it may be possible.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Query(diesel::result::Error::BrokenTransactionManager) => true,
            error => super::says_unavailable(&error.to_string()),
        }
    }
}

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database can't be reached, or refuses the login.
    #[error("can't connect to the database to migrate it: {0}")]
    Connection(#[from] ConnectionError),
    /// Another instance is still migrating after a long wait, or a grant was refused.
    #[error("can't migrate the database: {0}")]
    Query(#[from] diesel::result::Error),
    /// A migration failed. Those before it stand.
    #[error("a migration failed: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
}

/// Brings the database up to date and lets `console_login` act in the request roles. Returns the
/// names of the migrations that were run, oldest first; none when there was nothing to do.
///
/// `owner_url` is the address for the login that owns the schema. Instances that start at the same
/// time wait for each other.
///
/// # Errors
/// See [`MigrateError`]. What was migrated before an error stays, and the next run goes on from there.
pub fn run(owner_url: &str, console_login: &str) -> Result<Vec<String>, MigrateError> {
    let conn = &mut super::pool::connect(owner_url)?;
    conn.batch_execute(&format!(
        "SET client_min_messages = warning; SET lock_timeout = '{WAIT_FOR_OTHER_INSTANCE}'; \
         SELECT pg_advisory_lock({MIGRATION_LOCK}); SET lock_timeout = '{WAIT_FOR_TABLE}'"
    ))?;
    // The lock is the session's and ends with it, also when a migration fails.
    let mut missing = pending(conn)?;
    for tried in 1.. {
        match conn.run_pending_migrations(MIGRATIONS) {
            Ok(_) => break,
            Err(error) if tried < TRIES && error.to_string().contains("due to lock timeout") => {
                tracing::info!(tried, "a migration waits for others who use its table");
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(MigrateError::Migration(error)),
        }
    }
    grant_request_roles(conn, console_login)?;
    let left = pending(conn)?;
    missing.retain(|name| !left.contains(name));
    Ok(missing)
}

/// Names of the migrations that the database still lacks, oldest first. Needs SELECT on the table of
/// applied migrations, and writes nothing.
///
/// # Errors
/// The database's; a database without that table lacks all migrations, which is no error.
pub fn pending(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let has_table =
        diesel::select(diesel::dsl::sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL"))
            .get_result::<bool>(conn)?;
    let known: Vec<String> = if has_table {
        applied::__diesel_schema_migrations::table
            .select(applied::__diesel_schema_migrations::version)
            .load(conn)?
    } else {
        Vec::new()
    };
    Ok(embedded().into_iter().filter(|(version, _)| !known.contains(version)).map(|(_, name)| name).collect())
}

/// Version and name of every migration in the program, oldest first.
fn embedded() -> Vec<(String, String)> {
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let mut names: Vec<_> = migrations
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect();
    names.sort();
    names
}

/// Grants what is missing and nothing else: a grant that changes nothing would still make instances
/// that start at the same time, in other databases of the server, trip over each other.
fn grant_request_roles(conn: &mut PgConnection, console_login: &str) -> QueryResult<()> {
    // Since 16 one can be a member, for granting alone, without the right to become the role.
    let right = if server_version(conn)? >= ServerVersion::new(160_000) { "SET" } else { "MEMBER" };
    let missing: Vec<Role> = diesel::sql_query(
        "SELECT quote_ident(rolname) AS role, quote_ident($1) AS login FROM pg_roles \
         WHERE rolname = ANY(string_to_array($2, ',')) AND NOT pg_has_role($1, oid, $3) ORDER BY rolname",
    )
    .bind::<Text, _>(console_login)
    .bind::<Text, _>(ROLES.join(","))
    .bind::<Text, _>(right)
    .load(conn)?;
    for Role { role, login } in missing {
        conn.batch_execute(&format!("GRANT {role} TO {login}"))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Role {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    login: String,
}
