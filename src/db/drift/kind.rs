//! The kinds of parts.

use super::Severity;

/// The kinds of parts, and an escape for what a newer catalog may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Column,
    Type,
    RowSecurity,
    Policy,
    Constraint,
    Index,
    Trigger,
    Function,
    View,
    Role,
    Grant,
    Other,
}

impl Kind {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "table" => Self::Table,
            "column" => Self::Column,
            "type" => Self::Type,
            "row security" => Self::RowSecurity,
            "policy" => Self::Policy,
            "constraint" => Self::Constraint,
            "index" => Self::Index,
            "trigger" => Self::Trigger,
            "function" => Self::Function,
            "view" => Self::View,
            "role" => Self::Role,
            "grant" => Self::Grant,
            _ => Self::Other,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Column => "column",
            Self::Type => "type",
            Self::RowSecurity => "row security",
            Self::Policy => "policy",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Function => "function",
            Self::View => "view",
            Self::Role => "role",
            Self::Grant => "grant",
            Self::Other => "part",
        }
    }

    pub(super) fn severity_of_absence(self) -> Severity {
        match self {
            Self::Table | Self::Column | Self::Type | Self::RowSecurity | Self::Role => Severity::Broken,
            _ => Severity::Notice,
        }
    }

    pub(super) fn is_on_a_table(self) -> bool {
        matches!(
            self,
            Self::Column | Self::RowSecurity | Self::Policy | Self::Constraint | Self::Index | Self::Trigger
        )
    }

    pub(super) fn may_be_renamed(self) -> bool {
        matches!(self, Self::Constraint | Self::Index)
    }
}
