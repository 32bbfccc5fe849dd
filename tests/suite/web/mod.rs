//! Pages over a real server on a real database, by their addresses.

mod account;
mod containers;
mod errors;
mod headers;
mod input;
mod passwords;
mod projects;
mod sessions;
mod timeline;
mod users;
