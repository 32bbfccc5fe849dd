//! What the console does to containers for somebody.
//!
//! A command writes what was asked for, and a job to carry it out, in one transaction. The job asks the engine, with no
//! transaction open, and another command records what came of it. So an operation may be carried out twice when a process
//! dies in between, and is settled by looking at the container.

pub mod cancelling;
pub mod commands;
pub mod making;
mod model;
pub mod queries;
pub mod settling;

pub use model::{Operation, OperationId, PULLING, Status};
