//! Rows of insights in words.

use super::drawings::{Small, dollars};
use crate::activity::{ActionType, EngineEventType, EventType, Source};
use crate::audit::AuditAction;
use crate::insights::queries::{KindCount, ModelCost, REST, Slowest};
use crate::insights::runs::ContainerRuns;
use crate::web::display::{grouped, in_short};
use crate::web::time::duration;
use crate::web::urls;

/// Characters of an entry's title.
const TITLE_SHOWN: usize = 80;
/// Of a type's or a model's name.
const NAME_SHOWN: usize = 60;

#[derive(Debug, Clone)]
pub struct KindRow {
    pub label: String,
    /// Its timeline; none for what names no type.
    pub url: Option<String>,
    pub small: Small,
    pub entries: String,
    pub failed: String,
    /// "2.3 %"
    pub rate: String,
    /// "—" where nothing says how long it took.
    pub p50: String,
    pub p95: String,
    pub slowest: Option<SlowestLink>,
}

#[derive(Debug, Clone)]
pub struct SlowestLink {
    pub title: String,
    pub lasted: String,
    pub url: String,
}

#[derive(Debug, Clone)]
pub struct ContainerRow {
    pub id: String,
    pub name: String,
    pub url: String,
    pub crashed: String,
    pub begun: String,
    /// "99.2 %"
    pub up: String,
    pub lasted: String,
}

#[derive(Debug, Clone)]
pub struct ModelRow {
    pub model: String,
    pub messages: String,
    pub tokens: String,
    pub cost: String,
    /// Of all.
    pub share: String,
}

/// What people call a type, whatever source it is of.
#[must_use]
pub fn kind_label(stored: &str) -> String {
    let (action, event) = (ActionType::from_stored(stored), EventType::from_stored(stored));
    let (act, engine) = (AuditAction::from_stored(stored), EngineEventType::from_stored(stored));
    match stored {
        "" => "No type".to_owned(),
        REST => "Other types".to_owned(),
        _ if action.is_known() => action.label(),
        _ if event.is_known() => event.label(),
        _ if engine.is_known() => engine.label(),
        _ if act.is_known() => act.label(),
        _ => in_short(&crate::vocabulary::as_written(stored), NAME_SHOWN),
    }
}

/// "2.3 %"; "—" of nothing.
#[must_use]
pub fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "—".to_owned();
    }
    let thousandths = i128::from(part) * 1000 / i128::from(whole);
    // What is not nothing is not told as nothing, nor what is not all as all.
    match (part, thousandths) {
        (1.., 0) => "<0.1 %".to_owned(),
        _ => format!("{}.{} %", thousandths / 10, thousandths % 10),
    }
}

impl KindRow {
    /// `timeline` makes an address of a type.
    #[must_use]
    pub fn new(count: &KindCount, timeline: impl Fn(&str) -> String) -> Self {
        let lasted = |ms: Option<i64>| ms.map_or_else(|| "—".to_owned(), duration);
        Self {
            label: kind_label(&count.kind),
            url: (!count.kind.is_empty() && count.kind != REST).then(|| timeline(&count.kind)),
            small: Small::new(&count.by_day),
            entries: grouped(count.entries),
            failed: grouped(count.failed),
            rate: percent(count.failed, count.entries),
            p50: lasted(count.p50),
            p95: lasted(count.p95),
            slowest: count.slowest.as_ref().and_then(SlowestLink::new),
        }
    }
}

impl SlowestLink {
    fn new(slowest: &Slowest) -> Option<Self> {
        let source = Source::ALL.iter().find(|source| source.as_str() == slowest.source)?;
        let url = match source {
            Source::Action => urls::action(&slowest.id),
            Source::Event => urls::event(&slowest.id),
            Source::Audit => urls::audit_entry(&slowest.id),
            Source::Engine => urls::observation(&slowest.id),
        };
        Some(Self { title: in_short(&slowest.title, TITLE_SHOWN), lasted: duration(slowest.ms), url })
    }
}

impl ContainerRow {
    #[must_use]
    pub fn new(runs: &ContainerRuns) -> Self {
        Self {
            id: runs.id.to_string(),
            name: runs.name.clone(),
            url: urls::container_part(runs.id, "runs"),
            crashed: grouped(runs.crashed),
            begun: grouped(runs.begun),
            up: percent(runs.up_ms.min(runs.known_ms), runs.known_ms),
            lasted: duration(runs.up_ms),
        }
    }
}

impl ModelRow {
    #[must_use]
    pub fn new(cost: &ModelCost, all: i64) -> Self {
        Self {
            model: model_label(&cost.model),
            messages: grouped(cost.messages),
            tokens: grouped(cost.tokens),
            cost: dollars(cost.micro_usd),
            share: percent(cost.micro_usd, all),
        }
    }
}

#[must_use]
pub fn model_label(model: &str) -> String {
    if model.is_empty() { "no model".to_owned() } else { in_short(model, NAME_SHOWN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_neither_hide_what_is_little_nor_round_it_up() {
        assert_eq!(percent(0, 0), "—");
        assert_eq!(percent(0, 5), "0.0 %");
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(5, 5), "100.0 %");
    }
}
