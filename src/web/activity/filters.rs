//! The filter form of a timeline, and the chips of what is on.

use chrono::{Datelike, Days, NaiveDate};

use super::convert::{Eyes, key_label};
use crate::activity::filter::Words;
use crate::activity::options::{Choice, Options, source_label};
use crate::activity::{Filter, Source};
use crate::web::display::{Chip, Chips, HiddenField, Link};
use crate::web::export;
use crate::web::urls::{export_of, with_query};

/// See `templates/activity/_filters.html`.
#[derive(Debug, Clone)]
pub struct Filters {
    /// The page's own path.
    pub action: String,
    /// Type, status, environment, who, source.
    pub groups: Vec<FilterGroup>,
    /// First day, or nothing.
    pub from: String,
    /// Last day, or nothing.
    pub to: String,
    /// Whether a day is set.
    pub dates_set: bool,
    /// The zone that days are meant in.
    pub zone: String,
    /// Today, yesterday, this week and the like.
    pub presets: Vec<Link>,
    /// Whether entries can be found by a reference: audit entries carry none.
    pub by_reference: bool,
    /// `key:value`, or nothing.
    pub reference: String,
    /// Whether entries can be found by what was acted on: only audit entries say so.
    pub by_target: bool,
    /// The target's id, or nothing.
    pub target: String,
    /// Where the timeline can be exported.
    pub export_url: Option<String>,
    /// What the export needs to know.
    pub export_fields: Vec<HiddenField>,
}

/// One filter.
#[derive(Debug, Clone)]
pub struct FilterGroup {
    /// Its word.
    pub label: &'static str,
    /// Its name in the address.
    pub name: &'static str,
    /// How many of its options are on.
    pub count: usize,
    /// Its options.
    pub options: Vec<FilterOption>,
    /// Whether options can be left out, too.
    pub excludable: bool,
}

/// One option of a filter.
#[derive(Debug, Clone)]
pub struct FilterOption {
    /// What the address says.
    pub value: String,
    /// What people read.
    pub label: String,
    /// A symbol of the sprite, or nothing.
    pub icon: &'static str,
    /// Whether only it is shown.
    pub chosen: bool,
    /// Whether it is left out.
    pub excluded: bool,
}

impl Filters {
    /// The form for `filter` on the page at `path`.
    #[must_use]
    pub fn new(path: &str, filter: &Filter, options: &Options, eyes: &Eyes) -> Self {
        let types: Vec<Choice> = options.types.iter().flat_map(|(_, choices)| choices.clone()).collect();
        let sources: Vec<Choice> = sources();
        let groups = vec![
            group("Type", "type", &filter.types, &types),
            group("Status", "status", &filter.statuses, &options.statuses),
            group("Environment", "environment", &filter.environments, &options.environments),
            group("Who", "actor", &filter.actors, &options.actors),
            group("Source", "source", &filter.sources, &sources),
        ];
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Self {
            action: path.to_owned(),
            groups: groups.into_iter().filter(|group| !group.options.is_empty()).collect(),
            from: day(filter.from),
            to: day(filter.to),
            dates_set: filter.from.is_some() || filter.to.is_some(),
            zone: filter.zone.name().to_owned(),
            presets: presets(path, filter, eyes),
            by_reference: true,
            reference: filter
                .reference
                .as_ref()
                .map(|r| format!("{}:{}", r.key, r.value))
                .unwrap_or_default(),
            by_target: false,
            target: filter.target.clone().unwrap_or_default(),
            export_url: Some(export_of(path)),
            export_fields: export::hidden(filter.pairs().into_iter().filter(|(name, _)| *name != "limit")),
        }
    }
}

fn sources() -> Vec<Choice> {
    Source::ALL
        .into_iter()
        .map(|source| Choice { value: source.as_str().to_owned(), label: source_label(source).to_owned() })
        .collect()
}

fn group(label: &'static str, name: &'static str, words: &Words, choices: &[Choice]) -> FilterGroup {
    let mut options: Vec<FilterOption> = choices
        .iter()
        .map(|choice| FilterOption {
            chosen: words.only.contains(&choice.value),
            excluded: words.not.contains(&choice.value),
            value: choice.value.clone(),
            label: choice.label.clone(),
            icon: "",
        })
        .collect();
    // What the address names stays in the form, whether or not anything holds it.
    for (word, excluded) in words.only.iter().map(|w| (w, false)).chain(words.not.iter().map(|w| (w, true))) {
        if !choices.iter().any(|choice| choice.value == *word) {
            options.push(FilterOption {
                value: word.clone(),
                label: word.clone(),
                icon: "",
                chosen: !excluded,
                excluded,
            });
        }
    }
    FilterGroup { label, name, count: words.only.len() + words.not.len(), options, excludable: true }
}

fn presets(path: &str, filter: &Filter, eyes: &Eyes) -> Vec<Link> {
    let today = eyes.now.with_timezone(&eyes.zone).date_naive();
    let back = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let week = back(u64::from(today.weekday().num_days_from_monday()));
    let month = today.with_day(1).unwrap_or(today);
    [
        ("Today", today, today),
        ("Yesterday", back(1), back(1)),
        ("This week", week, today),
        ("Last 7 days", back(6), today),
        ("This month", month, today),
        ("Last 30 days", back(29), today),
    ]
    .into_iter()
    .map(|(label, from, to)| {
        let mut pairs = filter.pairs();
        pairs.retain(|(name, _)| !matches!(*name, "from" | "to"));
        pairs.extend([("from", from.to_string()), ("to", to.to_string())]);
        Link::new(label, with_query(path, &pairs))
    })
    .collect()
}

/// The filters that are on, with one link each to take it off.
#[must_use]
pub fn chips(path: &str, filter: &Filter, options: &Options) -> Chips {
    let pairs = filter.pairs();
    let items = pairs
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| *name != "limit")
        .map(|(at, (name, value))| {
            let mut rest = pairs.clone();
            rest.remove(at);
            Chip { label: chip_label(name, value, options), remove_url: with_query(path, &rest) }
        })
        .collect();
    let limit: Vec<_> = pairs.iter().filter(|(name, _)| *name == "limit").cloned().collect();
    Chips { items, clear_url: with_query(path, &limit) }
}

fn chip_label(name: &str, value: &str, options: &Options) -> String {
    let (not, word) = match value.strip_prefix('-') {
        Some(word) if !matches!(name, "from" | "to" | "ref" | "target") => ("not ", word),
        _ => ("", value),
    };
    let known = |choices: &[Choice]| {
        choices.iter().find(|choice| choice.value == word).map_or(word, |choice| &choice.label).to_owned()
    };
    match name {
        "type" => {
            let types = options.types.iter().flat_map(|(_, choices)| choices);
            let label = types.filter(|choice| choice.value == word).map(|choice| choice.label.clone()).next();
            format!("{not}{}", label.unwrap_or_else(|| word.to_owned()))
        }
        "status" => format!("{not}{}", known(&options.statuses)),
        "environment" => format!("{not}{}", known(&options.environments)),
        "target" => format!("target {value}"),
        "actor" => format!("{not}by {}", known(&options.actors)),
        "source" => format!("{not}{}", known(&sources())),
        "ref" => match value.split_once(':') {
            Some((key, value)) => format!("{} {value}", key_label(key)),
            None => value.to_owned(),
        },
        _ => format!("{name} {value}"),
    }
}
