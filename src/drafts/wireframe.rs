//! The screens of an app, out of its type and its features, and the file that keeps them behind an address nobody guesses.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::commands::{DraftError, hold_own, target};
use super::queries::DraftView;
use crate::assistant::queries as conversations;
use crate::assistant::slots::Slot;
use crate::audit::{self, AuditAction};
use crate::db::SecretHash;
use crate::db::schema::{draft_files, job_drafts};
use crate::db::time::now;
use crate::identity::Principal;

/// One screen, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    pub title: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "lowercase")]
pub enum Part {
    Text(String),
    Field(String),
    Button(String),
    /// So many rows that look alike.
    Rows(usize),
    Picture,
}

/// A part's kind and its text.
type Sketched = (&'static str, &'static str);

/// A feature's screen: its title and its parts.
const SCREENS: &[(&str, &str, &[Sketched])] = &[
    ("Sign-in", "Sign in", &[("field", "E-mail"), ("field", "Password"), ("button", "Sign in")]),
    ("Payments", "Pay", &[("text", "What is paid for"), ("field", "Card number"), ("button", "Pay")]),
    ("Shopping cart", "Cart", &[("rows", "3"), ("text", "Total"), ("button", "Check out")]),
    ("Search", "Search", &[("field", "Search"), ("rows", "4")]),
    ("Admin area", "Admin", &[("rows", "5"), ("button", "New")]),
    ("Bookings", "Book", &[("field", "Day"), ("field", "Time"), ("button", "Book")]),
    ("Calendar", "Calendar", &[("picture", ""), ("rows", "2")]),
    ("Chat", "Messages", &[("rows", "4"), ("field", "Write"), ("button", "Send")]),
    ("Reviews", "Reviews", &[("rows", "3"), ("field", "Your review"), ("button", "Post")]),
    ("Profiles", "Profile", &[("picture", ""), ("field", "Name"), ("button", "Save")]),
    ("Reports", "Reports", &[("picture", ""), ("rows", "3"), ("button", "Export")]),
    ("Maps", "Map", &[("picture", ""), ("field", "Place")]),
    ("Contact form", "Contact", &[("field", "Name"), ("field", "Message"), ("button", "Send")]),
    ("File upload", "Upload", &[("picture", ""), ("button", "Choose a file")]),
    ("Orders", "Order", &[("rows", "3"), ("button", "Order")]),
    ("Order tracking", "Your orders", &[("rows", "4")]),
    ("Gallery", "Gallery", &[("picture", ""), ("picture", "")]),
    ("Invoices", "Invoices", &[("rows", "4"), ("button", "New invoice")]),
    ("Inventory", "Stock", &[("field", "Find"), ("rows", "4")]),
];

/// Screens at most.
const MOST: usize = 12;

/// The screens of a thing of this type with these features.
#[must_use]
pub fn screens(title: &str, kind: &str, features: &[String]) -> Vec<Screen> {
    let middle = match kind {
        "Online shop" | "Marketplace" => vec![Part::Picture, Part::Rows(3), Part::Button("Buy".to_owned())],
        "Dashboard" => vec![Part::Picture, Part::Rows(4)],
        "Booking system" => vec![Part::Picture, Part::Rows(2), Part::Button("Book".to_owned())],
        "API" | "Data pipeline" | "Automation" => vec![Part::Text("How to use it".to_owned()), Part::Rows(4)],
        _ => vec![Part::Picture, Part::Text("What it is about".to_owned()), Part::Button("Begin".to_owned())],
    };
    let home = Screen { title: title.to_owned(), parts: middle };
    let of_feature = |feature: &String| {
        let known = SCREENS.iter().find(|(name, ..)| name == feature);
        let Some((_, title, parts)) = known else {
            return Screen {
                title: feature.clone(),
                parts: vec![Part::Text(feature.clone()), Part::Rows(3)],
            };
        };
        let part = |(kind, text): &(&str, &str)| match *kind {
            "field" => Part::Field((*text).to_owned()),
            "button" => Part::Button((*text).to_owned()),
            "rows" => Part::Rows(text.parse().unwrap_or(3)),
            "picture" => Part::Picture,
            _ => Part::Text((*text).to_owned()),
        };
        Screen { title: (*title).to_owned(), parts: parts.iter().map(part).collect() }
    };
    std::iter::once(home).chain(features.iter().map(of_feature)).take(MOST).collect()
}

/// Draws the wireframe of a draft anew, at an address of its own; the one before leads nowhere any more.
pub fn draw(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
    hash: &SecretHash,
    url: &str,
) -> Result<(), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    let session = match &draft.session_id {
        Some(session) => conversations::by_session_id(conn, session)?,
        None => None,
    };
    let slots = session.map(|session| session.conversation.slots).unwrap_or_default();
    let screens = screens(&draft.title, slots.text(Slot::ProjectType), slots.items(Slot::Features));
    remove(conn, id)?;
    diesel::insert_into(draft_files::table)
        .values((
            draft_files::draft_id.eq(id),
            draft_files::kind.eq("wireframe"),
            draft_files::hash.eq(hash.as_str()),
            draft_files::title.eq(&draft.title),
            draft_files::content.eq(json!(screens)),
        ))
        .execute(conn)?;
    set_url(conn, id, Some(url))?;
    put_on_record(conn, principal, &draft, true)?;
    Ok(())
}

/// Switches a draft's wireframe off: its address leads nowhere any more.
pub fn switch_off(conn: &mut PgConnection, principal: &Principal, id: i64) -> Result<(), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    if remove(conn, id)? == 0 {
        return Err(DraftError::Obstacles(vec!["It has no wireframe.".to_owned()]));
    }
    set_url(conn, id, None)?;
    put_on_record(conn, principal, &draft, false)?;
    Ok(())
}

fn remove(conn: &mut PgConnection, id: i64) -> QueryResult<usize> {
    let files =
        draft_files::table.filter(draft_files::draft_id.eq(id)).filter(draft_files::kind.eq("wireframe"));
    diesel::delete(files).execute(conn)
}

fn set_url(conn: &mut PgConnection, id: i64, url: Option<&str>) -> QueryResult<()> {
    diesel::update(job_drafts::table.find(id))
        .set((job_drafts::wireframe_url.eq(url), job_drafts::updated_at.eq(now.nullable())))
        .execute(conn)
        .map(|_| ())
}

fn put_on_record(
    conn: &mut PgConnection,
    principal: &Principal,
    draft: &DraftView,
    is_on: bool,
) -> QueryResult<()> {
    let (before, after) =
        (json!({ "wireframe": draft.wireframe_url.is_some() }), json!({ "wireframe": is_on }));
    audit::record_change(conn, principal, &AuditAction::DraftChanged, &target(draft), before, after)
}

/// The wireframe behind an address, as the gate: title and screens.
pub fn behind(conn: &mut PgConnection, hash: &SecretHash) -> QueryResult<Option<(String, Vec<Screen>)>> {
    let found: Option<(String, serde_json::Value)> = draft_files::table
        .filter(draft_files::hash.eq(hash.as_str()))
        .select((draft_files::title, draft_files::content))
        .first(conn)
        .optional()?;
    Ok(found.map(|(title, content)| (title, serde_json::from_value(content).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_has_a_screen_and_the_first_is_the_thing_itself() {
        let features = ["Sign-in", "Search", "Feed the cat"].map(str::to_owned);
        let screens = screens("Cats", "Online shop", &features);
        let titles: Vec<&str> = screens.iter().map(|screen| screen.title.as_str()).collect();
        assert_eq!(titles, ["Cats", "Sign in", "Search", "Feed the cat"]);
        assert_eq!(screens[1].parts[2], Part::Button("Sign in".to_owned()));
        let stored = serde_json::to_value(&screens).unwrap();
        assert_eq!(serde_json::from_value::<Vec<Screen>>(stored).unwrap(), screens);
        assert_eq!(super::screens("x", "", &vec!["y".to_owned(); 40]).len(), MOST);
    }
}
