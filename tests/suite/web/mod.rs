//! Pages over a real server on a real database, by their addresses.

mod account;
mod audit;
mod containers;
mod errors;
mod exports;
mod headers;
mod input;
mod passwords;
mod projects;
mod sessions;
mod users;
