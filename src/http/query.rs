//! The query of an address, strictly read.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::forms;
use crate::error::AppError;

/// What has one value in every address of the console. Two would be read as either by somebody.
const SINGLE: [&str; 15] = [
    "format", "q", "sort", "limit", "offset", "cursor", "before", "after", "from", "to", "since", "until",
    "ref", "next", "notice",
];

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

    /// The value of `name` as it is, blank or not: for texts that may be anything.
    ///
    /// # Errors
    /// A sentence for the person who sent it: there is none, or there are two.
    pub fn only(&self, name: &str) -> Result<&str, String> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next().ok_or_else(|| format!("The address lacks {name}."))?;
        if values.any(|other| other != first) { Err(format!("Give {name} once.")) } else { Ok(first) }
    }

    /// Whether nothing has two values that has one.
    pub fn check(&self) -> Result<(), String> {
        for name in SINGLE {
            let mut values = self.all(name);
            if let Some(first) = values.next()
                && values.any(|other| other != first)
            {
                return Err(format!("Give {name} once."));
            }
        }
        Ok(())
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

/// Reads the query of an address.
pub fn parse(text: &str) -> Result<Query, String> {
    let query = Query(forms::pairs(text.as_bytes())?);
    query.check()?;
    Ok(query)
}

impl FromRequest for Query {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map_err(AppError::BadRequest))
    }
}
