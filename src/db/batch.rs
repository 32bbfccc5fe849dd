//! How much is read at once of rows that anybody may make as large as they like.

use diesel::define_sql_function;
use diesel::sql_types::{Nullable, Text};

/// Bytes of one answer, unless its first row alone has more.
pub const MOST_BYTES: i64 = 4 * 1024 * 1024;
/// The same of a batch of an export: on its way to a file each byte of it is held several times.
const BATCH_BYTES: i64 = MOST_BYTES / 4;

/// Characters of one long text that are read at once: no more bytes than [`MOST_BYTES`], whatever they are.
pub const MOST_CHARACTERS: i64 = MOST_BYTES / 4;

define_sql_function! {
    /// Bytes of a text; those of a stored one are known without reading it.
    fn octet_length(text: Nullable<Text>) -> Nullable<Integer>;
}

/// Whether `text`, of which [`MOST_CHARACTERS`] were read, may go on.
#[must_use]
pub fn is_cut(text: &str) -> bool {
    i64::try_from(text.chars().count()) == Ok(MOST_CHARACTERS)
}

/// How many of the first rows fit into a batch: at least one, if there are any. `weights` are their bytes.
#[must_use]
pub fn fitting(weights: impl IntoIterator<Item = i64>) -> usize {
    let mut sum = 0_i64;
    let fits = weights.into_iter().enumerate().take_while(|(at, weight)| {
        sum = sum.saturating_add(*weight);
        *at == 0 || sum <= BATCH_BYTES
    });
    fits.count()
}

/// The bytes that `$column`, a jsonb, may have as text.
macro_rules! weight_of_json {
    ($column:literal) => {
        concat!(
            "coalesce(pg_column_size(",
            $column,
            ")::bigint * CASE WHEN pg_column_compression(",
            $column,
            ") IS NULL THEN 2 ELSE 60 END, 0)"
        )
    };
}
pub(crate) use weight_of_json;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_a_row_at_least_and_no_more_bytes_than_it_may() {
        assert_eq!(fitting([]), 0);
        assert_eq!(fitting([BATCH_BYTES * 9, 1]), 1);
        assert_eq!(fitting([BATCH_BYTES - 1, 1, 1]), 2);
        assert_eq!(fitting([1; 250]), 250);
        assert_eq!(fitting([i64::MAX, i64::MAX]), 1);
    }
}
