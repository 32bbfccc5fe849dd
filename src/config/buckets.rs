//! Where backups are copied to: `https://host/bucket/prefix?region=…&credentials=…`.
//!
//! The address names its credentials and never holds them: a word leads to the variables `WORD_ACCESS_KEY_ID` and
//! `WORD_SECRET_ACCESS_KEY`, a path to a file as AWS's programs keep theirs.

use std::fs;

use url::{Host, Url};

use super::Reader;
use crate::secret::Secret;

const VARIABLE: &str = "PILOTHOUSE_BACKUP_BUCKETS";
/// What S3-compatible servers that know no regions take.
const USUAL_REGION: &str = "us-east-1";
const USUAL_CREDENTIALS: &str = "AWS";

/// A bucket of an S3-compatible server.
#[derive(Debug, Clone)]
pub struct BucketSettings {
    /// What it is called here; its own name unless the address has another.
    pub name: String,
    /// The server.
    pub endpoint: Url,
    pub bucket: String,
    /// Stands before each key: empty, or a path that ends in `/`.
    pub prefix: String,
    pub region: String,
    pub style: BucketStyle,
    pub access_key: Secret,
    pub secret_key: Secret,
}

/// How the server wants to be told which bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketStyle {
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

pub(super) fn read(reader: &mut Reader) -> Vec<BucketSettings> {
    let text = reader.optional(VARIABLE).unwrap_or_default();
    let mut buckets: Vec<BucketSettings> = Vec::new();
    for (at, address) in text.split([',', ' ', '\n']).filter(|part| !part.is_empty()).enumerate() {
        match bucket(reader, address) {
            Ok(bucket) if buckets.iter().any(|other| other.name == bucket.name) => reader.problem(
                VARIABLE,
                format!("has two buckets that are called {}: add &name=… to one of them", bucket.name),
            ),
            Ok(bucket) => buckets.push(bucket),
            Err(told) => reader.problem(VARIABLE, format!("address {}: {told}", at + 1)),
        }
    }
    buckets
}

fn bucket(reader: &Reader, address: &str) -> Result<BucketSettings, String> {
    const FORM: &str = "is not one such as https://s3.example.org/bucket?region=eu-central-1&credentials=OFFSITE, \
                        without a login or #";
    let url = Url::parse(address).map_err(|_| FORM)?;
    if !matches!(url.scheme(), "http" | "https") || address.contains(['@', '#']) {
        return Err(FORM.to_owned());
    }
    let mut path = url.path().trim_matches('/').splitn(2, '/');
    let bucket =
        path.next().filter(|bucket| is_name(bucket)).ok_or("has no bucket's name in its path")?.to_owned();
    let prefix = path.next().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    if !prefix.split('/').all(|part| part.is_empty() || is_name(part)) {
        return Err("has a prefix of other signs than letters, digits, -, _ and .".to_owned());
    }
    let (mut name, mut region) = (bucket.clone(), USUAL_REGION.to_owned());
    let (mut style, mut credentials) = (BucketStyle::Path, USUAL_CREDENTIALS.to_owned());
    for (option, value) in url.query_pairs() {
        match (&*option, &*value) {
            ("name", value) if is_name(value) => value.clone_into(&mut name),
            ("name", _) => {
                return Err("has a name of other signs than letters, digits, -, _ and .".to_owned());
            }
            ("region", value) if is_name(value) => value.clone_into(&mut region),
            ("region", _) => return Err("has no region such as eu-central-1".to_owned()),
            ("credentials", value) => value.clone_into(&mut credentials),
            ("style", "path") => style = BucketStyle::Path,
            ("style", "virtual") => style = BucketStyle::Virtual,
            ("style", _) => return Err("has another style than path or virtual".to_owned()),
            _ => {
                return Err("has another option than region, credentials, name and style; secrets stand in \
                            variables or in a file that credentials=… names"
                    .to_owned());
            }
        }
    }
    let (access_key, secret_key) = secrets(reader, &credentials)?;
    if style == BucketStyle::Virtual && !matches!(url.host(), Some(Host::Domain(_))) {
        return Err("can't have style=virtual: its host is no name".to_owned());
    }
    let mut endpoint = url;
    endpoint.set_path("");
    endpoint.set_query(None);
    Ok(BucketSettings { name, endpoint, bucket, prefix, region, style, access_key, secret_key })
}

fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !matches!(text, "." | "..")
}

fn secrets(reader: &Reader, credentials: &str) -> Result<(Secret, Secret), String> {
    const NAMES: [&str; 2] = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"];
    if credentials.starts_with('/') {
        let text = fs::read_to_string(credentials)
            .map_err(|error| format!("its credentials' file can't be read: {error}"))?;
        let value = |name: &str| {
            let wanted = format!("aws_{}", name.to_ascii_lowercase());
            text.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                let value = value.trim();
                (key.trim().eq_ignore_ascii_case(&wanted) && !value.is_empty()).then(|| Secret::new(value))
            })
        };
        return NAMES
            .map(value)
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .and_then(|found| <[Secret; 2]>::try_from(found).ok())
            .map(Into::into)
            .ok_or_else(|| {
                "its credentials' file has no lines aws_access_key_id = … and aws_secret_access_key = …"
                    .to_owned()
            });
    }
    let is_word =
        credentials.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_word || credentials.is_empty() {
        return Err(
            "its credentials are named by a word such as OFFSITE or a path such as /run/secrets/offsite"
                .to_owned(),
        );
    }
    let value = |name: &str| {
        let variable = format!("{credentials}_{name}");
        reader
            .optional(&variable)
            .map(Secret::new)
            .ok_or(format!("its credentials are missing: set {variable}"))
    };
    Ok((value(NAMES[0])?, value(NAMES[1])?))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn read(addresses: &str) -> Result<Vec<BucketSettings>, String> {
        let values = [
            (VARIABLE, addresses),
            ("OFFSITE_ACCESS_KEY_ID", "id"),
            ("OFFSITE_SECRET_ACCESS_KEY", "hunter secret"),
        ];
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_values(values).map(|config| config.buckets).map_err(|problems| {
            assert!(problems.iter().all(|problem| problem.variable == VARIABLE), "{problems:?}");
            problems.iter().map(ToString::to_string).collect()
        })
    }

    #[test]
    fn an_address_has_region_prefix_and_the_name_of_its_credentials() {
        let buckets = read(
            "https://s3.test/copies/a/b?region=eu-central-1&credentials=OFFSITE, \
             http://s4.test:9000/copies?credentials=OFFSITE&name=second&style=virtual",
        )
        .unwrap();
        let [first, second] = &buckets[..] else { panic!("{buckets:?}") };
        assert_eq!((first.endpoint.as_str(), first.bucket.as_str()), ("https://s3.test/", "copies"));
        assert_eq!(
            (first.prefix.as_str(), first.region.as_str(), first.name.as_str()),
            ("a/b/", "eu-central-1", "copies")
        );
        assert_eq!(first.secret_key.reveal(), "hunter secret");
        assert_eq!(
            (second.name.as_str(), second.region.as_str(), second.style),
            ("second", USUAL_REGION, BucketStyle::Virtual)
        );
        assert!(!format!("{buckets:?}").contains("hunter"));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_in_words_without_its_text() {
        for (address, words) in [
            ("s3://copies", "https://s3.example.org/bucket"),
            ("https://me:hunter@s3.test/copies", "without a login"),
            ("https://s3.test/?credentials=OFFSITE", "no bucket's name"),
            ("https://s3.test/copies?secret=hunter", "secrets stand in"),
            ("https://s3.test/copies", "set AWS_ACCESS_KEY_ID"),
            ("https://s3.test/copies?credentials=hunter", "a word such as OFFSITE"),
            ("https://s3.test/copies?credentials=/no/such/file", "can't be read"),
            ("https://s3.test/c?credentials=OFFSITE https://s4.test/c?credentials=OFFSITE", "two buckets"),
            ("https://s3.test/c?credentials=OFFSITE&style=odd", "path or virtual"),
            ("http://10.0.0.1/c?credentials=OFFSITE&style=virtual", "no name"),
        ] {
            let told = read(address).unwrap_err();
            assert!(told.contains(words) && !told.contains("hunter"), "{address}: {told}");
        }
    }
}
