//! Pilothouse: a web console for projects that run in containers.
//!
//! Nouns (`users`, `projects`, `containers`, `chat`, `files`, `activity`, `search` and more) hold rows, reads, writes
//! and rules, and know no HTTP. Surfaces (`web`, `api`, `cli`, `jobs`) are thin and import nouns, never each other; what
//! they share for the wire is `http`.

// The templates of this crate and of its tests name the escaper by one path (askama.toml).
extern crate self as pilothouse;

// Time and chance, which tests hold still.
pub mod runtime;
// Texts that no log may show.
pub mod secret;
// Closed lists of stored words, with what the console knows about each.
pub mod vocabulary;
// Who acts, and what they are called.
pub mod identity;

// What one process is made of: configuration, database, clock, randomness.
pub mod app;
// Every environment variable: its default, its meaning and its check.
pub mod config;
// The data directory: what lies there is trusted only when nobody else can have put it there.
pub mod data_dir;
// The only door to PostgreSQL: pool, transactions by actor, migrations, drift.
pub mod db;
// The container engine behind one handle.
pub mod engine;
// What can go wrong for a caller, in few kinds.
pub mod error;
// The embedded PostgreSQL server.
pub mod postgres;

// The record of what happened: actions, events and audit entries on one timeline.
pub mod activity;
// What happens on the way from a visitor's first message to a project.
pub mod analytics;
// What a visitor says becomes a description of a project.
pub mod assistant;
// Who did what in the console.
pub mod audit;
// Passwords, sessions, one-time links, and the viewer whom a session belongs to.
pub mod auth;
// Copies of everything, and the proof that they can be restored.
pub mod backups;
// Conversations with the builder.
pub mod chat;
// Containers as the `containers` table knows them.
pub mod containers;
// The CRM and what its answers mean.
pub mod crm;
// An invented world to look at, for `serve --demo`.
pub mod demo;
// What is to be built: drafts, edited and posted by their owners.
pub mod drafts;
// Files of projects, as a tree of their paths.
pub mod files;
// What containers used, as samples.
pub mod figures;
// How much of what happened, how it ended, how long it took, what it cost.
pub mod insights;
// The instance as a whole: how much of everything there is.
pub mod instance;
// Figures for who watches over many instances.
pub mod metrics;
// How somebody reads what containers write.
pub mod logs;
// What engines show of containers, held against the records.
pub mod observations;
// What is done to containers for somebody: asked for, carried out, put on record.
pub mod operations;
// What other programs are asked over HTTP.
pub mod outgoing;
// Projects and what their owners may do with them.
pub mod projects;
// Work that runs by itself: what waits for it, and how it went.
pub mod queue;
// Git repositories, and what their history says was pushed.
#[cfg(feature = "git")]
pub mod repositories;
// Who sent somebody here.
pub mod referrals;
// What programs report: activities, events, the records that references point to.
pub mod reports;
// What is kept for a time, and what deletes the rest.
pub mod retention;
// Finding things by name or id.
pub mod search;
// Tokens of programs.
pub mod tokens;
// People who can sign in.
pub mod users;
// What other services deliver: signed, kept as it came, worked off by a job.
pub mod webhooks;

// What the surfaces share for the wire.
pub mod http;

// JSON for programs.
pub mod api;
// The command line.
pub mod cli;
// What the console does by itself: working off the queue.
pub mod jobs;
pub mod live;
// Building the HTTP server that `serve` and the tests share.
pub mod server;
// Logging.
pub mod telemetry;
// HTML for people.
pub mod web;
