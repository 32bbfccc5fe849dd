//! What containers that the console makes are made of.

use std::net::IpAddr;

use ipnetwork::Ipv4Network;

use super::Reader;
use crate::engine::{ImageName, Limits};

#[derive(Debug, Clone)]
pub struct ContainerSettings {
    /// `PILOTHOUSE_IMAGES`: project types and their images; `*` is every other type.
    pub images: Vec<(String, ImageName)>,
    /// `PILOTHOUSE_PORTS`: where their ports are published.
    pub ports: PortRange,
    /// `PILOTHOUSE_CONTAINER_LIMITS`.
    pub limits: Limits,
    /// `PILOTHOUSE_CONTAINER_CAPS`: what they may; every other capability is dropped.
    pub capabilities: Vec<String>,
    /// `PILOTHOUSE_NETWORKS`: each project's network gets sixteen of these addresses.
    pub networks: Ipv4Network,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    pub address: IpAddr,
    pub first: u16,
    pub last: u16,
}

const USUAL_PORTS: PortRange =
    PortRange { address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), first: 3000, last: 3999 };
const USUAL_CAPABILITIES: &str = "CHOWN,DAC_OVERRIDE,FOWNER,SETGID,SETUID,NET_BIND_SERVICE";

impl ContainerSettings {
    /// The image of a project type.
    #[must_use]
    pub fn image_of(&self, kind: &str) -> Option<&ImageName> {
        let of = |wanted: &str| self.images.iter().find(|(known, _)| known == wanted).map(|(_, image)| image);
        of(kind).or_else(|| of("*"))
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            images: images(reader),
            ports: ports(reader),
            limits: limits(reader),
            capabilities: capabilities(reader),
            networks: networks(reader),
        }
    }
}

fn images(reader: &mut Reader) -> Vec<(String, ImageName)> {
    let mut images = Vec::new();
    for part in parts(&reader.optional("PILOTHOUSE_IMAGES").unwrap_or_default()) {
        let image = part.split_once('=').and_then(|(kind, image)| {
            let kind = kind.trim();
            Some((kind.to_owned(), image.trim().parse().ok()?)).filter(|_| !kind.is_empty())
        });
        match image {
            Some(image) => images.push(image),
            None => reader.problem(
                "PILOTHOUSE_IMAGES",
                "is not a list of types and images such as nextjs=repo/image:tag,*=nginx:alpine",
            ),
        }
    }
    images
}

fn ports(reader: &mut Reader) -> PortRange {
    let Some(text) = reader.optional("PILOTHOUSE_PORTS") else { return USUAL_PORTS };
    let read = || {
        let (address, ports) = text.rsplit_once(':')?;
        let address = address.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (0 < first && first <= last).then_some(PortRange { address, first, last })
    };
    read().unwrap_or_else(|| {
        reader.problem("PILOTHOUSE_PORTS", "is not an address and ports such as 127.0.0.1:3000-3999");
        USUAL_PORTS
    })
}

fn limits(reader: &mut Reader) -> Limits {
    let mut limits = Limits { memory: 512 << 20, nano_cpus: 1_000_000_000, processes: 256 };
    for part in parts(&reader.optional("PILOTHOUSE_CONTAINER_LIMITS").unwrap_or_default()) {
        let understood = match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            // An engine takes no less.
            Some(("memory", value)) => {
                bytes(value).filter(|size| *size >= 6 << 20).map(|size| limits.memory = size)
            }
            Some(("cpus", value)) => billionths(value).map(|cpus| limits.nano_cpus = cpus),
            Some(("pids", value)) => {
                value.parse().ok().filter(|count| *count > 0).map(|count| limits.processes = count)
            }
            _ => None,
        };
        if understood.is_none() {
            let advice = "is not a list such as memory=512m,cpus=1,pids=256 (memory is at least 6m)";
            reader.problem("PILOTHOUSE_CONTAINER_LIMITS", advice);
        }
    }
    limits
}

fn bytes(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (number, shift) = match lower.as_bytes().last()? {
        b'k' => (lower.trim_end_matches('k'), 10),
        b'm' => (lower.trim_end_matches('m'), 20),
        b'g' => (lower.trim_end_matches('g'), 30),
        _ => (&*lower, 0),
    };
    number.parse::<i64>().ok()?.checked_mul(1 << shift)
}

/// `1.5` without a detour through floating point.
fn billionths(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{rest:0<9}");
    let rest: i64 = digits.parse().ok().filter(|_| digits.len() == 9)?;
    let whole: i64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(rest).filter(|all| *all > 0)
}

fn capabilities(reader: &mut Reader) -> Vec<String> {
    let text = reader.optional("PILOTHOUSE_CONTAINER_CAPS").unwrap_or_else(|| USUAL_CAPABILITIES.to_owned());
    if text == "none" {
        return Vec::new();
    }
    let is_word =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') && word != "ALL";
    let words: Vec<String> = parts(&text).map(str::to_owned).collect();
    if !words.iter().all(|word| is_word(word)) {
        reader.problem(
            "PILOTHOUSE_CONTAINER_CAPS",
            "is not a list of capabilities such as CHOWN,SETUID, or none",
        );
    }
    words
}

fn networks(reader: &mut Reader) -> Ipv4Network {
    let text = reader.optional("PILOTHOUSE_NETWORKS").unwrap_or_else(|| "10.200.0.0/16".to_owned());
    let read = text.parse::<Ipv4Network>().ok().filter(|network| (8..=28).contains(&network.prefix()));
    read.unwrap_or_else(|| {
        reader.problem("PILOTHOUSE_NETWORKS", "is not a network of /8 to /28 such as 10.200.0.0/16");
        Ipv4Network::from(std::net::Ipv4Addr::LOCALHOST)
    })
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (ContainerSettings, usize) {
        let values: HashMap<_, _> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut reader = Reader { values, problems: Vec::new() };
        (ContainerSettings::read(&mut reader), reader.problems.len())
    }

    #[test]
    fn a_type_without_an_image_of_its_own_takes_that_of_every_other() {
        let (settings, problems) = read(&[("PILOTHOUSE_IMAGES", "nextjs=repo/next:1, *=nginx:alpine")]);
        assert_eq!(problems, 0);
        assert_eq!(settings.image_of("nextjs").unwrap().as_str(), "repo/next:1");
        assert_eq!(settings.image_of("rust").unwrap().as_str(), "nginx:alpine");
        assert!(read(&[]).0.image_of("rust").is_none());
    }

    #[test]
    fn limits_are_read_and_what_is_odd_is_told() {
        let (settings, problems) = read(&[("PILOTHOUSE_CONTAINER_LIMITS", "memory=64m,cpus=0.25,pids=32")]);
        assert_eq!(settings.limits, Limits { memory: 64 << 20, nano_cpus: 250_000_000, processes: 32 });
        assert_eq!(problems, 0);
        for odd in ["memory=1m", "memory=x", "cpus=0", "cpus=1.1.1", "pids=0", "disk=1g", "nonsense"] {
            assert_eq!(read(&[("PILOTHOUSE_CONTAINER_LIMITS", odd)]).1, 1, "{odd}");
        }
        for odd in ["3000-3999", "127.0.0.1:9-8", "127.0.0.1:0-5", "host:1-2"] {
            assert_eq!(read(&[("PILOTHOUSE_PORTS", odd)]).1, 1, "{odd}");
        }
        let ports = read(&[("PILOTHOUSE_PORTS", "[::1]:4000")]).0.ports;
        assert_eq!((ports.address.to_string().as_str(), ports.first, ports.last), ("::1", 4000, 4000));
        assert_eq!(read(&[("PILOTHOUSE_CONTAINER_CAPS", "none")]).0.capabilities.len(), 0);
        assert_eq!(read(&[("PILOTHOUSE_CONTAINER_CAPS", "ALL")]).1, 1);
        assert_eq!(read(&[("PILOTHOUSE_NETWORKS", "10.0.0.0/30")]).1, 1);
        assert_eq!(read(&[("PILOTHOUSE_IMAGES", "nextjs")]).1, 1);
    }
}
