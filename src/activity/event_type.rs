//! What an event says is going on: the labels of `"ActivityEventType"`, and what operations do to containers.

use crate::vocabulary::{Group, as_written, vocabulary};

/// What the console knows about a type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFacts {
    /// What a filter calls it; empty for an unknown type, which is called by its own name.
    pub label: &'static str,
    /// A symbol of the icon sprite.
    pub icon: &'static str,
    /// Where filters list it.
    pub group: Group,
}

vocabulary! {
    /// What an operation is doing. APR is the automatic pull request.
    EventType: EventFacts, unknown EventFacts { label: "", icon: "unknown", group: Group::Other };
    IndexingStarted = "INDEXING_STARTED" { label: "Indexing started", icon: "indexing", group: Group::Operations }
    IndexingProgress = "INDEXING_PROGRESS" { label: "Indexing", icon: "indexing", group: Group::Operations }
    IndexingCompleted = "INDEXING_COMPLETED" { label: "Indexing completed", icon: "indexing", group: Group::Operations }
    IndexingFailed = "INDEXING_FAILED" { label: "Indexing failed", icon: "indexing", group: Group::Operations }
    AprSessionCreated = "APR_SESSION_CREATED" { label: "Pull request started", icon: "branch", group: Group::Code }
    AprAnalyzing = "APR_ANALYZING" { label: "Pull request: analysing", icon: "search", group: Group::Code }
    AprCodeGeneration = "APR_CODE_GENERATION" { label: "Pull request: writing code", icon: "code", group: Group::Code }
    AprValidation = "APR_VALIDATION" { label: "Pull request: validating", icon: "test", group: Group::Code }
    AprReview = "APR_REVIEW" { label: "Pull request: in review", icon: "review", group: Group::Code }
    AprPrCreated = "APR_PR_CREATED" { label: "Pull request opened", icon: "branch", group: Group::Code }
    AprCompleted = "APR_COMPLETED" { label: "Pull request completed", icon: "branch", group: Group::Code }
    AprFailed = "APR_FAILED" { label: "Pull request failed", icon: "branch", group: Group::Code }
    ChatMessageSent = "CHAT_MESSAGE_SENT" { label: "Message sent", icon: "chat", group: Group::Chat }
    ChatMessageReceived = "CHAT_MESSAGE_RECEIVED" { label: "Message received", icon: "chat", group: Group::Chat }
    AutoFixStarted = "AUTO_FIX_STARTED" { label: "Auto-fix started", icon: "autofix", group: Group::Operations }
    AutoFixCompleted = "AUTO_FIX_COMPLETED" { label: "Auto-fix completed", icon: "autofix", group: Group::Operations }
    AutoFixFailed = "AUTO_FIX_FAILED" { label: "Auto-fix failed", icon: "autofix", group: Group::Operations }
    CodeScaffolding = "CODE_SCAFFOLDING" { label: "Code scaffolding", icon: "code", group: Group::Code }
    TestGeneration = "TEST_GENERATION" { label: "Test generation", icon: "test", group: Group::Code }
    ContainerStart = "CONTAINER_START" { label: "Start a container", icon: "running", group: Group::Operations }
    ContainerStop = "CONTAINER_STOP" { label: "Stop a container", icon: "stopped", group: Group::Operations }
    ContainerRestart = "CONTAINER_RESTART" { label: "Restart a container", icon: "restart", group: Group::Operations }
    ContainerCreate = "CONTAINER_CREATE" { label: "Make a container", icon: "plus", group: Group::Operations }
    ContainerRecreate = "CONTAINER_RECREATE" { label: "Recreate a container", icon: "restart", group: Group::Operations }
    ContainerRename = "CONTAINER_RENAME" { label: "Rename a container", icon: "settings", group: Group::Operations }
    ContainerLock = "CONTAINER_LOCK" { label: "Lock a container", icon: "key", group: Group::Operations }
    ContainerUnlock = "CONTAINER_UNLOCK" { label: "Unlock a container", icon: "key", group: Group::Operations }
    ContainerDelete = "CONTAINER_DELETE" { label: "Delete a container", icon: "deleted", group: Group::Operations }
}

impl EventType {
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
    fn the_nineteen_of_other_programs_and_our_own_read_back_from_what_they_store() {
        assert_eq!(EventType::ALL.len(), 19 + 9);
        for known in EventType::ALL {
            assert_eq!(&EventType::from_stored(known.as_str()), known);
        }
        assert_eq!(EventType::from_stored("DEPLOY_QUEUED").label(), "DEPLOY_QUEUED");
    }
}
