//! One text in the spellings that Unicode has for it.
//!
//! `größe` is written with one letter `ö` or with an `o` and a mark on it, as some file systems do; people see no
//! difference, PostgreSQL does. Rows stay as they were written. Whoever looks for a text looks for each spelling: a
//! normal form worked out of every row would be dear, and no index has it.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Text};
use unicode_normalization::UnicodeNormalization;

/// `text` as it is, composed and decomposed; each once.
#[must_use]
pub fn spellings(text: &str) -> Vec<String> {
    let mut spellings = vec![text.to_owned()];
    if !text.is_ascii() {
        for spelling in [text.nfc().collect(), text.nfd().collect()] {
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

/// `text` composed: what a form stores of a name, and what two names are compared by.
#[must_use]
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// A `LIKE` pattern that stands for `text` and nothing else.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A `LIKE` pattern that finds `text` as it is spelled, wherever it stands.
#[must_use]
pub fn containing_exactly(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// `LIKE` patterns that find `text` in any spelling, wherever it stands.
#[must_use]
pub fn containing(text: &str) -> Vec<String> {
    spellings(text).iter().map(|spelling| containing_exactly(spelling)).collect()
}

/// What [`contains`] compares with: the patterns of [`containing`].
#[derive(Debug, Clone, QueryId, ValidGrouping)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Finds `text` in any spelling.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(containing(text))
    }

    /// Finds each of `texts` as it is spelled.
    #[must_use]
    pub fn of_each(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| containing_exactly(text)).collect())
    }
}

impl Expression for Patterns {
    type SqlType = Array<Text>;
}

impl QueryFragment<Pg> for Patterns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Table> AppearsOnTable<Table> for Patterns {}
impl<Table> SelectableExpression<Table> for Patterns {}

diesel::infix_operator!(IlikeAny, " ILIKE ANY ", Bool, backend: Pg);

/// Whether `column` holds what `patterns` look for, in any case. A column without a text holds nothing.
pub fn contains<Column: Expression>(column: Column, patterns: &Patterns) -> IlikeAny<Column, Patterns> {
    IlikeAny::new(column, patterns.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSED: &str = "gr\u{f6}\u{df}e";
    const DECOMPOSED: &str = "gro\u{308}\u{df}e";

    #[test]
    fn a_text_is_looked_for_in_each_spelling_once() {
        assert_eq!(spellings("groesse"), ["groesse"]);
        assert_eq!(spellings("漢字"), ["漢字"]);
        assert_eq!(spellings(COMPOSED), [COMPOSED, DECOMPOSED]);
        assert_eq!(spellings(DECOMPOSED), [DECOMPOSED, COMPOSED]);
        // Half and half, as a text that two programs wrote.
        assert_eq!(spellings("o\u{308}\u{f6}").len(), 3);
        assert_eq!(composed(DECOMPOSED), COMPOSED);
    }

    #[test]
    fn what_stands_for_others_in_a_pattern_stands_for_itself() {
        assert_eq!(containing("100%_\\"), ["%100\\%\\_\\\\%"]);
    }
}
