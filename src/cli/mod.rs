//! The command line: one file a command. Output is for people; exit codes are 0 (done), 1 (not done, the
//! last line says why) and 2 (wrong usage or configuration).

mod backup;
mod database;
mod demo_life;
mod doctor;
#[cfg_attr(not(feature = "git"), path = "without_git.rs")]
mod import_git;
mod migrate;
mod plain;
mod retention;
mod serve;
mod timeline;
mod token;
mod user;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use plain::plain;

/// A web console for projects that run in containers.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console (the default). Migrates the database first.
    Serve(ServeArguments),
    /// Bring the database's schema up to date.
    Migrate,
    /// Check configuration, database, schema, roles and engine.
    Doctor,
    /// Manage the people who can sign in.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Manage the tokens that programs report with.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Hold what triggers keep of the timeline's rows against those rows.
    #[command(subcommand)]
    Timeline(timeline::TimelineCommand),
    /// Make, list and check backups.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Make a data directory, or fill an empty database, from a backup.
    Restore(backup::RestoreArguments),
    /// Delete what is older than its rule.
    Retention(retention::RetentionArguments),
    /// Bring in history from elsewhere.
    #[command(subcommand)]
    Import(ImportCommand),
}

#[derive(Debug, Default, clap::Args)]
struct ServeArguments {
    /// Fill an empty console with months of invented life, and say how to sign in.
    #[arg(long)]
    demo: bool,
    /// Listen here instead of `PILOTHOUSE_LISTEN`.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    Git(import_git::ImportGit),
}

/// Why a command was not carried out, for the person who typed it.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// Nothing can be done with this configuration, for so many reasons.
    #[error("The configuration can't be used")]
    Configuration(Vec<String>),
    /// Nothing can be done with these arguments.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// The error on one line: what libpq says spans several.
    fn failed(error: impl std::fmt::Display) -> Self {
        let text = error.to_string();
        Self::Failed(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<crate::db::DbError> for CommandError {
    fn from(error: crate::db::DbError) -> Self {
        Self::failed(error)
    }
}

impl From<diesel::result::Error> for CommandError {
    fn from(error: diesel::result::Error) -> Self {
        crate::db::DbError::from(error).into()
    }
}

type CommandResult = Result<(), CommandError>;

/// Reads the arguments and the environment, and does what they say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    crate::telemetry::start();
    let outcome = Config::from_env()
        .map_err(|problems| CommandError::Configuration(problems.iter().map(ToString::to_string).collect()))
        .and_then(|config| match cli.command.unwrap_or(Command::Serve(ServeArguments::default())) {
            Command::Serve(arguments) => serve::run(config, &arguments),
            Command::Migrate => migrate::run(&config),
            Command::Doctor => doctor::run(&config),
            Command::User(command) => user::run(config, command),
            Command::Token(command) => token::run(config, command),
            Command::Timeline(command) => timeline::run(&config, command),
            Command::Backup(command) => backup::run(config, command),
            Command::Restore(arguments) => backup::restore(&config, &arguments),
            Command::Retention(arguments) => retention::run(config, &arguments),
            Command::Import(ImportCommand::Git(arguments)) => import_git::run(config, &arguments),
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pilothouse: {}", plain(&error.to_string()));
            match error {
                CommandError::Configuration(problems) => {
                    for problem in problems {
                        eprintln!("  {}", plain(&problem));
                    }
                    ExitCode::from(2)
                }
                CommandError::Usage(_) => ExitCode::from(2),
                CommandError::Failed(_) => ExitCode::FAILURE,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
