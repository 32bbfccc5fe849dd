//! Time and chance, which tests hold still. Imports no other module.

mod clock;
mod entropy;

pub use clock::Clock;
pub use entropy::{Entropy, hex};
