//! HTML for people. A page lives in `web/<noun>/<action>.rs` and `templates/<noun>/<action>.html`.

pub mod assets;
pub mod confirmation;
pub mod display;
pub mod error_page;
pub mod escape;
pub mod export;
pub mod flash;
pub mod health;
pub mod lists;
pub mod live;
pub mod metrics;
pub mod page;
pub mod path;
pub mod plain_text;
pub mod prose;

pub mod referrer;
pub mod routes;
pub mod session_rows;
pub mod shell;
pub mod state;
pub mod streamed;
pub mod time;
pub mod tokens;
pub mod urls;
pub mod version;

pub mod account;
pub mod activity;
pub mod api;
pub mod chat;
pub mod containers;
pub mod dashboard;
pub mod drafts;
pub mod engine;
pub mod files;
pub mod operations;
pub mod passwords;
pub mod projects;
pub mod references;
pub mod search;
pub mod sessions;
pub mod start;
pub mod threads;
pub mod users;
