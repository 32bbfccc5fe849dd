//! What tests stand on.

pub mod answer;
pub mod client;
pub mod console;
pub mod db;
pub mod git;
pub mod stage;
