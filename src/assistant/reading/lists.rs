//! Lists: the features that are wanted, and the services that it should work with.

use super::text::{self, Clause, is_readable};
use super::{LONGEST_LIST, Reading, amounts, chosen_type, is_none, people, words};
use crate::assistant::slots::{Answer, Slot, Slots};

/// What was wanted before and what is wanted now, without what is refused.
fn merged(slot: Slot, slots: &Slots, wanted: Vec<String>, refused: Vec<String>) -> Vec<Reading> {
    let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let mut items: Vec<String> = slots.items(slot).to_vec();
    items.retain(|item| !refused.iter().any(|no| is_same(no, item)));
    let is_fewer = items.len() < slots.items(slot).len();
    let before = items.len();
    for item in wanted {
        if !refused.iter().any(|no| is_same(no, &item)) && !items.iter().any(|known| is_same(known, &item)) {
            items.push(item);
        }
    }
    items.truncate(LONGEST_LIST);
    if items.len() > before {
        vec![Reading::Fill(slot, Answer::list(slot, items))]
    } else if is_fewer {
        vec![Reading::Drop(slot, refused)]
    } else {
        Vec::new()
    }
}

pub(super) fn features(clauses: &[Clause], is_asked: bool, slots: &Slots) -> Vec<Reading> {
    let (mut wanted, mut refused): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let (chosen, _) = chosen_type(clauses);
    for (number, clause) in clauses.iter().enumerate() {
        let services = words::named(clause, words::INTEGRATIONS);
        for found in words::named(clause, words::FEATURES) {
            // The booking of a booking system is its type, and the calendar of Google's a service.
            let is_type = chosen.is_some_and(|(_, of, at)| (of, at) == (number, found.at));
            let is_service =
                services.iter().any(|service| (service.at..service.at + service.length).contains(&found.at));
            if found.is_refused {
                refused.push(found.name.to_owned());
            } else if !is_type && !is_service && !wanted.iter().any(|known| known == found.name) {
                wanted.push(found.name.to_owned());
            }
        }
        if is_asked && is_readable(&clause.text) {
            for item in listed(&clause.text) {
                let part = text::clauses(&item).into_iter().next();
                let is_known = part.as_ref().is_some_and(|part| {
                    [words::FEATURES, words::INTEGRATIONS, words::TYPES]
                        .iter()
                        .any(|table| !words::named(part, table).is_empty())
                });
                let is_about_else = people::contact(&item).is_some() || amounts::read(&item, false).is_some();
                let is_no = part.as_ref().is_some_and(|part| part.has("no") || part.has("not"));
                if !is_known && !is_about_else && !is_no && !is_none(&item) {
                    wanted.push(item);
                }
            }
        }
    }
    merged(Slot::Features, slots, wanted, refused)
}

/// The parts of a list that somebody typed: "sign in, pay by card and see past orders".
pub(super) fn listed(text: &str) -> Vec<String> {
    let parts = text
        .split([',', ';', '\n', '•'])
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" & "));
    let clean = |part: &str| {
        let part = part.trim().trim_matches(|c: char| !c.is_alphanumeric() && c != ')').trim();
        let part = part.strip_prefix("and ").unwrap_or(part).trim();
        let part: String = part.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut letters = part.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).take(80).collect::<String>())
    };
    let mut items: Vec<String> = Vec::new();
    for item in parts.filter_map(clean) {
        let is_new = !items.iter().any(|known| known.to_lowercase() == item.to_lowercase());
        if is_new && item.chars().filter(|c| c.is_alphanumeric()).count() >= 2 {
            items.push(item);
        }
    }
    items
}

pub(super) fn integrations(clauses: &[Clause], is_asked: bool, slots: &Slots) -> Vec<Reading> {
    let slot = Slot::Integrations;
    let found: Vec<_> = clauses.iter().flat_map(|clause| words::named(clause, words::INTEGRATIONS)).collect();
    if found.is_empty()
        && is_asked
        && clauses.iter().all(|clause| is_none(&clause.text))
        && !clauses.is_empty()
    {
        return vec![Reading::Fill(slot, Answer::full("None"))];
    }
    let names = |of: bool| {
        found.iter().filter(|named| named.is_refused == of).map(|named| named.name.to_owned()).collect()
    };
    let mut wanted: Vec<String> = names(false);
    if found.is_empty() && is_asked {
        let readable = clauses.iter().filter(|clause| is_readable(&clause.text) && clause.words.len() <= 8);
        wanted = readable.flat_map(|clause| listed(&clause.text)).collect();
        wanted.retain(|item| item.split(' ').count() <= 3);
    }
    merged(slot, slots, wanted, names(true))
}
