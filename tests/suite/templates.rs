//! Every page rendered from its samples, without a database: what holds for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::samples::{HOSTILE, Sample};
use askama::Template;
use pilothouse::web;
use scraper::{ElementRef, Html, Selector};

/// One page in one state.
struct Rendered {
    page: &'static str,
    state: String,
    html: String,
}

fn rendered<P: Sample + Template>() -> Vec<Rendered> {
    let page = std::any::type_name::<P>().rsplit("::").next().unwrap();
    let samples = P::samples().into_iter().map(|(state, sample)| Rendered {
        page,
        state: format!("{page}, {state}"),
        html: sample.render().unwrap(),
    });
    samples.collect()
}

/// Every page of the console.
fn all() -> Vec<Rendered> {
    let pages = [
        rendered::<web::account::sessions::SessionsPage>,
        rendered::<web::account::show::AccountPage>,
        rendered::<web::account::tokens::OwnTokensPage>,
        rendered::<web::activity::choices::ChoicesPage>,
        rendered::<web::activity::index::ActivityPage>,
        rendered::<web::activity::show::EntryPage>,
        rendered::<web::activity::audit_entry::AuditEntryPage>,
        rendered::<web::api::show::ApiPage>,
        rendered::<web::chat::index::ChatPage>,
        rendered::<web::chat::say::RefusedMessagePage>,
        rendered::<web::chat::show::ConversationPage>,
        rendered::<web::confirmation::ConfirmationPage>,
        rendered::<web::containers::figures::FiguresPage>,
        rendered::<web::containers::index::ContainersPage>,
        rendered::<web::containers::logs::LogsPage>,
        rendered::<web::containers::runs::RunsPage>,
        rendered::<web::containers::show::ContainerPage>,
        rendered::<web::dashboard::show::DashboardPage>,
        rendered::<web::drafts::index::DraftsPage>,
        rendered::<web::drafts::show::DraftPage>,
        rendered::<web::engine::show::EnginePage>,
        rendered::<web::error_page::ErrorPage>,
        rendered::<web::error_page::PlainErrorPage>,
        rendered::<web::files::index::FilesPage>,
        rendered::<web::files::show::FilePage>,
        rendered::<web::insights::show::InsightsPage>,
        rendered::<web::intake::funnel::AttributionPage>,
        rendered::<web::intake::crm::CrmPage>,
        rendered::<web::intake::funnel::FunnelPage>,
        rendered::<web::intake::session::IntakeSessionPage>,
        rendered::<web::intake::sessions::IntakeSessionsPage>,
        rendered::<web::operations::backups::BackupsPage>,
        rendered::<web::operations::database::DatabasePage>,
        rendered::<web::operations::retention::RetentionPage>,
        rendered::<web::operations::retention_rule::RulePage>,
        rendered::<web::operations::show::OperationsPage>,
        rendered::<web::passwords::edit::PasswordPage>,
        rendered::<web::projects::activity::ProjectActivityPage>,
        rendered::<web::projects::index::ProjectsPage>,
        rendered::<web::projects::new::NewProjectPage>,
        rendered::<web::projects::settings::SettingsPage>,
        rendered::<web::projects::show::ProjectPage>,
        rendered::<web::projects::webhooks::WebhooksPage>,
        rendered::<web::references::show::ReferencePage>,
        rendered::<web::referrals::show::ReferralsPage>,
        rendered::<web::search::show::SearchPage>,
        rendered::<web::sessions::new::SignInPage>,
        rendered::<web::start::claim::ClaimPage>,
        rendered::<web::start::delete::DeletePage>,
        rendered::<web::start::draft::StartDraftPage>,
        rendered::<web::start::show::StartPage>,
        rendered::<web::threads::show::ThreadPage>,
        rendered::<web::tokens::index::TokensPage>,
        rendered::<web::users::index::UsersPage>,
        rendered::<web::users::link::LinkPage>,
        rendered::<web::users::new::NewUserPage>,
        rendered::<web::users::show::UserPage>,
        rendered::<web::wireframes::show::WireframePage>,
    ];
    pages.iter().flat_map(|page| page()).collect()
}

fn selected(html: &Html, selector: &str) -> Vec<BTreeMap<String, String>> {
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector)
        .map(|element| {
            element.value().attrs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Paths of the files below `dir`, from there.
fn below(dir: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut waiting = vec![root.clone()];
    let mut found = BTreeSet::new();
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Template and page struct of everything in `src/web` that is rendered.
fn page_structs() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for file in below("src/web") {
        let text = read(&format!("src/web/{file}"));
        for part in text.split("#[template(path = \"").skip(1) {
            let path = part.split('"').next().unwrap().to_owned();
            let name = part.split("struct ").nth(1).unwrap();
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
            pages.insert(name, path);
        }
    }
    pages
}

#[test]
fn every_page_has_samples() {
    let sampled: BTreeSet<String> = all().iter().map(|sample| sample.page.to_owned()).collect();
    let written: BTreeSet<String> = page_structs().into_keys().collect();
    assert_eq!(sampled, written, "left: pages in this file; right: page structs in src/web");
}

#[test]
fn every_template_is_part_of_a_page() {
    let mut reached: BTreeSet<String> = page_structs().into_values().collect();
    let mut waiting: Vec<String> = reached.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let text = read(&format!("templates/{path}"));
        for keyword in ["include", "import", "extends"] {
            for part in text.split(&format!("{{% {keyword} \"")).skip(1) {
                let path = part.split('"').next().unwrap().to_owned();
                if reached.insert(path.clone()) {
                    waiting.push(path);
                }
            }
        }
    }
    let unreached: Vec<_> = below("templates").difference(&reached).cloned().collect();
    assert_eq!(unreached, ELSEWHERE);
}

/// Templates of pages that another server shows.
const ELSEWHERE: [&str; 1] = ["drafts/public.html"];

#[test]
fn no_template_switches_escaping_off() {
    for path in below("templates") {
        let text = read(&format!("templates/{path}")).replace(' ', "");
        for off in ["|safe", "autoescape", "%filtersafe", "|escape(\"none\""] {
            assert!(!text.contains(off), "{path} has {off}");
        }
    }
}

#[test]
fn no_page_runs_or_styles_anything_inline() {
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        for (name, value) in selected(&page, "*").into_iter().flatten() {
            assert!(
                !name.starts_with("on") && name != "style" && name != "srcdoc",
                "{state}: {name}={value:?}"
            );
        }
        assert!(selected(&page, "style, iframe, object, embed, base").is_empty(), "{state}");
        let scripts = selected(&page, "script");
        assert!(!scripts.is_empty(), "{state}");
        for script in scripts {
            assert!(
                script.contains_key("nonce") && script["src"].starts_with("/assets/"),
                "{state}: {script:?}"
            );
        }
    }
}

#[test]
fn hostile_names_are_only_text() {
    let mut escaped = 0;
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        assert!(selected(&page, "img, [src=x], script:not([src])").is_empty(), "{state}");
        let total = html.matches("alert(1)").count();
        let as_text =
            html.matches("script&#62;alert(1)").count() + html.matches("onerror=alert(1)&#62;").count();
        assert_eq!(total, as_text, "{state}");
        escaped += as_text;
    }
    assert!(escaped > 100, "the samples hold only {escaped} hostile texts");
}

/// Elements that lay out their text by itself: a turn of direction ends with them.
const BLOCKS: [&str; 27] = [
    "address",
    "blockquote",
    "body",
    "button",
    "dd",
    "div",
    "dt",
    "figcaption",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "legend",
    "li",
    "main",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "td",
    "text",
    "textarea",
    "th",
    "title",
];

/// Whether words of ours follow what turns around, in one text with it. An address may.
fn goes_on(text: &str) -> bool {
    let after = text.rsplit_once(HOSTILE).map_or("", |(_, after)| after);
    !after.starts_with('@') && after.contains(char::is_alphabetic)
}

/// Whether what `text` in `parent` turns around stays with it: something isolates it from the words beside it, or
/// there are none.
fn is_isolated(text: &str, parent: ElementRef<'_>) -> bool {
    for element in [parent].into_iter().chain(parent.ancestors().filter_map(ElementRef::wrap)) {
        let is_block = BLOCKS.contains(&element.value().name());
        if !is_block && (element.value().name() == "bdi" || element.attr("dir").is_some()) {
            return true;
        }
        if is_block {
            // A page's title takes no markup.
            return element.value().name() == "title"
                || element.text().collect::<String>().trim() == text.trim();
        }
    }
    false
}

/// The texts of a page that turn direction, and those of them that are not isolated.
fn turning(html: &str) -> (usize, Vec<String>) {
    let page = Html::parse_document(html);
    let (mut texts, mut spilling) = (0, Vec::new());
    for parent in page.select(&Selector::parse("*").unwrap()) {
        for text in parent.children().filter_map(|child| child.value().as_text().cloned()) {
            if text.contains('\u{202E}') {
                texts += 1;
                if goes_on(&text) && parent.value().name() != "title" || !is_isolated(&text, parent) {
                    let around = parent.parent().and_then(ElementRef::wrap).unwrap_or(parent);
                    spilling.push(around.html().split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
        }
    }
    (texts, spilling)
}

#[test]
fn a_turn_of_direction_stays_within_the_text_that_has_it() {
    let mut judged = 0;
    for Rendered { state, html, .. } in all() {
        let (texts, spilling) = turning(&html);
        assert!(spilling.is_empty(), "{state}: {spilling:#?}");
        judged += texts;
    }
    assert!(judged > 100, "the samples turn direction in only {judged} texts");
    // What the check has to find, and what it has to pass.
    for (around, found) in [
        ("<p>TEXT went away", 1),
        ("<p>by <b>TEXT</b>", 1),
        ("<li><a href=x>TEXT</a> <small>y</small>", 1),
        ("<p dir=auto>by <b>TEXT</b>", 1),
        ("<p>by <bdi>TEXT</bdi>", 0),
        ("<p>by <a dir=auto href=x>TEXT</a>", 0),
        ("<li><a href=x>TEXT</a>", 0),
    ] {
        let spilling =
            turning(&around.replace("TEXT", &HOSTILE.replace('&', "&amp;").replace('<', "&lt;"))).1;
        assert_eq!(spilling.len(), found, "{around}");
    }
}

#[test]
fn every_page_with_content_has_a_hostile_sample() {
    let hostile: BTreeSet<_> =
        all().into_iter().filter(|s| s.html.matches("alert(1)").count() > 0).map(|s| s.page).collect();
    let pages: BTreeSet<_> = all().into_iter().map(|sample| sample.page).collect();
    assert_eq!(hostile, pages);
}

#[test]
fn ids_are_unique_and_what_refers_to_one_finds_it() {
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        let mut ids = BTreeSet::new();
        for element in selected(&page, "[id]") {
            assert!(ids.insert(element["id"].clone()), "{state}: {} twice", element["id"]);
        }
        for attribute in ["for", "aria-describedby", "aria-labelledby", "aria-controls", "form", "list"] {
            for element in selected(&page, &format!("[{attribute}]")) {
                for id in element[attribute].split_whitespace() {
                    assert!(ids.contains(id), "{state}: {attribute}={id:?} leads nowhere");
                }
            }
        }
        for link in selected(&page, "a[href^='#']") {
            assert!(ids.contains(&link["href"][1..]), "{state}: {}", link["href"]);
        }
        let fields = Selector::parse("input:not([type=hidden]):not([hidden]), select, textarea").unwrap();
        for field in page.select(&fields) {
            let labelled =
                field.attr("id").is_some_and(|id| !selected(&page, &format!("label[for='{id}']")).is_empty());
            let inside =
                field.ancestors().filter_map(ElementRef::wrap).any(|around| around.value().name() == "label");
            assert!(
                labelled || inside || field.attr("aria-label").is_some(),
                "{state}: {} has no label",
                field.html()
            );
        }
    }
}

#[test]
fn addresses_are_the_consoles_own_or_safe() {
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        let own = |address: &str| {
            address.is_empty()
                || address.starts_with('#')
                || (address.starts_with('/') && !address.starts_with("//"))
        };
        for link in selected(&page, "a[href]") {
            let address = &link["href"];
            let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
            assert!(own(address) || safe || address.starts_with('?'), "{state}: {address}");
        }
        for form in selected(&page, "form") {
            assert!(form.get("action").is_none_or(|action| own(action)), "{state}: {form:?}");
            // A dialog's own form sends nothing: it closes it.
            assert!(["get", "post", "dialog"].contains(&form["method"].as_str()), "{state}: {form:?}");
        }
        for file in selected(&page, "link[href], script[src], img[src]") {
            let address = file.get("href").or_else(|| file.get("src")).unwrap();
            assert!(address.starts_with("/assets/"), "{state}: {address}");
        }
    }
}

#[test]
fn every_icon_is_in_the_sprite() {
    let sprite = read("static/icons.svg");
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        for icon in selected(&page, "use") {
            // A drawing may also use what it has defined itself.
            if icon["href"].starts_with('#') {
                assert_eq!(selected(&page, &icon["href"]).len(), 1, "{state}: {}", icon["href"]);
                continue;
            }
            let name = icon["href"].split('#').nth(1).unwrap();
            assert!(sprite.contains(&format!("id=\"{name}\"")), "{state}: no symbol {name}");
        }
    }
}

#[test]
fn every_page_is_a_whole_document_with_one_heading() {
    for Rendered { state, html, .. } in all() {
        let page = Html::parse_document(&html);
        assert!(html.trim_start().starts_with("<!doctype html>"), "{state}");
        assert_eq!(selected(&page, "html[lang=en]").len(), 1, "{state}");
        assert_eq!(selected(&page, "h1").len(), 1, "{state}");
        assert_eq!(selected(&page, "main#main").len(), 1, "{state}");
        assert!(!html.contains("<title> ·"), "{state}: no title");
        let times = selected(&page, "time");
        assert!(times.iter().all(|time| time.contains_key("datetime")), "{state}");
    }
}
