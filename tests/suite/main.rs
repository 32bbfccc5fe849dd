//! Tests.

mod support;

mod demo;
mod import_git;
mod postgres;
