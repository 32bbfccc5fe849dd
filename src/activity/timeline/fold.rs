//! One act is one entry: what a request left in several tables stands together.

use std::collections::HashMap;

use super::Entry;
use crate::activity::position::Source;
use crate::activity::sentence::Part;

/// Puts audit entries and events under the newest action of the same request. Order is kept.
pub(super) fn by_request(entries: Vec<Entry>) -> Vec<Entry> {
    let mut acts: HashMap<String, usize> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let (Source::Action, Some(request)) = (entry.source(), &entry.request_id) {
            acts.entry(request.clone()).or_insert(at);
        }
    }
    let home = |entry: &Entry| match (entry.source(), &entry.request_id) {
        (Source::Action, _) | (_, None) => None,
        (_, Some(request)) => acts.get(request).copied(),
    };
    let homes: Vec<Option<usize>> = entries.iter().map(home).collect();
    let mut kept: Vec<Option<Entry>> = Vec::with_capacity(entries.len());
    let mut folded: Vec<(usize, Entry)> = Vec::new();
    for (entry, home) in entries.into_iter().zip(homes) {
        match home {
            Some(at) => {
                folded.push((at, entry));
                kept.push(None);
            }
            None => kept.push(Some(entry)),
        }
    }
    for (at, entry) in folded {
        if let Some(Some(act)) = kept.get_mut(at) {
            take_name(act, &entry);
            act.folded.push(entry);
        }
    }
    kept.into_iter().flatten().collect()
}

/// An audit entry knows what a user was called whom the viewer may not see, and that they acted as an admin.
pub(in crate::activity) fn take_name(act: &mut Entry, audit: &Entry) {
    let same = act.actor.user.is_some() && act.actor.user == audit.actor.user;
    if audit.source() != Source::Audit || !same {
        return;
    }
    act.actor.is_admin = audit.actor.is_admin;
    if !act.actor.exists {
        let name = audit.actor.name.clone();
        for part in &mut act.sentence {
            if let Part::Actor(actor) = part {
                actor.name.clone_from(&name);
            }
        }
        act.actor.name = name;
    }
}
