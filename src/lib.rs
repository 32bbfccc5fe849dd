//! Pilothouse.
