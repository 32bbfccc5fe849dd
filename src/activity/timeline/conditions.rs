//! What a statement on the timeline asks of each row, as conditions on `t`.

use super::Scope;
use super::select::Ask;
use super::words::{WordColumn, status_words, word_text, words};
use crate::activity::filter::{Filter, Words};
use crate::activity::position::{Direction, Source};
use crate::db::statement::Statement;

/// Whose, when, beyond which position, with which words. `by` is the column that is read word by word.
pub(super) fn conditions<R>(s: &mut Statement<R>, ask: &Ask<'_>, by: Option<WordColumn>) {
    scope(s, ask.scope);
    if let Some(from) = ask.from_ms {
        s.sql(" AND t.at >= ").big(from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND t.at < ").big(until);
    }
    if let Some((direction, cursor)) = &ask.filter.position {
        s.sql(match direction {
            Direction::Before => " AND (t.at, t.source, t.id) < (",
            Direction::After => " AND (t.at, t.source, t.id) > (",
        });
        s.big(cursor.ms).sql(", '").sql(cursor.source.as_str()).sql("', ").text(cursor.id.as_str()).sql(")");
    }
    filters(s, ask.filter, by);
}

pub(in crate::activity) fn scope<R>(s: &mut Statement<R>, scope: Scope) {
    match scope {
        Scope::Project(id) => {
            s.sql("t.project_id = ").text(id.to_string()).sql("::uuid");
        }
        Scope::Own => {
            s.sql("t.owner_id = (SELECT pilothouse.app_user_id())");
        }
        Scope::Everything => {
            s.sql("true");
        }
    }
}

pub(super) fn filters<R>(s: &mut Statement<R>, filter: &Filter, by: Option<WordColumn>) {
    sources(s, &filter.sources);
    words(s, WordColumn::Type, &WordColumn::Type.stored_words(&filter.types), by);
    match token(&filter.actors) {
        // Its newest reports, so that what is read is bounded however much it reported.
        Some(token) => {
            s.sql(" AND (t.source, t.id) IN (SELECT r.source, r.id FROM pilothouse.reports r WHERE r.token_id = ");
            s.text(token.to_string()).sql("::uuid ORDER BY r.received_at DESC LIMIT 10000)");
        }
        None => words(s, WordColumn::Actor, &WordColumn::Actor.stored_words(&filter.actors), by),
    }
    words(s, WordColumn::Status, &status_words(&filter.statuses), by);
    words(s, WordColumn::Environment, &filter.environments, by);
    if let Some(target) = &filter.target {
        s.sql(" AND t.source = 'audit' AND (t.target_id = ").text(word_text(target));
        if target.parse::<uuid::Uuid>().is_err() {
            // No character sorts after the last one. The order is the index's own.
            s.sql(" OR (lower(t.target_name) ~>=~ lower(").text(target.as_str());
            s.sql(") AND lower(t.target_name) ~<~ (lower(").text(target.as_str()).sql(") || chr(1114111)))");
        }
        s.sql(")");
    }
    if let Some(address) = filter.address {
        s.sql(" AND t.source = 'audit' AND t.id IN (SELECT l.id FROM public.\"ActivityLog\" l WHERE l.ip = ");
        s.text(address.to_string()).sql("::inet)");
    }
}

/// The token that alone is asked for as the actor, `token:` and its id.
pub(super) fn token(actors: &Words) -> Option<uuid::Uuid> {
    match (actors.only.as_slice(), actors.not.is_empty()) {
        ([word], true) => word.strip_prefix("token:")?.parse().ok(),
        _ => None,
    }
}

/// Sources are few: which are wanted is part of the text, so that the index of the rare ones is found.
fn sources<R>(s: &mut Statement<R>, words: &Words) {
    if words.is_empty() {
        return;
    }
    let wanted: Vec<Source> = Source::ALL.into_iter().filter(|source| words.lets(source.as_str())).collect();
    match wanted.as_slice() {
        [] => {
            s.sql(" AND false");
        }
        [one] => {
            s.sql(" AND t.source = '").sql(one.as_str()).sql("'");
        }
        _ => {
            for source in Source::ALL.into_iter().filter(|source| !wanted.contains(source)) {
                s.sql(" AND t.source <> '").sql(source.as_str()).sql("'");
            }
        }
    }
}
