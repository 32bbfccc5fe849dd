//! Pages over a real server on a real database, by their addresses.

mod account;
mod addresses;
mod audit;
mod chat;
mod containers;
mod dashboard;
mod days;
mod errors;
mod exports;
mod files;
mod health;
mod input;
mod insights;
mod odd_times;
mod operations;
mod passwords;
mod projects;
mod search;
mod sessions;
mod spelling;
mod threads;
mod timeline;
mod users;
mod weights;
