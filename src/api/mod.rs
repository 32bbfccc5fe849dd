//! JSON for programs.

mod activities;
mod answers;
mod containers;
mod events;
mod feed;
mod fields;
pub mod openapi;
mod operate;
mod projects;
mod records;
mod report_activities;
mod reporting;
pub mod routes;
mod webhooks;
