//! Ids as types, so that a user's can't be passed for a project's.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// 36 characters as the console itself writes them, in either case: other programs write capitals.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                if text.len() == uuid::fmt::Hyphenated::LENGTH { Ok(Self(id)) } else { Err(NotAnId) }
            }
        }

        impl FromSql<diesel::sql_types::Uuid, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
                FromSql::<diesel::sql_types::Uuid, Pg>::from_sql(value).map(Self)
            }
        }

        impl ToSql<diesel::sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
                ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&self.0, out)
            }
        }
    };
}

/// The text is no id: a page at that address does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

uuid_id! {
    /// `users.id`
    UserId
}
uuid_id! {
    /// `projects.id`
    ProjectId
}
uuid_id! {
    /// `containers.id` (not the engine's id, which is `containers.container_id`)
    ContainerId
}
uuid_id! {
    /// `sessions.id` (not the token, which only its holder knows)
    SessionId
}
uuid_id! {
    /// `chat_messages.id`
    MessageId
}
uuid_id! {
    /// `file_storage.id`
    FileId
}
uuid_id! {
    /// `pilothouse.jobs.id`
    JobId
}

#[cfg(test)]
mod tests {
    use super::ProjectId;

    #[test]
    fn an_id_is_read_in_either_case_and_written_in_one() {
        let id = "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c";
        for same in [id.to_owned(), id.to_uppercase(), id.replace('c', "C")] {
            assert_eq!(same.parse::<ProjectId>().unwrap().to_string(), id);
        }
        let simple = id.replace('-', "");
        for odd in
            ["", "1", &simple, &format!("{{{id}}}"), &format!("urn:uuid:{id}"), &format!("{simple}0000")]
        {
            assert!(odd.parse::<ProjectId>().is_err(), "{odd}");
        }
    }
}
