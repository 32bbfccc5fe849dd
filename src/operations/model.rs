//! What an operation is made of.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::schema::operations;
use crate::runtime::Entropy;

/// `op_` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationId(String);

impl OperationId {
    #[must_use]
    pub fn new(entropy: Entropy) -> Self {
        Self(format!("op_{}", entropy.uuid().simple()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperationId {
    type Err = crate::db::ids::NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits =
            text.strip_prefix("op_").filter(|digits| digits.len() == 32 && digits.bytes().all(is_digit));
        digits.map(|_| Self(text.to_owned())).ok_or(crate::db::ids::NotAnId)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far an operation is, in the words of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The column takes no other words.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        [Self::Pending, Self::InProgress, Self::Completed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
            .unwrap_or(Self::Failed)
    }

    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// A row of `pilothouse.operations`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = operations)]
pub struct Operation {
    pub id: String,
    #[diesel(column_name = parent_id)]
    pub parent: Option<String>,
    pub verb: String,
    pub status: String,
    #[diesel(column_name = container_id)]
    pub container: Option<ContainerId>,
    pub container_name: String,
    #[diesel(column_name = engine_container_id)]
    pub engine_container: Option<String>,
    #[diesel(column_name = project_id)]
    pub project: Option<ProjectId>,
    #[diesel(column_name = owner_id)]
    pub owner: Option<UserId>,
    #[diesel(column_name = asked_by)]
    pub asker: Option<UserId>,
    pub asked_by_name: String,
    #[diesel(column_name = request_id)]
    pub request: Option<String>,
    pub asked_at: DateTime<Utc>,
    pub begun_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub answer: Option<String>,
    /// What was asked for besides the verb.
    pub settings: Value,
    pub stage: Option<String>,
}

/// The stage in which an image is pulled: until it is over, a making can be taken back.
pub const PULLING: &str = "pull";

impl Operation {
    #[must_use]
    pub fn status(&self) -> Status {
        Status::from_stored(&self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_is_one() {
        let id = OperationId::new(Entropy);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for odd in ["", "op_", "op_x", &id.as_str()[3..], &id.as_str().to_uppercase(), &format!("{id}0")] {
            assert!(odd.parse::<OperationId>().is_err(), "{odd}");
        }
    }
}
