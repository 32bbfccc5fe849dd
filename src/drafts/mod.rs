//! Drafts: what somebody wants built, from a first sentence to a project.

pub mod commands;
pub mod model;
pub mod queries;

pub use model::{Status, Texts};
