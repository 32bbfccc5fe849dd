//! One conversation as it is stored in `session_data`: what was said, what is known, what was asked.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::provider::{Proposal, Speaker, Talk, Turn};
use super::reading::Reading;
use super::slots::{Answer, Author, Slot, Slots};

/// Messages of a visitor in one conversation.
pub const MOST_TURNS: usize = 60;
/// Characters of a message.
pub const LONGEST_MESSAGE: usize = 2000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    #[serde(default)]
    pub turns: Vec<Turn>,
    #[serde(default)]
    pub slots: Slots,
    /// The slot that the last question is about.
    #[serde(default)]
    pub asked: Option<Slot>,
    /// The version of the notice that was shown before the first message.
    #[serde(default)]
    pub notice: String,
    /// Where that notice said that words go; to nobody else they are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_to: Option<String>,
    /// Why it ended: `deleted`, `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Who answers, once it is not who it was at first.
    #[serde(default)]
    pub fell_back: bool,
}

/// What a turn did to a slot, for the record of the way to a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotEvent {
    Asked(Slot),
    Filled(Slot),
    Corrected(Slot),
    Skipped(Slot),
}

impl Conversation {
    /// A conversation that begins with the first question.
    #[must_use]
    pub fn begin(notice: &str, sends_to: Option<&str>) -> Self {
        let mut conversation =
            Self { notice: notice.to_owned(), sends_to: sends_to.map(str::to_owned), ..Self::default() };
        conversation.asked = conversation.slots.next();
        conversation
    }

    /// How often the visitor has spoken.
    #[must_use]
    pub fn visitor_turns(&self) -> usize {
        self.turns.iter().filter(|turn| turn.by == Speaker::Visitor).count()
    }

    /// What the visitor said last.
    #[must_use]
    pub fn last_message(&self) -> Option<&str> {
        self.turns.iter().rev().find(|turn| turn.by == Speaker::Visitor).map(|turn| turn.text.as_str())
    }

    /// What a provider is told about `message`.
    #[must_use]
    pub fn talk<'a>(&'a self, message: &'a str, today: NaiveDate) -> Talk<'a> {
        Talk { turns: &self.turns, slots: &self.slots, asked: self.asked, message, today }
    }

    /// Takes in a message and what was made of it, and asks the next question.
    pub fn take(&mut self, message: &str, proposal: Proposal, at: DateTime<Utc>) -> Vec<SlotEvent> {
        let mut events = Vec::new();
        let asked = self.asked;
        if let Some(slot) = asked {
            self.slots.was_asked(slot);
        }
        for reading in proposal.readings {
            match reading {
                Reading::Fill(slot, answer) => events.extend(self.fill(slot, answer, asked == Some(slot))),
                Reading::Drop(slot, names) => events.extend(self.leave_out(slot, &names)),
                Reading::Skip(slot) => {
                    self.slots.skip(slot);
                    events.push(SlotEvent::Skipped(slot));
                }
            }
        }
        self.say(Speaker::Visitor, message, at);
        events.extend(self.ask_next(&proposal.reply, at));
        events
    }

    /// Answers what happened. What a person typed into a slot stays, unless they were asked about it again; a vague word
    /// replaces no clear one.
    fn fill(&mut self, slot: Slot, answer: Answer, was_asked: bool) -> Option<SlotEvent> {
        let known = self.slots.answer(slot);
        let is_kept = known.is_some_and(|known| {
            known.by == Author::Person && !was_asked
                || known.text == answer.text
                || known.quality > answer.quality
        });
        if is_kept {
            return None;
        }
        let event = if known.is_some() { SlotEvent::Corrected(slot) } else { SlotEvent::Filled(slot) };
        self.slots.fill(slot, answer);
        Some(event)
    }

    fn leave_out(&mut self, slot: Slot, names: &[String]) -> Option<SlotEvent> {
        let known = self.slots.answer(slot).filter(|known| known.by == Author::Assistant)?;
        let mut items = known.items.clone();
        items.retain(|item| !names.contains(item));
        if items.is_empty() {
            self.slots.clear(slot);
        } else {
            self.slots.fill(slot, Answer::list(slot, items));
        }
        Some(SlotEvent::Corrected(slot))
    }

    /// Puts what a person typed into a slot, and goes on.
    pub fn edit(&mut self, slot: Slot, answer: Answer, at: DateTime<Utc>) -> Vec<SlotEvent> {
        let was_filled = self.slots.answer(slot).is_some();
        self.slots.fill(slot, answer.typed_by_person());
        let mut events = vec![if was_filled { SlotEvent::Corrected(slot) } else { SlotEvent::Filled(slot) }];
        if self.asked == Some(slot) || self.asked.is_none() {
            let said = format!("{} is what you wrote.", slot.facts().label);
            events.extend(self.ask_next(&said, at));
        }
        events
    }

    /// Skips `slot`; when it was the question, the next one is asked.
    pub fn skip(&mut self, slot: Slot, at: DateTime<Utc>) -> Vec<SlotEvent> {
        self.slots.skip(slot);
        let mut events = vec![SlotEvent::Skipped(slot)];
        if self.asked == Some(slot) {
            self.slots.was_asked(slot);
            events.extend(self.ask_next(&format!("{} is skipped.", slot.facts().label), at));
        }
        events
    }

    /// Asks about `slot` again, whatever is known about it.
    pub fn ask_again(&mut self, slot: Slot, at: DateTime<Utc>) -> Vec<SlotEvent> {
        self.slots.reopen(slot);
        self.asked = Some(slot);
        self.say(Speaker::Assistant, slot.facts().question, at);
        vec![SlotEvent::Asked(slot)]
    }

    fn ask_next(&mut self, reply: &str, at: DateTime<Utc>) -> Option<SlotEvent> {
        self.asked = self.slots.next();
        let question = self.asked.map_or(NOTHING_LEFT, |slot| slot.facts().question);
        self.say(Speaker::Assistant, format!("{reply} {question}").trim(), at);
        self.asked.map(SlotEvent::Asked)
    }

    fn say(&mut self, by: Speaker, text: &str, at: DateTime<Utc>) {
        self.turns.push(Turn { by, text: text.to_owned(), at: at.timestamp_millis() });
    }
}

/// Said when there is no question left.
pub const NOTHING_LEFT: &str =
    "That is all I have to ask. Look over the draft, and change what is not right.";

/// A message that can be taken.
///
/// # Errors
/// A sentence for whoever wrote it.
pub fn message(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return Err("Write an answer, or skip the question.".to_owned());
    }
    let length = text.chars().count();
    if length > LONGEST_MESSAGE {
        return Err(format!("Use at most {LONGEST_MESSAGE} characters; this has {length}."));
    }
    Ok(text.to_owned())
}
