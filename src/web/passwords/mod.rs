//! passwords
