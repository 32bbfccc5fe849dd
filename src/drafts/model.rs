use serde_json::{Value, json};

use crate::assistant::reading::amounts;

/// `public_status`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Draft,
    Posted,
    InProgress,
    Completed,
    /// What another writer called it.
    Other(String),
}

impl Status {
    #[must_use]
    pub fn from_stored(text: Option<&str>) -> Self {
        match text.unwrap_or("draft") {
            "draft" => Self::Draft,
            "posted" => Self::Posted,
            "in_progress" => Self::InProgress,
            "completed" => Self::Completed,
            other => Self::Other(other.to_owned()),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Draft => "draft",
            Self::Posted => "posted",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Other(text) => text,
        }
    }

    /// For people.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::InProgress => "in progress",
            other => other.as_str(),
        }
    }

    /// What follows it, by its owner's word.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        match self {
            Self::Posted => Some(Self::InProgress),
            Self::InProgress => Some(Self::Completed),
            _ => None,
        }
    }
}

/// What a draft says, as it can be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    pub title: String,
    pub description: String,
    pub skills: Vec<String>,
    pub milestones: Vec<String>,
    pub budget: Value,
    pub timeline: String,
}

/// What is wrong with each field of a draft's form; nothing when all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    pub title: Option<String>,
    pub description: Option<String>,
    pub skills: Option<String>,
    pub milestones: Option<String>,
    pub budget: Option<String>,
    pub timeline: Option<String>,
}

/// The fields of a draft's form as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    pub title: String,
    pub description: String,
    /// One a line, as the milestones.
    pub skills: String,
    pub milestones: String,
    pub budget: String,
    pub timeline: String,
}

/// Lines of a list, and characters of each.
const MOST_LINES: usize = 30;
const LONGEST_LINE: usize = 200;

impl Typed {
    /// # Errors
    /// What is wrong, field by field.
    #[expect(clippy::result_large_err, reason = "a form is read once a request")]
    pub fn read(&self) -> Result<Texts, Refused> {
        let mut refused = Refused::default();
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = line(&self.title);
        if title.is_empty() {
            refused.title = Some("Give it a title.".to_owned());
        } else if title.chars().count() > LONGEST_LINE {
            refused.title = Some(format!("Use at most {LONGEST_LINE} characters."));
        }
        let description = self.description.replace("\r\n", "\n").trim().to_owned();
        if description.chars().count() > 10_000 {
            refused.description = Some("Use at most 10,000 characters.".to_owned());
        }
        let mut list = |text: &str, slot: fn(&mut Refused) -> &mut Option<String>| {
            let lines: Vec<String> = text.lines().map(line).filter(|line| !line.is_empty()).collect();
            if lines.len() > MOST_LINES {
                *slot(&mut refused) = Some(format!("Use at most {MOST_LINES} lines."));
            } else if lines.iter().any(|line| line.chars().count() > LONGEST_LINE) {
                *slot(&mut refused) = Some(format!("Use at most {LONGEST_LINE} characters a line."));
            }
            lines
        };
        let skills = list(&self.skills, |refused| &mut refused.skills);
        let milestones = list(&self.milestones, |refused| &mut refused.milestones);
        let budget = match (self.budget.trim(), amounts::read(&self.budget, true)) {
            ("", _) => Value::Null,
            (_, Some(range)) => {
                json!({ "min": range.min, "max": range.max, "currency": range.currency, "estimated": false })
            }
            (_, None) => {
                refused.budget = Some("Write it in figures, such as 5,000 or €5k–€10k.".to_owned());
                Value::Null
            }
        };
        let timeline = line(&self.timeline);
        if timeline.chars().count() > 100 {
            refused.timeline = Some("Use at most 100 characters.".to_owned());
        }
        if refused == Refused::default() {
            Ok(Texts { title, description, skills, milestones, budget, timeline })
        } else {
            Err(refused)
        }
    }
}

/// "€5,000–€10,000" of what a row holds; nothing where it holds none that can be read.
#[must_use]
pub fn budget_in_words(budget: &Value) -> String {
    let number = |name: &str| budget[name].as_f64().filter(|value| *value >= 0.0);
    let currency = ["EUR", "USD", "GBP", "CHF"].into_iter().find(|code| budget["currency"] == *code);
    amounts::Range { min: number("min"), max: number("max"), currency }.in_words()
}
