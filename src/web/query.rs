//! The query of an address, strictly read.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::forms;
use crate::error::AppError;

/// The decoded pairs in their order. Names that a page does not know are ignored by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// The first value of `name` that is not blank.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of `name` that is not blank: a form sends its empty fields too.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.trim().is_empty())
            .map(|(_, v)| v.as_str())
    }

    /// The pairs without those named in `names`, and without blank ones: for links that change them.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0
            .iter()
            .filter(|(key, value)| !names.contains(&key.as_str()) && !value.trim().is_empty())
            .cloned()
            .collect()
    }
}

impl FromRequest for Query {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(forms::pairs(request.query_string().as_bytes()).map(Self).map_err(AppError::BadRequest))
    }
}
