//! Schema drift: what the database is made of, held against what the migrations make.
//!
//! Other programs change this database too, and a table or column that one of them took away would
//! show as a failed page somewhere. `catalog.txt` is the catalog of a migrated database; a test keeps
//! it true. What others add is theirs and no finding.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

mod grants;
mod kind;

use kind::Kind;

const CATALOG_QUERY: &str = include_str!("catalog.sql");
const EXPECTED: &str = include_str!("catalog.txt");

/// One part of a database: a line of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct Part {
    /// `table`, `column`, `index` and so on.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// `schema.table` or `schema.table.part`, without quotes.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What it is like, in one line.
    #[diesel(sql_type = Text)]
    pub definition: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Pages still work, slower or with less protection against wrong rows.
    Notice,
    /// Pages fail, or show what they must not: the console is not ready.
    Broken,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Missing,
    /// It is there, but not as the migrations make it.
    Differs {
        /// As the migrations make it.
        expected: String,
        found: String,
    },
    /// A role may not do what the migrations let it do.
    Lacks(String),
    /// A role may do what the migrations don't let it do.
    Exceeds(String),
}

/// One difference between the database and the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A [`Part`]'s kind; of a column that is there: `column type`, `nullability` or `default`.
    pub kind: &'static str,
    /// The part's name.
    pub name: String,
    /// Whether the console can serve.
    pub severity: Severity,
    /// What is wrong.
    pub problem: Problem,
}

impl Finding {
    /// Whether pages fail because of it: the console is not ready then.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.severity == Severity::Broken
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Missing => write!(f, "{} {} is missing", self.kind, self.name),
            Problem::Differs { expected, found } => {
                write!(f, "{} {} differs: expected {expected}, found {found}", self.kind, self.name)
            }
            Problem::Lacks(words) => write!(f, "{} {} lacks {words}", self.kind, self.name),
            Problem::Exceeds(words) => {
                write!(f, "{} {} is more than the migrations give: {words}", self.kind, self.name)
            }
        }
    }
}

/// What the database is made of, sorted.
pub fn catalog(conn: &mut PgConnection) -> QueryResult<Vec<Part>> {
    // Names in definitions are qualified when the search path does not find them. Rolling back puts the path
    // back, whether or not a transaction is open already.
    let mut parts = None;
    let rolled_back = conn.transaction(|conn| {
        conn.batch_execute("SET LOCAL search_path = pg_catalog")?;
        parts = Some(diesel::sql_query(CATALOG_QUERY).load::<Part>(conn)?);
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    });
    match (parts, rolled_back) {
        (Some(mut parts), Err(diesel::result::Error::RollbackTransaction)) => {
            parts.sort();
            Ok(parts)
        }
        (_, Err(error)) => Err(error),
        (_, Ok(())) => Err(diesel::result::Error::NotFound),
    }
}

/// The differences between this database and a freshly migrated one, the worst first.
pub fn findings(conn: &mut PgConnection) -> QueryResult<Vec<Finding>> {
    Ok(compare(&expected(), &catalog(conn)?))
}

/// The catalog of a freshly migrated database.
#[must_use]
pub fn expected() -> Vec<Part> {
    EXPECTED.lines().filter_map(parse_line).collect()
}

/// One line of `catalog.txt`.
#[must_use]
pub fn line(part: &Part) -> String {
    format!("{}\t{}\t{}", part.kind, part.name, part.definition)
}

fn parse_line(line: &str) -> Option<Part> {
    let mut fields = line.splitn(3, '\t').map(str::to_owned);
    Some(Part { kind: fields.next()?, name: fields.next()?, definition: fields.next()? })
}

fn compare(expected: &[Part], found: &[Part]) -> Vec<Finding> {
    let by_name: BTreeMap<_, _> =
        found.iter().map(|part| ((part.kind.as_str(), part.name.as_str()), part)).collect();
    let like: BTreeSet<_> = found
        .iter()
        .map(|part| (part.kind.as_str(), table_of(&part.name), part.definition.as_str()))
        .collect();
    let has = |kind: &'static str, name: &str| by_name.contains_key(&(kind, name));

    let mut findings = grants::findings(expected, found);
    for part in expected {
        let kind = Kind::of(&part.kind);
        // A privilege that one has and another lacks is told one by one.
        if kind == Kind::Grant {
            continue;
        }
        // A missing table is one finding, not one for everything on it.
        if kind.is_on_a_table() && !has("table", table_of(&part.name)) {
            continue;
        }
        match by_name.get(&(part.kind.as_str(), part.name.as_str())) {
            Some(same) => findings.extend(differences(kind, part, same)),
            // Another name for the same thing does the same work.
            None if kind.may_be_renamed()
                && like.contains(&(part.kind.as_str(), table_of(&part.name), &part.definition)) => {}
            None => findings.push(Finding {
                kind: kind.word(),
                name: part.name.clone(),
                severity: kind.severity_of_absence(),
                problem: Problem::Missing,
            }),
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// `schema.table` of `schema.table.part`.
fn table_of(name: &str) -> &str {
    let mut dots = name.match_indices('.').map(|(at, _)| at);
    dots.nth(1).map_or(name, |second| &name[..second])
}

fn differences(kind: Kind, expected: &Part, found: &Part) -> Vec<Finding> {
    let aspects: Vec<(&'static str, &str, &str)> = if kind == Kind::Column {
        ["column type", "nullability", "default"]
            .into_iter()
            .zip(expected.definition.splitn(3, " | ").zip(found.definition.splitn(3, " | ")))
            .map(|(word, (expected, found))| (word, expected, found))
            .collect()
    } else {
        vec![(kind.word(), &expected.definition, &found.definition)]
    };
    aspects
        .into_iter()
        .filter_map(|(word, wanted, is)| {
            Some(Finding {
                kind: word,
                name: expected.name.clone(),
                severity: severity_of_difference(kind, word, wanted, is)?,
                problem: Problem::Differs { expected: wanted.to_owned(), found: is.to_owned() },
            })
        })
        .collect()
}

/// None when the difference is somebody else's addition.
fn severity_of_difference(kind: Kind, aspect: &str, expected: &str, found: &str) -> Option<Severity> {
    if expected == found {
        return None;
    }
    Some(match kind {
        // A length or precision, and varchar or text, read the same.
        Kind::Column if aspect == "column type" && family(expected) != family(found) => Severity::Broken,
        Kind::Type => {
            let labels: BTreeSet<&str> = found.split(", ").collect();
            if expected.split(", ").all(|label| labels.contains(label)) {
                return None;
            }
            Severity::Broken
        }
        Kind::RowSecurity => Severity::Broken,
        // No policy binds such a role, or those of another one bind it.
        Kind::Role if ["superuser", "bypassrls", "member of"].iter().any(|word| found.contains(word)) => {
            Severity::Broken
        }
        _ => Severity::Notice,
    })
}

/// What a column's type is to a program that reads it.
fn family(data_type: &str) -> String {
    let (before, after) = data_type.split_once('(').map_or((data_type, ""), |(before, rest)| {
        (before, rest.split_once(')').map_or("", |(_, after)| after))
    });
    let bare = format!("{before}{after}");
    if bare == "character varying" { "text".to_owned() } else { bare }
}
