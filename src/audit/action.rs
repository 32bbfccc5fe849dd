//! What the console records about itself: the words of `"ActivityLog"."activityType"`.

use crate::vocabulary::{Group, as_written, vocabulary};

/// What the console knows about one of its own acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditActionFacts {
    /// What a filter calls it; empty for an unknown act, which is called by its own name.
    pub label: &'static str,
    /// The verb: "ada *created the user* grace".
    pub done: &'static str,
    /// Whether the sentence goes on with the target ("signed in" does not).
    pub names_target: bool,
    /// A symbol of the icon sprite.
    pub icon: &'static str,
    /// Where filters list it.
    pub group: Group,
}

vocabulary! {
    /// Something that somebody did in the console.
    AuditAction: AuditActionFacts, unknown AuditActionFacts { label: "", done: "", names_target: true, icon: "unknown", group: Group::Other };

    SignedIn = "session.started" {
        label: "Signed in", done: "signed in", names_target: false, icon: "sign-in", group: Group::People,
    }
    SignedOut = "session.ended" {
        label: "Signed out", done: "signed out", names_target: false, icon: "sign-out", group: Group::People,
    }
    SessionRevoked = "session.revoked" {
        label: "Session revoked", done: "revoked a session of", names_target: true, icon: "session", group: Group::People,
    }
    OtherSessionsRevoked = "session.others_revoked" {
        label: "Other sessions revoked", done: "revoked all other sessions", names_target: false, icon: "session",
        group: Group::People,
    }
    AllSessionsRevoked = "session.all_revoked" {
        label: "All sessions revoked", done: "revoked all sessions of", names_target: true, icon: "session",
        group: Group::People,
    }
    PasswordSet = "password.set" {
        label: "Password set", done: "set a password", names_target: false, icon: "key", group: Group::People,
    }
    PasswordChanged = "password.changed" {
        label: "Password changed", done: "changed the password", names_target: false, icon: "key", group: Group::People,
    }
    PasswordLinkMade = "password.link_made" {
        label: "Password link made", done: "made a password link for", names_target: true, icon: "key",
        group: Group::People,
    }
    ProfileChanged = "profile.changed" {
        label: "Profile changed", done: "changed the profile", names_target: false, icon: "user", group: Group::People,
    }
    PreferencesChanged = "preferences.changed" {
        label: "Preferences changed", done: "changed the preferences", names_target: false, icon: "settings",
        group: Group::People,
    }
    UserCreated = "user.created" {
        label: "User created", done: "created the user", names_target: true, icon: "user", group: Group::People,
    }
    UserChanged = "user.changed" {
        label: "User changed", done: "changed the user", names_target: true, icon: "user", group: Group::People,
    }
    UserDeactivated = "user.deactivated" {
        label: "User deactivated", done: "deactivated the user", names_target: true, icon: "users", group: Group::People,
    }
    UserActivated = "user.activated" {
        label: "User activated", done: "activated the user", names_target: true, icon: "users", group: Group::People,
    }
    ProjectCreated = "project.created" {
        label: "Project created (audit)", done: "created the project", names_target: true, icon: "project-created",
        group: Group::Projects,
    }
    ProjectUpdated = "project.updated" {
        label: "Project changed (audit)", done: "changed the project", names_target: true, icon: "updated",
        group: Group::Projects,
    }
    ProjectArchived = "project.archived" {
        label: "Project archived (audit)", done: "archived the project", names_target: true, icon: "archived",
        group: Group::Projects,
    }
    ProjectUnarchived = "project.unarchived" {
        label: "Project unarchived (audit)", done: "unarchived the project", names_target: true, icon: "restored",
        group: Group::Projects,
    }
    ProjectDeleted = "project.deleted" {
        label: "Project deleted (audit)", done: "deleted the project", names_target: true, icon: "deleted",
        group: Group::Projects,
    }
    ProjectRestored = "project.restored" {
        label: "Project restored (audit)", done: "restored the project", names_target: true, icon: "restored",
        group: Group::Projects,
    }
    ProjectLocked = "project.locked" {
        label: "Project locked", done: "locked the project", names_target: true, icon: "key", group: Group::Projects,
    }
    ProjectUnlocked = "project.unlocked" {
        label: "Project unlocked", done: "unlocked the project", names_target: true, icon: "key",
        group: Group::Projects,
    }
    RepositoryImported = "repository.imported" {
        label: "Repository imported", done: "imported a repository into", names_target: true, icon: "push",
        group: Group::Code,
    }
    ContainerStarted = "container.start" {
        label: "Container start asked", done: "asked to start the container", names_target: true, icon: "running",
        group: Group::Operations,
    }
    ContainerStopped = "container.stop" {
        label: "Container stop asked", done: "asked to stop the container", names_target: true, icon: "stopped",
        group: Group::Operations,
    }
    ContainerRestarted = "container.restart" {
        label: "Container restart asked", done: "asked to restart the container", names_target: true, icon: "restart",
        group: Group::Operations,
    }
    ContainerMade = "container.create" {
        label: "Container making asked", done: "asked to make the container", names_target: true, icon: "plus",
        group: Group::Operations,
    }
    ContainerRecreated = "container.recreate" {
        label: "Container recreation asked", done: "asked to recreate the container", names_target: true, icon: "restart",
        group: Group::Operations,
    }
    ContainerRenamed = "container.rename" {
        label: "Container renaming asked", done: "asked to rename the container", names_target: true, icon: "settings",
        group: Group::Operations,
    }
    ContainerLocked = "container.lock" {
        label: "Container locked", done: "locked the container", names_target: true, icon: "key", group: Group::Operations,
    }
    ContainerUnlocked = "container.unlock" {
        label: "Container unlocked", done: "unlocked the container", names_target: true, icon: "key",
        group: Group::Operations,
    }
    ContainerDeleted = "container.delete" {
        label: "Container delete asked", done: "asked to delete the container", names_target: true, icon: "deleted",
        group: Group::Operations,
    }
    OperationCancelled = "operation.cancelled" {
        label: "Operation cancelled", done: "cancelled the operation", names_target: true, icon: "stopped",
        group: Group::Operations,
    }
    ContainerAdopted = "container.adopted" {
        label: "Container adopted", done: "adopted the container", names_target: true, icon: "running",
        group: Group::Operations,
    }
    ContainerIgnored = "container.ignored" {
        label: "Container ignored", done: "told the console to ignore the container", names_target: true, icon: "stopped",
        group: Group::Operations,
    }
    TokenMade = "token.made" {
        label: "Token made", done: "made the token", names_target: true, icon: "key", group: Group::People,
    }
    TokenRevoked = "token.revoked" {
        label: "Token revoked", done: "revoked the token", names_target: true, icon: "key", group: Group::People,
    }
    WebhookAdded = "webhook.added" {
        label: "Webhook added", done: "added the webhook", names_target: true, icon: "link", group: Group::Code,
    }
    WebhookSecretReplaced = "webhook.rotated" {
        label: "Webhook's secret replaced", done: "replaced the secret of the webhook", names_target: true,
        icon: "key", group: Group::Code,
    }
    WebhookRemoved = "webhook.removed" {
        label: "Webhook removed", done: "removed the webhook", names_target: true, icon: "deleted", group: Group::Code,
    }
    WebhookTested = "webhook.tested" {
        label: "Webhook tested", done: "sent a test delivery to the webhook", names_target: true, icon: "link",
        group: Group::Code,
    }
    DeliveryWorkedAgain = "delivery.worked_again" {
        label: "Delivery worked off again", done: "worked off again a delivery to", names_target: true,
        icon: "restart", group: Group::Code,
    }
    ConversationDeleted = "assistant.deleted" {
        label: "Conversation deleted", done: "deleted", names_target: true, icon: "deleted", group: Group::Chat,
    }
    ConversationClaimed = "assistant.claimed" {
        label: "Conversation claimed (audit)", done: "claimed", names_target: true, icon: "sign-in", group: Group::Chat,
    }
    ConversationsExpired = "assistant.expired" {
        label: "Conversations expired", done: "ended", names_target: true, icon: "deleted",
        group: Group::Chat,
    }
    ConversationRead = "assistant.read" {
        label: "Conversation read", done: "read the texts of", names_target: true, icon: "search", group: Group::Chat,
    }
    GuestInvited = "assistant.invited" {
        label: "Guest invited", done: "invited the guest of", names_target: true, icon: "user", group: Group::Chat,
    }
    DraftChanged = "draft.changed" {
        label: "Draft changed", done: "changed the draft", names_target: true, icon: "updated", group: Group::Projects,
    }
    DraftPosted = "draft.posted" {
        label: "Draft posted (audit)", done: "posted the draft", names_target: true, icon: "push", group: Group::Projects,
    }
    DraftMoved = "draft.moved" {
        label: "Draft moved on", done: "moved on the draft", names_target: true, icon: "updated",
        group: Group::Projects,
    }
    DraftMadeProject = "draft.made_project" {
        label: "Draft made a project", done: "made a project of the draft", names_target: true,
        icon: "project-created", group: Group::Projects,
    }
    AttributionCorrected = "assistant.credited" {
        label: "Attribution corrected", done: "corrected who is credited with", names_target: true, icon: "link",
        group: Group::Chat,
    }
    OpportunityRedone = "opportunity.redone" {
        label: "Opportunity tried again", done: "let the console try again", names_target: true, icon: "restart",
        group: Group::Projects,
    }
    ReferralCodeMade = "referral.code_made" {
        label: "Referral code made", done: "made the referral code", names_target: true, icon: "link",
        group: Group::People,
    }
    JobRunAgain = "job.run_again" {
        label: "Job run again", done: "ran the job again:", names_target: true, icon: "restart",
        group: Group::Operations,
    }
    RetentionRuleChanged = "retention.rule_changed" {
        label: "Retention rule changed", done: "changed how long is kept:", names_target: true, icon: "settings",
        group: Group::Operations,
    }
    RetentionAsked = "retention.asked" {
        label: "Retention asked for", done: "asked for the job:", names_target: true, icon: "restart",
        group: Group::Operations,
    }
    RetentionRan = "retention.ran" {
        label: "Retention", done: "deleted by rule:", names_target: true, icon: "deleted", group: Group::Operations,
    }
    BackupAsked = "backup.asked" {
        label: "Backup asked for", done: "asked for the job:", names_target: true, icon: "archived",
        group: Group::Operations,
    }
    BackupKeyKept = "backup.key_kept" {
        label: "Backup key kept", done: "keeps elsewhere the", names_target: true, icon: "key", group: Group::Operations,
    }
    HoldPlaced = "hold.placed" {
        label: "Hold placed", done: "placed a hold on", names_target: true, icon: "archived", group: Group::Operations,
    }
    HoldReleased = "hold.released" {
        label: "Hold released", done: "released the hold on", names_target: true, icon: "restored",
        group: Group::Operations,
    }
    Exported = "data.exported" {
        label: "Exported", done: "exported", names_target: true, icon: "export", group: Group::People,
    }
}

impl AuditAction {
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
    fn every_act_reads_back_from_what_it_stores() {
        for known in AuditAction::ALL {
            assert_eq!(&AuditAction::from_stored(known.as_str()), known);
        }
        assert_eq!(AuditAction::from_stored("user.created"), AuditAction::UserCreated);
        assert_eq!(AuditAction::from_stored("LOGIN"), AuditAction::Other("LOGIN".to_owned()));
    }
}
