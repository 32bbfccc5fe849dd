//! Samples of timelines: empty, filtered, busy and hostile.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::activity::options::Options;
use pilothouse::activity::timeline::TimelinePage;
use pilothouse::activity::{Filter, Status};
use pilothouse::web::activity::TimelineView;
use pilothouse::web::activity::display::{
    Day, DayItem, Entry, Gap, Long, Part, ReferenceChip, Related, Running, badge,
};
use pilothouse::web::activity::presenter::TimelinePresenter;
use pilothouse::web::display::{Badge, Link, Tone};
use pilothouse::web::time::TimeOfDay;

use super::{HOSTILE, endless};

fn presenter() -> TimelinePresenter {
    TimelinePresenter {
        now: DateTime::UNIX_EPOCH,
        zone: Tz::UTC,
        is_admin: true,
        here: None,
        own_project: None,
        seconds: false,
    }
}

fn entry(id: &str, text: &str) -> Entry {
    let chip = || ReferenceChip {
        key: text.to_owned().into(),
        value: text.to_owned(),
        url: "/references/a/b".to_owned(),
    };
    Entry {
        id: id.to_owned(),
        url: "/activity/x".to_owned(),
        icon: "deployment",
        tone: Some(Tone::Bad),
        is_here: false,
        time: TimeOfDay::from_millis(1_763_680_000_000, Tz::UTC),
        apart: text.to_owned(),
        sentence: [
            ("actor", Some("/users/x")),
            ("word", None),
            ("object", Some("/projects/x")),
            ("code", None),
        ]
        .map(|(kind, url)| Part { text: text.to_owned().into(), url: url.map(str::to_owned), kind })
        .to_vec(),
        detail: Some(text.to_owned()),
        detail_more: Some(Long { label: "Show all".to_owned(), text: text.repeat(20) }),
        references: vec![chip(), chip()],
        references_more: "and 32 more".to_owned(),
        badge: Some(badge(&Status::from_stored(text))),
        note: "2 m 11 s".to_owned(),
        mark: text.to_owned(),
        related: None,
    }
}

/// Days that hold everything a day can hold.
pub fn days() -> Vec<Day> {
    let mut folded = entry("event:folded", HOSTILE);
    folded.detail_more = None;
    let mut hostile = entry("hostile", HOSTILE);
    hostile.related = Some(Related {
        label: "1 related".to_owned(),
        kinds: HOSTILE.to_owned(),
        failed: "1 failed".to_owned(),
        is_open: true,
        entries: vec![folded],
    });
    hostile.is_here = true;
    vec![Day {
        heading: "Thursday 19 November".to_owned(),
        count: "4 of 57 entries".to_owned(),
        url: Some("/activity?from=2026-11-19&to=2026-11-19".to_owned()),
        date: chrono::NaiveDate::MIN,
        is_cut: true,
        items: vec![
            DayItem::Entry(Box::new(entry("plain", "shop-api"))),
            DayItem::Gap(Gap { text: HOSTILE.to_owned() }),
            DayItem::Entry(Box::new(hostile)),
            DayItem::Entry(Box::new(entry("endless", &endless(400)))),
        ],
    }]
}

pub fn running() -> Vec<Running> {
    let running = Running {
        id: "event:running".to_owned(),
        url: "/events/running".to_owned(),
        icon: "indexing",
        sentence: vec![Part { text: HOSTILE.into(), url: None, kind: "word" }],
        badge: badge(&Status::running()),
        time: TimeOfDay::from_millis(1_763_680_000_000, Tz::UTC),
        elapsed: "12 s".to_owned(),
        progress: Some(40),
        usual_ms: Some(60_000),
    };
    let slow = Running {
        id: "event:slow".to_owned(),
        badge: Badge::new("warning", "slower than usual (5 m 3 s)", Tone::Warning),
        progress: None,
        usual_ms: None,
        ..running.clone()
    };
    vec![running, slow]
}

pub fn views() -> Vec<(&'static str, TimelineView)> {
    let view = |filter: &Filter| {
        TimelineView::new("/activity", filter, Options::known(), &TimelinePage::default(), &presenter())
    };
    let none = Filter::none(Tz::UTC);
    let filtered = Filter::parse([("type", HOSTILE), ("status", "-failed"), ("ref", "a:b")], Tz::UTC)
        .unwrap_or_else(|_| none.clone());
    let mut busy = view(&filtered);
    busy.days = days();
    busy.running = running();
    busy.start = Some(Link::new(HOSTILE, "/activity"));
    vec![("nothing yet", view(&none)), ("nothing matches", view(&filtered)), ("busy and hostile", busy)]
}
