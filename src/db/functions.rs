//! Functions of PostgreSQL that queries of several nouns use.

use diesel::define_sql_function;
use diesel::sql_types::{Bool, Integer, Nullable, SingleValue, Text};

// The macro brings Diesel's own type of the same name.
use super::time::Timestamptz as TimeWithZone;

define_sql_function! {
    /// Lower case, by the database's own rules.
    fn lower(text: Text) -> Text;
}

define_sql_function! {
    /// The first so many characters.
    #[sql_name = "left"]
    fn beginning<T: SingleValue>(text: T, characters: Integer) -> T;
}

define_sql_function! {
    /// COALESCE of flags.
    #[sql_name = "coalesce"]
    fn coalesce_flag(flag: Nullable<Bool>, otherwise: Bool) -> Bool;
}

define_sql_function! {
    /// COALESCE of times.
    #[sql_name = "coalesce"]
    fn coalesce_time(at: Nullable<TimeWithZone>, otherwise: TimeWithZone) -> TimeWithZone;
}

define_sql_function! {
    /// LEAST of times.
    #[sql_name = "least"]
    fn least_time(one: TimeWithZone, other: TimeWithZone) -> TimeWithZone;
}

define_sql_function! {
    /// GREATEST of times.
    #[sql_name = "greatest"]
    fn greatest_time(one: TimeWithZone, other: TimeWithZone) -> TimeWithZone;
}
