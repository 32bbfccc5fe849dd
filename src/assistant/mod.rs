//! The assistant: what a visitor says becomes a description of a project, one question at a time.

pub mod conversation;
pub mod provider;
pub mod reading;
pub mod slots;
pub mod writing;
