/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sees and manages everything.
    Admin,
    /// Sees their own projects. Any role that the console does not know counts as this one.
    Owner,
}

impl Role {
    /// Reads `users.role`.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        if text == "admin" { Self::Admin } else { Self::Owner }
    }

    /// Every role, in the order that a form offers them.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Admin];

    /// Reads what a form sends: unlike [`Role::from_stored`], nothing unknown passes.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| "Choose one of the roles.".to_owned())
    }

    /// What pages call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_role_is_no_admin() {
        for odd in ["", "Admin", "root", "owner"] {
            assert_eq!(Role::from_stored(odd), Role::Owner);
        }
    }
}
