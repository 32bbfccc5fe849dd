//! `pilothouse token …`

use clap::Subcommand;

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::config::Config;
use crate::db::{Actor, SecretHash};
use crate::identity::Principal;
use crate::tokens::commands::{self, LONGEST_DAYS, NewToken, Reach};
use crate::tokens::{TokenName, TokenScopes, new_secret};
use crate::users::queries;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for a program, and print it once.
    Create {
        /// Who uses it, such as "CI of shop".
        #[arg(long)]
        name: String,
        /// What it may do: read, report or operate. Repeat it for several.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// A project, by its id. Repeat it for several; without any it is for all projects.
        #[arg(long)]
        project: Vec<String>,
        /// Whose rights it has, by address: it works while they are active, in projects that they still own.
        #[arg(long)]
        user: Option<String>,
        /// Until it expires; without it the token works until it is revoked.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..=i64::from(LONGEST_DAYS)))]
        days: Option<i32>,
    },
}

pub(super) fn run(config: Config, command: TokenCommand) -> CommandResult {
    let TokenCommand::Create { name, scope, project, user, days } = command;
    let name = TokenName::parse(&name).map_err(CommandError::Usage)?;
    let scopes = TokenScopes::parse(scope.iter().map(String::as_str)).map_err(CommandError::Usage)?;
    let projects = project.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>();
    let projects =
        projects.map_err(|_| CommandError::Usage("a project is named by its id, a uuid".to_owned()))?;
    let reach = if projects.is_empty() { Reach::All } else { Reach::Projects(projects) };
    let database = Database::for_command(&config)?;
    database.migrate().map_err(CommandError::failed)?;
    let outcome = database.app(config).and_then(|app| {
        let secret = new_secret(app.entropy);
        let hash = SecretHash::of(&secret);
        let principal = Principal::system(app.clock.now());
        app.db.write_blocking(&Actor::System, |conn| {
            let maker = match user.as_deref() {
                None => None,
                Some(address) => {
                    let unknown = || CommandError::Failed(format!("no user has the address {address}"));
                    Some(queries::maker(conn, address.trim())?.ok_or_else(unknown)?)
                }
            };
            let of_admin = maker.is_none_or(|(_, is_admin)| is_admin);
            let new = NewToken { name, scopes, reach, maker: maker.map(|(id, _)| id), days };
            commands::make(conn, &principal, &new, of_admin, &hash).map_err(CommandError::failed)
        })?;
        // Alone on standard output, so that a script can take it.
        println!("{}", plain(&secret));
        eprintln!("This is the token. It is not stored and will not be shown again.");
        Ok(())
    });
    database.stop();
    outcome
}
