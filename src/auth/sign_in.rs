//! Finding the account behind an address, and turning a right password into a session.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::queue::{Place, Queue, QueueError};
use super::throttle::{self, Admission, Attempt, Counted};
use super::{password, sessions};
use crate::audit::{self, AuditAction, Target};
use crate::db::functions::lower;
use crate::db::ids::UserId;
use crate::db::schema::users;
use crate::db::time::now;
use crate::db::{Db, SecretHash};
use crate::identity::{Origin, Principal, Role, display_name, domain_spellings};

/// What a sign-in checks a password against.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Account {
    pub id: UserId,
    /// The address as it is stored.
    pub email: String,
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
    fn usable_hash(&self) -> Option<String> {
        self.password_hash.clone().filter(|_| self.is_active == Some(true))
    }

    /// Whoever has just proved to have it, acting at `at`.
    #[must_use]
    pub fn principal(&self, origin: Origin, at: DateTime<Utc>) -> Principal {
        Principal {
            user: Some(self.id),
            name: display_name(self.name.as_deref(), &self.email).to_owned(),
            is_admin: Role::from_stored(&self.role) == Role::Admin,
            origin,
            at,
        }
    }

    /// Whether this, read later, still is the account whose password was right.
    fn is_still(&self, verified: &Verified) -> bool {
        let then = &verified.account;
        self.id == then.id && self.email == then.email && self.password_hash == then.password_hash
    }
}

/// The account with this address: as it is typed, else the only one with its domain in another spelling, else the
/// only one that differs in case as well.
pub fn account(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Account>> {
    // One statement, whether or not there is such an account: two would tell by their time.
    let same = domain_spellings(email);
    let lowered = same.each_ref().map(|email| email.to_lowercase());
    let found: Vec<Account> = users::table
        .filter(users::email.eq_any(&same).or(lower(users::email).eq_any(&lowered)))
        .select(Account::as_select())
        .order((users::email.eq(email).desc(), users::email.eq_any(&same).desc()))
        .limit(2)
        .load(conn)?;
    let rank = |account: &Account| (account.email == email, same.contains(&account.email));
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (Some(best), Some(other)) if rank(&best) == rank(&other) => None,
        (best, _) => best,
    })
}

/// The account of `user`, while they may sign in.
pub fn account_of(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<Account>> {
    users::table
        .filter(users::id.eq(user))
        .filter(users::is_active.eq(true))
        .select(Account::as_select())
        .first(conn)
        .optional()
}

/// The account of `user` as it is now, locked until the transaction ends, while they may sign in.
pub fn lock_user(conn: &mut PgConnection, user: UserId) -> QueryResult<Option<Account>> {
    users::table
        .filter(users::id.eq(user))
        .filter(users::is_active.eq(true))
        .select(Account::as_select())
        .for_update()
        .first(conn)
        .optional()
}

/// An account whose password was right when it was checked. It may have changed since: [`lock_verified`].
#[derive(Debug, Clone)]
pub struct Verified {
    account: Account,
    attempt: Attempt,
    counted: Counted,
}

/// What came of checking a password.
#[derive(Debug)]
pub enum Checked {
    /// It was right. What follows keeps the place in the queue.
    Right(Box<Verified>, Place),
    /// It was not, or there is no such account.
    Wrong,
    /// Too many tries. Seconds.
    Wait(u64),
}

/// No refusal of an address that has to wait comes sooner, whether its password was checked or not: where an account is
/// known it is, and nobody else may learn of that.
const SOONEST_WAIT: Duration = Duration::from_millis(100);

/// Counts `attempt` and checks `password` against the account that `find` finds. Takes as long whether or not there is
/// one.
pub async fn check<F>(
    (sign_ins, db): (&Queue, &Db),
    attempt: Attempt,
    find: F,
    password: String,
) -> Result<Checked, QueueError>
where
    F: FnOnce(&mut PgConnection) -> QueryResult<Option<Account>> + Clone + Send + 'static,
{
    let soonest = tokio::time::Instant::now() + SOONEST_WAIT;
    let checked = match sign_ins.blocks().wait(&attempt, Instant::now()) {
        Some(seconds) => Checked::Wait(seconds),
        None => check_in_turn((sign_ins, db), attempt, find, password).await?,
    };
    if matches!(checked, Checked::Wait(_)) {
        tokio::time::sleep_until(soonest).await;
    }
    Ok(checked)
}

async fn check_in_turn<F>(
    (sign_ins, db): (&Queue, &Db),
    attempt: Attempt,
    find: F,
    password: String,
) -> Result<Checked, QueueError>
where
    F: FnOnce(&mut PgConnection) -> QueryResult<Option<Account>> + Clone + Send + 'static,
{
    let place = sign_ins.enter()?;
    let asked = attempt.clone();
    let (admission, account) = place
        .write(db, move |conn| Ok::<_, QueueError>((throttle::admit(conn, &asked)?, find(conn)?)))
        .await?;
    let blocks = sign_ins.blocks();
    let (counted, told) = match admission {
        Admission::Granted { counted, told } => (counted, told),
        Admission::Wait { seconds, block } => {
            blocks.remember(block, Instant::now());
            return Ok(Checked::Wait(seconds));
        }
    };
    if told.is_none() {
        blocks.lift(&attempt);
    }
    let can_be_one = password.chars().count() <= password::LONGEST;
    let hash = account.as_ref().and_then(Account::usable_hash);
    let right = can_be_one && place.verify(hash, password).await?;
    Ok(match account.filter(|_| right) {
        Some(account) => Checked::Right(Box::new(Verified { account, attempt, counted }), place),
        None => told.map_or(Checked::Wrong, Checked::Wait),
    })
}

/// The account whose password was right, locked until the transaction ends: with the name and the role of this moment,
/// and only while it still is active and has the address and the password that were checked. Its tries are forgotten.
pub fn lock_verified(conn: &mut PgConnection, verified: &Verified) -> QueryResult<Option<Account>> {
    let account = lock_user(conn, verified.account.id)?.filter(|account| account.is_still(verified));
    if account.is_some() {
        throttle::forget(conn, &verified.attempt, &verified.counted)?;
    }
    Ok(account)
}

/// Starts a session for whoever was `verified`, ends the one that the browser came with, and records the sign-in.
/// Answers whether they still may sign in with that password.
pub fn begin(
    conn: &mut PgConnection,
    verified: &Verified,
    (origin, at): (Origin, DateTime<Utc>),
    token: &SecretHash,
    replaced: Option<&SecretHash>,
) -> QueryResult<bool> {
    let Some(account) = lock_verified(conn, verified)? else { return Ok(false) };
    if let Some(replaced) = replaced {
        sessions::end_by_token(conn, replaced)?;
    }
    let principal = account.principal(origin, at);
    sessions::start(conn, account.id, token, &principal.origin)?;
    diesel::update(users::table.filter(users::id.eq(account.id)))
        .set(users::last_login.eq(now.nullable()))
        .execute(conn)?;
    audit::record(conn, &principal, &AuditAction::SignedIn, &Target::user(account.id, &account.email))?;
    Ok(true)
}
