//! What tests stand on.

pub mod answer;
pub mod client;
pub mod console;
pub mod db;
pub mod stage;
pub mod git;
