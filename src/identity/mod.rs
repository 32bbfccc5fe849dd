//! Who acts, and what they are called: everything may know this. Imports no other module.

mod email;
mod ids;
mod names;
mod principal;
mod role;
mod theme;
mod viewer;

pub use email::{Email, domain_spellings};
pub(crate) use ids::uuid_id;
pub use ids::{NotAnId, SessionId, UserId};
pub use names::{display_name, is_deceptive};
pub use principal::{Origin, Principal};
pub use role::Role;
pub use theme::Theme;
pub use viewer::{Admin, Viewer, ViewerProof};
