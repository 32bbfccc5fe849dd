//! Which addresses may be asked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnetwork::IpNetwork;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A name that leads to where nothing may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The address is in a private network that PILOTHOUSE_PRIVATE_TARGETS does not name.")
    }
}

impl std::error::Error for Private {}

fn is_allowed(address: IpAddr, allowed: &[IpNetwork]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(address))
}

/// Whether it is an address of the internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Carriers' own, protocol assignments, measuring.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // What is assigned to the internet at all, without tunnels into IPv4 (6to4, Teredo) and documentation.
    (first & 0xe000) == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0x0db8))
}

/// Checks what can be told before a name is looked up.
pub(super) fn check_url(url: &Url, allowed: &[IpNetwork]) -> Result<(), String> {
    let is_plain = match url.scheme() {
        "https" => false,
        "http" => true,
        _ => return Err("Only http and https are asked.".to_owned()),
    };
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err("The address has no host.".to_owned()),
    };
    if let Some(address) = literal
        && !is_allowed(address, allowed)
        && (is_plain || !is_public(address))
    {
        return Err(Private.to_string());
    }
    if literal.is_none() && is_plain {
        // A name without TLS has to lead to what is allowed, and nowhere else.
        return plain_name(url, allowed);
    }
    Ok(())
}

fn plain_name(url: &Url, allowed: &[IpNetwork]) -> Result<(), String> {
    let found = url.socket_addrs(|| None).map_err(|error| format!("Its name leads nowhere: {error}."))?;
    if found.iter().all(|address| is_allowed(address.ip(), allowed)) {
        Ok(())
    } else {
        Err("Without TLS only what PILOTHOUSE_PRIVATE_TARGETS names is asked.".to_owned())
    }
}

/// Looks names up, and refuses one of which any address is private and not allowed.
pub(super) struct Checked(std::sync::Arc<[IpNetwork]>);

impl Checked {
    pub(super) fn new(allowed: Vec<IpNetwork>) -> Self {
        Self(allowed.into())
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = std::sync::Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().all(|found| is_public(found.ip()) || is_allowed(found.ip(), &allowed)) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(Private.into())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_internet_is_private() {
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        let allowed = ["10.0.0.0/8".parse().unwrap()];
        assert!(is_allowed("::ffff:10.0.0.1".parse().unwrap(), &allowed));
        assert!(!is_allowed("11.0.0.1".parse().unwrap(), &allowed));
    }

    #[test]
    fn only_http_is_asked_and_plain_only_where_it_is_allowed() {
        let check = |url: &str, allowed: &[IpNetwork]| check_url(&Url::parse(url).unwrap(), allowed);
        for url in ["file:///etc/passwd", "gopher://127.0.0.1/", "unix:/run/docker.sock", "http://8.8.8.8/"] {
            assert!(check(url, &[]).is_err(), "{url}");
        }
        assert!(check("https://8.8.8.8/", &[]).is_ok() && check("https://example.org/", &[]).is_ok());
        let allowed = ["127.0.0.0/8".parse().unwrap()];
        assert!(check("http://127.0.0.1:9/", &allowed).is_ok() && check("http://127.0.0.1:9/", &[]).is_err());
    }
}
