//! What is kept for a time: a rule a class, holds that stop it, and the run that deletes what is older.
//!
//! Only [`crate::db::Actor::Retention`] may delete, and row-level security lets it delete what is over and what nobody
//! holds, whatever the rules say. Times are the database's.

mod class;
pub mod commands;
mod due;
pub mod queries;
pub mod run;
mod standing;

pub use class::{Class, ClassFacts};
