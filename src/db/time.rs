//! Times as the database holds them, read as times that a calendar page can show.
//!
//! PostgreSQL knows `infinity` and years from 4713 BC to 294276; chrono knows none of the first and not all of the
//! second, and a page can say neither. These SQL types stand for the columns' own in [`super::schema`]: what lies
//! beyond the years 1 to 9999 is read as the calendar's edge, whoever reads it, and is never a failure.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use diesel::deserialize::{self, FromSql};
use diesel::expression::{AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{self, Interval, SqlOrd, SqlType, ops};

/// `timestamp with time zone`
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
pub struct Timestamptz;

/// `timestamp`, which the quoted tables hold in UTC.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1114, array_oid = 1115))]
pub struct Timestamp;

#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1082, array_oid = 1182))]
pub struct Date;

/// Microseconds since the year 2000, as they come over the wire, within the calendar.
fn calendar(micros: i64) -> NaiveDateTime {
    const EARLIEST: i64 = -63_082_281_600_000_000;
    const LATEST: i64 = 252_455_615_999_999_999;
    year_2000().and_time(chrono::NaiveTime::MIN) + TimeDelta::microseconds(micros.clamp(EARLIEST, LATEST))
}

fn year_2000() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

fn micros(value: PgValue<'_>) -> deserialize::Result<i64> {
    FromSql::<sql_types::BigInt, Pg>::from_sql(value)
}

impl FromSql<Timestamptz, Pg> for DateTime<Utc> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(calendar(micros(value)?).and_utc())
    }
}

impl FromSql<Timestamp, Pg> for NaiveDateTime {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(calendar(micros(value)?))
    }
}

impl FromSql<Date, Pg> for NaiveDate {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let days: i32 = FromSql::<sql_types::Integer, Pg>::from_sql(value)?;
        Ok(year_2000() + TimeDelta::days(days.clamp(-730_119, 2_921_939).into()))
    }
}

/// A value of chrono's, to be compared with a column: only types of one's own may be expressions.
macro_rules! bound_as {
    ($bound:ident, $rust:ty, $sql:ident) => {
        #[doc = concat!("A [`", stringify!($sql), "`] for an expression.")]
        #[derive(Debug, Clone, Copy, AsExpression)]
        #[diesel(sql_type = $sql)]
        pub struct $bound(pub $rust);

        impl ToSql<$sql, Pg> for $bound {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<$sql, Pg>::to_sql(&self.0, out)
            }
        }

        impl ToSql<$sql, Pg> for $rust {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<sql_types::$sql, Pg>::to_sql(self, out)
            }
        }
    };
}

bound_as!(Instant, DateTime<Utc>, Timestamptz);
bound_as!(UtcTime, NaiveDateTime, Timestamp);
bound_as!(Day, NaiveDate, Date);

impl SqlOrd for Timestamptz {}
impl SqlOrd for Timestamp {}
impl SqlOrd for Date {}

/// Times and lengths of time add up as in PostgreSQL.
macro_rules! moved_by_an_interval {
    ($($sql:ty => $sum:ty),*) => {$(
        impl ops::Add for $sql {
            type Rhs = Interval;
            type Output = $sum;
        }
        impl ops::Sub for $sql {
            type Rhs = Interval;
            type Output = $sum;
        }
    )*};
}
moved_by_an_interval!(Timestamptz => Timestamptz, Timestamp => Timestamp, Date => Timestamp);

/// When the transaction began, by the database's clock.
#[expect(non_camel_case_types, reason = "it reads as the function that it is")]
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub struct now;

impl Expression for now {
    type SqlType = Timestamptz;
}

impl QueryFragment<Pg> for now {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("now()");
        Ok(())
    }
}

impl<Table> AppearsOnTable<Table> for now {}
impl<Table> SelectableExpression<Table> for now {}

/// A value that stands in a statement's text, which stays prepared all the same: `diesel::dsl::sql` is planned anew each
/// time.
#[derive(Debug, Clone, Copy)]
pub struct Written<T> {
    sql: &'static str,
    sql_type: std::marker::PhantomData<T>,
}

impl<T> Written<T> {
    #[must_use]
    pub fn new(sql: &'static str) -> Self {
        Self { sql, sql_type: std::marker::PhantomData }
    }
}

impl<T: diesel::expression::TypedExpressionType> Expression for Written<T> {
    type SqlType = T;
}

impl<T> QueryFragment<Pg> for Written<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.sql);
        Ok(())
    }
}

impl<T> QueryId for Written<T> {
    type QueryId = ();

    // Its text differs from one to the next, so the cache must go by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, Group> ValidGrouping<Group> for Written<T> {
    type IsAggregate = diesel::expression::is_aggregate::Never;
}

impl<T, Table> AppearsOnTable<Table> for Written<T> where Self: Expression {}
impl<T, Table> SelectableExpression<Table> for Written<T> where Self: Expression {}

diesel::infix_operator!(Later, " + ", Timestamptz, backend: Pg);
diesel::infix_operator!(Earlier, " - ", Timestamptz, backend: Pg);

/// So long after now.
pub fn from_now<Length: AsExpression<Interval>>(length: Length) -> Later<now, Length::Expression> {
    Later::new(now, length.as_expression())
}

/// So long before now.
pub fn ago<Length: AsExpression<Interval>>(length: Length) -> Earlier<now, Length::Expression> {
    Earlier::new(now, length.as_expression())
}

/// The time that a list is ordered by, as its rows are read: within the calendar, and the epoch where there is none.
/// So a row's position says where it stands, and rows beyond the edge stand there together, by their ids.
macro_rules! listed_time {
    ($column:expr) => {{
        use $crate::db::functions::{coalesce_time, greatest_time, least_time};
        use $crate::db::time::{Timestamptz, Written};
        // All of it stands in the text: an index has this very expression.
        let dated =
            coalesce_time($column, Written::<Timestamptz>::new("'1970-01-01 00:00:00+00'::timestamptz"));
        let latest = Written::<Timestamptz>::new("'9999-12-31 23:59:59.999999+00'::timestamptz");
        let earliest = Written::<Timestamptz>::new("'0001-01-01 00:00:00+00'::timestamptz");
        greatest_time(earliest, least_time(latest, dated))
    }};
}
pub(crate) use listed_time;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_calendar_page_can_show_is_read_as_its_edge() {
        let shown = |micros: i64| calendar(micros).to_string();
        assert_eq!(shown(0), "2000-01-01 00:00:00");
        assert_eq!(shown(-1), "1999-12-31 23:59:59.999999");
        for beyond in [i64::MAX, i64::MAX - 1, 9_223_371_331_199_999_999] {
            assert_eq!(shown(beyond), "9999-12-31 23:59:59.999999");
        }
        for before in [i64::MIN, i64::MIN + 1, -211_813_488_000_000_000] {
            assert_eq!(shown(before), "0001-01-01 00:00:00");
        }
    }
}
