//! Samples of tokens.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::db::ids::TokenId;
use pilothouse::http::forms::Field;
use pilothouse::tokens::queries::TokenLine;
use pilothouse::web::account::tokens::{OwnTokensPage, Typed};
use pilothouse::web::tokens::index::TokensPage;
use pilothouse::web::tokens::rows::TokenRow;

use super::frame::shell;
use super::{HOSTILE, Sample, endless};

impl Sample for TokensPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |tokens| Self { shell: shell("Tokens"), tokens, shows_maker: true };
        vec![("none", page(Vec::new())), ("hostile", page(token_rows()))]
    }
}

impl Sample for OwnTokensPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |is_admin, tokens, projects: &[(String, String)]| {
            Self::with(shell("Tokens"), is_admin, tokens, projects, &Typed::default())
        };
        let wrong = || vec!["This is not right.".to_owned()];
        let projects = [("1".to_owned(), "shop-api".to_owned()), ("2".to_owned(), HOSTILE.to_owned())];
        let made =
            Self { made: Some(format!("ph_{}", "0f".repeat(32))), ..page(false, token_rows(), &projects) };
        let refused = Self {
            errors: wrong(),
            name_field: Field { value: HOSTILE.to_owned(), errors: wrong() },
            days: Field { value: endless(200), errors: wrong() },
            scope_errors: wrong(),
            reach_errors: wrong(),
            ..page(true, token_rows(), &projects)
        };
        vec![("none", page(false, Vec::new(), &[])), ("made", made), ("refused", refused)]
    }
}

fn token_rows() -> Vec<TokenRow> {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let line = |n: u128, name: &str| TokenLine {
        id: TokenId(uuid::Uuid::from_u128(n)),
        name: name.to_owned(),
        scopes: vec!["read".to_owned(), "report".to_owned()],
        projects: vec!["shop-api".to_owned()],
        all_projects: false,
        maker: Some("Ada".to_owned()),
        created_at: now - TimeDelta::days(40),
        expires_at: Some(now + TimeDelta::days(50)),
        last_used_at: Some(now - TimeDelta::minutes(3)),
        last_used_ip: Some("2001:db8::17".to_owned()),
        revoked_at: None,
    };
    let unused = TokenLine {
        all_projects: true,
        projects: Vec::new(),
        last_used_at: None,
        last_used_ip: None,
        expires_at: Some(now + TimeDelta::days(3)),
        ..line(2, "backup")
    };
    let over = TokenLine {
        revoked_at: Some(now - TimeDelta::days(1)),
        maker: None,
        projects: vec![HOSTILE.to_owned(); 5],
        ..line(3, HOSTILE)
    };
    [line(1, "CI of shop"), unused, over].map(|line| TokenRow::new(&line, now, Tz::UTC)).to_vec()
}
