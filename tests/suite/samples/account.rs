//! Samples of sign-in, accounts, sessions and links to set a password.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::http::forms::Field;
use pilothouse::identity::Theme;
use pilothouse::web::account::sessions::SessionsPage;
use pilothouse::web::account::show::AccountPage;
use pilothouse::web::passwords::edit::PasswordPage;
use pilothouse::web::sessions::new::SignInPage;
use pilothouse::web::shell::Shell;
use pilothouse::web::version::Difference;

use super::frame::{session_rows, shell};
use super::{HOSTILE, Sample, endless};

impl Sample for SessionsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |sessions| Self::of(shell("Sessions"), sessions);
        let only = session_rows().into_iter().filter(|row| row.current).collect();
        vec![("only-this", page(only)), ("hostile", page(session_rows()))]
    }
}

impl Sample for AccountPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str| Self {
            shell: shell("Account"),
            ..Self::with(
                name,
                &format!("{name}@demo.test"),
                Tz::Europe__Berlin,
                (Theme::Dark, true),
                DateTime::UNIX_EPOCH,
            )
        };
        let wrong = || vec!["This is not right.".to_owned()];
        let refused = Self {
            errors: wrong(),
            name_field: Field { value: HOSTILE.to_owned(), errors: wrong() },
            current_password_errors: wrong(),
            password_errors: wrong(),
            time_zone: Field { value: HOSTILE.to_owned(), errors: wrong() },
            shortcut_errors: wrong(),
            conflict: vec![Difference { field: "Name", yours: HOSTILE.to_owned(), theirs: endless(200) }],
            theme_errors: wrong(),
            ..page(HOSTILE)
        };
        vec![("plain", page("ada")), ("hostile", refused), ("endless", page(&endless(200)))]
    }
}

impl Sample for PasswordPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let wrong = || vec!["Use at least 12 characters.".to_owned()];
        vec![
            ("plain", Self::of("ada@demo.test", Vec::new())),
            ("refused", Self::of("ada@demo.test", wrong())),
            ("hostile", Self::of(HOSTILE, vec![HOSTILE.to_owned()])),
            ("endless", Self::of(&endless(200), wrong())),
            ("spent", Self::spent()),
        ]
    }
}

impl Sample for SignInPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |email: &str, errors: Vec<String>| Self {
            shell: Shell::anonymous("Sign in"),
            email: email.to_owned(),
            next: "/projects?q=a&b".to_owned(),
            errors,
            hint: None,
        };
        vec![
            ("empty", page("", Vec::new())),
            ("refused", page(HOSTILE, vec!["The address or the password is not right.".to_owned()])),
        ]
    }
}
