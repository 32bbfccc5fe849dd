//! Pages over a real server on a real database, by their addresses.

mod account;
mod passwords;
mod projects;
mod users;
