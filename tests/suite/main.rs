//! Tests.

mod support;

mod import_git;
mod postgres;
