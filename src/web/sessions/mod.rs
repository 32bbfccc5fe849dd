//! Signing in and out.

pub mod create;
pub mod destroy;
pub mod new;
mod next;

pub use next::{safe_next, sign_in_location};
