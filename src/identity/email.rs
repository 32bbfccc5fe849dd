//! Addresses that people sign in with, and the ways in which the same one is written.
//!
//! A domain with letters beyond ASCII has two spellings: as people read it (`bücher.example`) and as computers send
//! it (`xn--bcher-kva.example`); browsers turn the one into the other. The first is the normal form here. The part
//! before the @ stays as it is typed: whose it is, only its own server knows.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::is_deceptive;

/// An address that somebody signs in with, in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter an e-mail address.".to_owned());
        }
        let (local, domain) = text
            .rsplit_once('@')
            .filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
            .ok_or_else(|| NO_ADDRESS.to_owned())?;
        let is_odd = |c: char| c.is_whitespace() || is_deceptive(c) || "<>\"(),;:\\@".contains(c);
        if local.chars().any(is_odd) || domain.chars().any(is_odd) {
            return Err(NO_ADDRESS.to_owned());
        }
        let Some((read, _)) = spelled(domain, DnsLength::Verify) else {
            return Err("The part behind the @ is no domain name.".to_owned());
        };
        let address = format!("{local}@{read}");
        if address.chars().count() > LONGEST {
            return Err(format!("Use at most {LONGEST} characters."));
        }
        Ok(Self(address))
    }

    /// An address as a user has it already, whoever wrote it: it stays allowed for them.
    #[must_use]
    pub fn of_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const NO_ADDRESS: &str = "This is not an e-mail address.";
/// What its column holds.
const LONGEST: usize = 255;

/// The ways in which an address, or a part of one, may be stored or typed: as it is, with its domain as people read
/// it, and with its domain as computers send it.
#[must_use]
pub fn domain_spellings(text: &str) -> [String; 3] {
    let (local, domain) = text.rfind('@').map_or(("", text), |at| text.split_at(at + 1));
    let (read, sent) =
        spelled(domain, DnsLength::Ignore).unwrap_or_else(|| (domain.to_owned(), domain.to_owned()));
    [text.to_owned(), format!("{local}{read}"), format!("{local}{sent}")]
}

/// `domain` as people read it and as computers send it: mapped as browsers map it, so that what one person can reach
/// is one domain, and no two domains become one.
fn spelled(domain: &str, length: DnsLength) -> Option<(String, String)> {
    let table = Uts46::new();
    let sent = table.to_ascii(domain.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, length).ok()?;
    let (read, outcome) = table.to_unicode(domain.as_bytes(), AsciiDenyList::URL, Hyphens::Allow);
    outcome.ok()?;
    Some((read.into_owned(), sent.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_and_nothing_odd() {
        for good in [
            "ada@demo.test",
            " ada@demo.test ",
            "ada+x@sub.demo.test",
            "ada@localhost",
            "o'hara!#$%&*/=?^_`{|}~-@demo.test",
            "zoë@demo.test",
            "ada@1.2.3.4",
            "ada@a_b.test",
            "ada@ab--cd.test",
        ] {
            assert_eq!(Email::parse(good).unwrap().as_str(), good.trim());
        }
        for bad in [
            "",
            "ada",
            "@demo.test",
            "ada@",
            "a b@c.d",
            "a@b@c",
            "a\u{202e}@b.c",
            "<a@b.c>",
            "\"a b\"@c.d",
            "ada@.test",
            "ada@demo.test.",
            "ada@demo.test。",
            "ada@a..b",
            "ada@[127.0.0.1]",
            "ada@xn--a",
            "ada@xn--zz-invalid-",
            "ada@a\u{200d}b.test",
            &format!("ada@{}.test", "x".repeat(64)),
            &format!("{}@demo.test", "x".repeat(250)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_spelling_of_a_domain_becomes_the_one_that_people_read() {
        for (typed, normal) in [
            ("ada@xn--bcher-kva.example", "ada@bücher.example"),
            ("ada@BÜCHER.example", "ada@bücher.example"),
            ("ada@bu\u{308}cher.example", "ada@bücher.example"),
            ("ada@XN--BCHER-KVA.Example", "ada@bücher.example"),
            ("Ada@Demo.TEST", "Ada@demo.test"),
            ("ada@ｄｅｍｏ。test", "ada@demo.test"),
            ("ada@xn--strae-oqa.example", "ada@straße.example"),
            ("ada@日本。jp", "ada@日本.jp"),
        ] {
            let email = Email::parse(typed).unwrap();
            assert_eq!(email.as_str(), normal, "{typed}");
            let [_, read, sent] = domain_spellings(typed);
            assert_eq!(read, normal);
            assert!(sent.is_ascii() && Email::parse(&sent).unwrap() == email, "{sent}");
        }
    }

    #[test]
    fn domains_that_are_two_stay_two() {
        for (one, other) in [
            ("a@straße.example", "a@strasse.example"),
            // The second one begins with a Cyrillic letter.
            ("a@apple.example", "a@\u{430}pple.example"),
            ("a@σας.example", "a@σασ.example"),
            ("zoë@demo.test", "zoe@demo.test"),
            ("ada@demo.test", "Ada@demo.test"),
        ] {
            assert_ne!(Email::parse(one).unwrap(), Email::parse(other).unwrap());
        }
    }

    #[test]
    fn what_is_no_domain_is_looked_for_as_it_is() {
        for text in ["ada", "", "@", "a b", "ada@xn--a", "100%"] {
            assert_eq!(domain_spellings(text), [text, text, text]);
        }
        assert_eq!(domain_spellings("xn--bcher-kva"), ["xn--bcher-kva", "bücher", "xn--bcher-kva"]);
        assert_eq!(domain_spellings("@Bücher.example")[2], "@xn--bcher-kva.example");
    }
}
