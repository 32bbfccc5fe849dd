//! `pilothouse timeline …`

use clap::Subcommand;

use super::database::Database;
use super::{CommandError, CommandResult};
use crate::activity::upkeep::{self, Deed};
use crate::config::Config;
use crate::db::migrations;

/// What can be done with what triggers keep of the timeline's rows.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum TimelineCommand {
    /// Tell what is not as the triggers would have it, which happens to rows that came while none fired.
    ///
    /// Exits with 1 when something differs. Changes nothing.
    Check,
    /// Mend what `check` finds, while others go on writing.
    Rebuild,
}

pub(super) fn run(config: &Config, command: TimelineCommand) -> CommandResult {
    let database = Database::for_command(config)?;
    let outcome = match command {
        TimelineCommand::Check => check(&database),
        TimelineCommand::Rebuild => rebuild(&database),
    };
    database.stop();
    outcome
}

fn check(database: &Database) -> CommandResult {
    let mut conn = database.connect_as_owner()?;
    if !migrations::pending(&mut conn)?.is_empty() {
        return Err(CommandError::Failed(
            "the database is not up to date: run `pilothouse migrate`".to_owned(),
        ));
    }
    let mut differs = false;
    for step in upkeep::STEPS {
        let rows = step.run(&mut conn, Deed::Look)?;
        if rows > 0 {
            differs = true;
            println!("{rows} {}", step.finds);
        }
    }
    if differs {
        return Err(CommandError::Failed(
            "something differs, see above: `pilothouse timeline rebuild` mends it".to_owned(),
        ));
    }
    println!("Everything is as the triggers would have it.");
    Ok(())
}

fn rebuild(database: &Database) -> CommandResult {
    database.migrate().map_err(CommandError::failed)?;
    let mut conn = database.connect_as_owner()?;
    for step in upkeep::STEPS {
        let rows = step.run(&mut conn, Deed::Mend)?;
        if rows > 0 {
            println!("mended: {rows} {}", step.finds);
        }
    }
    upkeep::recount(&mut conn)?;
    println!("Everything is as the triggers would have it; the console counts days again.");
    Ok(())
}
