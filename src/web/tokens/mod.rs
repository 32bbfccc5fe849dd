//! Tokens of programs.

pub mod index;
mod rows;

pub use rows::TokenRow;
