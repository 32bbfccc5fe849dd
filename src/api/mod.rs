//! JSON for programs.

mod activities;
pub mod problem;
pub mod routes;
