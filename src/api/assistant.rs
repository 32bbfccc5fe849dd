//! `/api/assistant/sessions…`: the conversation for a page elsewhere. Cookies count for nothing here: whoever talks sends
//! `Authorization: Guest …`.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::fields::{Fields, Problems};
use crate::app::App;
use crate::assistant::answering;
use crate::assistant::commands::{self, SlotDeed, TalkError};
use crate::assistant::conversation::{self, Conversation};
use crate::assistant::provider::Speaker;
use crate::assistant::queries::{self, Session, Whose};
use crate::assistant::reading;
use crate::assistant::slots::Slot;
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult, FieldProblem};
use crate::http::authed_request::origin_of;
use crate::http::json::Json;
use crate::http::{guard, session_store};
use crate::identity::Principal;
use crate::referrals::{Attribution, Hop};

/// What one of its addresses takes.
fn methods(request: &ServiceRequest) -> &'static str {
    match request.match_pattern().as_deref() {
        Some("/api/assistant/sessions/{id}") => "GET, HEAD, DELETE, OPTIONS",
        _ => "POST, OPTIONS",
    }
}

/// Lets pages of `PILOTHOUSE_START_ORIGINS` ask, and read what is answered.
pub async fn across_origins<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, Error> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        app.is_some_and(|app| app.config.start_origins.iter().any(|known| known == origin))
    });
    let mut response = if request.method() == Method::OPTIONS {
        let methods = methods(&request);
        let answer = HttpResponse::NoContent()
            .insert_header((header::ALLOW, methods))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .finish();
        request.into_response(answer).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }
    Ok(response)
}

/// The hash of the secret in `Authorization: Guest …`.
fn secret(request: &HttpRequest) -> AppResult<SecretHash> {
    let mut lines = request.headers().get_all(header::AUTHORIZATION);
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(AppError::SignIn) };
    let secret = line
        .to_str()
        .ok()
        .and_then(|line| line.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("guest"));
    match secret {
        Some((_, secret)) if session_store::is_token(secret.trim()) => Ok(SecretHash::of(secret.trim())),
        _ => Err(AppError::SignIn),
    }
}

/// Begins a conversation and hands out its secret, this once.
pub async fn begin(app: web::Data<App>, request: HttpRequest, body: Json) -> AppResult<HttpResponse> {
    let mut problems = Problems::default();
    let hop = Fields::of("", &body.value, &["ref", "source"], &mut problems)
        .map(|mut fields| (fields.text("ref", 200), fields.text("source", 200)));
    problems.check()?;
    let attribution = followed(&request, hop.unwrap_or_default());
    let (secret, session_id) = (app.entropy.secret(), format!("as_{}", app.entropy.uuid().simple()));
    let hash = SecretHash::of(&secret);
    let address = guard::client_ip(&request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let (of_guest, id) = (hash.clone(), session_id.clone());
    let let_in = app.db.write(&Actor::Gate, move |conn| {
        commands::let_in(conn, &of_guest, &id, address).map_err(AppError::from)
    });
    if let Err(retry_after) = let_in.await? {
        return Err(AppError::TooMany { retry_after });
    }
    let actor = Actor::Guest(hash);
    let provider = app.assistant.clone();
    let session = app.db.write(&actor, move |conn| {
        let sends_to = provider.sends_to();
        commands::begin(conn, Whose::Guest, &session_id, &attribution, sends_to).map_err(AppError::from)
    });
    let session = session.await?;
    let mut answer = state(&session);
    answer["secret"] = json!(secret);
    // Whoever shows the conversation says it before the first message.
    answer["sends_to"] = json!(session.conversation.sends_to);
    Ok(HttpResponse::Created().json(answer))
}

/// The link that a page says its visitor followed, unless they ask not to be followed (Global Privacy Control).
fn followed(request: &HttpRequest, (code, source): (Option<String>, Option<String>)) -> Attribution {
    let asks_for_privacy = request.headers().get("sec-gpc").is_some_and(|value| value.as_bytes() == b"1");
    let hop = Hop::read(code.as_deref(), source.as_deref()).filter(|_| !asks_for_privacy);
    hop.map_or_else(Attribution::default, |hop| Attribution::default().followed(hop))
}

/// What every answer says of a conversation.
fn state(session: &Session) -> Value {
    let conversation = &session.conversation;
    let reply = conversation.turns.iter().rev().find(|turn| turn.by == Speaker::Assistant);
    let first = conversation.asked.map_or(conversation::NOTHING_LEFT, |slot| slot.facts().question);
    json!({
        "session_id": session.session_id,
        "slot": conversation.asked,
        "reply": reply.map_or(first, |turn| &turn.text),
        "completion_score": conversation.slots.score(),
    })
}

/// All of it.
fn whole(session: &Session) -> Value {
    let mut answer = state(session);
    let Conversation { turns, slots, .. } = &session.conversation;
    let told = Slot::ALL.iter().map(|slot| {
        let answer = slots.answer(*slot);
        let told = json!({
            "value": answer.map(|answer| &answer.text),
            "quality": answer.map(|answer| answer.quality),
            "skipped": slots.is_skipped(*slot),
            "required": slot.facts().required,
            "weight": slot.facts().weight,
        });
        (slot.as_str().to_owned(), told)
    });
    answer["slots"] = Value::Object(told.collect());
    answer["turns"] =
        turns.iter().map(|turn| json!({ "by": turn.by, "text": turn.text, "at": turn.at })).collect();
    answer
}

/// The visitor's own conversation, when it is the one that the address names.
fn own(conn: &mut PgConnection, id: &str) -> AppResult<Session> {
    let session = queries::current(conn, Whose::Guest)?;
    session.filter(|session| session.session_id == id).ok_or(AppError::NotFound)
}

pub async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> AppResult<HttpResponse> {
    let actor = Actor::Guest(secret(&request)?);
    let session = app.db.read(&actor, move |conn| own(conn, &id)).await?;
    Ok(HttpResponse::Ok().json(whole(&session)))
}

/// Takes a message, or a value for one slot.
pub async fn say(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json,
) -> AppResult<HttpResponse> {
    let id = id.into_inner();
    let hash = secret(&request)?;
    let at = app.clock.now();
    let mut problems = Problems::default();
    let known = ["text", "slot", "value", "ref", "source"];
    let read = Fields::of("", &body.value, &known, &mut problems).map(|mut fields| {
        let said = (fields.text("text", 10_000), fields.text("slot", 100), fields.text("value", 10_000));
        (said, (fields.text("ref", 200), fields.text("source", 200)))
    });
    problems.check()?;
    let (read, hop) = read.unwrap_or_default();
    // A later link is the newest.
    let attribution = followed(&request, hop);
    let wrong = |field: &str, detail: String| {
        AppError::Fields(vec![FieldProblem { field: field.to_owned(), detail }])
    };
    let said = match read {
        (Some(text), None, None) => {
            Said::Text(conversation::message(&text).map_err(|error| wrong("text", error))?)
        }
        (None, Some(slot), Some(value)) => {
            let slot = Slot::from_stored(&slot).ok_or_else(|| {
                let known: Vec<&str> = Slot::ALL.iter().map(|slot| slot.as_str()).collect();
                wrong("slot", format!("There is no such slot. There are: {}.", known.join(", ")))
            })?;
            let answer =
                reading::check(slot, &value, at.date_naive()).map_err(|error| wrong("value", error))?;
            Said::Slot(slot, SlotDeed::Edit(answer))
        }
        _ => return Err(wrong("text", "Send text, or slot and value.".to_owned())),
    };
    let actor = Actor::Guest(hash);
    let session = match said {
        Said::Text(message) => answer(&app, &actor, id, (message, attribution), at).await?,
        Said::Slot(slot, deed) => {
            app.db
                .write(&actor, move |conn| {
                    own(conn, &id)?;
                    commands::change_slot(conn, Whose::Guest, slot, deed, at).map_err(refused)?;
                    let mut session = own(conn, &id)?;
                    commands::follow(conn, &mut session, &attribution)?;
                    Ok::<_, AppError>(session)
                })
                .await?
        }
    };
    Ok(HttpResponse::Ok().json(whole(&session)))
}

/// Takes a message, waits for the answer of whoever is asked over a network, and answers what stands then.
async fn answer(
    app: &web::Data<App>,
    actor: &Actor,
    id: String,
    (message, attribution): (String, Attribution),
    at: DateTime<Utc>,
) -> AppResult<Session> {
    let (provider, own_id) = (app.assistant.clone(), id.clone());
    let taken = app.db.write(actor, move |conn| {
        own(conn, &own_id)?;
        let mut session = commands::hold_for_message(conn, Whose::Guest).map_err(refused)?;
        commands::follow(conn, &mut session, &attribution)?;
        let waiting = answering::take(conn, session, &*provider, &message, at)?;
        Ok::<_, AppError>((waiting, own(conn, &own_id)?))
    });
    let waiting = match taken.await? {
        (None, session) => return Ok(session),
        (Some(waiting), _) => waiting,
    };
    let (provider, asked) = (app.assistant.clone(), waiting.clone());
    let answer = web::block(move || asked.ask(&*provider)).await;
    let answer = answer.map_err(|error| AppError::Internal(error.into()))?;
    let provider = app.assistant.clone();
    app.db
        .write(actor, move |conn| {
            waiting.settle(conn, Whose::Guest, &*provider, &answer).map_err(refused)?;
            own(conn, &id)
        })
        .await
}

#[derive(Clone)]
enum Said {
    Text(String),
    Slot(Slot, SlotDeed),
}

fn refused(error: TalkError) -> AppError {
    match error {
        TalkError::NoSession => AppError::NotFound,
        TalkError::Busy => AppError::Conflict {
            detail: "A message of this conversation is being answered. Try again in a moment.".to_owned(),
            retry_after: Some(1),
        },
        TalkError::TooMany => AppError::TooMany { retry_after: 3600 },
        TalkError::Query(error) => error.into(),
    }
}

/// Deletes everything of the conversation.
pub async fn forget(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> AppResult<HttpResponse> {
    let id = id.into_inner();
    let hash = secret(&request)?;
    let principal = Principal::visitor(origin_of(&request), app.clock.now());
    let actor = Actor::Guest(hash.clone());
    app.db
        .write(&actor, move |conn| {
            own(conn, &id)?;
            commands::forget_visitor(conn, &principal, &hash).map_err(refused)
        })
        .await?;
    Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
}

/// Makes a link that takes the conversation into an account: whoever opens it signs in first.
pub async fn claim(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> AppResult<HttpResponse> {
    let id = id.into_inner();
    let actor = Actor::Guest(secret(&request)?);
    let link = app.entropy.secret();
    let hash = SecretHash::of(&link);
    app.db
        .write(&actor, move |conn| {
            own(conn, &id)?;
            commands::make_claim_link(conn, &hash).map_err(refused)
        })
        .await?;
    let path = format!("/start/claim?link={link}");
    let base =
        app.config.base_url.as_ref().map(|base| base.origin().ascii_serialization()).unwrap_or_default();
    Ok(HttpResponse::Created().json(json!({ "claim_url": format!("{base}{path}"), "expires_in": 86_400 })))
}
