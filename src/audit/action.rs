//! What the console records about itself: the words of `"ActivityLog"."activityType"`.

use crate::vocabulary::{Group, humanised, vocabulary};

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

    /// A session began.
    SignedIn = "session.started" {
        label: "Signed in", done: "signed in", names_target: false, icon: "sign-in", group: Group::People,
    }
    /// Its holder ended a session.
    SignedOut = "session.ended" {
        label: "Signed out", done: "signed out", names_target: false, icon: "sign-out", group: Group::People,
    }
    /// A session was ended from elsewhere.
    SessionRevoked = "session.revoked" {
        label: "Session revoked", done: "revoked a session of", names_target: true, icon: "session", group: Group::People,
    }
    /// All sessions but one's own were ended.
    OtherSessionsRevoked = "session.others_revoked" {
        label: "Other sessions revoked", done: "revoked all other sessions", names_target: false, icon: "session",
        group: Group::People,
    }
    /// An admin ended every session of a user.
    AllSessionsRevoked = "session.all_revoked" {
        label: "All sessions revoked", done: "revoked all sessions of", names_target: true, icon: "session",
        group: Group::People,
    }
    /// A one-time link was used to set a password.
    PasswordSet = "password.set" {
        label: "Password set", done: "set a password", names_target: false, icon: "key", group: Group::People,
    }
    /// The holder changed the password.
    PasswordChanged = "password.changed" {
        label: "Password changed", done: "changed the password", names_target: false, icon: "key", group: Group::People,
    }
    /// A one-time link was made.
    PasswordLinkMade = "password.link_made" {
        label: "Password link made", done: "made a password link for", names_target: true, icon: "key",
        group: Group::People,
    }
    /// Name or picture changed.
    ProfileChanged = "profile.changed" {
        label: "Profile changed", done: "changed the profile", names_target: false, icon: "user", group: Group::People,
    }
    /// Zone or theme changed.
    PreferencesChanged = "preferences.changed" {
        label: "Preferences changed", done: "changed the preferences", names_target: false, icon: "settings",
        group: Group::People,
    }
    /// A user came to be.
    UserCreated = "user.created" {
        label: "User created", done: "created the user", names_target: true, icon: "user", group: Group::People,
    }
    /// An admin changed a user.
    UserChanged = "user.changed" {
        label: "User changed", done: "changed the user", names_target: true, icon: "user", group: Group::People,
    }
    /// A user may no longer sign in.
    UserDeactivated = "user.deactivated" {
        label: "User deactivated", done: "deactivated the user", names_target: true, icon: "users", group: Group::People,
    }
    /// A user may sign in again.
    UserActivated = "user.activated" {
        label: "User activated", done: "activated the user", names_target: true, icon: "users", group: Group::People,
    }
    /// A project came to be.
    ProjectCreated = "project.created" {
        label: "Project created (audit)", done: "created the project", names_target: true, icon: "project-created",
        group: Group::Projects,
    }
    /// A project's columns changed.
    ProjectUpdated = "project.updated" {
        label: "Project changed (audit)", done: "changed the project", names_target: true, icon: "updated",
        group: Group::Projects,
    }
    /// A project was put aside.
    ProjectArchived = "project.archived" {
        label: "Project archived (audit)", done: "archived the project", names_target: true, icon: "archived",
        group: Group::Projects,
    }
    /// A project was taken up again.
    ProjectUnarchived = "project.unarchived" {
        label: "Project unarchived (audit)", done: "unarchived the project", names_target: true, icon: "restored",
        group: Group::Projects,
    }
    /// A project was marked as deleted.
    ProjectDeleted = "project.deleted" {
        label: "Project deleted (audit)", done: "deleted the project", names_target: true, icon: "deleted",
        group: Group::Projects,
    }
    /// A project's deletion was taken back.
    ProjectRestored = "project.restored" {
        label: "Project restored (audit)", done: "restored the project", names_target: true, icon: "restored",
        group: Group::Projects,
    }
    /// A repository's history was read in.
    RepositoryImported = "repository.imported" {
        label: "Repository imported", done: "imported a repository into", names_target: true, icon: "push",
        group: Group::Code,
    }
    /// A job that was given up was begun anew.
    JobRunAgain = "job.run_again" {
        label: "Job run again", done: "ran the job again:", names_target: true, icon: "restart",
        group: Group::Operations,
    }
    /// Rows left the console as a file.
    Exported = "data.exported" {
        label: "Exported", done: "exported", names_target: true, icon: "export", group: Group::People,
    }
}

impl AuditAction {
    /// What filters and headings call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Other(text) => humanised(text),
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
