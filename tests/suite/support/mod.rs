//! What tests stand on.

pub mod console;
pub mod db;
