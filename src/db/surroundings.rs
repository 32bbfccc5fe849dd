//! What a database or a server is like that no migration and no setting of ours can mend.

use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// Whether messages are English, as a condition in SQL. A text that names no language is the server's own, English.
pub(super) const SPEAKS_ENGLISH: &str =
    "lower(current_setting('lc_messages') COLLATE \"C\") ~ '^(|c|posix|(c|en|english)[._@-].*)$'";

#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = Nullable<Text>)]
    told: Option<String>,
}

/// What is wrong with the database's encoding, and the command that makes a database without that fault.
///
/// # Errors
/// The database's.
pub fn wrong_encoding(conn: &mut PgConnection) -> QueryResult<Option<String>> {
    let row: Encoding = sql_query(
        "SELECT CASE WHEN getdatabaseencoding() <> 'UTF8' THEN format( \
             'the database %I has the encoding %s, and the console needs UTF8. Make one and move to it: ' || \
             'CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8''', \
             d.datname, getdatabaseencoding(), left(d.datname, 50) || '_utf8', r.rolname) END AS told \
         FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = current_database()",
    )
    .get_result(conn)?;
    Ok(row.told)
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = Bool)]
    speaks_english: bool,
    #[diesel(sql_type = Bool)]
    fires_triggers: bool,
    #[diesel(sql_type = Text)]
    login: String,
}

/// What the server's administrator has to change for the console's login, a sentence each. To be asked as that
/// login, once the settings that it may change are set.
///
/// # Errors
/// The database's.
pub fn problems(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let state: State = sql_query(format!(
        "SELECT current_setting('lc_messages') AS language, {SPEAKS_ENGLISH} AS speaks_english, \
             current_setting('session_replication_role') = 'origin' AS fires_triggers, \
             quote_ident(session_user) AS login"
    ))
    .get_result(conn)?;
    let State { language, speaks_english, fires_triggers, login } = state;
    let mut problems = Vec::new();
    if !speaks_english {
        problems.push(format!(
            "messages are in {language}, and the console knows errors by their English words: it would answer 500 \
             where 503 is right. As a superuser: ALTER ROLE {login} SET lc_messages = 'C'"
        ));
    }
    if !fires_triggers {
        problems.push(format!(
            "session_replication_role is not origin, so that no trigger fires for what the console writes. \
             As a superuser: ALTER ROLE {login} SET session_replication_role = 'origin'"
        ));
    }
    Ok(problems)
}
