//! Containers as the `containers` table knows them. No engine is asked yet: every state is what a worker
//! last wrote, and is shown with when that was.

pub mod exported;
mod model;
pub mod plain;
pub mod queries;

pub use model::{Status, Verb};
