//! The schema's migrations, built into the program.

use std::time::Duration;

use super::roles::ROLES;
use super::server_version::{ServerVersion, server_version};
use super::surroundings;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
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
        public.__diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}

impl MigrateError {
    /// Whether the database went away, or others used its tables all the time: later it may be possible.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_)
            | Self::ReadOnly
            | Self::Query(diesel::result::Error::BrokenTransactionManager) => true,
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
    /// There is something to do, and the database takes no writes.
    #[error(
        "the database has to be migrated and takes no changes: it is a standby, or default_transaction_read_only \
         is on for the server, the database or the login"
    )]
    ReadOnly,
    /// The database has another encoding than UTF8.
    #[error("{0}")]
    Encoding(String),
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
    if let Some(told) = surroundings::wrong_encoding(conn)? {
        return Err(MigrateError::Encoding(told));
    }
    conn.batch_execute(&format!(
        "SET client_min_messages = warning; SET lock_timeout = '{WAIT_FOR_OTHER_INSTANCE}'; \
         SELECT pg_advisory_lock({MIGRATION_LOCK}); SET lock_timeout = '{WAIT_FOR_TABLE}'"
    ))?;
    // The lock is the session's and ends with it, also when a migration fails.
    match bring_up_to_date(conn, console_login) {
        Err(MigrateError::Query(error)) if is_read_only(&error) => Err(MigrateError::ReadOnly),
        Err(MigrateError::Migration(error))
            if error.downcast_ref::<diesel::result::Error>().is_some_and(is_read_only) =>
        {
            Err(MigrateError::ReadOnly)
        }
        outcome => outcome,
    }
}

fn is_read_only(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    matches!(error, Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _))
}

/// Writes only where there is something to do, so that a database that takes no writes can be served.
fn bring_up_to_date(conn: &mut PgConnection, console_login: &str) -> Result<Vec<String>, MigrateError> {
    join_histories(conn)?;
    let mut missing = pending(conn)?;
    for tried in 1.. {
        if missing.is_empty() {
            break;
        }
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

#[derive(QueryableByName)]
struct Stray {
    /// Schema and table as they are written in a statement.
    #[diesel(sql_type = Text)]
    history: String,
    #[diesel(sql_type = Bool)]
    in_our_schema: bool,
}

/// Brings into `public` what was noted in other lists of applied migrations. `"$user"` came first in the search path
/// once, so that a login called like a schema had a list of its own there, and ran everything a second time.
///
/// Another program may keep such a list too: versions that are not ours stay where they are, and so does the list.
fn join_histories(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let strays: Vec<Stray> = diesel::sql_query(
        "SELECT format('%I.%I', n.nspname, c.relname) AS history, n.nspname = 'pilothouse' AS in_our_schema \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = '__diesel_schema_migrations' AND c.relkind = 'r' \
           AND n.nspname <> 'public' AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!' \
           AND pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'USAGE') ORDER BY n.nspname",
    )
    .load(conn)?;
    let ours: Vec<String> = embedded().into_iter().map(|(version, _)| version).collect();
    for Stray { history, in_our_schema } in strays {
        conn.transaction(|conn| {
            // What has this name in our own schema is ours, also a version that only a later program knows.
            let is_ours = if in_our_schema { "true" } else { "version = ANY ($1)" };
            let held: bool = diesel::sql_query(format!(
                "SELECT EXISTS (SELECT FROM {history} WHERE version = ANY ($1)) AS answer"
            ))
            .bind::<Array<Text>, _>(&ours)
            .get_result(conn)
            .map(|row: Answer| row.answer)?;
            if !(held || in_our_schema) {
                return Ok(());
            }
            conn.batch_execute(diesel::migration::CREATE_MIGRATIONS_TABLE)?;
            // $1 is named in both, so that both take it.
            diesel::sql_query(format!(
                "INSERT INTO public.__diesel_schema_migrations (version, run_on) \
                 SELECT version, run_on FROM {history} WHERE {is_ours} AND $1 IS NOT NULL ON CONFLICT DO NOTHING"
            ))
            .bind::<Array<Text>, _>(&ours)
            .execute(conn)?;
            diesel::sql_query(format!("DELETE FROM {history} WHERE {is_ours} AND $1 IS NOT NULL"))
                .bind::<Array<Text>, _>(&ours)
                .execute(conn)?;
            let is_empty = diesel::sql_query(format!("SELECT NOT EXISTS (SELECT FROM {history}) AS answer"))
                .get_result(conn)
                .map(|row: Answer| row.answer)?;
            if is_empty {
                conn.batch_execute(&format!("DROP TABLE {history}"))?;
            }
            tracing::info!(history, "joined a second list of migrations with that in public");
            Ok::<_, MigrateError>(())
        })?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Names of the migrations that the database still lacks, oldest first. Needs SELECT on the table of
/// applied migrations, and writes nothing.
///
/// # Errors
/// The database's; a database without that table lacks all migrations, which is no error.
pub fn pending(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let has_table = diesel::select(diesel::dsl::sql::<Bool>(
        "to_regclass('public.__diesel_schema_migrations') IS NOT NULL",
    ))
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
