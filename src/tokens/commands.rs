use chrono::{DateTime, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use serde_json::json;

use super::{TokenName, TokenScopes};
use crate::audit::{self, AuditAction, Target};
use crate::db::SecretHash;
use crate::db::ids::{ProjectId, TokenId, UserId};
use crate::db::schema::{api_token_projects, api_tokens, projects};
use crate::db::time::{from_now, now};
use crate::identity::Principal;
use crate::runtime::Entropy;

/// The longest that a token lives, in days.
pub const LONGEST_DAYS: i32 = 3650;

/// A token that is about to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: TokenName,
    pub scopes: TokenScopes,
    pub reach: Reach,
    /// Whose rights it has; none for the console's own.
    pub maker: Option<UserId>,
    /// None: until it is revoked.
    pub days: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Projects(Vec<ProjectId>),
    /// Every project, also later ones.
    All,
}

/// Why no token was made, or none revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("choose at least one project")]
    NoProject,
    #[error("a project that was chosen does not exist, or is not its maker's")]
    NoSuchProject,
    #[error("only admins make tokens for all projects")]
    AllIsForAdmins,
    #[error("no such token")]
    NotFound,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Makes a token. The caller shows the secret behind `hash`, once. `of_admin` says whether its maker is one.
pub fn make(
    conn: &mut PgConnection,
    principal: &Principal,
    new: &NewToken,
    of_admin: bool,
    hash: &SecretHash,
) -> Result<TokenId, TokenError> {
    let chosen = match &new.reach {
        Reach::All if !of_admin => return Err(TokenError::AllIsForAdmins),
        Reach::All => Vec::new(),
        Reach::Projects(chosen) if chosen.is_empty() => return Err(TokenError::NoProject),
        Reach::Projects(chosen) => {
            let mut theirs = projects::table
                .filter(projects::id.eq_any(chosen))
                .filter(projects::status.is_distinct_from("deleted"))
                .select((projects::id, projects::name))
                .order(projects::name)
                .into_boxed();
            if !of_admin {
                theirs = theirs.filter(projects::user_id.eq(new.maker));
            }
            let theirs: Vec<(ProjectId, String)> = theirs.load(conn)?;
            if chosen.iter().any(|id| !theirs.iter().any(|(own, _)| own == id)) {
                return Err(TokenError::NoSuchProject);
            }
            theirs
        }
    };
    let id = TokenId(Entropy.uuid());
    let expires: Option<DateTime<Utc>> = match new.days {
        Some(days) => Some(diesel::select(from_now(days.days())).get_result(conn)?),
        None => None,
    };
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::id.eq(id),
            api_tokens::hash.eq(hash.as_str()),
            api_tokens::name.eq(new.name.as_str()),
            api_tokens::created_by.eq(new.maker),
            api_tokens::expires_at.eq(expires),
            api_tokens::scopes.eq(new.scopes.words().into_iter().map(Some).collect::<Vec<_>>()),
            api_tokens::all_projects.eq(new.reach == Reach::All),
        ))
        .execute(conn)?;
    let reaches: Vec<_> = chosen
        .iter()
        .map(|(project, _)| {
            (api_token_projects::token_id.eq(id), api_token_projects::project_id.eq(*project))
        })
        .collect();
    diesel::insert_into(api_token_projects::table).values(reaches).execute(conn)?;
    let names: Vec<&str> = chosen.iter().map(|(_, name)| name.as_str()).collect();
    let after = json!({
        "name": new.name.as_str(), "scopes": new.scopes.words(), "expires_at": expires,
        "projects": if new.reach == Reach::All { json!("all") } else { json!(names) },
    });
    audit::record_change(
        conn,
        principal,
        &AuditAction::TokenMade,
        &target(id, new.name.as_str()),
        json!(null),
        after,
    )?;
    Ok(id)
}

/// Ends a token at once, everywhere. Answers its name; one that has ended already is left as it is.
pub fn revoke(conn: &mut PgConnection, principal: &Principal, id: TokenId) -> Result<String, TokenError> {
    let (name, ended): (String, bool) = api_tokens::table
        .find(id)
        .select((api_tokens::name, api_tokens::revoked_at.is_not_null()))
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(TokenError::NotFound)?;
    if !ended {
        diesel::update(api_tokens::table.find(id))
            .set(api_tokens::revoked_at.eq(now.nullable()))
            .execute(conn)?;
        let (before, after) = (json!({ "revoked": false }), json!({ "revoked": true }));
        audit::record_change(conn, principal, &AuditAction::TokenRevoked, &target(id, &name), before, after)?;
    }
    Ok(name)
}

fn target(id: TokenId, name: &str) -> Target {
    Target { kind: "token", id: id.to_string(), name: name.to_owned(), project: None }
}
