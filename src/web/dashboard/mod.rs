//! The first page: what runs, what failed, what happened since the last visit; for admins the instance.

pub mod chart;
pub mod figures;
pub mod show;
pub mod since;
