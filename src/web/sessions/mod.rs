//! Signing in and out.

pub mod create;
pub mod destroy;
pub mod new;
