//! What a database or a server is like that no migration and no setting of ours can mend.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = Nullable<Text>)]
    told: Option<String>,
}

/// What is wrong with the database's encoding, and the command that makes a database without that fault.
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
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Bool)]
    fires_triggers: bool,
    #[diesel(sql_type = Text)]
    login: String,
}

/// What the server's administrator has to change for the console's login, a sentence each. To be asked as that
/// login and in a transaction, once the settings that it may change are set.
pub fn problems(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    // A message is asked for, since a setting's name tells little: with LANGUAGE in its environment a server speaks that
    // language also where lc_messages is C.UTF-8 or English.
    conn.batch_execute(
        "DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN \
         PERFORM pg_catalog.set_config('app.message', SQLERRM, true); END $$",
    )?;
    let state: State = sql_query(
        "SELECT current_setting('lc_messages') AS language, current_setting('app.message') AS message, \
             current_setting('session_replication_role') = 'origin' AS fires_triggers, \
             quote_ident(session_user) AS login",
    )
    .get_result(conn)?;
    let State { language, message, fires_triggers, login } = state;
    let mut problems = Vec::new();
    if message != "division by zero" {
        problems.push(format!(
            "messages are not English (\"{message}\", with lc_messages = {language}), and the console knows errors by \
             their English words: it would answer 500 where 503 is right. As a superuser: \
             ALTER ROLE {login} SET lc_messages = 'C'"
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
