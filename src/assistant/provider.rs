//! Who answers: reads what a message says, and finds words for it.

use chrono::NaiveDate;

use super::explaining::{self, Explanation, Question};
use super::reading::{self, Reading};
use super::slots::{Slot, Slots};
use super::writing::and;

/// A message with what is known when it comes.
#[derive(Debug, Clone)]
pub struct Talk<'a> {
    /// What was said before, the oldest first.
    pub turns: &'a [Turn],
    pub slots: &'a Slots,
    pub asked: Option<Slot>,
    pub message: &'a str,
    pub today: NaiveDate,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Turn {
    pub by: Speaker,
    pub text: String,
    /// Epoch milliseconds.
    pub at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    Visitor,
    Assistant,
}

/// What a provider makes of a message. The score and the next question are never its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    pub readings: Vec<Reading>,
    /// What is said before the next question; plain text without links.
    pub reply: String,
    pub usage: Usage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: i64,
    pub output_tokens: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer, or not in time.
    #[error("no answer: {0}")]
    Unavailable(String),
    /// What it answered can't be used.
    #[error("an answer that can't be used: {0}")]
    Unusable(String),
    /// It may not be asked now.
    #[error("not asked: {0}")]
    NotAsked(&'static str),
}

pub trait Provider: Send + Sync + std::fmt::Debug {
    /// Where the words of visitors go, for the notice before the first message; none when they stay here.
    fn sends_to(&self) -> Option<&str>;

    /// Tokens that it may read and write a day.
    fn daily_tokens(&self) -> u64 {
        u64::MAX
    }

    fn propose(&self, talk: &Talk<'_>) -> Result<Proposal, ProviderError>;

    /// Answers an owner's question about a project.
    fn explain(&self, question: &Question<'_>) -> Result<Explanation, ProviderError>;
}

/// Answers without a network, the same to the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

impl Provider for BuiltIn {
    fn sends_to(&self) -> Option<&str> {
        None
    }

    fn propose(&self, talk: &Talk<'_>) -> Result<Proposal, ProviderError> {
        let readings = reading::read(talk.message, talk.asked, talk.slots, talk.today);
        let reply = reply(talk, &readings);
        Ok(Proposal { readings, reply, usage: Usage::default() })
    }

    fn explain(&self, question: &Question<'_>) -> Result<Explanation, ProviderError> {
        Ok(explaining::explain(question))
    }
}

/// Says what was understood, or that nothing was.
pub(super) fn reply(talk: &Talk<'_>, readings: &[Reading]) -> String {
    let is_kept = |slot: Slot| {
        talk.slots.answer(slot).is_some_and(|known| known.by == super::slots::Author::Person)
            && talk.asked != Some(slot)
    };
    let noted = readings.iter().filter_map(|reading| match reading {
        Reading::Fill(slot, answer) if answer.text != "Not sure yet" && !is_kept(*slot) => {
            Some((slot.facts().label.to_lowercase(), answer.text.as_str(), *slot))
        }
        _ => None,
    });
    let noted: Vec<String> = noted
        .map(
            |(label, text, slot)| {
                if slot == Slot::Goal { "your goal".to_owned() } else { format!("{label}: {text}") }
            },
        )
        .collect();
    let dropped = readings.iter().filter_map(|reading| match reading {
        Reading::Drop(_, names) => Some(names.iter().map(String::as_str).collect::<Vec<_>>()),
        _ => None,
    });
    let dropped: Vec<&str> = dropped.flatten().collect();
    let kept: Vec<&str> = readings
        .iter()
        .filter_map(|reading| match reading {
            Reading::Fill(slot, _) if is_kept(*slot) => Some(slot.facts().label),
            _ => None,
        })
        .collect();
    let mut said = Vec::new();
    if !noted.is_empty() {
        said.push(format!("Noted {}.", noted.join("; ")));
    }
    if !dropped.is_empty() {
        said.push(format!("Left out {}.", and(&dropped)));
    }
    if !kept.is_empty() {
        said.push(format!("{} stays as you wrote it; change it beside.", and(&kept)));
    }
    if readings.iter().any(|reading| matches!(reading, Reading::Skip(_))) {
        said.push("Skipped.".to_owned());
    }
    if !said.is_empty() {
        return said.join(" ");
    }
    if readings.iter().any(|reading| matches!(reading, Reading::Fill(..))) {
        return "That can stay open for now.".to_owned();
    }
    not_understood(talk)
}

fn not_understood(talk: &Talk<'_>) -> String {
    if reading::text::is_for_machines(talk.message) {
        return "That is for a computer, and I only write down what you want built.".to_owned();
    }
    if !reading::text::is_readable(talk.message) && talk.message.chars().any(char::is_alphabetic) {
        return "I did not understand that. I read English words and sentences.".to_owned();
    }
    match talk.asked {
        Some(Slot::Budget) => {
            "I could not read an amount in that. Write it in figures, such as 5,000 or €5k–€10k.".to_owned()
        }
        Some(Slot::Timeline) => {
            "I could not read a time in that. Write for example 3 months, by March, or no fixed date."
                .to_owned()
        }
        Some(Slot::Contact) => "I found no e-mail address and no telephone number in that.".to_owned(),
        Some(slot) => format!("I did not understand that. An answer could be: {}", slot.facts().example),
        None => "I did not understand that.".to_owned(),
    }
}
