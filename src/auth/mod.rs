//! Who acts: passwords, sessions, one-time links and the viewer of a request.

pub mod act_rate;
pub mod blocks;
pub mod password;
pub mod password_links;
pub mod queue;
pub mod recent_viewers;
pub mod sessions;
pub mod sign_in;
pub mod throttle;
pub mod viewer;
