//! Pages, asked for over HTTP.

mod account;
mod passwords;
mod people;
mod projects;
mod users;
