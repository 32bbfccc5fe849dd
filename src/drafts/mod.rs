//! Drafts: what somebody wants built, from a first sentence to a project.

pub mod commands;
pub mod crediting;
pub mod git_host;
pub mod model;
pub mod outbox;
pub mod publishing;
pub mod queries;
pub mod selling;
pub mod wireframe;

pub use model::{Status, Texts};
