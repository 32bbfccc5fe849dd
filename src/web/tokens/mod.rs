//! Tokens of programs.

pub mod index;
pub mod rows;

pub use rows::TokenRow;
