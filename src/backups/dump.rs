//! Backups of a server of somebody's: a dump by the owner's login, of one moment.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use percent_encoding::percent_decode_str;
use url::Url;

use super::create::About;
use super::store::{Kind, Manifest, name_at};
use super::{At, BackupError, Vault, archive, tables};
use crate::db::pool;
use crate::db::roles::ROLES;
use crate::db::time::Timestamptz;
use crate::postgres;

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Text)]
    snapshot: String,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Dumps the database that the owner's login reaches at `url`.
///
/// # Errors
/// When there is no `pg_dump` here that knows the server's version, or anything can't be read or written.
pub fn of_server(
    vault: &Vault,
    url: &str,
    about: &About<'_>,
    at: DateTime<Utc>,
) -> Result<Manifest, BackupError> {
    archive::make(&vault.dir)?;
    let name = name_at(at);
    let part = vault.dir.join(format!("{name}.part"));
    if vault.of_name(&name).exists() || part.exists() {
        return Err(BackupError::Failed("another backup begins at this second".to_owned()));
    }
    archive::make(&part)?;
    let made = write(vault, url, about, &name, &part).and_then(|manifest| {
        let whole = vault.of_name(&name);
        fs::rename(&part, &whole).and_then(|()| super::store::sync(&vault.dir)).at(&whole)?;
        Ok(manifest)
    });
    if made.is_err() {
        // Failing already.
        let _ = fs::remove_dir_all(&part);
    }
    made
}

fn write(
    vault: &Vault,
    url: &str,
    about: &About<'_>,
    name: &str,
    dir: &std::path::Path,
) -> Result<Manifest, BackupError> {
    let mut conn = pool::connect(url)?;
    conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let moment: Moment = diesel::sql_query(
        "SELECT pg_export_snapshot() AS snapshot, clock_timestamp() AS at, \
         current_setting('server_version_num')::int / 10000 AS version",
    )
    .get_result(&mut conn)?;
    let tables = tables::sums(&mut conn)?;
    let mut dump = client("pg_dump", url)?;
    dump.args(["--format=custom", "--no-password", "--compress=0"])
        .arg(format!("--snapshot={}", moment.snapshot));
    let mut child = dump.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let complaints = complaints(&mut child);
    let stored = match child.stdout.take() {
        Some(mut stdout) => vault.seal(dir, "dump.sealed", &mut stdout),
        None => Err(BackupError::Failed("pg_dump says nothing".to_owned())),
    };
    if stored.is_err() {
        // The other end is gone; it would wait for ever.
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    let said = complaints();
    conn.batch_execute("COMMIT")?;
    let files = BTreeMap::from([("dump.sealed".to_owned(), stored?)]);
    if !status.success() {
        return Err(BackupError::Failed(format!("pg_dump: {said}")));
    }
    let manifest = Manifest {
        name: name.to_owned(),
        kind: Kind::Dump,
        instance: about.instance.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_by: moment.version.to_string(),
        system_id: String::new(),
        wal_start: String::new(),
        wal_end: String::new(),
        point: String::new(),
        point_at: moment.at,
        files,
        tables,
    };
    vault.write_manifest(dir, &manifest)?;
    Ok(manifest)
}

fn failed(error: impl std::fmt::Display) -> BackupError {
    BackupError::Failed(error.to_string())
}

/// Reads what a program complains of, beside what it writes. Answers its last words.
fn complaints(child: &mut Child) -> impl FnOnce() -> String + use<> {
    let reader = child.stderr.take().map(|mut stderr| {
        thread::spawn(move || {
            let mut said = String::new();
            // What can't be read is not told.
            let _ = stderr.read_to_string(&mut said);
            said
        })
    });
    move || {
        let said = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        said.lines().next_back().unwrap_or_default().to_owned()
    }
}

/// A client program for the database at `url`. The password is in its environment, where other users don't see it.
fn client(name: &str, url: &str) -> Result<Command, BackupError> {
    let mut parsed = Url::parse(url)
        .map_err(|_| failed("a dump needs an address such as postgres://login@host/database"))?;
    let password = parsed.password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    if password.is_some() {
        parsed.set_password(None).map_err(|()| failed("the address's password can't be told apart"))?;
    }
    let mut command = Command::new(postgres::client_program(name)?);
    command.arg(format!("--dbname={parsed}"));
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// Restores the dump `name` into the empty database at `url`, by its owner's login.
///
/// # Errors
/// When the database holds something already, or PostgreSQL refuses anything.
pub fn restore(vault: &Vault, name: &str, url: &str) -> Result<Manifest, BackupError> {
    let manifest = vault.manifest(name)?;
    if manifest.kind != Kind::Dump {
        return Err(failed(format!(
            "{name} is a copy of a cluster: it is restored into a directory, with --to DIR"
        )));
    }
    let mut conn = pool::connect(url)?;
    let holds: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'pilothouse')",
    ))
    .get_result(&mut conn)?;
    if holds {
        return Err(failed("the database is not empty: give one that holds nothing yet"));
    }
    // The dump names them, and they belong to the server.
    for role in ROLES {
        conn.batch_execute(&format!(
            "DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} NOLOGIN; END IF; END $$"
        ))?;
    }
    let mut program = client("pg_restore", url)?;
    program.args(["--exit-on-error", "--no-password"]).stdin(Stdio::piped());
    let may_give_away: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "current_setting('is_superuser')::boolean",
    ))
    .get_result(&mut conn)?;
    if !may_give_away {
        // All of it is this login's, whatever the earlier owner was called.
        program.arg("--no-owner");
    }
    let mut child = program.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let complaints = complaints(&mut child);
    let written = match child.stdin.take() {
        Some(mut stdin) => vault.open_whole(&format!("{name}/dump.sealed"), &mut stdin),
        None => Err(failed("pg_restore takes nothing")),
    };
    let status = child.wait().map_err(failed)?;
    let said = complaints();
    if !status.success() {
        return Err(failed(format!("pg_restore: {said}")));
    }
    written?;
    // Transactions of another server say nothing here.
    conn.batch_execute("UPDATE pilothouse.timeline SET xid = '0' WHERE xid <> '0'")?;
    Ok(manifest)
}
