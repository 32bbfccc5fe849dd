//! Projects: what an owner builds, with the container it runs in and everything that happened to it.
//!
//! A project is never deleted by a request: its row would take its history's names along. Its status
//! becomes `deleted`, which can be taken back.

pub mod commands;
pub mod deletion;
pub mod exported;
mod json_text;
mod model;
pub mod plain;
pub mod queries;
pub mod visited;

pub use json_text::{BrokenJson, JsonText, Place};
pub use model::{Kind, Move, ProjectDescription, ProjectName, Status};
