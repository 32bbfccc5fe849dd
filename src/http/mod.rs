//! What the surfaces share for the wire: who asks and with what, and what surrounds every request. Knows no page.

pub mod api_request;
pub mod authed_request;
pub mod bodies;
pub mod connection;
pub mod connection_slots;
pub mod cookies;
pub mod forms;
pub mod framing;
pub mod guard;
pub mod head_lines;
pub mod headers;
pub mod held;
pub mod json;
pub mod origin;
pub mod problem;
pub mod query;
pub mod session_store;
pub mod sse;
pub mod token_rate;
