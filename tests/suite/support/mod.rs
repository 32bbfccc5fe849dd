//! What tests stand on.

pub mod answer;
pub mod buckets;
pub mod console;
pub mod db;
pub mod engine;
pub mod fake_engine;
pub mod git;
pub mod outside;
pub mod person;
pub mod raw;
pub mod stage;
pub mod wire;
