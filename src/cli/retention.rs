//! `pilothouse retention`

use super::database::Database;
use super::{CommandError, CommandResult};
use crate::config::Config;
use crate::db::{Actor, DbError};
use crate::retention::run::{self, Outcome};

#[derive(Debug, clap::Args)]
pub(super) struct RetentionArguments {
    /// Only say what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(config: Config, arguments: &RetentionArguments) -> CommandResult {
    let database = Database::for_command(&config)?;
    let outcome = delete(&database, config, arguments.dry_run);
    database.stop();
    outcome
}

fn delete(database: &Database, config: Config, dry_run: bool) -> CommandResult {
    if !dry_run {
        database.migrate().map_err(CommandError::failed)?;
    }
    let app = database.app(config)?;
    if dry_run {
        let due = app.db.read_blocking(&Actor::System, |conn| run::preview(conn).map_err(DbError::from))?;
        for (class, count) in &due {
            println!("{}: {count} would go", class.facts().label);
        }
        println!("Nothing was deleted.");
        return Ok(());
    }
    match run::run(&app.db, app.clock.now(), || false)? {
        Outcome::Complete(gone) => println!("Deleted: {}.", run::in_words(&gone)),
        Outcome::Stopped => println!("Stopped."),
    }
    Ok(())
}
