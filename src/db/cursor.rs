//! Positions in lists, and the page that starts at one.

use chrono::{DateTime, Utc};

/// Which way a page goes from its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart<P> {
    /// The first page.
    Start,
    /// What comes after the position in the list's order.
    Beyond(P),
    /// What comes before it, nearest first reversed back into the list's order.
    Back(P),
}

/// A position in a list that is ordered by a text or a time and then by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPosition {
    /// What the list is ordered by: a text as it is stored (workers write any character), or microseconds.
    pub key: String,
    /// Tells rows of the same key apart.
    pub id: uuid::Uuid,
}

/// The text was no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position in this list")]
pub struct NotAPosition;

impl ListPosition {
    /// Where a row stands in a list that is ordered by a time; rows without one stand at the epoch.
    #[must_use]
    pub fn at_time(at: Option<DateTime<Utc>>, id: uuid::Uuid) -> Self {
        Self { key: at.unwrap_or(DateTime::UNIX_EPOCH).timestamp_micros().to_string(), id }
    }

    /// The time of a position in such a list.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.key.parse().ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default()
    }
}

impl std::str::FromStr for ListPosition {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (id, key) = text.split_at_checked(36).ok_or(NotAPosition)?;
        let key = key.strip_prefix('.').ok_or(NotAPosition)?;
        if key.chars().count() > 300 || key.contains('\0') {
            return Err(NotAPosition);
        }
        Ok(Self { key: key.to_owned(), id: id.parse().map_err(|_| NotAPosition)? })
    }
}

impl std::fmt::Display for ListPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.id.hyphenated(), self.key)
    }
}

/// A position in a list that is ordered by a time and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimePosition {
    /// When.
    pub at: DateTime<Utc>,
    /// Tells rows of the same time apart.
    pub id: uuid::Uuid,
}

impl TimePosition {
    /// The same as a position of any list: what an address holds.
    #[must_use]
    pub fn listed(&self) -> ListPosition {
        ListPosition { key: self.at.timestamp_micros().to_string(), id: self.id }
    }

    /// The position that comes right before it, so that a page beyond that one begins with it.
    #[must_use]
    pub fn just_before(&self) -> Self {
        match self.id.as_u128().checked_sub(1) {
            Some(id) => Self { id: uuid::Uuid::from_u128(id), ..*self },
            None => Self { at: self.at - chrono::TimeDelta::microseconds(1), id: uuid::Uuid::max() },
        }
    }

    /// A position behind it and before the next moment, so that a page back from that one ends with it.
    #[must_use]
    pub fn just_behind(&self) -> Self {
        Self { at: self.at + chrono::TimeDelta::microseconds(1), id: uuid::Uuid::nil() }
    }
}

impl TryFrom<&ListPosition> for TimePosition {
    type Error = NotAPosition;

    fn try_from(position: &ListPosition) -> Result<Self, NotAPosition> {
        let micros = position.key.parse().map_err(|_| NotAPosition)?;
        let at = DateTime::from_timestamp_micros(micros).ok_or(NotAPosition)?;
        let year = chrono::Datelike::year(&at);
        if (1..=9999).contains(&year) { Ok(Self { at, id: position.id }) } else { Err(NotAPosition) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows in the list's order.
    pub rows: Vec<T>,
    /// Whether there are rows before the first.
    pub has_previous: bool,
    /// Whether there are rows after the last.
    pub has_next: bool,
}

impl<T> Page<T> {
    /// Leaves the first `rows`; the rest comes after them.
    pub fn cut(&mut self, rows: usize) {
        self.has_next |= rows < self.rows.len();
        self.rows.truncate(rows);
    }

    /// The position of the last row, if more come after it.
    pub fn last<P>(&self, position: impl FnOnce(&T) -> P) -> Option<P> {
        self.rows.last().filter(|_| self.has_next).map(position)
    }

    /// The page made of `rows`, which were read from `from` with one more than `limit` asked for.
    #[must_use]
    pub fn of<P>(mut rows: Vec<T>, limit: usize, from: &PageStart<P>) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        match from {
            PageStart::Start => Self { rows, has_previous: false, has_next: more },
            PageStart::Beyond(_) => Self { rows, has_previous: true, has_next: more },
            PageStart::Back(_) => {
                rows.reverse();
                Self { rows, has_previous: more, has_next: true }
            }
        }
    }
}

/// Puts a boxed query in the order of `$key` and then `$id`, and cuts it where the page begins. A page that
/// goes back is read nearest first; [`Page::of`] turns it round.
///
/// `$at => $value` makes a position's key comparable with `$key`. The first bound is what an index begins at;
/// the second leaves out the rows of the same key that were shown already.
macro_rules! keyset {
    ($query:expr, $from:expr, ascending $key:expr, $id:expr, $make_id:path, $at:ident => $value:expr) => {
        match $from {
            $crate::db::cursor::PageStart::Start => $query.order(($key.asc(), $id.asc())),
            $crate::db::cursor::PageStart::Beyond($at) => $query
                .filter($key.ge($value).and($key.gt($value).or($id.gt($make_id($at.id)))))
                .order(($key.asc(), $id.asc())),
            $crate::db::cursor::PageStart::Back($at) => $query
                .filter($key.le($value).and($key.lt($value).or($id.lt($make_id($at.id)))))
                .order(($key.desc(), $id.desc())),
        }
    };
    ($query:expr, $from:expr, descending $key:expr, $id:expr, $make_id:path, $at:ident => $value:expr) => {
        match $from {
            $crate::db::cursor::PageStart::Start => $query.order(($key.desc(), $id.desc())),
            $crate::db::cursor::PageStart::Beyond($at) => $query
                .filter($key.le($value).and($key.lt($value).or($id.lt($make_id($at.id)))))
                .order(($key.desc(), $id.desc())),
            $crate::db::cursor::PageStart::Back($at) => $query
                .filter($key.ge($value).and($key.gt($value).or($id.gt($make_id($at.id)))))
                .order(($key.asc(), $id.asc())),
        }
    };
}
pub(crate) use keyset;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text() {
        for key in ["", "shop-api", "a.b c/ü", "1763680000000000"] {
            let position = ListPosition { key: key.to_owned(), id: uuid::Uuid::from_u128(7) };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        let micros =
            |key: &str| TimePosition::try_from(&ListPosition { key: key.to_owned(), id: uuid::Uuid::nil() });
        assert_eq!(micros("1763680000000001").unwrap().listed().key, "1763680000000001");
        for bad in ["", "shop", "1.5", "999999999999999999999", "9223372036854775807"] {
            assert!(micros(bad).is_err(), "{bad}");
        }
        let long = format!("{}.{}", uuid::Uuid::nil(), "x".repeat(301));
        for bad in ["", "x", "00000000-0000-0000-0000-000000000000", "ü".repeat(40).as_str(), long.as_str()]
        {
            assert!(bad.parse::<ListPosition>().is_err(), "{bad}");
        }
    }
}
