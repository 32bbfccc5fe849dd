//! Slows down guessing: failed sign-ins are counted by account and by address, in the database, so that
//! all instances share the count. It delays, and never locks an owner out for good.

use std::net::IpAddr;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use sha2::{Digest, Sha256};

use crate::app::hex;
use crate::db::schema::sign_in_failures as failures;

/// Failures that cost nothing: people mistype.
const FREE_PER_ACCOUNT: i32 = 5;
/// Failures that cost nothing from one address: an office may share it.
const FREE_PER_ADDRESS: i32 = 10;
/// The longest wait, in seconds.
const LONGEST: i32 = 900;

/// What is counted: the account as it was typed, known or not, and where the attempt came from.
#[derive(Debug, Clone)]
pub struct Attempt {
    account: String,
    address: String,
}

impl Attempt {
    /// An attempt to sign in as `email` from `ip`. IPv6 counts by /64: one customer has all of it.
    #[must_use]
    pub fn new(email: &str, ip: Option<IpAddr>) -> Self {
        let account = hex(&Sha256::digest(email.trim().to_lowercase().as_bytes()));
        let address = match ip {
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => "unknown".to_owned(),
        };
        Self { account, address }
    }

    fn subjects(&self) -> [(&'static str, &str, i32); 2] {
        [("account", &self.account, FREE_PER_ACCOUNT), ("address", &self.address, FREE_PER_ADDRESS)]
    }
}

/// Seconds until the next try may be made; nothing when it may be made now.
///
/// # Errors
/// When the statement fails.
pub fn wait(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<Option<u64>> {
    let seconds =
        diesel::dsl::sql::<Nullable<Integer>>("ceil(extract(epoch FROM max(blocked_until) - now()))::int");
    let wait: Option<i32> = failures::table
        .filter(
            failures::scope
                .eq("account")
                .and(failures::subject.eq(&attempt.account))
                .or(failures::scope.eq("address").and(failures::subject.eq(&attempt.address))),
        )
        .filter(failures::blocked_until.gt(now))
        .select(seconds)
        .get_result(conn)?;
    Ok(wait.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0))
}

/// Counts a failure. What is older than the longest wait is forgotten.
///
/// # Errors
/// When a statement fails.
pub fn count_failure(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<()> {
    for (scope, subject, free) in attempt.subjects() {
        // The wait doubles with every failure beyond the free ones: 1 s, 2 s, 4 s … 15 minutes.
        diesel::sql_query(
            "INSERT INTO pilothouse.sign_in_failures AS f (scope, subject) VALUES ($1, $2) \
             ON CONFLICT (scope, subject) DO UPDATE SET \
               failures = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN 1 ELSE f.failures + 1 END, \
               first_at = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN now() ELSE f.first_at END, \
               last_at = now(), \
               blocked_until = CASE WHEN f.last_at < now() - make_interval(secs => $4) OR f.failures + 1 <= $3 THEN NULL \
                 ELSE now() + make_interval(secs => least($4, power(2, least(f.failures - $3, 20)))) END",
        )
        .bind::<Text, _>(scope)
        .bind::<Text, _>(subject)
        .bind::<Integer, _>(free)
        .bind::<Integer, _>(LONGEST)
        .execute(conn)?;
    }
    Ok(())
}

/// Forgets an account's failures after a sign-in that worked.
///
/// # Errors
/// When the statement fails.
pub fn forget(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<()> {
    diesel::delete(failures::table)
        .filter(failures::scope.eq("account"))
        .filter(failures::subject.eq(&attempt.account))
        .execute(conn)
        .map(|_| ())
}
