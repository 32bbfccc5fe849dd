//! What the console relies on in a session of the server, whatever its database or its login carries
//! (`ALTER DATABASE … SET`, `ALTER ROLE … SET`).
//!
//! `default_transaction_read_only` is not here: it is how a server says that it takes no writes.

use std::fmt::Write;

/// How long a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Until the session ends: on a connection that is the console's own.
    Session,
    /// Until the transaction ends: behind a pooler, whose sessions others use too.
    Transaction,
}

/// How statements are read, how values are written, and which rows they see.
const RELIED_ON: [(&str, &str); 19] = [
    // Tables of `public` are named without their schema, and `"$user"` comes before it where nothing is said.
    ("search_path", "public"),
    ("client_encoding", "UTF8"),
    ("timezone", "UTC"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    ("xmloption", "content"),
    ("xmlbinary", "base64"),
    ("standard_conforming_strings", "on"),
    ("escape_string_warning", "on"),
    ("backslash_quote", "safe_encoding"),
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("quote_all_identifiers", "off"),
    ("row_security", "on"),
    ("gin_fuzzy_search_limit", "0"),
    ("exit_on_error", "off"),
    ("default_transaction_isolation", "read committed"),
];

/// None holds unless somebody sets one afterwards.
const DEADLINES: [&str; 4] =
    ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"];

/// What only a superuser may set, and whoever was granted it: the console sets it where it may, and `doctor` tells
/// the rest (see [`super::surroundings`]).
const WHERE_ALLOWED: [(&str, &str, &str); 2] = [
    // Errors are told apart by their English words. Any other locale may be overruled by the server's environment.
    ("lc_messages", "C", "current_setting('lc_messages') IN ('C', 'POSIX')"),
    // Triggers fire for what the console writes.
    ("session_replication_role", "origin", "current_setting('session_replication_role') = 'origin'"),
];

/// The statements that set it all. They fail for nobody, and come first in a session or transaction: what follows
/// in the same batch has been split into statements already, so it holds no backslash.
pub(super) fn relied_on(scope: Scope) -> String {
    let (word, is_local) = match scope {
        Scope::Session => ("SESSION", false),
        Scope::Transaction => ("LOCAL", true),
    };
    let mut batch = String::new();
    let mut add = |statement: std::fmt::Arguments<'_>| {
        // Writing into a text can't fail.
        let _ = batch.write_fmt(statement);
    };
    // First: what a login carries may be shorter than the rest takes.
    for deadline in DEADLINES {
        add(format_args!("SET {word} {deadline} = 0; "));
    }
    for (name, value) in RELIED_ON {
        add(format_args!("SET {word} {name} = '{value}'; "));
    }
    for (name, value, is_so) in WHERE_ALLOWED {
        add(format_args!(
            "SELECT set_config('{name}', '{value}', {is_local}) \
             WHERE NOT ({is_so}) AND has_parameter_privilege('{name}', 'SET'); "
        ));
    }
    // Since 17.
    add(format_args!(
        "SELECT set_config('transaction_timeout', '0', {is_local}) \
         WHERE current_setting('transaction_timeout', true) IS NOT NULL; "
    ));
    batch
}
