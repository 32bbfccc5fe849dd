//! An owner's own code, and what came of it.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;

use super::is_word;
use crate::audit::{self, AuditAction, Target};
use crate::db::ids::UserId;
use crate::db::schema::referral_codes;
use crate::identity::Principal;

/// Why no code was made.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    #[error("Use letters, digits, dots, dashes and underscores, 3 to 64 of them.")]
    NoCode,
    #[error("Somebody else has this code. Choose another one.")]
    Taken,
    #[error("You have a code already, and it stays.")]
    HasOne,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// The user's code, if they have made one.
pub fn own(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<String>> {
    referral_codes::table
        .filter(referral_codes::user_id.eq(user.0))
        .select(referral_codes::code)
        .first(conn)
        .optional()
}

/// Makes `code` the principal's.
pub fn make(conn: &mut PgConnection, principal: &Principal, code: &str) -> Result<(), CodeError> {
    let Some(user) = principal.user else { return Err(CodeError::NoCode) };
    if !is_word(code) || code.len() < 3 {
        return Err(CodeError::NoCode);
    }
    if own(conn, user)?.is_some() {
        return Err(CodeError::HasOne);
    }
    let made = diesel::insert_into(referral_codes::table)
        .values((referral_codes::code.eq(code), referral_codes::user_id.eq(user.0)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if made == 0 {
        return Err(CodeError::Taken);
    }
    let target = Target { kind: "referral code", id: code.to_owned(), name: code.to_owned(), project: None };
    audit::record_change(
        conn,
        principal,
        &AuditAction::ReferralCodeMade,
        &target,
        json!(null),
        json!({ "code": code }),
    )?;
    Ok(())
}

/// What came of the viewer's code, their own doings apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Counts {
    #[diesel(sql_type = BigInt)]
    pub conversations: i64,
    #[diesel(sql_type = BigInt)]
    pub drafts: i64,
    #[diesel(sql_type = BigInt)]
    pub posted: i64,
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
}

/// Nothing without a code.
pub fn counts(conn: &mut PgConnection) -> QueryResult<Option<Counts>> {
    diesel::sql_query("SELECT * FROM pilothouse.referral_counts()").get_result(conn).optional()
}
