//! Slows down guessing. Tries to sign in are counted in the database, so that all instances share the count.
//!
//! A try counts before its password is checked, so that many at once gain nothing, and is taken back when
//! the password was right. A stranger's try counts for its account from everywhere, for its address, and for the
//! site around an address of IPv6. Where an account is known (it has signed in from that network, or set its password
//! there by a link) nothing stops it but tries at itself from there: whoever guesses from elsewhere, or next door at
//! other accounts, can't lock an owner out. Whether an account exists, or is known there, makes no difference to anybody
//! who does not have its password.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use ipnetwork::IpNetwork;
use sha2::{Digest, Sha256};

use crate::db::functions::lower;
use crate::db::schema::{password_links, sessions, sign_in_failures as failures, users};
use crate::db::time::Timestamptz;
use crate::identity::domain_spellings;
use crate::runtime::hex;

/// Tries that cost nothing, by what is counted: people mistype, and an office may share an address.
const FREE_PER_ADDRESS: i32 = 10;
const FREE_PER_SITE: i32 = 40;
const FREE_PER_ACCOUNT: i32 = 50;
/// The longest wait, in seconds.
const LONGEST: i32 = 900;

/// Somebody's try to sign in as somebody from somewhere.
#[derive(Debug, Clone)]
pub struct Attempt {
    emails: [String; 3],
    network: Option<IpNetwork>,
    account: String,
    address: String,
    site: Option<String>,
}

/// What counts as one address: for IPv6 the /64, since one customer has all of it.
fn network(ip: IpAddr) -> IpNetwork {
    match ip {
        IpAddr::V4(_) => ip.into(),
        IpAddr::V6(v6) => shortened(v6, 64),
    }
}

fn shortened(v6: Ipv6Addr, prefix: u8) -> IpNetwork {
    let kept = u128::MAX << (128 - u32::from(prefix));
    let start = IpAddr::from(Ipv6Addr::from_bits(v6.to_bits() & kept));
    IpNetwork::new(start, prefix).unwrap_or_else(|_| start.into())
}

/// What is counted: scope, subject, and the tries that cost nothing.
type Subject<'a> = (&'static str, &'a str, i32);

impl Attempt {
    /// A try to sign in as `email` from `ip`.
    #[must_use]
    pub fn new(email: &str, ip: Option<IpAddr>) -> Self {
        let emails = domain_spellings(email.trim()).map(|email| email.to_lowercase());
        let network = ip.map(network);
        let address = match network {
            Some(IpNetwork::V4(network)) => network.ip().to_string(),
            Some(IpNetwork::V6(network)) => network.to_string(),
            None => "unknown".to_owned(),
        };
        let site = match ip {
            // A customer may have as many networks of /64 as this holds.
            Some(IpAddr::V6(v6)) => Some(shortened(v6, 48).to_string()),
            _ => None,
        };
        Self { account: account_hash(email.trim()), emails, network, address, site }
    }

    /// The account's hash, known or not.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    fn pair(&self) -> String {
        format!("{} {}", self.account, self.address)
    }

    /// The subjects of every [`Block`] that may stop it.
    pub(super) fn blocked_by(&self) -> impl Iterator<Item = String> {
        [Some(self.address.clone()), self.site.clone(), Some(self.pair())].into_iter().flatten()
    }

    fn wide(&self) -> Vec<Subject<'_>> {
        let address = ("address", self.address.as_str(), FREE_PER_ADDRESS);
        let site = self.site.as_deref().map(|site| ("address", site, FREE_PER_SITE));
        [Some(address), site].into_iter().flatten().collect()
    }
}

fn account_hash(email: &str) -> String {
    let [_, read, _] = domain_spellings(email);
    hex(&Sha256::digest(read.to_lowercase().as_bytes()))
}

/// A block, as the database tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What is blocked: an address, a network, or one account from one of them.
    pub(super) subject: String,
    /// For how many seconds.
    pub(super) seconds: u64,
    /// The accounts that it does not stop, by their hashes.
    pub(super) except: Vec<String>,
}

/// Whether a try may be made.
#[derive(Debug, Clone)]
pub enum Admission {
    /// It may, and has been counted.
    Granted {
        /// What is taken back when its password is right.
        counted: Counted,
        /// The wait that anybody else would be told: a wrong password is told the same, or it would tell that the
        /// account is known there. Seconds.
        told: Option<u64>,
    },
    /// Not before so many seconds have passed. Nothing was counted.
    Wait {
        /// How many.
        seconds: u64,
        /// What a process may repeat by itself.
        block: Block,
    },
}

/// What a try added to the counts of its address: each with the block that came of it.
#[derive(Debug, Clone, Default)]
pub struct Counted(Vec<(String, Option<DateTime<Utc>>)>);

/// Counts a try, or says how long to wait.
pub fn admit(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<Admission> {
    let pair = attempt.pair();
    let mut subjects: Vec<Subject<'_>> = vec![("account", &attempt.account, FREE_PER_ACCOUNT)];
    subjects.extend(attempt.wide());
    for (scope, subject, _) in &subjects {
        // Tries of the same account or address take turns from here to the end of the transaction; in one order
        // for everybody, so that they never wait in a circle.
        let lock = diesel::sql_query("SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))");
        lock.bind::<Text, _>(format!("sign in {scope} {subject}")).execute(conn)?;
    }
    let own: Subject<'_> = ("pair", &pair, FREE_PER_ADDRESS);
    let known = knows_address(conn, attempt)?;
    let (own_waits, waits): (Vec<_>, Vec<_>) = waits(conn, &[subjects.as_slice(), &[own]].concat())?
        .into_iter()
        .partition(|(subject, _)| *subject == pair);
    let told = waits.iter().map(|(_, seconds)| *seconds).max();
    match (known, told, own_waits.first()) {
        (false, Some(seconds), _) => {
            return Ok(Admission::Wait { seconds, block: block(conn, attempt, &waits, seconds)? });
        }
        (true, told, Some((_, seconds))) => {
            let block = Block { subject: pair, seconds: *seconds, except: Vec::new() };
            return Ok(Admission::Wait { seconds: told.unwrap_or(*seconds), block });
        }
        _ => {}
    }
    let mut counted = Counted::default();
    // Where others wait their tries are not counted, and so this one only for itself.
    for subject in subjects.iter().filter(|_| told.is_none()) {
        let blocked = count(conn, *subject)?;
        if subject.0 == "address" {
            counted.0.push((subject.1.to_owned(), blocked));
        }
    }
    if known {
        count(conn, own)?;
    }
    forget_old(conn)?;
    Ok(Admission::Granted { counted, told })
}

/// Whether the account has signed in from this address before, or set its password there by a link.
fn knows_address(conn: &mut PgConnection, attempt: &Attempt) -> QueryResult<bool> {
    let Some(network) = attempt.network else { return Ok(false) };
    let signed_in = sessions::table
        .inner_join(users::table)
        .filter(lower(users::email).eq_any(&attempt.emails))
        .filter(sessions::ip_address.is_contained_by_or_eq(network))
        .select(sessions::id);
    let redeemed = password_links::table
        .inner_join(users::table)
        .filter(lower(users::email).eq_any(&attempt.emails))
        .filter(password_links::used_from.is_contained_by_or_eq(network))
        .select(password_links::hash);
    diesel::select(exists(signed_in).or(exists(redeemed))).get_result(conn)
}

#[derive(QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

/// Those of `subjects` that have to wait, and how many seconds.
fn waits(conn: &mut PgConnection, subjects: &[Subject<'_>]) -> QueryResult<Vec<(String, u64)>> {
    let scopes: Vec<&str> = subjects.iter().map(|(scope, ..)| *scope).collect();
    let names: Vec<&str> = subjects.iter().map(|(_, subject, _)| *subject).collect();
    let rows: Vec<WaitRow> = diesel::sql_query(
        "SELECT f.subject, ceil(extract(epoch FROM \
           least(f.blocked_until, clock_timestamp() + make_interval(secs => $3)) - clock_timestamp()))::bigint AS seconds \
         FROM unnest($1, $2) AS s (scope, subject) \
         JOIN pilothouse.sign_in_failures f ON f.scope = s.scope AND f.subject = s.subject \
         WHERE f.blocked_until > clock_timestamp()",
    )
    .bind::<Array<Text>, _>(scopes)
    .bind::<Array<Text>, _>(names)
    .bind::<Integer, _>(LONGEST)
    .load(conn)?;
    let seconds = |row: &WaitRow| u64::try_from(row.seconds).unwrap_or(0).max(1);
    Ok(rows.into_iter().map(|row| (row.subject.clone(), seconds(&row))).collect())
}

/// What a process may repeat of `waits`: that an address waits, whoever tries, with those whom that does not stop;
/// else that this account waits from this address.
fn block(
    conn: &mut PgConnection,
    attempt: &Attempt,
    waits: &[(String, u64)],
    seconds: u64,
) -> QueryResult<Block> {
    let wide = attempt.wide();
    let of_address = waits.iter().filter(|(subject, _)| wide.iter().any(|(_, own, _)| own == subject));
    let longest = of_address.max_by_key(|(_, seconds)| *seconds);
    if let Some((subject, seconds)) = longest
        && let Some(except) = known_in(conn, subject)?
    {
        return Ok(Block { subject: subject.clone(), seconds: *seconds, except });
    }
    Ok(Block { subject: attempt.pair(), seconds, except: Vec::new() })
}

/// More accounts than these are not worth remembering.
const MOST_KNOWN: i64 = 200;

/// The accounts that are known within an address or network, unless they are too many.
fn known_in(conn: &mut PgConnection, subject: &str) -> QueryResult<Option<Vec<String>>> {
    let Ok(network) = subject.parse::<IpNetwork>() else { return Ok(Some(Vec::new())) };
    // A range, since a plan that is made once for every value finds a network's addresses by no index.
    let (first, last) = ends(network);
    let signed_in = sessions::table
        .filter(sessions::ip_address.between(first, last))
        .filter(sessions::user_id.is_not_null())
        .select(sessions::user_id.assume_not_null());
    let redeemed = password_links::table
        .filter(password_links::used_from.between(first, last))
        .select(password_links::user_id);
    let known: Vec<String> = users::table
        .filter(users::id.eq_any(signed_in).or(users::id.eq_any(redeemed)))
        .limit(MOST_KNOWN + 1)
        .select(lower(users::email))
        .load(conn)?;
    let is_few = i64::try_from(known.len()).is_ok_and(|known| known <= MOST_KNOWN);
    Ok(is_few.then(|| known.iter().map(|email| account_hash(email)).collect()))
}

/// The first and the last address of `network`.
fn ends(network: IpNetwork) -> (IpNetwork, IpNetwork) {
    let last: IpAddr = match network {
        IpNetwork::V4(network) => {
            Ipv4Addr::from_bits(network.ip().to_bits() | !network.mask().to_bits()).into()
        }
        IpNetwork::V6(network) => {
            Ipv6Addr::from_bits(network.ip().to_bits() | !network.mask().to_bits()).into()
        }
    };
    (network.network().into(), last.into())
}

/// The wait doubles with every try beyond the free ones: 1 s, 2 s, 4 s … 15 minutes. What is older than
/// the longest wait is forgotten.
fn count(conn: &mut PgConnection, (scope, subject, free): Subject<'_>) -> QueryResult<Option<DateTime<Utc>>> {
    let row: BlockedRow = diesel::sql_query(
        "INSERT INTO pilothouse.sign_in_failures AS f (scope, subject) VALUES ($1, $2) \
         ON CONFLICT (scope, subject) DO UPDATE SET \
           failures = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN 1 ELSE f.failures + 1 END, \
           first_at = CASE WHEN f.last_at < now() - make_interval(secs => $4) THEN now() ELSE f.first_at END, \
           last_at = clock_timestamp(), \
           blocked_until = CASE \
             WHEN f.last_at < now() - make_interval(secs => $4) OR f.failures + 1 < $3 THEN NULL \
             ELSE clock_timestamp() + make_interval(secs => least($4, power(2, least(f.failures + 1 - $3, 20)))) END \
         RETURNING blocked_until",
    )
    .bind::<Text, _>(scope)
    .bind::<Text, _>(subject)
    .bind::<Integer, _>(free)
    .bind::<Integer, _>(LONGEST)
    .get_result(conn)?;
    Ok(row.blocked_until)
}

#[derive(QueryableByName)]
struct BlockedRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    blocked_until: Option<DateTime<Utc>>,
}

/// Removes a few counts that nobody asks for any more: whoever tries from many places must not fill the table.
fn forget_old(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query(
        "DELETE FROM pilothouse.sign_in_failures f USING ( \
           SELECT o.scope, o.subject FROM pilothouse.sign_in_failures o WHERE o.last_at < now() - interval '1 day' \
           ORDER BY o.last_at LIMIT 5 FOR UPDATE SKIP LOCKED) old \
         WHERE f.scope = old.scope AND f.subject = old.subject",
    )
    .execute(conn)
    .map(|_| ())
}

/// Takes back what [`admit`] counted, after a password that was right: the account starts afresh, also from where it
/// is known; an address is freed of this try, and stays blocked when another one blocked it.
pub fn forget(conn: &mut PgConnection, attempt: &Attempt, counted: &Counted) -> QueryResult<()> {
    diesel::delete(failures::table.find(("account", &attempt.account))).execute(conn)?;
    for (address, blocked) in &counted.0 {
        diesel::sql_query(
            "UPDATE pilothouse.sign_in_failures SET failures = greatest(failures - 1, 0), \
               blocked_until = CASE WHEN blocked_until IS DISTINCT FROM $2 THEN blocked_until END \
             WHERE scope = 'address' AND subject = $1",
        )
        .bind::<Text, _>(address)
        .bind::<Nullable<Timestamptz>, _>(blocked)
        .execute(conn)?;
    }
    diesel::delete(failures::table.find(("pair", attempt.pair()))).execute(conn).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_counts_for_its_network_and_its_site() {
        let attempt = Attempt::new(" A@x.test", Some("2001:db8:1:2:3::4".parse().unwrap()));
        let subjects: Vec<_> = attempt.wide();
        assert_eq!(
            subjects,
            [
                ("address", "2001:db8:1:2::/64", FREE_PER_ADDRESS),
                ("address", "2001:db8:1::/48", FREE_PER_SITE)
            ]
        );
        let (first, last) = ends("2001:db8:1::/48".parse().unwrap());
        assert_eq!(first.ip().to_string(), "2001:db8:1::");
        assert_eq!(last.ip().to_string(), "2001:db8:1:ffff:ffff:ffff:ffff:ffff");
        let plain = Attempt::new("a@x.test", Some("198.51.100.1".parse().unwrap()));
        assert_eq!(plain.wide(), [("address", "198.51.100.1", FREE_PER_ADDRESS)]);
        assert_eq!(plain.account(), attempt.account());
    }
}
