//! Tokens of programs: what each may do, where, and for how long. A token is 256 random bits behind `ph_`, shown once;
//! the database knows its SHA-256.

mod actor;
pub mod commands;
mod model;
pub mod queries;
mod rate;

pub use actor::{Token, current, touch};
pub use model::{Scope, TokenName, TokenScopes, new_secret};
pub use rate::TokenRate;
