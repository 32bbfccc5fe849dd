//! The record behind a reference as a small panel of facts.

use super::display::badge;
use super::presenter::TimelinePresenter;
use crate::activity::Status;
use crate::activity::reference_target::{FactValue, ReferenceTarget};
use crate::web::display::{Badge, Fact, in_short};
use crate::web::escape::weight;
use crate::web::state;
use crate::web::time::Timestamp;

/// The record behind a reference.
#[derive(Debug, Clone)]
pub struct ReferenceCard {
    /// What kind of thing, and its name.
    pub title: String,
    /// Its state.
    pub badge: Option<Badge>,
    /// What is known of it.
    pub facts: Vec<Fact>,
}

impl ReferenceCard {
    #[must_use]
    pub fn new(record: &ReferenceTarget, presenter: &TimelinePresenter) -> Self {
        let mut state_of = None;
        let mut facts = Vec::new();
        for fact in &record.facts {
            match &fact.value {
                FactValue::Text(text) => facts.push(Fact::text(fact.label, text)),
                FactValue::Code(text) => facts.push(Fact::mono(fact.label, text)),
                FactValue::Url(text) => facts.push(Fact::address(fact.label, text)),
                FactValue::Status(text) => state_of = Some(badge(&Status::from_stored(text))),
                FactValue::State(text) => state_of = Some(state::badge(&in_short(text, 60))),
                FactValue::Time(ms) => {
                    let time = Timestamp::from_millis(*ms, presenter.now, presenter.zone);
                    facts.push(Fact::text(fact.label, time.precise));
                }
                FactValue::Link(target, label) => {
                    facts.push(Fact { url: presenter.address(target), ..Fact::mono(fact.label, label) });
                }
            }
        }
        Self { title: format!("{} {}", record.kind, record.title), badge: state_of, facts }
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        const FRAME: usize = 200;
        const FACT: usize = 60;
        let of = |fact: &Fact| {
            FACT + weight(&fact.label) + weight(&fact.value) + fact.url.as_deref().map_or(0, weight)
        };
        FRAME + weight(&self.title) + self.facts.iter().map(of).sum::<usize>()
    }

    /// The card without the fact `label`, where the page around it says that already.
    #[must_use]
    pub fn without(mut self, label: &str) -> Self {
        if self.facts.len() > 1 {
            self.facts.retain(|fact| fact.label != label);
        }
        self
    }
}
