//! What the console promises about security and bad input, tried on the running program.
//! `docs/security.md` lists the promises with the test of each.

mod connections;
mod input;
mod isolation;
mod kinds;
mod parsers;
mod process;
mod races;
mod sign_in;
