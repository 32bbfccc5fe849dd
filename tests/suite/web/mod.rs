//! Pages over a real server on a real database, by their addresses.

mod account;
mod audit;
mod chat;
mod containers;
mod cookies;
mod dashboard;
mod errors;
mod exports;
mod files;
mod framing;
mod headers;
mod health;
mod input;
mod passwords;
mod projects;
mod search;
mod sessions;
mod timeline;
mod users;
