//! `GET /start`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::Visit;
use crate::assistant::conversation::{LONGEST_MESSAGE, MOST_TURNS, NOTHING_LEFT};
use crate::assistant::provider::{Speaker, Turn};
use crate::assistant::queries::{self, Session, Whose};
use crate::assistant::slots::{DRAFT_FROM, POST_FROM, Quality, Slot, Slots};
use crate::drafts::model::budget_in_words;
use crate::drafts::queries::{self as drafts, DraftView};
use crate::error::AppResult;
use crate::http::forms::Field;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::web::display::in_short;
use crate::web::referrer;
use crate::web::shell::Shell;

#[derive(Debug, Template)]
#[template(path = "start/show.html")]
pub struct StartPage {
    /// The frame.
    pub shell: Shell,
    /// `static/js/talk.js`
    pub script_url: &'static str,
    /// Whether the conversation has begun: else what is kept is said first.
    pub has_begun: bool,
    /// Where words go besides this console; none when they stay here.
    pub sends_to: Option<String>,
    pub turns: Vec<TurnCard>,
    /// What is asked; none when there is nothing left.
    pub question: Option<&'static str>,
    pub example: &'static str,
    /// Answers that need no typing.
    pub choices: &'static [&'static str],
    /// What was typed, and what is wrong with it.
    pub text: Field,
    /// How many messages the page has seen: a form that is sent twice is taken once.
    pub seen: usize,
    /// Why no message is taken any more.
    pub closed: Option<String>,
    pub panel: Panel,
    /// What stands above everything, of a deed that was not done.
    pub errors: Vec<String>,
}

/// What is known, beside the conversation.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    pub score: u32,
    /// "A draft from 40, posting from 70."
    pub score_note: String,
    pub slots: Vec<SlotCard>,
    pub draft: Option<DraftCard>,
    pub is_signed_in: bool,
    pub has_begun: bool,
}

#[derive(Debug, Clone)]
pub struct TurnCard {
    /// `user` or `assistant`
    pub speaker: &'static str,
    pub label: &'static str,
    pub icon: &'static str,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct SlotCard {
    pub name: &'static str,
    pub label: &'static str,
    pub question: &'static str,
    pub example: &'static str,
    pub required: bool,
    pub value: String,
    /// Its beginning.
    pub shown: String,
    /// "asked now", "skipped", "half": what stands beside the value.
    pub note: &'static str,
    /// `full`, `vague`, `skipped` or `empty`
    pub state: &'static str,
    pub field: Field,
    /// Whether its form stands open.
    pub is_open: bool,
}

#[derive(Debug, Clone)]
pub struct DraftCard {
    /// Its own page, for its owner.
    pub url: Option<String>,
    pub title: String,
    pub lines: Vec<String>,
    pub skills: String,
    pub milestones: Vec<String>,
    pub budget: String,
    pub timeline: String,
}

/// Characters of an answer beside the conversation; its field has all.
const SLOT_SHOWN: usize = 90;

/// What the page is made of.
pub(super) type Found = Option<(Session, Option<DraftView>)>;

pub(super) fn find(conn: &mut diesel::PgConnection, whose: Whose) -> AppResult<Found> {
    let Some(session) = queries::current(conn, whose)? else { return Ok(None) };
    let draft = drafts::of_session(conn, &session.session_id)?;
    Ok(Some((session, draft)))
}

pub async fn show(visit: Visit, query: Query) -> AppResult<HttpResponse> {
    let (viewer, found) = visit.read(find).await?;
    let page = StartPage::of(&visit, viewer.as_ref(), found.flatten());
    let mut response = visit.page(StatusCode::OK, &page)?;
    referrer::keep(&visit.app, &visit.request, &query, &mut response);
    Ok(response)
}

impl StartPage {
    pub(super) fn of(visit: &Visit, viewer: Option<&Viewer>, found: Found) -> Self {
        let shell = visit.shell(viewer, "Describe your project");
        let sends_to = visit.app.assistant.sends_to().map(str::to_owned);
        Self::with(shell, sends_to, viewer.is_some(), found)
    }

    #[must_use]
    pub fn with(shell: Shell, sends_to: Option<String>, is_signed_in: bool, found: Found) -> Self {
        let (session, draft) = found.unzip();
        let has_begun = session.is_some();
        let conversation = session.map(|session| session.conversation).unwrap_or_default();
        let asked = if has_begun { conversation.asked } else { Some(Slot::Goal) };
        let spoken = conversation.visitor_turns();
        let closed = (spoken >= MOST_TURNS).then(|| {
            format!("This conversation has {MOST_TURNS} messages, which is the most. Answers can still be changed one by one.")
        });
        Self {
            shell,
            script_url: &crate::web::assets::urls().talk,
            has_begun,
            sends_to,
            turns: turns(&conversation.turns, asked),
            question: asked.map(|slot| slot.facts().question),
            example: asked.map_or(NOTHING_LEFT, |slot| slot.facts().example),
            choices: asked.map_or(&[], |slot| slot.facts().choices),
            text: Field::default(),
            seen: spoken,
            closed,
            panel: Panel::of(&conversation.slots, asked, draft.flatten().as_ref(), is_signed_in, has_begun),
            errors: Vec::new(),
        }
    }

    pub fn longest(&self) -> usize {
        LONGEST_MESSAGE
    }
}

/// What was said. The question that is asked now stands over the field for its answer, and nowhere else.
fn turns(turns: &[Turn], asked: Option<Slot>) -> Vec<TurnCard> {
    let mut cards: Vec<TurnCard> = turns.iter().map(TurnCard::of).collect();
    if let (Some(last), Some(slot)) = (cards.last_mut(), asked)
        && let Some(reply) = last.text.strip_suffix(slot.facts().question)
    {
        last.text = reply.trim().to_owned();
    }
    cards.retain(|card| !card.text.is_empty());
    cards
}

impl TurnCard {
    fn of(turn: &Turn) -> Self {
        let (speaker, label, icon) = match turn.by {
            Speaker::Visitor => ("user", "You", "user"),
            Speaker::Assistant => ("assistant", "Assistant", "chat"),
        };
        Self { speaker, label, icon, text: turn.text.clone() }
    }
}

impl Panel {
    #[must_use]
    pub fn of(
        slots: &Slots,
        asked: Option<Slot>,
        draft: Option<&DraftView>,
        is_signed_in: bool,
        has_begun: bool,
    ) -> Self {
        let card = |slot: Slot| {
            let facts = slot.facts();
            let answer = slots.answer(slot);
            let (state, note) = match answer.map(|answer| answer.quality) {
                Some(Quality::Full) => ("full", ""),
                Some(Quality::Vague) => ("vague", "counts half"),
                None if slots.is_skipped(slot) => ("skipped", "skipped"),
                None => ("empty", if asked == Some(slot) { "asked now" } else { "open" }),
            };
            SlotCard {
                name: facts.stored,
                label: facts.label,
                question: facts.question,
                example: facts.example,
                required: facts.required,
                value: answer.map(|answer| answer.text.clone()).unwrap_or_default(),
                shown: answer.map(|answer| in_short(&answer.text, SLOT_SHOWN)).unwrap_or_default(),
                note,
                state,
                field: Field::of(answer.map(|answer| answer.text.clone()).unwrap_or_default()),
                is_open: false,
            }
        };
        let score = slots.score();
        let score_note = match score {
            ..DRAFT_FROM => format!("From {DRAFT_FROM} on there is a draft."),
            DRAFT_FROM..POST_FROM => format!("From {POST_FROM} on it can be posted."),
            _ => "Enough to be posted.".to_owned(),
        };
        Self {
            score,
            score_note,
            slots: Slot::ALL.into_iter().map(card).collect(),
            draft: draft.map(|draft| DraftCard::of(draft, is_signed_in)),
            is_signed_in,
            has_begun,
        }
    }
}

impl DraftCard {
    #[must_use]
    pub fn of(draft: &DraftView, is_signed_in: bool) -> Self {
        Self {
            url: is_signed_in.then(|| format!("/drafts/{}", draft.id)),
            title: draft.title.clone(),
            lines: draft.description.lines().map(str::to_owned).collect(),
            skills: draft.skills.join(", "),
            milestones: draft.milestones.clone(),
            budget: budget_in_words(&draft.budget),
            timeline: draft.timeline.clone(),
        }
    }
}
