//! Tests.

mod support;

mod adoption;
mod drift;
mod postgres;
mod rls;
mod seeds;
