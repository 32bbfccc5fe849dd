//! Samples of entries, references and what filters offer.

use pilothouse::activity::options::Choice;
use pilothouse::activity::{Filter, Status};
use pilothouse::web::activity::audit_entry::AuditEntryPage;
use pilothouse::web::activity::changes;
use pilothouse::web::activity::choices::ChoicesPage;
use pilothouse::web::activity::display::{Day, DayItem, Entry, Part, ReferenceChip, badge};
use pilothouse::web::activity::filters::group;
use pilothouse::web::activity::index::ActivityPage;
use pilothouse::web::activity::operation::{Again, OperationPanel, PartRow};
use pilothouse::web::activity::reference_card::ReferenceCard;
use pilothouse::web::activity::show::EntryPage;
use pilothouse::web::display::{Fact, HiddenField, Link, Meta, Pager};
use pilothouse::web::references::show::{ReferencePage, Within};
use pilothouse::web::state;

use super::frame::shell;
use super::timelines;
use super::{HOSTILE, Sample, endless, timestamp};

impl Sample for AuditEntryPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |text: &str, before: Option<serde_json::Value>, after: Option<serde_json::Value>| Self {
            shell: shell("Audit entry"),
            heading: vec![Part {
                text: text.to_owned().into(),
                url: Some("/users/x".to_owned()),
                kind: "actor",
            }],
            time: timestamp(),
            meta: vec![Meta::text(text)],
            changes_title: "What changed",
            has_before: before.is_some(),
            has_after: after.is_some(),
            after_title: "After",
            after_label: "after",
            changes: changes::between(before.as_ref(), after.as_ref()),
            who: vec![Fact::text("Who", text)],
            on_what: vec![Fact::mono(text, text)],
            target_url: Some("/audit?target=x".to_owned()),
            facts: vec![Fact::mono(text, text)],
            before: Vec::new(),
            after: Vec::new(),
            changes_more: after.as_ref().map_or_else(String::new, |_| text.to_owned()),
            thread_more: text.to_owned(),
            around_url: "/activity".to_owned(),
            thread_url: "/threads/action:x".to_owned(),
            raw: before.is_none().then(|| text.to_owned()),
            raw_url: "/audit/x/raw".to_owned(),
        };
        let object = |value: &str| Some(serde_json::json!({ "name": value, HOSTILE: { HOSTILE: [value] } }));
        let bare = Self { on_what: Vec::new(), target_url: None, ..page("ada", None, None) };
        vec![
            ("without fields", bare),
            ("created", page("ada", None, object("shop"))),
            ("changed", page(HOSTILE, object("shop"), object(HOSTILE))),
            ("endless", page(&endless(200), object(&endless(400)), object("shop"))),
        ]
    }
}

impl Sample for ChoicesPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |choices| Self {
            shell: shell("Who"),
            group: group("Who", "actor", &Filter::none(chrono_tz::Tz::UTC).actors, vec![("", choices)]),
            action: "/activity".to_owned(),
            hidden: vec![HiddenField { name: "type".to_owned(), value: HOSTILE.to_owned() }],
            back_url: "/activity".to_owned(),
        };
        let hostile = Choice { value: HOSTILE.to_owned(), label: HOSTILE.to_owned() };
        vec![("hostile", page(vec![hostile])), ("nothing yet", page(Vec::new()))]
    }
}

impl Sample for ActivityPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |view| Self { shell: shell("Activity"), heading: "Activity", view };
        timelines::views().into_iter().map(|(name, view)| (name, page(view))).collect()
    }
}

pub fn reference_card() -> ReferenceCard {
    ReferenceCard {
        title: HOSTILE.to_owned(),
        badge: Some(badge(&Status::from_stored(HOSTILE))),
        facts: vec![Fact::mono(HOSTILE, HOSTILE)],
    }
}

fn operation_panel() -> OperationPanel {
    OperationPanel {
        facts: vec![Fact::text("Asked for by", HOSTILE)],
        answer: HOSTILE.to_owned(),
        goes_on: true,
        cancel_url: Some("/events/x/cancel".to_owned()),
        again: Some(Again { url: "/containers/x/start".to_owned(), acts: true }),
        parts: vec![PartRow {
            name: HOSTILE.to_owned(),
            url: "/events/y".to_owned(),
            badge: state::badge("failed"),
            answer: HOSTILE.to_owned(),
        }],
    }
}

impl Sample for EntryPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |text: &str, entries: Vec<Entry>| Self {
            shell: shell("Entry"),
            heading: vec![Part {
                text: text.to_owned().into(),
                url: Some("/projects/x".to_owned()),
                kind: "object",
            }],
            badge: None,
            time: timestamp(),
            meta: vec![Meta::text(text)],
            operation: entries.first().map(|_| operation_panel()),
            detail: Some(text.to_owned()),
            detail_cut: entries.first().map_or_else(String::new, |_| text.to_owned()),
            thread_more: entries.first().map_or_else(String::new, |_| text.to_owned()),
            raw: entries.is_empty().then(|| text.to_owned()),
            facts: vec![Fact::mono(text, text)],
            references: vec![ReferenceChip {
                key: text.to_owned().into(),
                value: text.to_owned(),
                url: "/references/a/b".to_owned(),
            }],
            references_more: text.to_owned(),
            records: vec![reference_card()],
            before: entries,
            after: Vec::new(),
            older: Some(Link::new(text, "/activity/x")),
            newer: Some(Link::new(text, "/activity/y")),
            around_url: "/activity".to_owned(),
            thread_url: "/threads/action:x".to_owned(),
            raw_url: "/activity/x/raw".to_owned(),
        };
        let entries = timelines::days().into_iter().flat_map(|day| day.items).filter_map(|item| match item {
            DayItem::Entry(entry) => Some(*entry),
            DayItem::Gap(_) => None,
        });
        vec![("alone", page("shop-api", Vec::new())), ("hostile", page(HOSTILE, entries.collect()))]
    }
}

impl Sample for ReferencePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |text: &str, days: Vec<Day>, record: Option<ReferenceCard>| Self {
            shell: shell("Reference"),
            key_label: text.to_owned(),
            value: text.to_owned(),
            within: record.as_ref().map(|_| Within {
                project: Link::new(text, "/projects/x"),
                everywhere_url: "/references/a/b".to_owned(),
            }),
            record,
            record_note: text.to_owned(),
            days,
            pager: Pager::default(),
        };
        vec![
            ("unknown record", page("commit", Vec::new(), None)),
            ("hostile", page(HOSTILE, timelines::days(), Some(reference_card()))),
        ]
    }
}
