//! What the request roles may do, and what everybody may, privilege by privilege.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::{Finding, Part, Problem, Severity};

/// What each grantee may do with each object, and the objects and columns that there are.
struct Rights<'a> {
    /// By `object to role`.
    grants: BTreeMap<&'a str, BTreeSet<&'a str>>,
    objects: BTreeSet<&'a str>,
    columns: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Rights<'a> {
    fn of(parts: &'a [Part]) -> Self {
        let mut rights = Self { grants: BTreeMap::new(), objects: BTreeSet::new(), columns: BTreeSet::new() };
        for part in parts {
            match Kind::of(&part.kind) {
                Kind::Grant => {
                    rights.grants.insert(&part.name, part.definition.split(", ").collect());
                }
                Kind::Table | Kind::View | Kind::Function => {
                    rights.objects.insert(&part.name);
                }
                Kind::Column => rights.columns.extend(part.name.rsplit_once('.')),
                _ => {}
            }
        }
        rights
    }

    /// A schema is always there: without it, nothing in it would be.
    fn has(&self, object: &str) -> bool {
        !object.contains('.') || self.objects.contains(object)
    }

    /// Whether there is the column that a word names, if it names one.
    fn has_column_of(&self, object: &str, word: &str) -> bool {
        word.strip_suffix(')')
            .and_then(|word| word.split_once('('))
            .is_none_or(|(_, column)| self.columns.contains(&(object, column)))
    }

    fn granted(&self, name: &str) -> BTreeSet<&'a str> {
        self.grants.get(name).cloned().unwrap_or_default()
    }
}

/// Privileges that are gone, and those that are too many. What others add, and who else may do what with
/// it, is theirs.
pub(super) fn findings(expected: &[Part], found: &[Part]) -> Vec<Finding> {
    let (wanted, is) = (Rights::of(expected), Rights::of(found));
    let names: BTreeSet<&str> = wanted.grants.keys().chain(is.grants.keys()).copied().collect();
    let mut findings = Vec::new();
    for name in names {
        let object = name.rsplit_once(" to ").map_or(name, |(object, _)| object);
        if !(wanted.has(object) && is.has(object)) {
            continue;
        }
        let (should, may) = (wanted.granted(name), is.granted(name));
        let known = |word: &&&str| wanted.has_column_of(object, word) && is.has_column_of(object, word);
        // All columns include each.
        let covered = |word: &str| word.split_once('(').is_some_and(|(whole, _)| may.contains(whole));
        let lacks: Vec<&str> =
            should.difference(&may).filter(known).filter(|word| !covered(word)).copied().collect();
        let exceeds: Vec<&str> = may.difference(&should).filter(known).copied().collect();
        for (words, severity, problem) in [
            (lacks, Severity::Broken, Problem::Lacks as fn(String) -> Problem),
            (exceeds, Severity::Notice, Problem::Exceeds),
        ] {
            if !words.is_empty() {
                findings.push(Finding {
                    kind: Kind::Grant.word(),
                    name: name.to_owned(),
                    severity,
                    problem: problem(words.join(", ")),
                });
            }
        }
    }
    findings
}
