//! Pages, asked for over HTTP.

mod projects;
