//! Pilothouse.

pub mod db;
pub mod postgres;
