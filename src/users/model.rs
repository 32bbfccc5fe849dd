//! What a user is made of.

use chrono_tz::Tz;

use crate::db::spelling::composed;

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
    ///
    /// # Errors
    /// A sentence for the field.
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

/// Which theme a user chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order that a form offers them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Reads `users.theme`; what the console does not know is the system's choice.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text).unwrap_or_default()
    }

    /// Reads what a form sends: unlike [`Theme::from_stored`], nothing unknown passes.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|theme| theme.as_str() == text)
            .ok_or_else(|| "Choose one of the themes.".to_owned())
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What a form calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// The time zone that `text` names: its IANA name, in whatever case, with blanks or underscores.
///
/// # Errors
/// A sentence for the field.
pub fn zone_named(text: &str) -> Result<Tz, String> {
    let wanted = text.trim().replace(' ', "_");
    let found = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&wanted));
    found.copied().ok_or_else(|| "Choose one of the time zones, such as Europe/Berlin.".to_owned())
}

/// What a person is called: the name, else the address.
#[must_use]
pub fn display_name<'a>(name: Option<&'a str>, email: &'a str) -> &'a str {
    name.filter(|name| !name.trim().is_empty()).unwrap_or(email)
}

/// Characters that turn text around or hide in it: refused in names, isolated elsewhere.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}')
}

/// What a user is called; empty means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(Option<String>);

impl UserName {
    /// Checks `text`.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > 255 {
            return Err("Use at most 255 characters.".to_owned());
        }
        if text.chars().any(is_deceptive) {
            return Err(
                "Leave out control characters and characters that change the direction of text.".to_owned()
            );
        }
        Ok(Self((!text.is_empty()).then(|| composed(text))))
    }

    /// A name as a user has it already, whoever wrote it: it stays allowed for them.
    #[must_use]
    pub fn of_stored(text: Option<&str>) -> Self {
        Self(text.map(str::to_owned))
    }

    /// The name, if there is one.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_turns_text_around_is_refused() {
        assert!(UserName::parse("Ada\u{202E}nimda").is_err());
        assert_eq!(UserName::parse("  ").unwrap().as_deref(), None);
        assert_eq!(UserName::parse(" Ada Lovelace ").unwrap().as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_zone_is_found_however_it_is_typed() {
        for text in ["Europe/Berlin", " europe/berlin ", "EUROPE/BERLIN"] {
            assert_eq!(zone_named(text).unwrap(), Tz::Europe__Berlin, "{text}");
        }
        assert_eq!(zone_named("America/New York").unwrap(), Tz::America__New_York);
        for bad in ["", "Berlin", "Mars/Olympus", "Europe/Berlin\u{202E}"] {
            assert!(zone_named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_role_is_no_admin() {
        for odd in ["", "Admin", "root", "owner"] {
            assert_eq!(Role::from_stored(odd), Role::Owner);
        }
    }
}
