//! Finding the account behind an address, and turning a right password into a session.

use diesel::prelude::*;

use super::sessions;
use crate::activity::{Act, Principal, Target, audit};
use crate::db::SecretHash;
use crate::db::functions::lower;
use crate::db::ids::UserId;
use crate::db::schema::users;
use crate::db::time::now;
use crate::users::{Role, display_name};

/// What a sign-in checks a password against.
#[derive(Debug, Clone, Queryable)]
pub struct Account {
    /// Whose it is.
    pub id: UserId,
    /// The address as it is stored.
    pub email: String,
    /// The name, if any.
    pub name: Option<String>,
    /// What they may do.
    pub role: String,
    /// argon2id; none when no password was ever set.
    pub password_hash: Option<String>,
    /// Whether they may sign in at all; NULL counts as no, as it does for sessions.
    pub is_active: Option<bool>,
}

impl Account {
    /// The hash to check, or nothing for an account that can't sign in with a password.
    #[must_use]
    pub fn usable_hash(&self) -> Option<String> {
        self.password_hash.clone().filter(|_| self.is_active == Some(true))
    }
}

/// The account with this address: as it is typed, else the only one that differs in case alone.
///
/// # Errors
/// When a statement fails.
pub fn account(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Account>> {
    let columns = (users::id, users::email, users::name, users::role, users::password_hash, users::is_active);
    // One statement, whether or not there is such an account: two would tell by their time.
    let mut found: Vec<Account> = users::table
        .filter(users::email.eq(email).or(lower(users::email).eq(email.to_lowercase())))
        .select(columns)
        .order(users::email.eq(email).desc())
        .limit(2)
        .load(conn)?;
    let is_clear = found.len() == 1 || found.first().is_some_and(|account| account.email == email);
    Ok(if is_clear { Some(found.swap_remove(0)) } else { None })
}

/// The account of `user`, while they may sign in.
///
/// # Errors
/// When the statement fails.
pub fn account_of(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<Account>> {
    users::table
        .filter(users::id.eq(user))
        .filter(users::is_active.eq(true))
        .select((users::id, users::email, users::name, users::role, users::password_hash, users::is_active))
        .first(conn)
        .optional()
}

/// Starts a session for `account`, ends the one that the browser came with, and records the sign-in.
///
/// # Errors
/// When a statement fails.
pub fn begin(
    conn: &mut PgConnection,
    account: &Account,
    principal: &Principal,
    token: &SecretHash,
    replaced: Option<&SecretHash>,
) -> QueryResult<()> {
    if let Some(replaced) = replaced {
        sessions::end_by_token(conn, replaced)?;
    }
    sessions::start(conn, account.id, token, &principal.origin)?;
    diesel::update(users::table.filter(users::id.eq(account.id)))
        .set(users::last_login.eq(now.nullable()))
        .execute(conn)?;
    audit::record(conn, principal, &Act::SignedIn, &Target::user(account.id, &account.email))
}

impl Principal {
    /// Whoever has just proved to be `account`.
    #[must_use]
    pub fn account(account: &Account, origin: crate::activity::Origin, app: &crate::app::App) -> Self {
        Self {
            user: Some(account.id),
            name: display_name(account.name.as_deref(), &account.email).to_owned(),
            is_admin: Role::from_stored(&account.role) == Role::Admin,
            origin,
            at: app.clock.now(),
            entropy: app.entropy,
        }
    }
}
