//! Ids as types, so that a user's can't be passed for a project's.

/// Declares the type of a uuid column's ids.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow, serde::Serialize)]
        #[serde(transparent)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::identity::NotAnId;

            /// 36 characters as the console itself writes them, in either case: other programs write capitals.
            fn from_str(text: &str) -> Result<Self, $crate::identity::NotAnId> {
                let id = uuid::Uuid::try_parse(text).map_err(|_| $crate::identity::NotAnId)?;
                if text.len() == uuid::fmt::Hyphenated::LENGTH { Ok(Self(id)) } else { Err($crate::identity::NotAnId) }
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::from_sql(value).map(Self)
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }
    };
}
pub(crate) use uuid_id;

/// The text is no id: a page at that address does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

uuid_id! {
    /// `users.id`
    UserId
}
uuid_id! {
    /// `sessions.id` (not the token, which only its holder knows)
    SessionId
}

#[cfg(test)]
mod tests {
    use super::UserId;

    #[test]
    fn an_id_is_read_in_either_case_and_written_in_one() {
        let id = "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c";
        for same in [id.to_owned(), id.to_uppercase(), id.replace('c', "C")] {
            assert_eq!(same.parse::<UserId>().unwrap().to_string(), id);
        }
        let simple = id.replace('-', "");
        for odd in
            ["", "1", &simple, &format!("{{{id}}}"), &format!("urn:uuid:{id}"), &format!("{simple}0000")]
        {
            assert!(odd.parse::<UserId>().is_err(), "{odd}");
        }
    }
}
