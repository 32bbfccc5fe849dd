//! Containers as the `containers` table knows them: what workers report, and what an engine was seen to hold.

pub mod commands;
pub mod exported;
mod model;
pub mod plain;
pub mod queries;

pub use model::{Observation, Status, Verb};
