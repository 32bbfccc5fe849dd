//! What a draft says, made of the slots by rules: title, description, skills, milestones, budget and time.

use serde_json::{Value, json};

use super::reading::amounts;
use super::slots::{Slot, Slots};

/// What is known about a kind of project: skills, and what one without features costs and takes.
struct Kind {
    name: &'static str,
    skills: &'static [&'static str],
    /// Euros, from and to.
    base: (u32, u32),
    weeks: (u32, u32),
}

const KINDS: &[Kind] = &[
    Kind {
        name: "Marketplace",
        skills: &["Web development", "Payments", "Databases", "UX design"],
        base: (9000, 18000),
        weeks: (8, 14),
    },
    Kind {
        name: "Online shop",
        skills: &["Web development", "E-commerce", "Payments"],
        base: (3000, 8000),
        weeks: (4, 8),
    },
    Kind {
        name: "Booking system",
        skills: &["Web development", "Databases", "UX design"],
        base: (4000, 9000),
        weeks: (4, 8),
    },
    Kind {
        name: "Mobile app",
        skills: &["Mobile development", "API design", "UX design"],
        base: (8000, 18000),
        weeks: (8, 14),
    },
    Kind {
        name: "Browser extension",
        skills: &["JavaScript", "Browser extensions"],
        base: (1500, 4000),
        weeks: (2, 4),
    },
    Kind {
        name: "Chatbot",
        skills: &["Conversation design", "API design"],
        base: (2500, 6000),
        weeks: (3, 6),
    },
    Kind {
        name: "Dashboard",
        skills: &["Data visualisation", "Web development", "Databases"],
        base: (4000, 9000),
        weeks: (4, 8),
    },
    Kind {
        name: "Learning platform",
        skills: &["Web development", "Video", "UX design"],
        base: (7000, 15000),
        weeks: (8, 12),
    },
    Kind {
        name: "Community",
        skills: &["Web development", "Databases", "Moderation tools"],
        base: (6000, 13000),
        weeks: (6, 12),
    },
    Kind {
        name: "Customer portal",
        skills: &["Web development", "Security", "Databases"],
        base: (5000, 12000),
        weeks: (6, 10),
    },
    Kind {
        name: "CRM",
        skills: &["Web development", "Databases", "Business processes"],
        base: (6000, 14000),
        weeks: (6, 12),
    },
    Kind {
        name: "Game",
        skills: &["Game development", "Graphic design", "Sound"],
        base: (8000, 20000),
        weeks: (10, 20),
    },
    Kind { name: "API", skills: &["API design", "Databases", "Security"], base: (3000, 8000), weeks: (3, 6) },
    Kind {
        name: "Data pipeline",
        skills: &["Data engineering", "Databases"],
        base: (4000, 10000),
        weeks: (4, 8),
    },
    Kind { name: "Automation", skills: &["Scripting", "API design"], base: (1500, 5000), weeks: (2, 5) },
    Kind {
        name: "Desktop app",
        skills: &["Desktop development", "UX design"],
        base: (6000, 14000),
        weeks: (6, 12),
    },
    Kind {
        name: "Blog",
        skills: &["Web development", "Content management"],
        base: (1000, 3000),
        weeks: (2, 4),
    },
    Kind { name: "Landing page", skills: &["Web design", "Copywriting"], base: (500, 1500), weeks: (1, 2) },
    Kind {
        name: "Web app",
        skills: &["Web development", "Databases", "UX design"],
        base: (5000, 12000),
        weeks: (6, 10),
    },
    Kind { name: "Website", skills: &["Web design", "Web development"], base: (1500, 4000), weeks: (2, 5) },
];

/// For what is not in the list.
const OTHER: Kind =
    Kind { name: "", skills: &["Software development", "UX design"], base: (4000, 10000), weeks: (4, 10) };

/// What each feature adds to the lower and to the upper end.
const FEATURE: (u32, u32) = (400, 1000);

const SKILL_OF: &[(&str, &str)] = &[
    ("Sign-in", "Security"),
    ("Payments", "Payments"),
    ("Subscriptions", "Payments"),
    ("Shopping cart", "E-commerce"),
    ("Search", "Search"),
    ("Chat", "Real-time messaging"),
    ("Notifications", "Notifications"),
    ("Maps", "Maps and location"),
    ("Reports", "Data visualisation"),
    ("Videos", "Video"),
    ("Several languages", "Localisation"),
    ("Offline use", "Offline storage"),
    ("Roles and permissions", "Security"),
    ("Recommendations", "Data science"),
    ("Newsletter", "E-mail delivery"),
    ("Blog", "Content management"),
    ("Admin area", "Content management"),
];

const MOST_SKILLS: usize = 10;
const LONGEST_TITLE: usize = 120;

/// What the assistant writes into a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub title: String,
    pub description: String,
    pub skills: Vec<String>,
    pub milestones: Vec<String>,
    /// `{"min", "max", "currency", "estimated"}`; an open end is null.
    pub budget: Value,
    pub timeline: String,
}

/// The draft of `slots`.
#[must_use]
pub fn write(slots: &Slots) -> Written {
    Written {
        title: title(slots),
        description: description(slots),
        skills: skills(slots),
        milestones: milestones(slots),
        budget: budget(slots),
        timeline: timeline(slots),
    }
}

fn kind(slots: &Slots) -> &'static Kind {
    let name = slots.text(Slot::ProjectType);
    KINDS.iter().find(|kind| kind.name == name).unwrap_or(&OTHER)
}

/// What was named in a list; "None" names nothing.
fn listed(slots: &Slots, slot: Slot) -> &[String] {
    slots.items(slot)
}

/// "Online shop for small bakeries"; without an audience "Online shop with sign-in and payments".
fn title(slots: &Slots) -> String {
    let kind = match slots.text(Slot::ProjectType) {
        "" => "Project",
        kind => kind,
    };
    let audience = slots.answer(Slot::Audience).filter(|_| slots.is_full(Slot::Audience));
    let title = match (audience, listed(slots, Slot::Features)) {
        (Some(audience), _) => format!("{kind} for {}", lower_first(&audience.text)),
        (None, [first, second, ..]) => {
            format!("{kind} with {} and {}", lower_first(first), lower_first(second))
        }
        (None, [only]) => format!("{kind} with {}", lower_first(only)),
        (None, []) => kind.to_owned(),
    };
    cut(&title, LONGEST_TITLE)
}

/// A sentence a slot that is filled.
fn description(slots: &Slots) -> String {
    let mut lines = Vec::new();
    let goal = slots.text(Slot::Goal);
    if !goal.is_empty() {
        lines.push(sentence(goal));
    }
    let features = listed(slots, Slot::Features);
    if !features.is_empty() {
        lines.push(sentence(&format!("It has {}", joined(features))));
    }
    if slots.is_full(Slot::Audience) {
        lines.push(sentence(&format!("It is for {}", lower_first(slots.text(Slot::Audience)))));
    }
    let services = listed(slots, Slot::Integrations);
    if !services.is_empty() {
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        lines.push(sentence(&format!("It works with {}", and(&names))));
    }
    lines.join("\n")
}

fn skills(slots: &Slots) -> Vec<String> {
    let mut skills: Vec<String> = kind(slots).skills.iter().map(|skill| (*skill).to_owned()).collect();
    for feature in listed(slots, Slot::Features) {
        let skill = SKILL_OF.iter().find(|(name, _)| name == feature).map(|(_, skill)| (*skill).to_owned());
        skills.extend(skill);
    }
    skills.extend(listed(slots, Slot::Integrations).iter().map(|service| format!("{service} integration")));
    let mut seen = Vec::new();
    skills.retain(|skill| {
        !seen.contains(skill) && {
            seen.push(skill.clone());
            true
        }
    });
    skills.truncate(MOST_SKILLS);
    skills
}

fn milestones(slots: &Slots) -> Vec<String> {
    let features: Vec<String> =
        listed(slots, Slot::Features).iter().map(|feature| lower_first(feature)).collect();
    let names: Vec<&str> = features.iter().map(String::as_str).collect();
    let mut milestones = vec!["Agree on scope and screens".to_owned(), "Design the screens".to_owned()];
    match names.as_slice() {
        [] => milestones.push("Build the first version".to_owned()),
        few if few.len() <= 3 => milestones.push(format!("Build {}", and(few))),
        many => {
            // Three at a time, so that each can be looked at by itself.
            let (first, rest) = many.split_at(3);
            milestones.push(format!("Build {}", and(first)));
            milestones.extend(rest.chunks(4).map(|part| format!("Add {}", and(part))));
        }
    }
    let services: Vec<&str> = listed(slots, Slot::Integrations).iter().map(String::as_str).collect();
    if !services.is_empty() {
        milestones.push(format!("Connect {}", and(&services)));
    }
    milestones.push(if slots.is_full(Slot::Audience) {
        format!("Try it out with {}", lower_first(slots.text(Slot::Audience)))
    } else {
        "Try it out with the first users".to_owned()
    });
    milestones.push("Go live".to_owned());
    milestones.iter().map(|milestone| cut(milestone, 160)).collect()
}

/// What was said, or else an estimate by type and features, in euros.
fn budget(slots: &Slots) -> Value {
    if let Some(range) = amounts::read(slots.text(Slot::Budget), true) {
        return json!({ "min": range.min, "max": range.max, "currency": range.currency, "estimated": false });
    }
    let (low, high) = kind(slots).base;
    let count = u32::try_from(listed(slots, Slot::Features).len()).unwrap_or(0);
    let services = u32::try_from(listed(slots, Slot::Integrations).len()).unwrap_or(0);
    json!({
        "min": low + FEATURE.0 * (count + services), "max": high + FEATURE.1 * (count + services),
        "currency": "EUR", "estimated": true,
    })
}

/// What was said, or else an estimate: three features or services a week more.
fn timeline(slots: &Slots) -> String {
    if slots.is_full(Slot::Timeline) {
        return cut(slots.text(Slot::Timeline), 100);
    }
    let (low, high) = kind(slots).weeks;
    let more = listed(slots, Slot::Features).len() + listed(slots, Slot::Integrations).len();
    let more = u32::try_from(more / 3).unwrap_or(0);
    format!("{}–{} weeks (estimate)", low + more, high + more)
}

/// "sign-in, payments and search"
fn joined(features: &[String]) -> String {
    let names: Vec<String> = features.iter().map(|feature| lower_first(feature)).collect();
    and(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(super) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first letter small, unless the word is a name: "QR codes", "AWS".
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), text.chars().nth(1)) {
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(letters).collect(),
        (None, _) => String::new(),
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let text: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(longest - 1).collect::<String>().trim_end())
}
