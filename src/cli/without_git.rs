//! `pilothouse import git` in a build that can't read git repositories.

use std::ffi::OsString;

use clap::Args;

use super::{CommandError, CommandResult};
use crate::config::Config;

/// Record a git repository's history as pushes of a project (not in this build).
#[derive(Debug, Args)]
pub(super) struct ImportGit {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _arguments: Vec<OsString>,
}

pub(super) fn run(_: Config, _: &ImportGit) -> CommandResult {
    Err(CommandError::failed(
        "This build can't read git repositories: it was made without the Cargo feature `git`. \
         Use one that was made with it, as `cargo build --release` does.",
    ))
}
