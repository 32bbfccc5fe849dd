//! Who opened the transaction: the token of a program.

use std::net::IpAddr;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use ipnetwork::IpNetwork;

use super::Scope;
use crate::db::DbError;
use crate::db::ids::{ProjectId, TokenId, UserId};
use crate::db::schema::{api_tokens, projects};
use crate::db::time::{ago, now};

diesel::define_sql_function! {
    /// The token that the transaction was opened with.
    #[sql_name = "pilothouse.app_token_id"]
    fn app_token_id() -> Nullable<SqlUuid>;
}

/// The token that a transaction was opened with.
#[derive(Debug, Clone)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    scopes: Vec<String>,
    /// Whose rights it has; none for the console's own.
    pub maker: Option<UserId>,
    /// Every project, for an admin's.
    pub all_projects: bool,
    /// Whether its last use is more than a minute old.
    pub touch_due: bool,
}

impl Token {
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| held == scope.as_str())
    }
}

/// The token of the open transaction, and whether it sees `project`.
///
/// # Errors
/// [`DbError::NoToken`] when the transaction was not opened by one.
pub fn current(conn: &mut PgConnection, project: Option<ProjectId>) -> Result<(Token, bool), DbError> {
    type Row = (TokenId, String, Vec<Option<String>>, Option<UserId>, bool, bool, bool);
    let row: Option<Row> = api_tokens::table
        .filter(api_tokens::id.nullable().eq(app_token_id()))
        .select((
            api_tokens::id,
            api_tokens::name,
            api_tokens::scopes,
            api_tokens::created_by,
            api_tokens::all_projects,
            api_tokens::last_used_at
                .is_null()
                .or(api_tokens::last_used_at.lt(ago(1.minute()).nullable()))
                .assume_not_null(),
            diesel::dsl::exists(projects::table.filter(projects::id.nullable().eq(project))),
        ))
        .first(conn)
        .optional()?;
    let (id, name, scopes, maker, all_projects, touch_due, sees) = row.ok_or(DbError::NoToken)?;
    let scopes = scopes.into_iter().flatten().collect();
    Ok((Token { id, name, scopes, maker, all_projects, touch_due }, sees))
}

/// Writes that the token was used, at most once a minute. For the gate.
pub fn touch(conn: &mut PgConnection, token: TokenId, ip: Option<IpAddr>) -> QueryResult<()> {
    diesel::update(api_tokens::table.find(token))
        .filter(
            api_tokens::last_used_at
                .is_null()
                .or(api_tokens::last_used_at.lt(ago(1.minute()).nullable()))
                .assume_not_null(),
        )
        .set((
            api_tokens::last_used_at.eq(now.nullable()),
            api_tokens::last_used_ip.eq(ip.map(IpNetwork::from)),
        ))
        .execute(conn)
        .map(|_| ())
}
