//! Containers as the `containers` table knows them: what workers report, and what an engine was seen to hold.

pub mod commands;
pub mod exported;
pub mod made;
mod model;
pub mod plain;
pub mod ports;
pub mod queries;

pub use made::{Environment, Making, MountPath, NewContainer};
pub use model::{Observation, Status, Verb};
