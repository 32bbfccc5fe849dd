//! The conversation with visitors, and how far they come.

use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, ParameterIn, Paths};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

use super::schemas::{self, answer, at_least, list, nullable, object, text, whole, word_of, words};
use super::{Told, at, query};
use crate::assistant::slots::Slot;

pub(super) const GUEST: &str = "guest";
const SESSIONS: &str = "/api/assistant/sessions";
const SESSION: &str = "/api/assistant/sessions/{id}";
const MESSAGES: &str = "/api/assistant/sessions/{id}/messages";
const CLAIM: &str = "/api/assistant/sessions/{id}/claim";

/// The secret that the beginning of a conversation hands out.
pub(super) fn guest() -> SecurityScheme {
    let told = "`Guest ` and the secret of the conversation.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", told)))
}

pub(super) fn operations() -> Vec<(&'static str, HttpMethod, Told)> {
    let id = || vec![at(ParameterIn::Path, "id", text(200), "The conversation's id.")];
    let told = |summary, body, answers: &[(u16, &'static str, &'static str)], refusals| Told {
        summary,
        parameters: id(),
        body,
        answers: answers.to_vec(),
        refusals,
    };
    let state = [(200, "The conversation as it is now.", "Conversation")];
    let opened = (201, "The conversation, and its secret, this once.", "BegunConversation");
    let begin = Told {
        parameters: Vec::new(),
        ..told("Begin a conversation", Some("NewConversation"), &[opened], &[400, 413, 415, 422, 429, 503])
    };
    let day = |name| query(name, schemas::day(), "A day, such as 2026-11-20.");
    let funnel = Told {
        summary: "How far visitors come, for admins",
        parameters: vec![
            day("from"),
            day("to"),
            query("developer_ref", words(), "Of this referral code alone."),
            query("source", words(), "Of this source alone."),
        ],
        body: None,
        answers: vec![(200, "Steps in their order, and where visitors left.", "Funnel")],
        refusals: &[400, 401, 404, 429, 503],
    };
    vec![
        (SESSIONS, HttpMethod::Post, begin),
        (SESSION, HttpMethod::Get, told("One conversation", None, &state, &[401, 404, 503])),
        (
            SESSION,
            HttpMethod::Delete,
            told("Delete all of it", None, &[(204, "Gone.", "")], &[401, 404, 503]),
        ),
        (
            MESSAGES,
            HttpMethod::Post,
            told(
                "Say something, or set one slot",
                Some("Message"),
                &state,
                &[400, 401, 404, 409, 413, 415, 422, 429, 503],
            ),
        ),
        (
            CLAIM,
            HttpMethod::Post,
            told(
                "A link that takes it into an account",
                None,
                &[(201, "Good for one use.", "ClaimLink")],
                &[401, 404, 503],
            ),
        ),
        ("/api/intake/funnel", HttpMethod::Get, funnel),
    ]
}

/// Who talks sends the secret, where there is one already.
pub(super) fn sign(paths: &mut Paths) {
    for path in [SESSIONS, SESSION, MESSAGES, CLAIM] {
        let Some(item) = paths.paths.get_mut(path) else { continue };
        for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
            let needed = SecurityRequirement::new(GUEST, Vec::<String>::new());
            operation.security = Some(if path == SESSIONS { Vec::new() } else { vec![needed] });
        }
    }
}

pub(super) fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
    let flag = || RefOr::<Schema>::from(ObjectBuilder::new().schema_type(Type::Boolean));
    let slots: Vec<&str> = Slot::ALL.iter().map(|slot| slot.as_str()).collect();
    let state = || -> Vec<(&'static str, RefOr<Schema>)> {
        vec![
            ("session_id", words().into()),
            ("slot", nullable(word_of(&slots)).into()),
            ("reply", words().into()),
            ("completion_score", whole(0, 100).into()),
        ]
    };
    let slot = answer(vec![
        ("value", nullable(words()).into()),
        ("quality", nullable(word_of(&["vague", "full"])).into()),
        ("skipped", flag()),
        ("required", flag()),
        ("weight", whole(0, 100).into()),
    ]);
    let slots_told =
        ObjectBuilder::new().additional_properties(Some(AdditionalProperties::from(Schema::from(slot))));
    let turn = answer(vec![("by", words().into()), ("text", words().into()), ("at", at_least(0).into())]);
    let mut whole_conversation = state();
    whole_conversation.extend([("slots", slots_told.into()), ("turns", list(turn).into())]);
    let mut begun = state();
    begun.extend([("secret", words().into()), ("sends_to", nullable(words()).into())]);
    let number = || RefOr::<Schema>::from(nullable(ObjectBuilder::new().schema_type(Type::Number)));
    let step = answer(vec![
        ("step", words().into()),
        ("sessions", at_least(0).into()),
        ("rate", number()),
        ("overall", number()),
        ("median_seconds", number()),
    ]);
    let exit = answer(vec![("slot", words().into()), ("sessions", at_least(0).into())]);
    let funnel = answer(vec![
        ("from", words().into()),
        ("to", words().into()),
        ("developer_ref", nullable(words()).into()),
        ("source", nullable(words()).into()),
        ("steps", list(step).into()),
        ("exits", list(exit).into()),
        ("asOf", nullable(words()).into()),
    ]);
    let maybe = |longest| RefOr::<Schema>::from(nullable(text(longest)));
    vec![
        ("NewConversation", object([("ref", maybe(200)), ("source", maybe(200))], &[]).into()),
        ("BegunConversation", answer(begun).into()),
        ("Conversation", answer(whole_conversation).into()),
        (
            "Message",
            object(
                [
                    ("text", maybe(2_000)),
                    ("slot", nullable(word_of(&slots)).into()),
                    ("value", maybe(2_000)),
                    ("ref", maybe(200)),
                    ("source", maybe(200)),
                ],
                &[],
            )
            .into(),
        ),
        ("ClaimLink", answer(vec![("claim_url", words().into()), ("expires_in", at_least(1).into())]).into()),
        ("Funnel", funnel.into()),
    ]
}
