//! `pilothouse backup …` and `pilothouse restore`

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Subcommand;

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::app;
use crate::backups::copies::{self, Copy};
use crate::backups::create::About;
use crate::backups::store::Manifest;
use crate::backups::{BackupError, Bucket, KEY_FILE, Vault, create, dump, proof, records, restore};
use crate::config::Config;
use crate::db::{Actor, DbError};
use crate::outgoing::Outgoing;
use crate::postgres::{Cluster, ClusterConfig};
use crate::runtime::Clock;

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Make a backup now.
    Create,
    /// List the backups, one a line, the newest last; with buckets also how each copy stands.
    List {
        /// Those that a bucket of `PILOTHOUSE_BACKUP_BUCKETS` has, by its name.
        #[arg(long, value_name = "BUCKET")]
        from: Option<String>,
    },
    /// Copy to each bucket of `PILOTHOUSE_BACKUP_BUCKETS` what it lacks; a console that serves does it by itself.
    Copy,
    /// Check that a backup is whole: sums, seals and the log that it needs.
    Verify {
        /// Which; the newest without a name.
        name: Option<String>,
        /// Restore it beside the database and compare, too.
        #[arg(long)]
        prove: bool,
        /// The copy in this bucket, by its name.
        #[arg(long, value_name = "BUCKET")]
        from: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArguments {
    /// The backup, as `backup list` names it.
    name: String,
    /// Everything that was committed by then (RFC 3339, or UTC as 2026-11-27 21:00:00), and nothing later.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// From the copy in this bucket of `PILOTHOUSE_BACKUP_BUCKETS`, by its name.
    #[arg(long, value_name = "BUCKET")]
    from: Option<String>,
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
        BackupCommand::List { from: None } => list(&config),
        BackupCommand::List { from: Some(bucket) } => list_of(&config, &bucket),
        BackupCommand::Copy => copy(config),
        BackupCommand::Verify { name, prove, from } => verify(&config, name, prove, from.as_deref()),
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
    let gone = vault.prune(std::slice::from_ref(&manifest.name))?;
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
    let names = vault.names()?;
    let copies = if config.buckets.is_empty() || names.is_empty() { Vec::new() } else { copies_of(config) };
    for name in names {
        let mut told = match vault.manifest(&name) {
            Ok(manifest) => line(&manifest),
            Err(error) => format!("{name}\t{error}"),
        };
        for copy in copies.iter().filter(|copy| copy.backup == name) {
            told.extend(["\t", &copy.bucket, "=", &copy.state]);
        }
        println!("{told}");
    }
    Ok(())
}

/// How copies stand, as far as the database can be asked: the list needs none.
fn copies_of(config: &Config) -> Vec<Copy> {
    let read = |database: &Database| {
        let app = database.app(config.clone())?;
        app.db
            .read_blocking(&Actor::System, |conn| copies::all(conn).map_err(DbError::from))
            .map_err(CommandError::failed)
    };
    let told = Database::for_command(config).and_then(|database| {
        let copies = read(&database);
        database.stop();
        copies
    });
    told.unwrap_or_else(|error| {
        eprintln!("How copies stand can't be told: {error}");
        Vec::new()
    })
}

fn list_of(config: &Config, bucket: &str) -> CommandResult {
    let copies = copies_in(config, bucket)?;
    for name in copies.names()? {
        match copies.manifest(&name) {
            Ok(manifest) => println!("{}", line(&manifest)),
            Err(error) => println!("{name}\t{error}"),
        }
    }
    Ok(())
}

/// The copies in a bucket, with the key that they are sealed with.
fn copies_in(config: &Config, name: &str) -> Result<Vault, CommandError> {
    if config.backup_key.is_none() && !config.data_dir.join(KEY_FILE).exists() {
        return Err(CommandError::Usage(
            "copies open with nothing but the key that sealed them: set PILOTHOUSE_BACKUP_KEY to it"
                .to_owned(),
        ));
    }
    let buckets = buckets(config)?;
    let Some(bucket) = buckets.iter().find(|bucket| bucket.name == name) else {
        let names: Vec<&str> = buckets.iter().map(|bucket| bucket.name.as_str()).collect();
        return Err(CommandError::Usage(format!(
            "PILOTHOUSE_BACKUP_BUCKETS has no bucket {name}{}",
            if names.is_empty() { String::new() } else { format!(", only {}", names.join(", ")) }
        )));
    };
    let vault = app::vault(config)?;
    bucket.is_of(&vault.fingerprint())?;
    Ok(vault.in_bucket(bucket))
}

fn buckets(config: &Config) -> Result<Vec<Bucket>, CommandError> {
    Ok(app::buckets(config, &Outgoing::to(config.outside.private_targets.clone()))?)
}

fn copy(config: Config) -> CommandResult {
    let buckets = buckets(&config)?;
    if buckets.is_empty() {
        return Err(CommandError::Usage("PILOTHOUSE_BACKUP_BUCKETS names no bucket".to_owned()));
    }
    let database = Database::for_command(&config)?;
    let outcome = copy_to(&database, config, &buckets);
    database.stop();
    outcome
}

fn copy_to(database: &Database, config: Config, buckets: &[Bucket]) -> CommandResult {
    database.migrate().map_err(CommandError::failed)?;
    let vault = app::vault(&config)?;
    let app = database.app(config)?;
    app.db.write_blocking(&Actor::System, |conn| copies::keep(conn, buckets).map_err(DbError::from))?;
    let mut failed = Vec::new();
    for bucket in buckets {
        match copies::copy(&app.db, &vault, bucket, app.clock.now(), &|| false) {
            Ok(_) => println!("{} has everything.", bucket.name),
            Err(error) => failed.push(error.to_string()),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(CommandError::Failed(failed.join("; "))) }
}

fn verify(config: &Config, name: Option<String>, prove: bool, from: Option<&str>) -> CommandResult {
    let vault = from.map_or_else(|| Ok(app::vault(config)?), |bucket| copies_in(config, bucket))?;
    let name = match name {
        Some(name) => name,
        None => vault
            .newest(Clock::system().now())?
            .ok_or_else(|| CommandError::Failed("there is no backup yet".to_owned()))?,
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
    let bucket = arguments.from.as_deref();
    let vault = bucket.map_or_else(|| Ok(app::vault(config)?), |bucket| copies_in(config, bucket))?;
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
