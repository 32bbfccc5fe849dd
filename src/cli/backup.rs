//! `pilothouse backup …` and `pilothouse restore`

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Subcommand;

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::app;
use crate::backups::create::About;
use crate::backups::store::Manifest;
use crate::backups::{BackupError, create, dump, proof, records, restore};
use crate::config::Config;
use crate::db::{Actor, DbError};
use crate::postgres::{Cluster, ClusterConfig};
use crate::runtime::Clock;

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Make a backup now.
    Create,
    /// List the backups, one a line, the newest last.
    List,
    /// Check that a backup is whole: sums, seals and the log that it needs.
    Verify {
        /// Which; the newest without a name.
        name: Option<String>,
        /// Restore it beside the database and compare, too.
        #[arg(long)]
        prove: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArguments {
    /// The backup, as `backup list` names it.
    name: String,
    /// Everything that was committed by then (RFC 3339, or UTC as 2026-11-27 21:00:00), and nothing later.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// An empty directory, which is a data directory afterwards; for a dump the address of an empty database.
    #[arg(long, value_name = "DIR|URL")]
    to: String,
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        Self::failed(error)
    }
}

pub(super) fn run(config: Config, command: BackupCommand) -> CommandResult {
    match command {
        BackupCommand::Create => make(config),
        BackupCommand::List => list(&config),
        BackupCommand::Verify { name, prove } => verify(&config, name, prove),
    }
}

fn make(config: Config) -> CommandResult {
    let database = Database::for_command(&config)?;
    let outcome = make_on(&database, config);
    database.stop();
    outcome
}

fn make_on(database: &Database, config: Config) -> CommandResult {
    database.migrate().map_err(CommandError::failed)?;
    let began = Clock::system().now();
    let vault = app::vault(&config)?;
    let instance = config.instance();
    let about = About { instance: &instance, data_dir: &config.data_dir };
    let manifest = match database.cluster() {
        Some(cluster) => create::of_cluster(&vault, cluster, &about, began)?,
        None => dump::of_server(&vault, database.owner_url(), &about, began)?,
    };
    vault.verify(&manifest.name)?;
    let gone = vault.prune()?;
    let app = database.app(config)?;
    app.db.write_blocking(&Actor::System, |conn| {
        records::note_written(conn, &manifest, began)?;
        records::note_gone(conn, &gone).map_err(DbError::from)
    })?;
    println!("{}", line(&manifest));
    Ok(())
}

fn line(manifest: &Manifest) -> String {
    let rows: i64 = manifest.tables.values().map(|table| table.rows).sum();
    let kind = manifest.kind.as_str();
    format!(
        "{}\t{kind}\t{} bytes\t{rows} rows\t{}",
        manifest.name,
        manifest.bytes(),
        plain(&manifest.instance)
    )
}

fn list(config: &Config) -> CommandResult {
    let vault = app::vault(config)?;
    for name in vault.names()? {
        match vault.manifest(&name) {
            Ok(manifest) => println!("{}", line(&manifest)),
            Err(error) => println!("{name}\t{error}"),
        }
    }
    Ok(())
}

fn verify(config: &Config, name: Option<String>, prove: bool) -> CommandResult {
    let vault = app::vault(config)?;
    let newest = || vault.names().map(|names| names.into_iter().next_back());
    let name = match name {
        Some(name) => name,
        None => newest()?.ok_or_else(|| CommandError::Failed("there is no backup yet".to_owned()))?,
    };
    let manifest = vault.verify(&name)?;
    println!("{name} is whole: {} bytes, read back under their seals.", manifest.bytes());
    if prove {
        let proof = proof::prove(&vault, &name, &config.data_dir.join("proof"))?;
        if !proof.faults.is_empty() {
            return Err(CommandError::Failed(format!(
                "{name} is not as it was: {}",
                proof.faults.join("; ")
            )));
        }
        println!("It was restored in {} s, and its {} rows are as they were.", proof.seconds, proof.rows);
    }
    Ok(())
}

pub(super) fn restore(config: &Config, arguments: &RestoreArguments) -> CommandResult {
    let vault = app::vault(config)?;
    let name = arguments.name.as_str();
    if arguments.to.contains("://") {
        if arguments.at.is_some() {
            return Err(CommandError::Usage("--at needs a log: a dump is of one moment".to_owned()));
        }
        dump::restore(&vault, name, &arguments.to)?;
        println!(
            "{name} is restored. `pilothouse doctor` checks it; the console's own login needs its roles: `pilothouse migrate`."
        );
        return Ok(());
    }
    let manifest = vault.manifest(name)?;
    let time = arguments.at.as_deref().map(|text| time_of(text, &manifest)).transpose()?;
    let dir = PathBuf::from(&arguments.to);
    let aside = make_room(config, &dir)?;
    let restored = restore::into_cluster(&vault, name, time.as_deref(), &ClusterConfig::new(&dir));
    match restored {
        Ok((_, cluster)) => cluster.stop(),
        Err(error) => {
            if let Some(aside) = &aside {
                restore::put_back(aside)?;
                println!("The database is as it was.");
            }
            return Err(error.into());
        }
    }
    println!("{name} is restored. PILOTHOUSE_DATA_DIR={} pilothouse serve opens it.", dir.display());
    if let Some(aside) = aside {
        println!(
            "What was there before lies in {}: remove it when it is not needed any more.",
            aside.display()
        );
    }
    Ok(())
}

/// The time for PostgreSQL, which no backup can be restored to before it was made.
fn time_of(text: &str, manifest: &Manifest) -> Result<String, CommandError> {
    let read = || {
        DateTime::parse_from_rfc3339(text)
            .map(|at| at.to_utc())
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc()))
    };
    let at: DateTime<Utc> = read().map_err(|_| {
        CommandError::Usage(format!(
            "{text:?} is no time such as 2026-11-27T21:00:00Z or 2026-11-27 21:00:00"
        ))
    })?;
    if at < manifest.point_at {
        return Err(CommandError::Failed(format!(
            "{} was made up to {}: choose an earlier backup for {}",
            manifest.name,
            manifest.point_at.to_rfc3339(),
            at.to_rfc3339()
        )));
    }
    Ok(at.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
}

/// Makes room in the data directory of this console, when that is where it goes and somebody says so.
fn make_room(config: &Config, dir: &Path) -> Result<Option<PathBuf>, CommandError> {
    if !dir.join("postgres/data/PG_VERSION").exists() {
        return Ok(None);
    }
    let is_own =
        dir.canonicalize().ok() == config.data_dir.canonicalize().ok() && config.database_url.is_none();
    if !is_own {
        let told = format!("{} holds a database already: give a directory that does not", dir.display());
        return Err(CommandError::Failed(told));
    }
    if Cluster::attach(dir).is_ok() {
        return Err(CommandError::Failed(
            "the console is running: stop it before its database is replaced".to_owned(),
        ));
    }
    let instance = config.instance();
    eprint!(
        "This replaces the database of {}. Type its name, {}, to go on: ",
        dir.display(),
        plain(&instance)
    );
    let mut typed = String::new();
    io::stderr()
        .flush()
        .and_then(|()| io::stdin().lock().read_line(&mut typed))
        .map_err(CommandError::failed)?;
    if typed.trim() != instance {
        return Err(CommandError::Failed("that is not its name: nothing was changed".to_owned()));
    }
    let at = Clock::system().now().format("%Y%m%dT%H%M%SZ").to_string();
    Ok(Some(restore::set_aside(dir, &at)?))
}
