//! `pilothouse migrate`

use super::database::Database;
use super::{CommandError, CommandResult};
use crate::config::Config;

pub(super) fn run(config: &Config) -> CommandResult {
    let database = Database::for_command(config)?;
    let done = database.migrate().map_err(CommandError::failed)?;
    for name in &done {
        println!("ran {name}");
    }
    println!("The database is up to date.");
    database.stop();
    Ok(())
}
