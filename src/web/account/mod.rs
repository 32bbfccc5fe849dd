//! The viewer's own account.

pub mod password;
pub mod preferences;
pub mod profile;
pub mod sessions;
pub mod show;
pub mod tokens;

use super::display::Tab;

/// The tabs of the account, with the one at `url` chosen.
#[must_use]
pub fn tabs(url: &str) -> Vec<Tab> {
    [("Account", "/account"), ("Sessions", "/account/sessions"), ("Tokens", "/account/tokens")]
        .map(|(label, own)| Tab { label, url: own.to_owned(), current: own == url })
        .into()
}
