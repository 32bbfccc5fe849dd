//! What an action says happened: the words of `project_actions.action_type`.

use crate::vocabulary::{Group, as_written, vocabulary};

/// What the console knows about a type of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionFacts {
    /// What a filter calls it; empty for an unknown type, which is called by its own name.
    pub label: &'static str,
    /// The verb when it went well: "ada *deployed* shop".
    pub done: &'static str,
    /// The verb when it did not: "ada tried to *deploy* shop".
    pub tried: &'static str,
    /// The verb while it runs: "ada is *deploying* shop".
    pub doing: &'static str,
    /// A symbol of the icon sprite.
    pub icon: &'static str,
    /// Where filters list it.
    pub group: Group,
    /// The references that such an action usually carries.
    pub references: &'static [&'static str],
}

vocabulary! {
    /// What happened to a project: the activity tracker's six types and what the console itself does.
    ActionType: ActionFacts, unknown ActionFacts {
        label: "", done: "", tried: "", doing: "", icon: "unknown", group: Group::Other, references: &[],
    };
    ProjectCreated = "project_created" {
        label: "Project created", done: "created", tried: "create", doing: "creating",
        icon: "project-created", group: Group::Projects, references: &["container_id", "container_session_id"],
    }
    ProjectUpdated = "project_updated" {
        label: "Project changed", done: "changed the settings of", tried: "change the settings of",
        doing: "changing the settings of", icon: "updated", group: Group::Projects, references: &[],
    }
    ProjectArchived = "project_archived" {
        label: "Project archived", done: "archived", tried: "archive", doing: "archiving",
        icon: "archived", group: Group::Projects, references: &[],
    }
    ProjectUnarchived = "project_unarchived" {
        label: "Project unarchived", done: "unarchived", tried: "unarchive", doing: "unarchiving",
        icon: "restored", group: Group::Projects, references: &[],
    }
    ProjectDeleted = "project_deleted" {
        label: "Project deleted", done: "deleted", tried: "delete", doing: "deleting",
        icon: "deleted", group: Group::Projects, references: &[],
    }
    ProjectRestored = "project_restored" {
        label: "Project restored", done: "restored", tried: "restore", doing: "restoring",
        icon: "restored", group: Group::Projects, references: &[],
    }
    ConversationBegun = "conversation_begun" {
        label: "Conversation begun", done: "began to describe", tried: "describe", doing: "describing",
        icon: "chat", group: Group::Projects, references: &["draft_id"],
    }
    DraftCreated = "draft_created" {
        label: "Draft created", done: "described enough for a draft of", tried: "describe", doing: "describing",
        icon: "plus", group: Group::Projects, references: &["draft_id"],
    }
    ConversationClaimed = "conversation_claimed" {
        label: "Conversation claimed", done: "claimed the conversation about", tried: "claim the conversation about",
        doing: "claiming the conversation about", icon: "sign-in", group: Group::Projects, references: &["draft_id"],
    }
    DraftPosted = "draft_posted" {
        label: "Draft posted", done: "posted the draft of", tried: "post the draft of", doing: "posting the draft of",
        icon: "push", group: Group::Projects, references: &["draft_id"],
    }
    DatabaseCreated = "database_created" {
        label: "Database created", done: "created a database for", tried: "create a database for",
        doing: "creating a database for", icon: "database", group: Group::Data,
        references: &["database_id", "database_name"],
    }
    QueriesExecuted = "queries_executed" {
        label: "Queries executed", done: "ran queries for", tried: "run queries for", doing: "running queries for",
        icon: "queries", group: Group::Data, references: &["database_id", "database_name"],
    }
    EndpointsAdded = "endpoints_added" {
        label: "Endpoints added", done: "added endpoints to", tried: "add endpoints to", doing: "adding endpoints to",
        icon: "endpoints", group: Group::Code, references: &["container_id", "branch_name"],
    }
    GithubPush = "github_push" {
        label: "GitHub push", done: "pushed to", tried: "push to", doing: "pushing to",
        icon: "push", group: Group::Code, references: &["github_push_id", "commit_sha", "branch_name"],
    }
    Deployment = "deployment" {
        label: "Deployment", done: "deployed", tried: "deploy", doing: "deploying",
        icon: "deployment", group: Group::Delivery, references: &["deployment_id", "app_name"],
    }
}

impl ActionType {
    /// What filters and headings call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Other(text) => as_written(text),
            known => known.facts().label.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_what_it_stores() {
        for known in ActionType::ALL {
            assert_eq!(&ActionType::from_stored(known.as_str()), known);
            assert!(!known.label().is_empty());
        }
        assert_eq!(ActionType::from_stored("pr_merged"), ActionType::Other("pr_merged".to_owned()));
        assert_eq!(ActionType::Other("pr_merged".to_owned()).label(), "Pr merged");
        assert_eq!(ActionType::Other(String::new()).label(), "Unnamed");
    }

    #[test]
    fn the_activity_trackers_six_types_are_known() {
        for stored in [
            "project_created",
            "database_created",
            "endpoints_added",
            "queries_executed",
            "deployment",
            "github_push",
        ] {
            assert!(ActionType::from_stored(stored).is_known(), "{stored}");
        }
    }
}
