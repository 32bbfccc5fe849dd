//! Tests against the library and the program, with a database each.
#![expect(clippy::unwrap_used, reason = "what a test can't set up is a failure of the test")]
#![expect(clippy::disallowed_methods, reason = "tests look behind the scenes")]

mod support;

mod activity;
mod adoption;
mod architecture;
mod demo;
mod dependencies;
mod drift;
mod import_git;
mod plans;
mod postgres;
mod prose;
mod rls;
mod routes;
mod security;
mod seeds;
mod serve;
mod templates;
mod web;
