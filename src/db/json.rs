//! JSON columns that other programs write: PostgreSQL nests deeper than a reader of JSON here goes.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable};
use serde_json::Value;

/// JSON as stored. What is nested too deeply to be read stays a text, as PostgreSQL writes it.
#[derive(Debug, Clone, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct StoredJson(Value);

impl FromSql<Jsonb, Pg> for StoredJson {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self(
                serde_json::from_slice(json)
                    .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(json).into_owned())),
            )),
            _ => Err("a version of binary JSON that is not known".into()),
        }
    }
}

impl From<StoredJson> for Value {
    fn from(json: StoredJson) -> Self {
        json.0
    }
}

/// A column of [`StoredJson`] that may be NULL, for `deserialize_as`.
#[derive(Debug, Clone)]
pub struct NullableJson(Option<Value>);

impl Queryable<Nullable<Jsonb>, Pg> for NullableJson {
    type Row = Option<StoredJson>;

    fn build(row: Option<StoredJson>) -> deserialize::Result<Self> {
        Ok(Self(row.map(Value::from)))
    }
}

impl From<NullableJson> for Option<Value> {
    fn from(json: NullableJson) -> Self {
        json.0
    }
}
