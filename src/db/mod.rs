//! The console's database.

pub mod migrations;
