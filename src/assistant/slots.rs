//! What the assistant asks about, how much each answer counts, and what to ask next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the console knows about a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotFacts {
    /// The stored word.
    pub stored: &'static str,
    pub label: &'static str,
    /// Points of a hundred.
    pub weight: u32,
    /// Whether a draft can't be posted without it.
    pub required: bool,
    pub question: &'static str,
    /// An example of an answer.
    pub example: &'static str,
    /// Answers that need no typing.
    pub choices: &'static [&'static str],
}

/// In the order of the table: it decides between slots that would raise the score alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    Goal,
    ProjectType,
    Features,
    Audience,
    Timeline,
    Budget,
    Integrations,
    Contact,
}

impl Slot {
    pub const ALL: [Self; 8] = [
        Self::Goal,
        Self::ProjectType,
        Self::Features,
        Self::Audience,
        Self::Timeline,
        Self::Budget,
        Self::Integrations,
        Self::Contact,
    ];

    #[must_use]
    pub fn facts(self) -> SlotFacts {
        match self {
            Self::Goal => SlotFacts {
                stored: "goal",
                label: "Goal",
                weight: 20,
                required: true,
                question: "What do you want to build, and what should it do for you?",
                example: "We want customers to order cakes online instead of by phone.",
                choices: &[],
            },
            Self::ProjectType => SlotFacts {
                stored: "project_type",
                label: "Type",
                weight: 15,
                required: true,
                question: "What kind of thing is it?",
                example: "An online shop",
                choices: &["Website", "Web app", "Mobile app", "Online shop", "Booking system", "Dashboard"],
            },
            Self::Features => SlotFacts {
                stored: "features",
                label: "Features",
                weight: 20,
                required: true,
                question: "What should people be able to do in it? Name three things or more.",
                example: "Sign in, pay by card, see past orders",
                choices: &[
                    "Sign-in",
                    "Payments",
                    "Search",
                    "Sign-in, payments and an admin area",
                    "Search, reviews and notifications",
                ],
            },
            Self::Audience => SlotFacts {
                stored: "audience",
                label: "Audience",
                weight: 10,
                required: false,
                question: "Who is going to use it?",
                example: "Parents of small children",
                choices: &["Our customers", "Our own team", "Small businesses", "Everybody"],
            },
            Self::Timeline => SlotFacts {
                stored: "timeline",
                label: "Timeline",
                weight: 10,
                required: false,
                question: "When should it be ready?",
                example: "In 3 months",
                choices: &["In 1 month", "In 3 months", "In 6 months", "No fixed date"],
            },
            Self::Budget => SlotFacts {
                stored: "budget",
                label: "Budget",
                weight: 10,
                required: false,
                question: "What may it cost? A range is fine.",
                example: "€5,000–€10,000",
                choices: &["Up to €2,000", "€2,000–€5,000", "€5,000–€15,000", "€15,000–€50,000"],
            },
            Self::Integrations => SlotFacts {
                stored: "integrations",
                label: "Integrations",
                weight: 5,
                required: false,
                question: "Which other services should it work with?",
                example: "Stripe and Google Calendar",
                choices: &["None", "Stripe", "PayPal", "Google Calendar", "Slack"],
            },
            Self::Contact => SlotFacts {
                stored: "contact",
                label: "Contact",
                weight: 10,
                required: false,
                question: "How can you be reached? An e-mail address is enough.",
                example: "ada@example.org",
                choices: &[],
            },
        }
    }

    /// The stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.facts().stored
    }

    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.as_str() == text)
    }

    /// `ai_assistant_sessions.current_slot_index`
    #[must_use]
    pub fn index(self) -> i32 {
        Self::ALL.iter().zip(0..).find(|(slot, _)| **slot == self).map_or(0, |(_, index)| index)
    }
}

/// How much of an answer an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Says little, or that it is not decided: half of the points.
    Vague,
    /// Understood and checked.
    Full,
}

/// Whose words an answer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// Read out of a message.
    Assistant,
    /// Typed into the slot itself: no later message overwrites it.
    Person,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub text: String,
    /// The parts of a list: features, integrations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    pub quality: Quality,
    pub by: Author,
}

impl Answer {
    #[must_use]
    pub fn full(text: impl Into<String>) -> Self {
        Self { text: text.into(), items: Vec::new(), quality: Quality::Full, by: Author::Assistant }
    }

    #[must_use]
    pub fn vague(text: impl Into<String>) -> Self {
        Self { quality: Quality::Vague, ..Self::full(text) }
    }

    /// A list, with the quality that its length has for `slot`.
    #[must_use]
    pub fn list(slot: Slot, items: Vec<String>) -> Self {
        let enough = if slot == Slot::Features { 3 } else { 1 };
        let quality = if items.len() >= enough { Quality::Full } else { Quality::Vague };
        Self { text: items.join(", "), items, quality, by: Author::Assistant }
    }

    #[must_use]
    pub fn typed_by_person(self) -> Self {
        Self { by: Author::Person, ..self }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    #[serde(default)]
    pub skipped: bool,
    /// How often it was asked about.
    #[serde(default)]
    pub asked: u32,
}

/// A slot is asked about so often, unless somebody wants to be asked again.
const ASKED_AT_MOST: u32 = 3;
/// From the second time on, whatever else is open comes first.
const ASKED_ENOUGH: u32 = 2;

/// From here on there is a draft.
pub const DRAFT_FROM: u32 = 40;
/// From here on a draft can be posted.
pub const POST_FROM: u32 = 70;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slots(BTreeMap<Slot, SlotState>);

impl Slots {
    #[must_use]
    pub fn answer(&self, slot: Slot) -> Option<&Answer> {
        self.0.get(&slot).and_then(|state| state.answer.as_ref())
    }

    /// What is written in a slot; nothing when it is empty.
    #[must_use]
    pub fn text(&self, slot: Slot) -> &str {
        self.answer(slot).map_or("", |answer| &answer.text)
    }

    /// The parts of a list.
    #[must_use]
    pub fn items(&self, slot: Slot) -> &[String] {
        self.answer(slot).map_or(&[], |answer| &answer.items)
    }

    #[must_use]
    pub fn is_full(&self, slot: Slot) -> bool {
        self.answer(slot).is_some_and(|answer| answer.quality == Quality::Full)
    }

    #[must_use]
    pub fn is_skipped(&self, slot: Slot) -> bool {
        self.0.get(&slot).is_some_and(|state| state.skipped)
    }

    pub fn fill(&mut self, slot: Slot, answer: Answer) {
        let state = self.0.entry(slot).or_default();
        state.answer = Some(answer);
        state.skipped = false;
    }

    pub fn clear(&mut self, slot: Slot) {
        self.0.entry(slot).or_default().answer = None;
    }

    pub fn skip(&mut self, slot: Slot) {
        self.0.entry(slot).or_default().skipped = true;
    }

    pub fn was_asked(&mut self, slot: Slot) {
        self.0.entry(slot).or_default().asked += 1;
    }

    /// Lets `slot` be asked about as if it never had been.
    pub fn reopen(&mut self, slot: Slot) {
        let state = self.0.entry(slot).or_default();
        (state.skipped, state.asked) = (false, 0);
    }

    /// Twice what a slot is worth: halves are whole numbers.
    fn doubled(&self, slot: Slot) -> u32 {
        match self.answer(slot).map(|answer| answer.quality) {
            None => 0,
            Some(Quality::Vague) => slot.facts().weight,
            Some(Quality::Full) => 2 * slot.facts().weight,
        }
    }

    /// 0 to 100. Halves round up.
    #[must_use]
    pub fn score(&self) -> u32 {
        Slot::ALL.iter().map(|slot| self.doubled(*slot)).sum::<u32>().div_ceil(2)
    }

    /// What to ask about: what would raise the score most; skipped ones, and those that were asked about twice, last.
    #[must_use]
    pub fn next(&self) -> Option<Slot> {
        let open = |slot: &Slot| {
            !self.is_full(*slot) && self.0.get(slot).is_none_or(|state| state.asked < ASKED_AT_MOST)
        };
        let is_late =
            |slot: Slot| self.0.get(&slot).is_some_and(|state| state.skipped || state.asked >= ASKED_ENOUGH);
        let gain = |slot: Slot| 2 * slot.facts().weight - self.doubled(slot);
        let open = Slot::ALL.into_iter().filter(open);
        open.min_by_key(|slot| (is_late(*slot), std::cmp::Reverse(gain(*slot)), *slot))
    }

    /// Whether there is enough for a draft.
    #[must_use]
    pub fn make_a_draft(&self) -> bool {
        let is_there = |slot| self.answer(slot).is_some();
        self.score() >= DRAFT_FROM && is_there(Slot::Goal) && is_there(Slot::ProjectType)
    }

    /// Labels of what has to be answered before a draft can be posted.
    #[must_use]
    pub fn missing_for_posting(&self) -> Vec<&'static str> {
        let required = Slot::ALL.into_iter().filter(|slot| slot.facts().required && !self.is_full(*slot));
        required.map(|slot| slot.facts().label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_reads_back_from_what_it_stores_and_weights_make_a_hundred() {
        for slot in Slot::ALL {
            assert_eq!(Slot::from_stored(slot.as_str()), Some(slot));
            assert_eq!(serde_json::to_value(slot).unwrap(), slot.as_str());
        }
        assert_eq!(Slot::ALL.iter().map(|slot| slot.facts().weight).sum::<u32>(), 100);
    }

    #[test]
    fn the_score_counts_vague_answers_half_and_rounds_up() {
        let mut slots = Slots::default();
        assert_eq!(slots.score(), 0);
        slots.fill(Slot::ProjectType, Answer::vague("App"));
        assert_eq!(slots.score(), 8, "half of 15");
        slots.fill(Slot::Goal, Answer::full("To sell cakes online"));
        assert_eq!(slots.score(), 28);
        let two = vec!["Sign-in".to_owned(), "Payments".to_owned()];
        slots.fill(Slot::Features, Answer::list(Slot::Features, two));
        assert_eq!(slots.score(), 38);
        assert!(!slots.make_a_draft());
        slots.fill(Slot::Integrations, Answer::full("None"));
        assert!(slots.score() == 43 && slots.make_a_draft());
        for slot in Slot::ALL {
            slots.fill(slot, Answer::full("x"));
        }
        assert_eq!((slots.score(), slots.next()), (100, None));
    }

    #[test]
    fn a_draft_needs_goal_and_type_whatever_the_score() {
        let mut slots = Slots::default();
        for slot in Slot::ALL.into_iter().filter(|slot| *slot != Slot::Goal) {
            slots.fill(slot, Answer::full("x"));
        }
        assert!(slots.score() == 80 && !slots.make_a_draft());
        assert_eq!(slots.missing_for_posting(), ["Goal"]);
    }

    #[test]
    fn what_raises_the_score_most_is_asked_first_and_what_was_skipped_last() {
        use Slot::*;
        let mut slots = Slots::default();
        let mut order = Vec::new();
        while let Some(slot) = slots.next().filter(|slot| !order.contains(slot)) {
            order.push(slot);
            slots.fill(slot, Answer::full("x"));
        }
        assert_eq!(order, [Goal, Features, ProjectType, Audience, Timeline, Budget, Contact, Integrations]);

        let mut slots = Slots::default();
        slots.skip(Goal);
        assert_eq!(slots.next(), Some(Features));
        for slot in Slot::ALL.into_iter().filter(|slot| *slot != Goal) {
            slots.fill(slot, Answer::full("x"));
        }
        assert_eq!(slots.next(), Some(Goal), "skipped ones come last, and come");
    }

    #[test]
    fn nobody_is_asked_for_ever() {
        let mut slots = Slots::default();
        let mut asked = 0;
        while let Some(slot) = slots.next() {
            slots.was_asked(slot);
            slots.fill(slot, Answer::vague("Not sure yet"));
            asked += 1;
        }
        assert_eq!((asked, slots.score()), (24, 50));
        slots.reopen(Slot::Budget);
        assert_eq!(slots.next(), Some(Slot::Budget));
    }
}
