//! Journeys through a real browser, and what only a browser can tell of a page.
#![expect(clippy::unwrap_used, reason = "what a test can't set up is a failure of the test")]
#![expect(clippy::expect_used, reason = "what a machine lacks is worth a sentence")]
#![expect(clippy::disallowed_methods, reason = "tests look behind the scenes")]

mod accessibility;
mod assistant;
mod axe;
mod browser;
mod container;
mod forms;
mod journeys;
mod keys;
mod live;
mod narrow;
mod outage;
mod paper;
#[path = "../suite/support/mod.rs"]
#[expect(dead_code, reason = "shared with the suite, which uses the rest")]
mod support;
