//! The command line.

pub mod import_git;
