//! `pilothouse user …`

use std::io::{IsTerminal, Read};

use clap::Subcommand;

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::app::App;
use crate::auth::password;
use crate::config::Config;
use crate::db::Actor;
use crate::identity::{Email, Principal, Role};
use crate::users::commands::{self, ChangeError};
use crate::users::{UserName, queries};

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create a user who can sign in.
    Create {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// What the user is called.
        #[arg(long)]
        name: Option<String>,
        /// Let the user manage the whole instance.
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input instead of asking for it or making one up.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a user's password and end their sessions.
    SetPassword {
        /// The user's address.
        #[arg(long)]
        email: String,
        /// Read the password from standard input instead of asking for it or making one up.
        #[arg(long)]
        password_stdin: bool,
    },
}

pub(super) fn run(config: Config, command: UserCommand) -> CommandResult {
    match command {
        UserCommand::Create { email, name, admin, password_stdin } => {
            let email = Email::parse(&email).map_err(CommandError::Usage)?;
            let name = UserName::parse(name.as_deref().unwrap_or_default()).map_err(CommandError::Usage)?;
            let role = if admin { Role::Admin } else { Role::Owner };
            with_app(config, |app| create(app, &email, &name, role, password_stdin))
        }
        UserCommand::SetPassword { email, password_stdin } => {
            with_app(config, |app| set_password(app, email.trim(), password_stdin))
        }
    }
}

fn with_app(config: Config, work: impl FnOnce(&App) -> CommandResult) -> CommandResult {
    let database = Database::for_command(&config)?;
    database.migrate().map_err(CommandError::failed)?;
    let outcome = database.app(config).and_then(|app| work(&app));
    database.stop();
    outcome
}

fn create(app: &App, email: &Email, name: &UserName, role: Role, from_stdin: bool) -> CommandResult {
    let taken =
        |address: &str| CommandError::Failed(format!("a user with the address {address} exists already"));
    let known = app.db.read_blocking(&Actor::System, |conn| {
        queries::known_as(conn, email.as_str()).map_err(CommandError::from)
    })?;
    if let Some((_, address)) = known {
        return Err(taken(&address));
    }
    let chosen = choose_password(app, from_stdin)?;
    let hash = password::hash_blocking(&chosen.text).map_err(CommandError::failed)?;
    let principal = Principal::system(app.clock.now());
    app.db.write_blocking(&Actor::System, |conn| {
        commands::create(conn, &principal, email, name, role, Some(&hash)).map(|_| ()).map_err(|error| {
            match error {
                ChangeError::EmailTaken => taken(email.as_str()),
                ChangeError::EmailSimilar(address) => taken(&address),
                error => CommandError::failed(error),
            }
        })
    })?;
    let role = if role == Role::Admin { "admin" } else { "owner" };
    println!("Created {role} {}.", plain(email.as_str()));
    chosen.tell();
    Ok(())
}

fn set_password(app: &App, email: &str, from_stdin: bool) -> CommandResult {
    let known = app
        .db
        .read_blocking(&Actor::System, |conn| queries::known_as(conn, email).map_err(CommandError::from))?;
    let unknown = || CommandError::Failed(format!("no user has the address {email}"));
    let (_, stored) = known.ok_or_else(unknown)?;
    let chosen = choose_password(app, from_stdin)?;
    let hash = password::hash_blocking(&chosen.text).map_err(CommandError::failed)?;
    let principal = Principal::system(app.clock.now());
    app.db.write_blocking(&Actor::System, |conn| {
        commands::set_password_of(conn, &principal, &stored, &hash).map_err(|error| match error {
            ChangeError::NotFound => unknown(),
            error => CommandError::failed(error),
        })
    })?;
    println!("Set the password of {} and ended all sessions.", plain(&stored));
    chosen.tell();
    Ok(())
}

/// A password, and whether its person knows it already.
struct ChosenPassword {
    text: String,
    made_up: bool,
}

impl ChosenPassword {
    fn tell(&self) {
        if self.made_up {
            println!("Password (shown this once): {}", self.text);
        }
    }
}

/// More than the longest password has, so that one which is longer is told by its length.
const MOST_BYTES: u64 = 8 * password::LONGEST as u64;

/// The password in what standard input held: all of it, without the line break at its end and the mark that some
/// programs put before a text.
fn one_line(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes)
        .map_err(|_| "the password on standard input is not UTF-8: send it in that encoding".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return Err("there is no password on standard input".to_owned());
    }
    Ok(line.to_owned())
}

fn choose_password(app: &App, from_stdin: bool) -> Result<ChosenPassword, CommandError> {
    let text = if from_stdin {
        let mut bytes = Vec::new();
        std::io::stdin().take(MOST_BYTES).read_to_end(&mut bytes).map_err(CommandError::failed)?;
        one_line(bytes).map_err(CommandError::Failed)?
    } else if std::io::stdin().is_terminal() {
        let text = rpassword::prompt_password("Password: ").map_err(CommandError::failed)?;
        let again = rpassword::prompt_password("Again: ").map_err(CommandError::failed)?;
        if text != again {
            return Err(CommandError::Failed("the two passwords differ".to_owned()));
        }
        text
    } else {
        return Ok(ChosenPassword { text: made_up(app), made_up: true });
    };
    match password::problem(&text) {
        Some(problem) => Err(CommandError::Failed(format!("the password can't be used: {problem}"))),
        None => Ok(ChosenPassword { text, made_up: false }),
    }
}

/// 128 random bits in groups that can be typed.
pub(super) fn made_up(app: &App) -> String {
    let secret = app.entropy.secret();
    secret.as_bytes()[..32].chunks(8).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_line_without_its_end() {
        for (sent, read) in [
            ("correct horse", "correct horse"),
            ("correct horse\n", "correct horse"),
            ("correct horse\r\n", "correct horse"),
            ("\u{feff}correct horse\r\n", "correct horse"),
            (" correct horse \n", " correct horse "),
            ("correct\nhorse\n", "correct\nhorse"),
            ("correct horse\n\n", "correct horse\n"),
            ("correct horse\r", "correct horse\r"),
        ] {
            assert_eq!(one_line(sent.as_bytes().to_vec()).as_deref(), Ok(read), "{sent:?}");
        }
        for nothing in ["", "\n", "\r\n", "\u{feff}", "\u{feff}\n"] {
            assert!(one_line(nothing.as_bytes().to_vec()).is_err(), "{nothing:?}");
        }
        assert!(one_line(b"correct horse \xff".to_vec()).is_err());
    }
}
