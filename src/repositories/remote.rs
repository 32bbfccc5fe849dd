//! Addresses of remotes, fit to be shown.

/// `address` without user, password and query, which may hold secrets. None when nothing that can be
/// shown is left: a helper's command line is no address.
pub(super) fn without_credentials(address: &str) -> Option<String> {
    let address: String = address.trim().chars().filter(|c| !c.is_control()).collect();
    let shown = if let Some((scheme, rest)) = address.split_once("://") {
        format!("{scheme}://{}", host_and_path(rest))
    } else if address.contains("::") && !address.starts_with('/') && !address.starts_with('[') {
        return None;
    } else {
        short_form(&address).to_owned()
    };
    (!shown.is_empty()).then_some(shown)
}

/// `user:password@host/path?query` without the user's part and the query.
fn host_and_path(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let from = match authority.rfind('@') {
        Some(at) => at + 1,
        // What looks like a port but is none is a password with a slash in it.
        None if !ends_with_port(authority) => rest.rfind('@').map_or(0, |at| at + 1),
        None => 0,
    };
    let rest = &rest[from..];
    rest.split(['?', '#']).next().unwrap_or_default()
}

fn ends_with_port(authority: &str) -> bool {
    let after_address = authority.rsplit(']').next().unwrap_or_default();
    after_address.split_once(':').is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
}

/// `user@host:path` without the user; a path on this machine stays.
fn short_form(address: &str) -> &str {
    match address.split_once(':') {
        Some((before, _)) if !before.contains('/') => {
            let from = before.rfind('@').map_or(0, |at| at + 1);
            &address[from..]
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn no_credential_is_left() {
        for (address, shown) in [
            ("https://host.test/team/shop.git", "https://host.test/team/shop.git"),
            ("https://ada:s3cret@host.test/team/shop.git", "https://host.test/team/shop.git"),
            ("https://s3cret@host.test:8443/shop.git", "https://host.test:8443/shop.git"),
            ("https://ada:s3@cret@host.test/shop.git", "https://host.test/shop.git"),
            ("https://ada:s3/cret@host.test/shop.git", "https://host.test/shop.git"),
            ("https://host.test/shop.git?token=s3cret", "https://host.test/shop.git"),
            ("https://host.test/@team/shop.git", "https://host.test/@team/shop.git"),
            ("ssh://git@host.test:22/shop.git", "ssh://host.test:22/shop.git"),
            ("ssh://git@[::1]:22/shop.git", "ssh://[::1]:22/shop.git"),
            ("git@host.test:team/shop.git", "host.test:team/shop.git"),
            ("host.test:team/shop.git", "host.test:team/shop.git"),
            ("/srv/git/a@b:c.git", "/srv/git/a@b:c.git"),
            ("../shop.git", "../shop.git"),
            ("https::https://ada:s3cret@host.test/x", "https::https://host.test/x"),
        ] {
            assert_eq!(without_credentials(address).as_deref(), Some(shown), "{address}");
        }
    }

    #[test]
    fn a_command_is_no_address() {
        for address in ["ext::ssh -i s3cret host %S", "", "  "] {
            assert_eq!(without_credentials(address), None, "{address}");
        }
    }
}
