//! An owner's own code, and what came of it.

use diesel::prelude::*;

use crate::db::ids::UserId;
use crate::db::schema::referral_codes;

/// The user's code, if they have made one.
pub fn own(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<String>> {
    referral_codes::table
        .filter(referral_codes::user_id.eq(user.0))
        .select(referral_codes::code)
        .first(conn)
        .optional()
}

/// Makes `code` the user's, unless they have one; answers whether it is new.
pub fn make(conn: &mut PgConnection, user: UserId, code: &str) -> QueryResult<bool> {
    let made = diesel::insert_into(referral_codes::table)
        .values((referral_codes::code.eq(code), referral_codes::user_id.eq(user.0)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(made == 1)
}
