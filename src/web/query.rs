//! The query of an address, strictly read.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use std::str::FromStr;

use super::forms;
use crate::db::cursor::From as Start;
use crate::error::{AppError, AppResult};

/// How many rows a list shows unless the address says otherwise.
pub const LIMIT: usize = 50;
/// The most rows that a list shows.
pub const LARGEST_LIMIT: usize = 100;

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

    /// `limit`: how many rows to show. More than [`LARGEST_LIMIT`] is cut to it.
    ///
    /// # Errors
    /// 400 for less than one row, or no number.
    pub fn limit(&self) -> AppResult<usize> {
        let Some(text) = self.first("limit") else { return Ok(LIMIT) };
        let digits = text.trim_start_matches('0');
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AppError::BadRequest(format!(
                "limit is {text:?}; it must be a number from 1 to {LARGEST_LIMIT}."
            )));
        }
        // What is too large for a number is too large for a page.
        Ok(digits.parse().unwrap_or(LARGEST_LIMIT).min(LARGEST_LIMIT))
    }

    /// Where a list starts: `before` leads further down, `after` back up.
    ///
    /// # Errors
    /// 400 for a text that is no position, or for both at once.
    pub fn start<P: FromStr>(&self) -> AppResult<Start<P>> {
        let position = |name: &str, text: &str| {
            text.parse().map_err(|_| AppError::BadRequest(format!("{name} is not a position in this list.")))
        };
        match (self.first("before"), self.first("after")) {
            (None, None) => Ok(Start::Start),
            (Some(at), None) => Ok(Start::Beyond(position("before", at)?)),
            (None, Some(at)) => Ok(Start::Back(position("after", at)?)),
            (Some(_), Some(_)) => Err(AppError::BadRequest("Use before or after, not both.".to_owned())),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(forms::pairs(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_limit_is_cut_or_refused() {
        for (text, limit) in
            [("", 50), ("limit=", 50), ("limit=7", 7), ("limit=101", 100), ("limit=9223372036854775808", 100)]
        {
            assert_eq!(query(text).limit().ok(), Some(limit), "{text}");
        }
        for bad in ["0", "00", "-1", "abc", "1.5", "1e3", "%2B5", "٣"] {
            assert!(query(&format!("limit={bad}")).limit().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_starts_at_one_place() {
        assert_eq!(query("").start::<u8>().ok(), Some(Start::Start));
        assert_eq!(query("before=7").start::<u8>().ok(), Some(Start::Beyond(7)));
        assert_eq!(query("after=7").start::<u8>().ok(), Some(Start::Back(7)));
        assert!(query("before=x").start::<u8>().is_err());
        assert!(query("before=7&after=8").start::<u8>().is_err());
    }
}
