//! The filter form of a timeline, and the chips of what is on.

use chrono::{Datelike, Days, NaiveDate};

use super::choices;
use super::form;
use super::presenter::TimelinePresenter;
use super::reference::key_label;
use crate::activity::filter::Words;
use crate::activity::options::{Choice, Options, source_label};
use crate::activity::timeline::WordColumn;
use crate::activity::{Filter, Source};
use crate::vocabulary::Group;
use crate::web::display::{Chip, Chips, Choice as FormChoice, HiddenField, Link};
use crate::web::export;
use crate::web::time::short_day;
use crate::web::urls::{export_of, with_query};

/// See `templates/activity/_filters.html`.
#[derive(Debug, Clone)]
pub struct Filters {
    /// The page's own path.
    pub action: String,
    /// How many filters are on.
    pub count: usize,
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
    /// The keys of references to choose from; none where nothing is found by reference, as in the audit log.
    pub reference_keys: Vec<FormChoice>,
    /// The value of the reference, or nothing.
    pub reference: String,
    /// What else the form keeps.
    pub hidden: Vec<HiddenField>,
    /// Whether entries can be found by what was acted on, and from where: only audit entries say so.
    pub by_target: bool,
    /// The target's id or name, or nothing.
    pub target: String,
    /// Where it was done from, or nothing.
    pub address: String,
    /// The words that are searched for, or nothing.
    pub q: String,
    /// Where the timeline can be exported.
    pub export_url: Option<String>,
    /// What the export needs to know.
    pub export_fields: Vec<HiddenField>,
}

#[derive(Debug, Clone)]
pub struct FilterGroup {
    /// Its word.
    pub label: &'static str,
    pub name: &'static str,
    /// How many of its options are on.
    pub count: usize,
    /// Its options, under headings where there are many.
    pub sections: Vec<FilterSection>,
    /// Whether one looks for an option by typing.
    pub is_long: bool,
    /// All that it may ask for; none where that is what stands here.
    pub all_url: Option<String>,
}

/// Options under one heading.
#[derive(Debug, Clone)]
pub struct FilterSection {
    /// The heading, or nothing.
    pub heading: &'static str,
    pub options: Vec<FilterOption>,
}

/// One option of a filter: a box that is ticked when it is on.
#[derive(Debug, Clone)]
pub struct FilterOption {
    /// What the address says, `-` before it when it is left out.
    pub value: String,
    /// What people read, "not" before it when it is left out.
    pub label: String,
    /// Whether it is on, either way.
    pub chosen: bool,
}

impl Filters {
    /// The form for `filter` on the page at `path`.
    #[must_use]
    pub fn new(path: &str, filter: &Filter, options: Options, presenter: &TimelinePresenter) -> Self {
        // What people do to accounts and sessions stands in no owner's timeline.
        let shown = options.types.into_iter().filter(|(of, _)| presenter.is_admin || *of != Group::People);
        let types = shown.map(|(of, choices)| (of.label(), choices)).collect();
        let groups = [
            group("Type", "type", &filter.types, types),
            group("Status", "status", &filter.statuses, vec![("", options.statuses)]),
            group("Environment", "environment", &filter.environments, vec![("", options.environments)]),
            group("Who", "actor", &filter.actors, vec![("", options.actors)]),
            group("Source", "source", &filter.sources, vec![("", sources())]),
        ];
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let (key, value) = filter.reference.as_ref().map_or(("", ""), |r| (r.key.as_str(), r.value.as_str()));
        let mut reference_keys = vec![FormChoice::new("", "Find out", key)];
        reference_keys.extend(form::KEYS.map(|known| FormChoice::new(known, key_label(known), key)));
        if !key.is_empty() && !form::KEYS.contains(&key) {
            reference_keys.push(FormChoice::new(key, key, key));
        }
        let hidden = filter.pairs().into_iter().filter(|(name, _)| *name == "limit");
        Self {
            action: path.to_owned(),
            count: filter.count(),
            groups: groups.into_iter().map(|group| with_all(filter, group)).collect(),
            from: day(filter.from),
            to: day(filter.to),
            dates_set: filter.from.is_some() || filter.to.is_some(),
            zone: filter.zone.name().to_owned(),
            presets: presets(filter, presenter),
            reference_keys,
            reference: value.to_owned(),
            hidden: hidden.map(|(name, value)| HiddenField { name: name.to_owned(), value }).collect(),
            by_target: false,
            target: filter.target.clone().unwrap_or_default(),
            address: filter.address.map(|address| address.to_string()).unwrap_or_default(),
            q: filter.q.clone().unwrap_or_default(),
            export_url: Some(export_of(path)),
            export_fields: export::hidden(filter.pairs().into_iter().filter(|(name, _)| *name != "limit")),
        }
    }
}

/// `group` with the way to all that it may ask for, where words of workers come in.
fn with_all(filter: &Filter, mut group: FilterGroup) -> FilterGroup {
    if group.name != "source" {
        let mut pairs = filter.pairs();
        pairs.push((choices::LIST, group.name.to_owned()));
        group.all_url = Some(with_query("", &pairs));
    }
    group
}

/// What the filter by `column` is called, its parameter, and what `filter` asks it for.
pub(super) fn name_of(column: WordColumn, filter: &Filter) -> (&'static str, &'static str, &Words) {
    match column {
        WordColumn::Type => ("Type", "type", &filter.types),
        WordColumn::Status => ("Status", "status", &filter.statuses),
        WordColumn::Environment => ("Environment", "environment", &filter.environments),
        WordColumn::Actor => ("Who", "actor", &filter.actors),
    }
}

fn sources() -> Vec<Choice> {
    Source::ALL
        .into_iter()
        .map(|source| Choice { value: source.as_str().to_owned(), label: source_label(source).to_owned() })
        .collect()
}

fn option(words: &Words, Choice { value, label }: Choice) -> FilterOption {
    if words.not.contains(&value) {
        return FilterOption { value: format!("-{value}"), label: format!("not {label}"), chosen: true };
    }
    FilterOption { chosen: words.only.contains(&value), value, label }
}

pub fn group(
    label: &'static str,
    name: &'static str,
    words: &Words,
    choices: Vec<(&'static str, Vec<Choice>)>,
) -> FilterGroup {
    // What the address names stays in the form, whether or not anything holds it.
    let is_offered =
        |word: &String| choices.iter().any(|(_, of)| of.iter().any(|choice| choice.value == *word));
    let strange: Vec<FilterOption> = words
        .only
        .iter()
        .chain(&words.not)
        .filter(|word| !is_offered(word))
        .map(|word| option(words, Choice { value: word.clone(), label: unknown(word) }))
        .collect();
    let mut chosen = strange;
    let mut sections = vec![FilterSection { heading: "", options: Vec::new() }];
    for (heading, choices) in choices {
        let (ticked, open): (Vec<_>, Vec<_>) =
            choices.into_iter().map(|choice| option(words, choice)).partition(|option| option.chosen);
        chosen.extend(ticked);
        sections.push(FilterSection { heading, options: open });
    }
    // What is on stands first, however long the list is.
    if let Some(first) = sections.first_mut() {
        first.options = chosen;
    }
    sections.retain(|section| !section.options.is_empty());
    let is_long = sections.iter().map(|section| section.options.len()).sum::<usize>() > SHORT_LIST;
    FilterGroup { label, name, count: words.only.len() + words.not.len(), sections, is_long, all_url: None }
}

/// Options that are found without looking for them.
const SHORT_LIST: usize = 9;

/// A word of the address that neither the console nor this timeline knows.
fn unknown(word: &str) -> String {
    format!("unknown: {word}")
}

/// Addresses on the page itself, which the browser knows.
fn presets(filter: &Filter, presenter: &TimelinePresenter) -> Vec<Link> {
    let today = presenter.now.with_timezone(&presenter.zone).date_naive();
    let back = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let week = back(u64::from(today.weekday().num_days_from_monday()));
    let month = today.with_day(1).unwrap_or(today);
    [
        ("Today", today, today),
        ("Yesterday", back(1), back(1)),
        ("This week", week, today),
        ("Last week (7 days)", back(6), today),
        ("This month", month, today),
        ("Last 30 days", back(29), today),
    ]
    .into_iter()
    .map(|(label, from, to)| {
        let mut pairs = filter.pairs();
        pairs.retain(|(name, _)| !matches!(*name, "from" | "to"));
        pairs.extend([("from", from.to_string()), ("to", to.to_string())]);
        Link::new(label, with_query("", &pairs))
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
        Some(word) if !matches!(name, "from" | "to" | "ref" | "target" | "address" | "q") => ("not ", word),
        _ => ("", value),
    };
    let known = |choices: &[Choice]| {
        let known = choices.iter().find(|choice| choice.value.eq_ignore_ascii_case(word));
        known.map_or_else(|| unknown(word), |choice| choice.label.clone())
    };
    match name {
        "type" => {
            let types = options.types.iter().flat_map(|(_, choices)| choices);
            let label = types.filter(|choice| choice.value == word).map(|choice| choice.label.clone()).next();
            format!("{not}{}", label.unwrap_or_else(|| unknown(word)))
        }
        "status" => format!("{not}{}", known(&options.statuses)),
        "environment" => format!("{not}{}", known(&options.environments)),
        "target" => format!("target {value}"),
        "address" => format!("from {value}"),
        "q" => format!("“{value}”"),
        "actor" => format!("{not}by {}", known(&options.actors)),
        "source" => format!("{not}{}", known(&sources())),
        "ref" => match value.split_once(':') {
            Some((key, value)) => format!("{} {value}", key_label(key)),
            None => value.to_owned(),
        },
        _ => match value.parse::<NaiveDate>() {
            Ok(day) => format!("{name} {} {}", short_day(day), day.year()),
            Err(_) => format!("{name} {value}"),
        },
    }
}
