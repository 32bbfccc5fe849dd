//! What the built-in assistant reads out of a message, by tables and rules and without a network.
//!
//! A message is parted into clauses ([`text`]); amounts, times, people and known words are looked for in each. The slot that
//! was asked about is read more generously: a bare "5000" is a budget only when the budget was asked for.

pub mod amounts;
mod feature_words;
mod lists;
pub mod people;
pub mod text;
pub mod times;
pub mod words;

use chrono::NaiveDate;

use super::slots::{Answer, Slot, Slots};
use lists::{features, integrations, listed};
use text::{Clause, is_for_machines, is_readable};

/// What a message says about one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Fill(Slot, Answer),
    /// It was said that these are not wanted.
    Drop(Slot, Vec<String>),
    /// It was asked to go on.
    Skip(Slot),
}

/// Features and services of a list at most.
const LONGEST_LIST: usize = 20;
/// Characters of a goal, and of any other answer.
const LONGEST_GOAL: usize = 500;
pub const LONGEST_ANSWER: usize = 200;

/// Everything that `message` says, when `asked` was asked and `slots` is known.
#[must_use]
pub fn read(message: &str, asked: Option<Slot>, slots: &Slots, today: NaiveDate) -> Vec<Reading> {
    let plain = text::plain(message);
    let trimmed = plain.trim();
    let clauses = text::clauses(&plain);
    if let Some(asked) = asked {
        if is_skip(trimmed) {
            return vec![Reading::Skip(asked)];
        }
        if is_undecided(&clauses) {
            return vec![Reading::Fill(asked, Answer::vague("Not sure yet"))];
        }
    }
    let clauses: Vec<Clause> = clauses.into_iter().filter(|clause| !is_for_machines(&clause.text)).collect();
    if is_for_machines(trimmed) && clauses.len() <= 1 {
        return Vec::new();
    }
    let mut readings = Vec::new();
    for slot in Slot::ALL {
        let is_asked = asked == Some(slot);
        readings.extend(match slot {
            Slot::Goal => goal(&clauses, is_asked, slots),
            Slot::ProjectType => project_type(&clauses, is_asked, slots),
            Slot::Features => features(&clauses, is_asked, slots),
            Slot::Audience => audience(&clauses, is_asked),
            Slot::Timeline => clauses
                .iter()
                .find_map(|clause| times::read(clause, is_asked, today))
                .map(|answer| Reading::Fill(slot, answer))
                .into_iter()
                .collect(),
            Slot::Budget => budget(&clauses, is_asked),
            Slot::Integrations => integrations(&clauses, is_asked, slots),
            Slot::Contact => {
                people::contact(trimmed).map(|answer| Reading::Fill(slot, answer)).into_iter().collect()
            }
        });
    }
    readings
}

/// What somebody typed into a slot itself, or a provider proposes for it: the same rules for both.
///
/// # Errors
/// A sentence that says what would do.
pub fn check(slot: Slot, typed: &str, today: NaiveDate) -> Result<Answer, String> {
    let plain = text::plain(typed);
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err("Write something, or skip it.".to_owned());
    }
    let most = if slot == Slot::Goal { LONGEST_GOAL } else { LONGEST_ANSWER };
    if line.chars().count() > most {
        return Err(format!("Use at most {most} characters."));
    }
    let clauses = text::clauses(&plain);
    if is_undecided(&clauses) {
        return Ok(Answer::vague("Not sure yet"));
    }
    match slot {
        Slot::Goal if line.split(' ').count() < 3 => Ok(Answer::vague(line)),
        Slot::Goal | Slot::Audience => Ok(Answer::full(line)),
        Slot::ProjectType => {
            let known = clauses.iter().flat_map(|clause| words::named(clause, words::TYPES)).next();
            Ok(known.map_or_else(|| Answer::full(line), |known| Answer::full(known.name)))
        }
        Slot::Features | Slot::Integrations => {
            if is_none(&line) {
                return Ok(Answer::full("None"));
            }
            let items: Vec<String> = listed(&plain).into_iter().take(LONGEST_LIST).collect();
            if items.is_empty() {
                Err("Name them, with commas between.".to_owned())
            } else {
                Ok(Answer::list(slot, items))
            }
        }
        Slot::Timeline => {
            let found = clauses.iter().find_map(|clause| times::read(clause, true, today));
            found.ok_or_else(|| {
                "That is no time that can be read. Write for example 3 months, by March, or no fixed date.".to_owned()
            })
        }
        Slot::Budget => budget(&clauses, true)
            .into_iter()
            .find_map(|reading| if let Reading::Fill(_, answer) = reading { Some(answer) } else { None })
            .ok_or_else(|| {
                "That is no amount that can be read. Write it in figures, such as 5,000 or €5k–€10k."
                    .to_owned()
            }),
        Slot::Contact => people::contact(&line).ok_or_else(|| {
            "Give an e-mail address such as ada@example.org, or a telephone number.".to_owned()
        }),
    }
}

fn is_skip(text: &str) -> bool {
    let low = text.to_lowercase();
    let low = low.trim_matches(|c: char| !c.is_alphanumeric());
    ["skip", "skip this", "skip it", "pass", "next", "next question", "next please", "later", "maybe later"]
        .contains(&low)
}

/// Whether a message says that nothing is decided, and nothing else.
fn is_undecided(clauses: &[Clause]) -> bool {
    const PHRASES: [&str; 17] = [
        "not sure",
        "i'm not sure",
        "don't know",
        "do not know",
        "dont know",
        "no idea",
        "idk",
        "dunno",
        "unsure",
        "not decided",
        "undecided",
        "no clue",
        "not certain",
        "can't say",
        "hard to say",
        "you tell me",
        "whatever",
    ];
    let words: usize = clauses.iter().map(|clause| clause.words.len()).sum();
    words <= 8 && clauses.iter().any(|clause| PHRASES.iter().any(|phrase| clause.has(phrase)))
}

fn is_none(text: &str) -> bool {
    let low = text.to_lowercase();
    let low = low.trim_matches(|c: char| !c.is_alphanumeric());
    [
        "no",
        "none",
        "nope",
        "nothing",
        "no integrations",
        "not needed",
        "no other services",
        "none needed",
        "no thanks",
        "nothing yet",
        "no services",
    ]
    .contains(&low)
}

fn goal(clauses: &[Clause], is_asked: bool, slots: &Slots) -> Vec<Reading> {
    const WISHES: [&str; 17] = [
        "want",
        "need",
        "would like",
        "i'd like",
        "we'd like",
        "looking for",
        "build",
        "create",
        "make",
        "develop",
        "goal is",
        "idea is",
        "idea",
        "replace",
        "automate",
        "help",
        "launch",
    ];
    let is_wish = |clause: &&Clause| {
        WISHES.iter().any(|wish| clause.has(wish)) && clause.words.len() >= 4 && is_readable(&clause.text)
    };
    let found: Vec<&Clause> = if is_asked {
        clauses.iter().filter(|clause| is_readable(&clause.text)).collect()
    } else if slots.is_full(Slot::Goal) {
        Vec::new()
    } else {
        clauses.iter().filter(is_wish).take(1).collect()
    };
    let text = found.iter().map(|clause| clause.text.trim()).collect::<Vec<_>>().join(". ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: usize = found.iter().map(|clause| clause.words.len()).sum();
    if text.is_empty() || is_none(&text) || text.to_lowercase().trim_matches('.') == "yes" {
        return Vec::new();
    }
    let text: String = text.chars().take(LONGEST_GOAL).collect();
    let answer = if words >= 3 { Answer::full(text) } else { Answer::vague(text) };
    vec![Reading::Fill(Slot::Goal, answer)]
}

/// The kind of project that is asked for, where it stands (clause, word), and what is refused.
fn chosen_type(clauses: &[Clause]) -> (Option<(&'static str, usize, usize)>, Vec<String>) {
    let mut refused = Vec::new();
    // Whether it is a mere part ("a website with a blog"), how telling it is, and where it stands.
    let mut wanted: Vec<(bool, usize, &'static str, usize, usize)> = Vec::new();
    for (number, clause) in clauses.iter().enumerate() {
        // "for my coffee shop" tells whom it is for.
        let of_people = people::audience(clause).map(|(span, _)| span).unwrap_or_default();
        let with = clause.words.iter().position(|word| matches!(word.low.as_str(), "with" | "including"));
        for found in words::named(clause, words::TYPES) {
            if found.is_refused {
                refused.push(found.name.to_owned());
            } else if !of_people.contains(&found.at) {
                let is_part = with.is_some_and(|with| with < found.at);
                let rank = words::TYPES.iter().position(|(known, _)| *known == found.name).unwrap_or(0);
                wanted.push((is_part, rank, found.name, number, found.at));
            }
        }
    }
    let wanted = wanted.into_iter().filter(|(.., name, _, _)| !refused.iter().any(|no| no == name)).min();
    (wanted.map(|(.., name, clause, at)| (name, clause, at)), refused)
}

fn project_type(clauses: &[Clause], is_asked: bool, slots: &Slots) -> Vec<Reading> {
    let (wanted, refused) = chosen_type(clauses);
    if let Some((name, ..)) = wanted {
        // What was settled once is changed by an answer to the question, or by taking it back.
        let settled = slots.answer(Slot::ProjectType).filter(|_| slots.is_full(Slot::ProjectType));
        let is_change =
            is_asked || settled.is_none_or(|answer| refused.contains(&answer.text) || is_correction(clauses));
        return if is_change {
            vec![Reading::Fill(Slot::ProjectType, Answer::full(name))]
        } else {
            Vec::new()
        };
    }
    if let Some(answer) = slots.answer(Slot::ProjectType)
        && refused.contains(&answer.text)
    {
        return vec![Reading::Drop(Slot::ProjectType, refused)];
    }
    if slots.answer(Slot::ProjectType).is_some() && !is_asked {
        return Vec::new();
    }
    let mut loose = clauses.iter().flat_map(|clause| words::named(clause, words::LOOSE_TYPES));
    if let Some(found) = loose.find(|found| !found.is_refused) {
        return vec![Reading::Fill(Slot::ProjectType, Answer::vague(found.name))];
    }
    let own: Vec<&Clause> = clauses.iter().filter(|clause| is_readable(&clause.text)).collect();
    match own.as_slice() {
        [only] if is_asked && refused.is_empty() && only.words.len() <= 5 && !is_none(&only.text) => {
            let text: String = only.text.chars().take(80).collect();
            vec![Reading::Fill(Slot::ProjectType, Answer::vague(text))]
        }
        _ => Vec::new(),
    }
}

fn is_correction(clauses: &[Clause]) -> bool {
    let words = ["actually", "rather", "instead", "correction", "sorry", "change", "i meant"];
    clauses.iter().any(|clause| words.iter().any(|word| clause.has(word)))
}

fn audience(clauses: &[Clause], is_asked: bool) -> Vec<Reading> {
    if let Some((_, answer)) = clauses.iter().find_map(people::audience) {
        return vec![Reading::Fill(Slot::Audience, answer)];
    }
    let own: Vec<&Clause> =
        clauses.iter().filter(|clause| is_readable(&clause.text) && !is_none(&clause.text)).collect();
    let text = own.iter().map(|clause| clause.text.as_str()).collect::<Vec<_>>().join(", ");
    if is_asked && !text.is_empty() && text.chars().count() <= LONGEST_ANSWER {
        return vec![Reading::Fill(Slot::Audience, Answer::full(text))];
    }
    Vec::new()
}

fn budget(clauses: &[Clause], is_asked: bool) -> Vec<Reading> {
    let fill = |answer| vec![Reading::Fill(Slot::Budget, answer)];
    if let Some(range) = clauses.iter().find_map(|clause| amounts::read(&clause.text, is_asked)) {
        let words = range.in_words();
        let mut letters = words.chars();
        let words = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        return fill(Answer::full(words.unwrap_or_default()));
    }
    let open = [
        "no budget",
        "tight budget",
        "small budget",
        "low budget",
        "no money",
        "flexible budget",
        "budget is flexible",
    ];
    let found = clauses.iter().find_map(|clause| open.iter().find(|phrase| clause.has(phrase)));
    match found {
        Some(&("no budget" | "no money")) => fill(Answer::vague("None yet")),
        Some(&("flexible budget" | "budget is flexible")) => fill(Answer::vague("Flexible")),
        Some(_) => fill(Answer::vague("Small")),
        None => Vec::new(),
    }
}
