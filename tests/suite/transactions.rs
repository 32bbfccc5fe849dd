//! What follows a transaction: once, when it stands, and whatever else is opened beside it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, after_commit, refuse_commit};
use tokio::runtime::Runtime;

use crate::support::db::TestDb;

/// What followed, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<&'static str>>>);

impl Diary {
    fn promise(&self, conn: &mut PgConnection, entry: &'static str) {
        let diary = self.clone();
        after_commit(conn, move |_| diary.note(entry));
    }

    fn note(&self, entry: &'static str) {
        self.0.lock().unwrap().push(entry);
    }

    fn entries(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn database() -> (TestDb, Db) {
    let test = TestDb::new();
    let budget = Duration::from_secs(20);
    let db = Db::new(&ConnectOptions { url: test.url(), size: 2, budget, behind_pooler: false });
    (test, db)
}

const ROLL_BACK: Result<(), DbError> = Err(DbError::Query(DieselError::RollbackTransaction));

#[test]
fn what_follows_a_transaction_survives_another_one_that_is_opened_within_it() {
    let (_test, db) = database();
    let diary = Diary::default();
    for (inner_stands, outer_stands, expected) in [
        (true, true, vec!["inner", "before", "after"]),
        (false, true, vec!["before", "after"]),
        (true, false, vec!["inner"]),
        (false, false, vec![]),
    ] {
        let outer = db.write_blocking(&Actor::System, |conn| {
            diary.promise(conn, "before");
            let inner = db.write_blocking(&Actor::System, |conn| {
                diary.promise(conn, "inner");
                if inner_stands { Ok(()) } else { ROLL_BACK }
            });
            assert_eq!(inner.is_ok(), inner_stands);
            diary.promise(conn, "after");
            if outer_stands { Ok(()) } else { ROLL_BACK }
        });
        assert_eq!(outer.is_ok(), outer_stands);
        assert_eq!(diary.entries(), expected, "inner {inner_stands}, outer {outer_stands}");
    }
}

#[test]
fn what_was_asked_for_in_a_savepoint_goes_with_it() {
    let (_test, db) = database();
    let diary = Diary::default();
    db.write_blocking(&Actor::System, |conn| {
        diary.promise(conn, "first");
        for (entry, deeper, stands) in [("gone", "gone with it", false), ("second", "third", true)] {
            let savepoint = conn.transaction(|conn| {
                diary.promise(conn, entry);
                conn.transaction(|conn| {
                    diary.promise(conn, deeper);
                    Ok::<(), DieselError>(())
                })?;
                if stands { Ok(()) } else { Err(DieselError::RollbackTransaction) }
            });
            assert_eq!(savepoint.is_ok(), stands);
        }
        // A savepoint that an error of PostgreSQL has aborted.
        let broken = conn.transaction(|conn| {
            diary.promise(conn, "gone too");
            conn.batch_execute("SELECT 1 / 0")
        });
        assert!(broken.is_err());
        let refused = conn.transaction(|conn| {
            refuse_commit(conn, "only while this stands".to_owned());
            Err::<(), _>(DieselError::RollbackTransaction)
        });
        assert!(refused.is_err());
        diary.promise(conn, "last");
        Ok::<(), DbError>(())
    })
    .unwrap();
    assert_eq!(diary.entries(), ["first", "second", "third", "last"]);
}

#[test]
fn a_refusal_concerns_the_transaction_that_it_was_told_and_no_other() {
    let (_test, db) = database();
    let diary = Diary::default();
    let outer = db.write_blocking(&Actor::System, |conn| {
        refuse_commit(conn, "full".to_owned());
        diary.promise(conn, "outer");
        db.write_blocking(&Actor::System, |conn| {
            diary.promise(conn, "inner");
            Ok::<(), DbError>(())
        })
    });
    assert!(matches!(outer, Err(DbError::Unavailable(reason)) if reason == "full"));
    assert_eq!(diary.entries(), ["inner"]);
    db.write_blocking(&Actor::System, |conn| {
        diary.promise(conn, "next");
        Ok::<(), DbError>(())
    })
    .unwrap();
    assert_eq!(diary.entries(), ["next"], "nothing is left of the refusal on the connection");
}

#[test]
fn a_transaction_is_run_again_for_its_own_conflict_only_and_is_followed_once() {
    let (_test, db) = database();
    let runtime = Runtime::new().unwrap();
    let conflict = "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$";
    for (own, runs) in [(true, 4), (false, 1)] {
        let (diary, count) = (Diary::default(), Arc::new(AtomicU32::new(0)));
        let (noted, counter, other) = (diary.clone(), Arc::clone(&count), db.clone());
        let outcome: Result<(), DbError> = runtime.block_on(db.write(&Actor::System, move |conn| {
            noted.promise(conn, "done");
            let last = counter.fetch_add(1, Ordering::SeqCst) == 3;
            if own {
                return if last { Ok(()) } else { Ok(conn.batch_execute(conflict)?) };
            }
            let beside: Result<(), DbError> =
                other.write_blocking(&Actor::System, |conn| Ok(conn.batch_execute(conflict)?));
            assert!(beside.is_err());
            ROLL_BACK
        }));
        assert_eq!((count.load(Ordering::SeqCst), outcome.is_ok()), (runs, own));
        assert_eq!(diary.entries(), if own { vec!["done"] } else { vec![] });
    }
}

#[test]
fn nothing_follows_a_transaction_that_panicked() {
    let (_test, db) = database();
    let diary = Diary::default();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.write_blocking(&Actor::System, |conn| -> Result<(), DbError> {
            diary.promise(conn, "never");
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    db.write_blocking(&Actor::System, |_| Ok::<(), DbError>(())).unwrap();
    assert!(diary.entries().is_empty());
}
