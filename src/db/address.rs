//! Addresses of databases: URLs as libpq reads them.
//!
//! libpq quotes what it can't read, and a password with a `/` in it ends up in what it can't read. So an address
//! is tried before anything is told of it, and what libpq says later is told without the password.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What an address should look like, for whoever has to correct one.
pub const ADVICE: &str = "can't be read as postgres://login:password@host:5432/database; in login, password and \
     database write / as %2F, @ as %40, % as %25 and ? as %3F, and after ? only parameters that libpq knows";

/// The parts of an address that matter here, still encoded.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    login: &'a str,
    password: Option<&'a str>,
    /// Hosts and ports, separated by commas.
    hosts: &'a str,
    database: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))?;
        // As libpq does it: login and password end at the first @ that comes before any slash.
        let (credentials, rest) = match rest.find(['@', '/']) {
            Some(at) if rest[at..].starts_with('@') => (&rest[..at], &rest[at + 1..]),
            _ => ("", rest),
        };
        let (login, password) = credentials
            .split_once(':')
            .map_or((credentials, None), |(login, password)| (login, Some(password)));
        let (place, parameters) =
            rest.split_once('?').map_or((rest, None), |(place, parameters)| (place, Some(parameters)));
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        Some(Self { login, password, hosts, database, parameters })
    }

    fn parameter(&self, wanted: &str) -> Option<&'a str> {
        let pairs = self.parameters?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value).next_back()
    }

    fn ports(&self) -> impl Iterator<Item = &'a str> {
        // An IPv6 address stands in brackets, with colons of its own.
        let after_host = |host: &'a str| host.rsplit_once(']').map_or(host, |(_, rest)| rest);
        let ports = self.hosts.split(',').filter_map(move |host| after_host(host).split_once(':'));
        ports
            .map(|(_, port)| port)
            .chain(self.parameter("port").into_iter().flat_map(|ports| ports.split(',')))
    }

    /// Every secret in it, as it stands there and decoded.
    fn secrets(&self) -> impl Iterator<Item = Cow<'a, str>> {
        [self.password, self.parameter("password"), self.parameter("sslpassword")]
            .into_iter()
            .flatten()
            .flat_map(|secret| [Cow::Borrowed(secret), percent_decode_str(secret).decode_utf8_lossy()])
    }
}

/// Whether libpq can read `text`, and reads in it what its author wrote: what follows an `@` or a `/` of a password
/// that was not encoded would be a host, a port or a database.
#[must_use]
pub fn is_readable(text: &str) -> bool {
    let Some(parts) = Parts::of(text) else { return false };
    if parts.hosts.contains('@') || parts.database.contains(['@', '/']) || !parts.ports().all(is_port) {
        return false;
    }
    // libpq itself is the judge: it reads all of an address before it connects, and no server is at this one.
    let nowhere = [("host", "%2Fdev%2Fnull"), ("hostaddr", ""), ("port", "5432"), ("connect_timeout", "2")];
    match super::pool::establish(&with_parameters(text, &nowhere)) {
        Ok(_) => true,
        Err(error) => error.to_string().contains("/dev/null/.s.PGSQL"),
    }
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Adds what a silent or frozen server must not take from us: connect and TCP deadlines, unless the URL
/// already names them; and `sslmode=require` when `ssl` asks for it.
#[must_use]
pub fn with_deadlines(url: &str, ssl: bool) -> String {
    let Some(parts) = Parts::of(url) else { return url.to_owned() };
    let mut missing = vec![
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "3000"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "2"),
        ("application_name", "pilothouse"),
    ];
    // libpq knows JDBC's `ssl=true` as well.
    if ssl && parts.parameter("ssl").is_none() {
        missing.push(("sslmode", "require"));
    }
    missing.retain(|(name, _)| parts.parameter(name).is_none());
    with_parameters(url, &missing)
}

fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    let mut separator = match Parts::of(&url).and_then(|parts| parts.parameters) {
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    for (name, value) in parameters {
        url.extend([separator, name, "=", value]);
        separator = "&";
    }
    url
}

/// The shortest password that is looked for in a message: shorter ones are in every sentence.
const SHORTEST: usize = 4;

/// `message` without the passwords in `url`.
pub(super) fn without_secrets(url: &str, message: &str) -> String {
    let Some(parts) = Parts::of(url) else { return "the address can't be read".to_owned() };
    let mut message = message.to_owned();
    for secret in parts.secrets().filter(|secret| secret.len() >= SHORTEST && *secret != parts.login) {
        message = message.replace(secret.as_ref(), "[password]");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{is_readable, with_deadlines, without_secrets};

    #[test]
    fn deadlines_are_added_and_what_the_url_says_is_kept() {
        let url = with_deadlines("postgres://u@h/db?connect_timeout=9&sslmode=verify-full", true);
        assert!(url.contains("connect_timeout=9"), "{url}");
        assert!(!url.contains("connect_timeout=2"), "{url}");
        assert!(url.contains("sslmode=verify-full") && !url.contains("sslmode=require"), "{url}");
        assert!(url.contains("tcp_user_timeout=3000"), "{url}");
    }

    #[test]
    fn deadlines_are_added_to_every_address_that_libpq_takes() {
        for url in [
            "postgres://me@%2Frun%2Fpg/db",
            "postgres://",
            "postgres:///db?host=/run/postgresql",
            "postgres://u@/db",
            "postgres://u:p#w?x@h/db",
            "postgresql://u@a:1,b:2/db?target_session_attrs=read-write",
            "postgres://u@[::1]:5432/db?",
        ] {
            let with = with_deadlines(url, true);
            let added = with.strip_prefix(url).unwrap();
            assert!(added.contains("connect_timeout=2") && added.contains("sslmode=require"), "{with}");
            assert!(is_readable(url) && is_readable(&with), "{with}");
        }
    }

    #[test]
    fn an_address_that_libpq_would_read_otherwise_than_it_was_meant_is_none() {
        for url in [
            "mysql://u@h/db",
            "host=h password=secret",
            "postgres://u:pa/ss@h/db",
            "postgres://u:12/ss@h/db",
            "postgres://u:p@ss@h/db",
            "postgres://u:p@s/w@h/db",
            "postgres://u:100%@h/db",
            "postgres://u:50%zz@h/db",
            "postgres://u:nul%00@h/db",
            "postgres://u:secret@[::1/db",
            "postgres://u:secret@[h]x/db",
            "postgres://u:secret@h:port/db",
            "postgres://u:secret@h:99999/db",
            "postgres://u:secret@h/db?schema=public",
            "postgres://u:secret@h/db?sslmode=perhaps",
            "postgres://u:secret@h/db?password=a&b",
            "postgres://u:secret@h/db/more",
        ] {
            assert!(!is_readable(url), "{url}");
        }
    }

    #[test]
    fn what_is_told_of_an_address_has_no_password_in_it() {
        let url = "postgres://secret:s%2Fcret@h/db?sslpassword=other%20one";
        let told = without_secrets(url, "login secret, s%2Fcret, s/cret, other%20one, other one");
        assert_eq!(told, "login secret, [password], [password], [password], [password]");
    }
}
