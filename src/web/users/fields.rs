//! The fields that describe a user: read from a form, checked, and shown again with what is wrong.

use serde::Deserialize;

use crate::http::forms::{Field, is_untouched};
use crate::identity::{Email, Role};
use crate::users::UserName;
use crate::users::commands::ChangeError;
use crate::users::queries::UserView;
use crate::web::display::Choice;

/// What the form of a new user sends.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct UserForm {
    /// The address.
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub name: String,
    /// `owner` or `admin`.
    #[serde(default)]
    pub role: String,
}

/// A form whose fields are all right.
#[derive(Debug, Clone)]
pub struct CheckedUser {
    /// The address.
    pub email: Email,
    pub name: UserName,
    /// What they may do.
    pub role: Role,
}

/// The fields as a page shows them.
#[derive(Debug, Clone, Default)]
pub struct UserFields {
    /// What is wrong with the form as a whole.
    pub errors: Vec<String>,
    /// The address.
    pub email: Field,
    pub name: Field,
    pub role: Field,
}

/// Stands over a form of which a field is wrong.
const NOT_SAVED: &str = "Nothing was saved. Check the marked fields.";

impl UserForm {
    /// The form with nothing wrong.
    #[must_use]
    pub fn fields(&self) -> UserFields {
        UserFields {
            errors: Vec::new(),
            email: Field::of(&self.email),
            name: Field::of(&self.name),
            role: Field::of(&self.role),
        }
    }

    /// Checks every field. What comes back as it was shown of `stored` is not judged again.
    ///
    /// # Errors
    /// The fields with what is wrong.
    pub fn check(&self, stored: Option<&UserView>) -> Result<CheckedUser, Box<UserFields>> {
        let email = match stored {
            Some(user) if is_untouched(&self.email, &user.email) => Ok(Email::of_stored(&user.email)),
            _ => Email::parse(&self.email),
        };
        let name = match stored.map(|user| user.name.as_deref()) {
            Some(name) if is_untouched(&self.name, name.unwrap_or_default()) => Ok(UserName::of_stored(name)),
            _ => UserName::parse(&self.name),
        };
        match (email, name, Role::parse(&self.role)) {
            (Ok(email), Ok(name), Ok(role)) => Ok(CheckedUser { email, name, role }),
            (email, name, role) => {
                let mut fields = self.fields();
                fields.email.errors.extend(email.err());
                fields.name.errors.extend(name.err());
                fields.role.errors.extend(role.err());
                fields.errors.push(NOT_SAVED.to_owned());
                Err(Box::new(fields))
            }
        }
    }
}

impl UserFields {
    /// The fields with the reason of `error` where it belongs.
    ///
    /// # Errors
    /// `error` itself, when no field is to blame.
    pub fn refused(mut self, error: ChangeError) -> Result<Self, ChangeError> {
        match error {
            ChangeError::EmailTaken => self.email.refuse("Somebody else signs in with this address."),
            ChangeError::EmailSimilar(stored) => self.email.refuse(format!(
                "{stored} is in use already. Two addresses that look alike, or differ in capitals or in the spelling of \
                 their domain only, are too easy to confuse."
            )),
            ChangeError::LastAdmin => {
                self.role.refuse("This is the last admin who can sign in. Make somebody else an admin first.");
            }
            error => return Err(error),
        }
        self.errors.push(NOT_SAVED.to_owned());
        Ok(self)
    }

    /// The options of the role, with what was sent chosen.
    #[must_use]
    pub fn roles(&self) -> Vec<Choice> {
        Role::ALL.iter().map(|role| Choice::new(role.as_str(), role.label(), &self.role.value)).collect()
    }
}
