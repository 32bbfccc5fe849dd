//! Tests against the library and the program, with a database each.
#![expect(clippy::unwrap_used, reason = "what a test can't set up is a failure of the test")]
#![expect(clippy::disallowed_methods, reason = "tests look behind the scenes")]

#[path = "../support/panicking.rs"]
mod panicking;
#[path = "../support/proxy.rs"]
#[expect(dead_code, reason = "`bin/faults` also puts it before consoles")]
mod proxy;
mod support;

mod activity;
mod adoption;
mod architecture;
mod assistant;
mod backup;
mod backups;
mod copies;
mod data_dir;
mod demo;
mod dependencies;
mod drift;
mod engine;
mod faults;
#[cfg(feature = "git")]
mod hostile_repositories;
mod http;
#[cfg(feature = "git")]
mod import_git;
mod installing;
mod instances;
mod jobs;
mod languages;
mod live;
mod metrics;
mod plans;
mod postgres;
mod prose;
mod reports;
mod retention;
mod rls;
mod routes;
mod samples;
mod security;
mod seeds;
mod serve;
mod templates;
mod transactions;
mod web;
