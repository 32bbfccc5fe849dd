//! Tests.

mod support;

mod postgres;
