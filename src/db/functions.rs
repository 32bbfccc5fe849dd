//! Functions of PostgreSQL that queries of several nouns use.

use diesel::define_sql_function;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

define_sql_function! {
    /// Lower case, by the database's own rules.
    fn lower(text: Text) -> Text;
}

define_sql_function! {
    /// COALESCE of times.
    #[sql_name = "coalesce"]
    fn coalesce_time(at: Nullable<Timestamptz>, otherwise: Timestamptz) -> Timestamptz;
}

define_sql_function! {
    /// COALESCE of epoch milliseconds.
    #[sql_name = "coalesce"]
    fn coalesce_ms(at: Nullable<BigInt>, otherwise: BigInt) -> BigInt;
}

define_sql_function! {
    /// COALESCE of flags.
    #[sql_name = "coalesce"]
    fn coalesce_flag(flag: Nullable<Bool>, otherwise: Bool) -> Bool;
}
