//! The API of `GoHighLevel`.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{Contact, Crm, CrmError, Opportunity};
use crate::outgoing::{Call, CallError, Method, Outgoing, Reply};
use crate::secret::Secret;

/// The custom field that carries [`Opportunity::key`].
const KEY_FIELD: &str = "pilothouse_opportunity";
const VERSION: (&str, &str) = ("version", "2021-07-28");

#[derive(Debug)]
pub struct Ghl {
    outgoing: Outgoing,
    url: Url,
    token: Secret,
    location: String,
    pipeline: String,
    deadline: Duration,
}

impl Ghl {
    #[must_use]
    pub fn at(outgoing: Outgoing, url: Url, token: Secret, location: String, pipeline: String) -> Self {
        Self { outgoing, url, token, location, pipeline, deadline: Duration::from_secs(20) }
    }

    /// The same with another patience.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        Call {
            bearer: Some(self.token.clone()),
            headers: vec![(VERSION.0, VERSION.1.into()), ("accept", "application/json".into())],
            deadline: self.deadline,
            ..Call::below(method, &self.url, path)
        }
    }

    /// What came of a call, and the text that stands at `path` of its answer.
    fn id(&self, call: Call, path: &str) -> Result<String, CrmError> {
        let reply = self.outgoing.send_blocking(call).map_err(unsent)?;
        let reply = judge(reply)?;
        let id = reply.json().and_then(|body| body.pointer(path)?.as_str().map(str::to_owned));
        id.filter(|id| (1..=255).contains(&id.len()))
            .ok_or_else(|| CrmError::Unclear(format!("It answered {} without an id.", reply.status)))
    }
}

fn unsent(error: CallError) -> CrmError {
    match error {
        CallError::Refused(reason) => CrmError::NeedsPerson(reason),
        CallError::NotSent(reason) => CrmError::Later { reason, after: None },
        CallError::Unclear(reason) => CrmError::Unclear(reason),
    }
}

/// An answer that says that it was done, or else what follows from it.
fn judge(reply: Reply) -> Result<Reply, CrmError> {
    match reply.status {
        200..300 => Ok(reply),
        429 => Err(CrmError::Later {
            reason: "It asks for patience: too many requests (429).".to_owned(),
            after: Some(pause(&reply)),
        }),
        401 | 403 => Err(CrmError::NeedsPerson(format!(
            "The CRM does not take the token ({}): it was revoked, or may not do this. Give PILOTHOUSE_GHL_TOKEN one that \
             may write contacts and opportunities, then try again.",
            reply.status
        ))),
        404 => Err(CrmError::NeedsPerson(
            "The CRM knows no such place (404). Look at PILOTHOUSE_GHL_LOCATION and PILOTHOUSE_GHL_PIPELINE, then try again."
                .to_owned(),
        )),
        // Also 422: it has been seen to refuse what it had made.
        status => Err(CrmError::Unclear(format!("It answered {status}."))),
    }
}

/// How long its headers ask to wait: the day's share is used up, or that of ten seconds.
fn pause(reply: &Reply) -> Duration {
    let asked = reply.number("retry-after").map(Duration::from_secs);
    let is_day_over = reply.number("x-ratelimit-daily-remaining") == Some(0);
    let day = reply.number("x-ratelimit-daily-reset").map(Duration::from_millis);
    let interval = reply.number("x-ratelimit-interval-milliseconds").map(Duration::from_millis);
    let told = asked.or_else(|| day.filter(|_| is_day_over)).or(interval);
    told.unwrap_or(Duration::from_secs(if is_day_over { 3600 } else { 10 })).min(Duration::from_hours(24))
}

impl Crm for Ghl {
    fn upsert_contact(&self, contact: &Contact) -> Result<String, CrmError> {
        let mut body = json!({ "locationId": self.location, "email": contact.email, "name": contact.name });
        if let Some(source) = &contact.source {
            body["source"] = json!(source);
        }
        self.id(self.call(Method::POST, "contacts/upsert").json(&body), "/contact/id")
    }

    fn find(&self, contact: &str, opportunity: &Opportunity) -> Result<Option<String>, CrmError> {
        let mut call = self.call(Method::GET, "opportunities/search");
        call.url
            .query_pairs_mut()
            .append_pair("location_id", &self.location)
            .append_pair("contact_id", contact)
            .append_pair("limit", "100");
        let reply = judge(self.outgoing.send_blocking(call).map_err(unsent)?)?;
        let body = reply.json().unwrap_or_default();
        let found = body["opportunities"]
            .as_array()
            .ok_or_else(|| CrmError::Unclear("Its list of opportunities can't be read.".to_owned()))?;
        let is_it = |known: &&Value| {
            let fields = known["customFields"].as_array().map(Vec::as_slice).unwrap_or_default();
            known["name"] == opportunity.name.as_str()
                || fields.iter().any(|field| {
                    ["fieldValue", "field_value", "fieldValueString", "value"]
                        .iter()
                        .any(|name| field[*name] == opportunity.key.as_str())
                })
        };
        Ok(found.iter().find(is_it).and_then(|known| known["id"].as_str()).map(str::to_owned))
    }

    fn create(&self, contact: &str, opportunity: &Opportunity) -> Result<String, CrmError> {
        let mut body = json!({
            "pipelineId": self.pipeline,
            "locationId": self.location,
            "status": "open",
            "contactId": contact,
            "name": opportunity.name,
            "customFields": [{ "key": KEY_FIELD, "field_value": opportunity.key }],
        });
        if let Some(value) = opportunity.value {
            body["monetaryValue"] = json!(value);
        }
        if let Some(source) = &opportunity.source {
            body["source"] = json!(source);
        }
        self.id(self.call(Method::POST, "opportunities/").json(&body), "/opportunity/id")
    }

    fn update(&self, id: &str, opportunity: &Opportunity) -> Result<(), CrmError> {
        let mut call = self.call(Method::PUT, "opportunities");
        // The id is the CRM's word, which no address has to carry as it is.
        if let Ok(mut path) = call.url.path_segments_mut() {
            path.push(id);
        }
        // What is left out stays as it was there.
        let body = json!({
            "name": opportunity.name,
            "monetaryValue": opportunity.value.unwrap_or_default(),
            "source": opportunity.source.as_deref().unwrap_or_default(),
        });
        let reply = self.outgoing.send_blocking(call.json(&body)).map_err(unsent)?;
        if reply.status == 404 {
            return Err(CrmError::NeedsPerson(
                "The CRM has this opportunity no more (404): what was corrected can't be told.".to_owned(),
            ));
        }
        judge(reply).map(|_| ())
    }
}
