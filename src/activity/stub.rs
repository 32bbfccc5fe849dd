#![allow(missing_docs, clippy::all, clippy::pedantic, unused)]
use crate::activity::Principal;
use crate::db::ids::*;
use diesel::{PgConnection, QueryResult};
#[derive(Debug, Clone)]
pub enum Act {
    SignedIn,
    SignedOut,
    SessionRevoked,
    OtherSessionsRevoked,
    PasswordSet,
    PasswordChanged,
    ProfileChanged,
    PreferencesChanged,
    UserCreated,
    UserChanged,
    UserDeactivated,
    UserActivated,
    PasswordLinkMade,
    ProjectCreated,
    ProjectUpdated,
    ProjectArchived,
    ProjectUnarchived,
    ProjectDeleted,
    ProjectRestored,
    RepositoryImported,
    Exported,
    Other(String),
}
#[derive(Debug, Clone)]
pub enum ActionType {
    ProjectCreated,
    ProjectUpdated,
    ProjectArchived,
    ProjectUnarchived,
    ProjectDeleted,
    ProjectRestored,
}
pub struct Target;
impl Target {
    pub fn user(_: UserId, _: &str) -> Self {
        Self
    }
    pub fn project(_: ProjectId, _: &str) -> Self {
        Self
    }
    pub fn session(_: SessionId, _: &str) -> Self {
        Self
    }
}
pub struct NewAction;
impl NewAction {
    pub fn by(_: &Principal, _: ProjectId, _: ActionType, _: String) -> Self {
        Self
    }
    pub fn refers_to(self, _: &str, _: String) -> Self {
        self
    }
}
pub fn track(_: &mut PgConnection, _: NewAction) {}
pub mod audit {
    use super::*;
    pub fn record(_: &mut PgConnection, _: &Principal, _: &Act, _: &Target) -> QueryResult<()> {
        Ok(())
    }
    pub fn record_change(
        _: &mut PgConnection,
        _: &Principal,
        _: &Act,
        _: &Target,
        _: serde_json::Value,
        _: serde_json::Value,
    ) -> QueryResult<()> {
        Ok(())
    }
}
