//! Tests.

mod support;

mod adoption;
mod drift;
mod plans;
mod postgres;
mod rls;
mod seeds;
