//! `POST /start/messages`

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::Visit;
use super::show::{StartPage, find};
use crate::assistant::answering::{self, Waiting};
use crate::assistant::commands::{self, TalkError};
use crate::assistant::conversation;
use crate::assistant::queries::Whose;
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult, seconds};
use crate::http::forms::Form;
use crate::http::guard;
use crate::web::{referrer, urls};

/// What the form sends.
#[derive(Deserialize)]
pub struct MessageForm {
    #[serde(default)]
    text: String,
    /// How many messages its page had seen.
    seen: Option<usize>,
}

const NEXT: &str = "/start#question";

/// Takes a message, and begins the conversation with the first one.
pub async fn create(visit: Visit, form: Form<MessageForm>) -> AppResult<HttpResponse> {
    let text = match conversation::message(&form.0.text) {
        Ok(text) => text,
        Err(problem) => {
            return refuse(&visit, StatusCode::UNPROCESSABLE_ENTITY, &form.0.text, problem, None).await;
        }
    };
    match say(&visit, &text, form.0.seen).await? {
        Said::Taken | Said::Asked(_) => Ok(urls::see_other(NEXT)),
        Said::Begun(secret) => {
            let mut response = urls::see_other(NEXT);
            visit.let_in(&mut response, secret)?;
            Ok(response)
        }
        Said::Busy => {
            let words =
                "Another message of yours is being answered. Wait a moment, then send this one again.";
            refuse(&visit, StatusCode::CONFLICT, &text, words.to_owned(), Some(1)).await
        }
        Said::Stale => {
            let words = "The conversation went on meanwhile, so this was not taken. Read what is asked now, then send it.";
            refuse(&visit, StatusCode::CONFLICT, &text, words.to_owned(), None).await
        }
        Said::TooMany => {
            let words =
                "This conversation has as many messages as it may have. Change answers one by one beside it.";
            refuse(&visit, StatusCode::TOO_MANY_REQUESTS, &text, words.to_owned(), Some(3600)).await
        }
        Said::Wait(wait) => {
            let words = format!(
                "Five conversations were begun from your address within an hour, which is the most. Wait {}, then send \
                 this again.",
                duration(wait)
            );
            refuse(&visit, StatusCode::TOO_MANY_REQUESTS, &text, words, Some(wait)).await
        }
    }
}

fn duration(wait: u64) -> String {
    if wait < 120 { seconds(wait) } else { format!("{} minutes", wait.div_ceil(60)) }
}

enum Said {
    Taken,
    /// Its answer is waited for.
    Asked(Box<Waiting>),
    /// With the secret of the visitor whom it let in.
    Begun(String),
    Busy,
    /// The conversation went on since its page was made.
    Stale,
    TooMany,
    /// Seconds.
    Wait(u64),
}

impl From<TalkError> for AppError {
    fn from(error: TalkError) -> Self {
        match error {
            TalkError::NoSession => Self::NotFound,
            TalkError::Busy => Self::Conflict {
                detail: "A message of this conversation is being answered. Try again in a moment.".to_owned(),
                retry_after: Some(1),
            },
            TalkError::TooMany => Self::TooMany { retry_after: 3600 },
            TalkError::Query(error) => error.into(),
        }
    }
}

async fn say(visit: &Visit, text: &str, seen: Option<usize>) -> AppResult<Said> {
    // Whether a conversation goes on, or a user begins one: both in the transaction that takes the message.
    if let Some(said) = take_and_answer(visit, text, seen, visit.may_be_signed_in()).await? {
        return Ok(said);
    }
    let (secret, session_id) = (visit.app.entropy.secret(), new_session_id(visit));
    let hash = SecretHash::of(&secret);
    let address = guard::client_ip(&visit.request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let (of_guest, id) = (hash.clone(), session_id);
    let let_in = visit.app.db.write(&Actor::Gate, move |conn| {
        commands::let_in(conn, &of_guest, &id, address).map_err(AppError::from)
    });
    if let Err(wait) = let_in.await? {
        return Ok(Said::Wait(wait));
    }
    match take_and_answer(&visit.clone().going_on_as(hash), text, None, true).await? {
        Some(Said::Taken | Said::Asked(_)) => Ok(Said::Begun(secret)),
        Some(other) => Ok(other),
        None => Err(AppError::NotFound),
    }
}

fn new_session_id(visit: &Visit) -> String {
    format!("as_{}", visit.app.entropy.uuid().simple())
}

/// [`take`], and the answer of whoever is asked over a network.
async fn take_and_answer(
    visit: &Visit,
    text: &str,
    seen: Option<usize>,
    may_begin: bool,
) -> AppResult<Option<Said>> {
    let waiting = match take(visit, text, seen, may_begin).await? {
        Some(Said::Asked(waiting)) => waiting,
        other => return Ok(other),
    };
    let provider = visit.app.assistant.clone();
    let (asked, answers) = (waiting.clone(), provider.clone());
    let answer =
        web::block(move || asked.ask(&*answers)).await.map_err(|error| AppError::Internal(error.into()))?;
    visit.write(move |conn, whose, _| Ok(waiting.settle(conn, whose, &*provider, &answer)?)).await?;
    Ok(Some(Said::Taken))
}

/// Takes a message in the conversation that goes on, or `may_begin` one; nothing when there is nobody to begin it for.
async fn take(visit: &Visit, text: &str, seen: Option<usize>, may_begin: bool) -> AppResult<Option<Said>> {
    let at = visit.app.clock.now();
    let attribution = referrer::waiting(&visit.app, &visit.request);
    let (message, id) = (text.to_owned(), new_session_id(visit));
    let provider = visit.app.assistant.clone();
    let written = visit
        .write(move |conn, whose, _| {
            let session = match commands::hold_for_message(conn, whose) {
                Ok(mut session) => {
                    commands::follow(conn, &mut session, &attribution)?;
                    session
                }
                Err(TalkError::NoSession) if may_begin => {
                    // A visitor's session has the id that the secret was let in for.
                    let id = if whose == Whose::Guest { commands::own_session_id(conn)? } else { Some(id) };
                    match id {
                        Some(id) => commands::begin(conn, whose, &id, &attribution, provider.sends_to())?,
                        None => return Ok(None),
                    }
                }
                Err(TalkError::NoSession) => return Ok(None),
                Err(TalkError::Busy) => return Ok(Some(Said::Busy)),
                Err(TalkError::TooMany) => return Ok(Some(Said::TooMany)),
                Err(TalkError::Query(error)) => return Err(error.into()),
            };
            // The form was sent twice, or from a page that has gone stale, in another tab or on another device.
            if seen.is_some_and(|seen| seen != session.conversation.visitor_turns()) {
                let is_repeated = session.conversation.last_message() == Some(message.as_str());
                return Ok(Some(if is_repeated { Said::Taken } else { Said::Stale }));
            }
            let waiting = answering::take(conn, session, &*provider, &message, at)?;
            Ok(Some(waiting.map_or(Said::Taken, |waiting| Said::Asked(Box::new(waiting)))))
        })
        .await?;
    Ok(written.flatten())
}

/// The page with what was typed, and why it was not taken.
async fn refuse(
    visit: &Visit,
    status: StatusCode,
    typed: &str,
    problem: String,
    retry_after: Option<u64>,
) -> AppResult<HttpResponse> {
    let (viewer, found) = visit.read(find).await?;
    let mut page = StartPage::of(visit, viewer.as_ref(), found.flatten());
    page.text.value = typed.chars().take(4000).collect();
    page.text.errors.push(problem);
    let mut response = visit.page(status, &page)?;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}
