//! JSON for programs.

mod activities;
pub mod routes;
