//! Retries that change nothing: the answer to a request is kept under the key that its sender made, in the transaction
//! of what it changed.

use std::time::Duration;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use crate::db::schema::idempotency_keys;
use crate::db::time::ago;

/// How long a retry waits for the request that it repeats.
const PATIENCE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(15);
/// How long an answer is kept.
const KEPT_HOURS: i32 = 48;

diesel::define_sql_function! {
    /// Whose keys the transaction may use.
    #[sql_name = "pilothouse.app_principal"]
    fn app_principal() -> Text;
}

/// What a key means for the request that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new: [`keep`] has to follow.
    New,
    /// The same request was answered before.
    Answered(u16, String),
    /// Another request had this key.
    Other,
    /// The same request, or another one with this key, is on its way.
    Running,
}

#[derive(QueryableByName)]
struct Tried {
    #[diesel(sql_type = Bool)]
    held: bool,
    #[diesel(sql_type = Bool)]
    new: bool,
}

/// Takes `key` for the request whose hash this is.
pub fn claim(conn: &mut PgConnection, key: &str, request_hash: &str) -> QueryResult<Claim> {
    let mut waited = Duration::ZERO;
    loop {
        let tried: Tried = diesel::sql_query(
            "WITH mine AS MATERIALIZED (SELECT pilothouse.app_principal() AS principal, pg_catalog.pg_try_advisory_xact_lock( \
                 pg_catalog.hashtextextended(pilothouse.app_principal() || ' ' || $1, 7)) AS held), \
             kept AS (INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash) \
                 SELECT m.principal, $1, $2 FROM mine m WHERE m.held ON CONFLICT DO NOTHING RETURNING key) \
             SELECT m.held, EXISTS (SELECT FROM kept) AS new FROM mine m",
        )
        .bind::<Text, _>(key)
        .bind::<Text, _>(request_hash)
        .get_result(conn)?;
        if tried.new {
            return Ok(Claim::New);
        }
        if tried.held {
            break;
        }
        if waited >= PATIENCE {
            return Ok(Claim::Running);
        }
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    }
    let (hash, status, answer): (String, Option<i16>, Option<String>) = idempotency_keys::table
        .filter(idempotency_keys::principal.eq(app_principal()))
        .filter(idempotency_keys::key.eq(key))
        .select((idempotency_keys::request_hash, idempotency_keys::status, idempotency_keys::answer))
        .first(conn)?;
    let status = status.and_then(|status| u16::try_from(status).ok());
    Ok(match (status, answer) {
        _ if hash != request_hash => Claim::Other,
        (Some(status), Some(answer)) => Claim::Answered(status, answer),
        _ => Claim::Running,
    })
}

/// Keeps the answer under a key that [`claim`] found to be new.
pub fn keep(conn: &mut PgConnection, key: &str, status: u16, answer: &str) -> QueryResult<()> {
    diesel::update(
        idempotency_keys::table
            .filter(idempotency_keys::principal.eq(app_principal()))
            .filter(idempotency_keys::key.eq(key)),
    )
    .set((
        idempotency_keys::status.eq(i16::try_from(status).unwrap_or(200)),
        idempotency_keys::answer.eq(answer),
    ))
    .execute(conn)
    .map(|_| ())
}

/// Forgets answers that are older than they are kept.
pub fn prune(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(ago(KEPT_HOURS.hours()))))
        .execute(conn)
}
