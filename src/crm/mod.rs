//! The CRM: what it is asked, and what its answers mean. It has no key against doing a thing twice, so whoever asks has to
//! know whether something may have been done.

mod ghl;

use std::time::Duration;

pub use ghl::Ghl;

/// Whom an opportunity is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub email: String,
    pub name: String,
    /// Nothing leaves it as the CRM has it; an empty one empties it.
    pub source: Option<String>,
}

/// What the CRM is told. Texts are plain.
#[derive(Debug, Clone, PartialEq)]
pub struct Opportunity {
    /// What tells it from every other one, also by another console.
    pub key: String,
    pub name: String,
    pub value: Option<f64>,
    pub source: Option<String>,
}

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// Nothing was done; it may be asked again after so long.
    #[error("{reason}")]
    Later { reason: String, after: Option<Duration> },
    /// Whether it was done has to be looked up.
    #[error("{0}")]
    Unclear(String),
    /// It wants a person: a key that is not taken, a pipeline that is not there.
    #[error("{0}")]
    NeedsPerson(String),
}

pub trait Crm: Send + Sync + std::fmt::Debug {
    /// Makes or finds the contact of an address; twice is once.
    fn upsert_contact(&self, contact: &Contact) -> Result<String, CrmError>;

    /// The opportunity of a contact that was made of `opportunity`, if there is one.
    fn find(&self, contact: &str, opportunity: &Opportunity) -> Result<Option<String>, CrmError>;

    fn create(&self, contact: &str, opportunity: &Opportunity) -> Result<String, CrmError>;

    /// Tells what an opportunity that is there says by now; twice is once.
    fn update(&self, id: &str, opportunity: &Opportunity) -> Result<(), CrmError>;
}
