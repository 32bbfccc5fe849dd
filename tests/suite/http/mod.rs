//! What surrounds every request, over a real server.

mod cookies;
mod framing;
mod headers;
