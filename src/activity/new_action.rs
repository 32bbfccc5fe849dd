use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::timeline::CAUSED_BY;
use super::{ActionType, Environment, Status};
use crate::db::ids::ProjectId;
use crate::db::schema::project_actions;
use crate::identity::Principal;
use crate::runtime::Entropy;

/// An action that is about to be recorded. Its id is made beforehand, so that recording it twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Serialize, Deserialize)]
#[diesel(table_name = project_actions)]
pub struct NewAction {
    pub(super) action_id: String,
    pub(super) project_id: Option<String>,
    user_id: Option<String>,
    request_id: Option<String>,
    action_type: String,
    action_details: String,
    status: String,
    environment: String,
    reference_ids: Option<Value>,
    pub(super) created_at: i64,
}

impl NewAction {
    /// `principal` did this to `project` just now, and it went well; `details` is a line for people.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers name a variant")]
    pub fn by(principal: &Principal, project: ProjectId, kind: ActionType, details: String) -> Self {
        let at_ms = principal.at.timestamp_millis();
        Self {
            action_id: format!("act_{}", Entropy.ordered_uuid(at_ms).simple()),
            project_id: Some(project.to_string()),
            user_id: principal.user.map(|user| user.to_string()),
            request_id: principal.origin.request_id.clone(),
            action_type: kind.as_str().to_owned(),
            // PostgreSQL holds no NUL in a text.
            action_details: details.replace('\0', ""),
            status: Status::success().as_str().to_owned(),
            environment: Environment::Development.as_str().to_owned(),
            reference_ids: None,
            created_at: at_ms,
        }
    }

    /// Adds a reference, for example `container_id`.
    #[must_use]
    pub fn refers_to(mut self, key: &str, value: String) -> Self {
        let value = Value::String(if value.contains('\0') { value.replace('\0', "") } else { value });
        match &mut self.reference_ids {
            Some(Value::Object(references)) => {
                references.insert(key.to_owned(), value);
            }
            slot => *slot = Some(Value::Object(Map::from_iter([(key.to_owned(), value)]))),
        }
        self
    }

    /// Names the record that led to this one: an action's id, `event:ID` or `audit:ID`.
    #[must_use]
    pub fn caused_by(self, id: String) -> Self {
        self.refers_to(CAUSED_BY, id)
    }

    /// It happened at `ms`, before this request; `by_principal` says whether the principal did it, else somebody did.
    #[must_use]
    pub fn told_later(mut self, ms: i64, by_principal: bool) -> Self {
        self.created_at = ms;
        self.request_id = None;
        self.user_id = self.user_id.filter(|_| by_principal);
        self
    }

    /// It went otherwise than well.
    #[must_use]
    pub fn with_status(mut self, status: &Status) -> Self {
        status.as_str().clone_into(&mut self.status);
        self
    }

    /// It happened elsewhere than in development.
    #[must_use]
    pub fn in_environment(mut self, environment: &Environment) -> Self {
        environment.as_str().clone_into(&mut self.environment);
        self
    }

    /// The id that the record has, or will have.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.action_id
    }

    /// Inserts it, once: a second time changes nothing.
    pub(super) fn insert(&self, conn: &mut PgConnection) -> QueryResult<()> {
        diesel::insert_into(project_actions::table)
            .values(self)
            .on_conflict_do_nothing()
            .execute(conn)
            .map(|_| ())
    }
}
