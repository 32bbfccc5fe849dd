//! What the program is made of: where it comes from, under which licence, how often, and how old it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Licences that ask for nothing but to be named.
const LICENCES: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
];

/// Where the only copies of a crate may come from.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that are there in more than one version, and nobody can change it here: two generations of the
/// ecosystem meet in them.
const SEVERAL: [&str; 24] = [
    "base64",
    "bitflags",
    "block-buffer",
    "cookie",
    "cpufeatures",
    "crypto-common",
    "darling",
    "darling_core",
    "darling_macro",
    "defmt",
    "digest",
    "getrandom",
    "hashbrown",
    "hmac",
    "http",
    "lock_api",
    "parking_lot",
    "parking_lot_core",
    "rand",
    "rand_chacha",
    "rand_core",
    "sha2",
    "syn",
    "winnow",
];

/// Versions below which a known hole is open.
const AT_LEAST: [(&str, [u64; 3]); 4] =
    [("actix-http", [3, 12, 1]), ("actix-web", [4, 14, 1]), ("diesel", [2, 3, 11]), ("tokio", [1, 44, 2])];

/// Everything that Cargo.lock resolves to on Linux, tests included.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
});

/// The ids of what the program is built with, or, with `tests`, also of what only its tests use.
fn reached(tests: bool) -> BTreeSet<&'static str> {
    let resolve = &METADATA["resolve"];
    let nodes: BTreeMap<&str, &Value> = resolve["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let (mut reached, mut next) = (BTreeSet::new(), vec![resolve["root"].as_str().unwrap()]);
    while let Some(id) = next.pop() {
        if reached.insert(id) {
            let needed = nodes[id]["deps"].as_array().unwrap().iter().filter(|dependency| {
                let kinds = dependency["dep_kinds"].as_array().unwrap();
                kinds.iter().any(|kind| tests || kind["kind"] != "dev")
            });
            next.extend(needed.map(|dependency| dependency["pkg"].as_str().unwrap()));
        }
    }
    reached
}

fn packages(tests: bool) -> Vec<&'static Value> {
    let reached = reached(tests);
    let packages = METADATA["packages"].as_array().unwrap().iter();
    packages
        .filter(|package| {
            reached.contains(package["id"].as_str().unwrap()) && package["name"] != "pilothouse"
        })
        .collect()
}

/// Whether one choice among `text`'s alternatives needs nothing beyond [`LICENCES`].
fn is_allowed(text: &str, more: &[&str]) -> bool {
    let text = text.replace('/', " OR ");
    let alternatives = text.split(" OR ").map(|part| part.trim_matches(['(', ')', ' ']));
    // "(MIT OR Apache-2.0) AND Unicode-3.0": each side of AND has to have an allowed one.
    if text.contains(" AND ") {
        return text.split(" AND ").all(|side| is_allowed(side.trim_matches(['(', ')', ' ']), more));
    }
    alternatives.into_iter().any(|licence| LICENCES.contains(&licence) || more.contains(&licence))
}

#[test]
fn every_licence_is_one_that_we_may_ship() {
    for (text, allowed) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("GPL-3.0", false),
        ("MIT AND GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(text, &[]), allowed, "{text}");
    }
    // What only tests use is not shipped: there, a licence that binds changes to its own files will do.
    for (tests, more) in [(false, &[][..]), (true, &["MPL-2.0"][..])] {
        let packages = packages(tests);
        assert!(packages.len() > 100);
        let refused: Vec<String> = packages
            .iter()
            .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default(), more))
            .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
            .collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

#[test]
fn every_crate_comes_from_the_registry() {
    for package in packages(true) {
        assert_eq!(package["source"], SOURCE, "{}", package["name"]);
    }
}

#[test]
fn what_is_there_twice_is_named() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages(false) {
        let name = package["name"].as_str().unwrap().to_owned();
        versions.entry(name).or_default().insert(package["version"].as_str().unwrap().to_owned());
    }
    let several: Vec<(String, BTreeSet<String>)> =
        versions.into_iter().filter(|(_, versions)| versions.len() > 1).collect();
    let unnamed: Vec<_> = several.iter().filter(|(name, _)| !SEVERAL.contains(&name.as_str())).collect();
    assert!(unnamed.is_empty(), "use one version, or name it here: {unnamed:#?}");
    let gone: Vec<_> =
        SEVERAL.iter().filter(|name| !several.iter().any(|(several, _)| several == *name)).collect();
    assert!(gone.is_empty(), "no longer there twice: {gone:?}");
}

#[test]
fn no_version_is_one_with_a_known_hole() {
    let packages = packages(false);
    for (name, least) in AT_LEAST {
        let found: Vec<[u64; 3]> = packages
            .iter()
            .filter(|package| package["name"] == name)
            .map(|package| {
                let version = package["version"].as_str().unwrap().split(['-', '+']).next().unwrap();
                let parts: Vec<u64> = version.split('.').map(|part| part.parse().unwrap()).collect();
                [parts[0], parts[1], parts[2]]
            })
            .collect();
        assert!(!found.is_empty() && found.iter().all(|found| *found >= least), "{name}: {found:?}");
    }
    // Served by hand, so that no hole of a file server is ours.
    assert!(!packages.iter().any(|package| package["name"] == "actix-files"));
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    assert!(!manifest.contains("panic = \"abort\""), "a panic of one request must not end all others");
}
