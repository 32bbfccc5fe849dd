//! Slows down guessing. Tries to sign in are counted in the database, so that all instances share the count.
//!
//! A try counts before its password is checked, so that many at once gain nothing, and is taken back when
//! the password was right. Two counts: by address, and by account from everywhere. The second one never
//! stops an address that the account has signed in from before: whoever guesses from elsewhere can't lock
//! an owner out.

use std::net::{IpAddr, Ipv6Addr};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use ipnetwork::IpNetwork;
use sha2::{Digest, Sha256};

use crate::app::hex;
use crate::db::functions::lower;
use crate::db::schema::{sessions, sign_in_failures as failures, users};

/// Tries that cost nothing, by what is counted: people mistype, and an office may share an address.
const FREE_PER_ADDRESS: i32 = 10;
const FREE_PER_ACCOUNT: i32 = 50;
/// The longest wait, in seconds.
const LONGEST: i32 = 900;

/// Somebody's try to sign in as somebody from somewhere.
#[derive(Debug, Clone)]
pub struct Attempt {
    email: String,
    network: Option<IpNetwork>,
    account: String,
    address: String,
}

/// What counts as one address: for IPv6 the /64, since one customer has all of it.
fn network(ip: IpAddr) -> IpNetwork {
    match ip {
        IpAddr::V4(_) => ip.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpNetwork::new(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(), 64).unwrap_or_else(|_| ip.into())
        }
    }
}

impl Attempt {
    /// A try to sign in as `email` from `ip`.
    #[must_use]
    pub fn new(email: &str, ip: Option<IpAddr>) -> Self {
        let email = email.trim().to_lowercase();
        let network = ip.map(network);
        let address = match network {
            Some(IpNetwork::V4(network)) => network.ip().to_string(),
            Some(IpNetwork::V6(network)) => network.to_string(),
            None => "unknown".to_owned(),
        };
        Self { account: hex(&Sha256::digest(email.as_bytes())), email, network, address }
    }

    /// What is counted: scope, subject, and the tries that cost nothing. In one order for everybody, so that
    /// tries that wait for each other's rows never wait in a circle.
    fn subjects(&self) -> [(&'static str, String, i32); 2] {
        [
            ("account", self.account.clone(), FREE_PER_ACCOUNT),
            ("address", self.address.clone(), FREE_PER_ADDRESS),
        ]
    }
}

/// Whether a try may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and has been counted.
    Granted,
    /// Not before so many seconds have passed. Nothing was counted.
    Wait(u64),
}

/// Counts a try, or says how long to wait.
///
/// # Errors
/// When a statement fails.
pub fn admit(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<Admission> {
    let subjects = attempt.subjects();
    for (scope, subject, _) in &subjects {
        // Tries of the same account or address take turns from here to the end of the transaction.
        let lock = diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
        lock.bind::<Text, _>(format!("sign in {scope} {subject}")).execute(conn)?;
    }
    let is_known = knows_address(conn, attempt)?;
    let counts = |scope: &str| scope != "account" || !is_known;
    let mut longest = 0;
    for (scope, subject, _) in subjects.iter().filter(|(scope, ..)| counts(scope)) {
        longest = longest.max(wait(conn, scope, subject)?);
    }
    if longest > 0 {
        return Ok(Admission::Wait(longest));
    }
    for (scope, subject, free) in &subjects {
        count(conn, scope, subject, *free)?;
    }
    Ok(Admission::Granted)
}

/// Whether the account has signed in from this address before.
fn knows_address(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<bool> {
    let Some(network) = attempt.network else { return Ok(false) };
    let earlier = sessions::table
        .inner_join(users::table)
        .filter(lower(users::email).eq(&attempt.email))
        .filter(sessions::ip_address.is_contained_by_or_eq(network))
        .select(sessions::id);
    diesel::select(exists(earlier)).get_result(conn)
}

#[derive(QueryableByName)]
struct Seconds {
    #[diesel(sql_type = Nullable<BigInt>)]
    seconds: Option<i64>,
}

fn wait(conn: &mut PgConnection, scope: &str, subject: &str) -> QueryResult<u64> {
    let row: Option<Seconds> = diesel::sql_query(
        "SELECT CASE WHEN blocked_until > clock_timestamp() THEN ceil(extract(epoch FROM \
           least(blocked_until, clock_timestamp() + make_interval(secs => $3)) - clock_timestamp()))::bigint END AS seconds \
         FROM pilothouse.sign_in_failures WHERE scope = $1 AND subject = $2",
    )
    .bind::<Text, _>(scope)
    .bind::<Text, _>(subject)
    .bind::<Integer, _>(LONGEST)
    .get_result(conn)
    .optional()?;
    Ok(row.and_then(|row| row.seconds).and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0))
}

/// The wait doubles with every try beyond the free ones: 1 s, 2 s, 4 s … 15 minutes. What is older than
/// the longest wait is forgotten.
fn count(conn: &mut PgConnection, scope: &str, subject: &str, free: i32) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO pilothouse.sign_in_failures AS f (scope, subject) VALUES ($1, $2) \
         ON CONFLICT (scope, subject) DO UPDATE SET \
           failures = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN 1 ELSE f.failures + 1 END, \
           first_at = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN now() ELSE f.first_at END, \
           last_at = clock_timestamp(), \
           blocked_until = CASE \
             WHEN f.last_at < now() - make_interval(secs => $4) OR f.failures + 1 < $3 THEN NULL \
             ELSE clock_timestamp() + make_interval(secs => least($4, power(2, least(f.failures + 1 - $3, 20)))) END",
    )
    .bind::<Text, _>(scope)
    .bind::<Text, _>(subject)
    .bind::<Integer, _>(free)
    .bind::<Integer, _>(LONGEST)
    .execute(conn)
    .map(|_| ())
}

/// Takes back what [`admit`] counted, after a password that was right: the account starts afresh, the
/// address is freed of this try.
///
/// # Errors
/// When a statement fails.
pub fn forget(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<()> {
    for (scope, subject, _) in attempt.subjects() {
        let row = failures::table.find((scope, subject));
        if scope == "address" {
            diesel::update(row)
                .set((
                    failures::failures.eq(failures::failures - 1),
                    failures::blocked_until.eq(None::<chrono::DateTime<chrono::Utc>>),
                ))
                .execute(conn)?;
        } else {
            diesel::delete(row).execute(conn)?;
        }
    }
    Ok(())
}
