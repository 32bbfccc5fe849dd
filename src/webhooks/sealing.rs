//! Secrets that must be read again, sealed with a key made of the console's own (AES-256-GCM, a fresh nonce in front).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use sha2::{Digest, Sha256};

use crate::runtime::Entropy;
use crate::secret::Secret;

/// Bytes of a nonce.
const NONCE: usize = 12;

/// Seals and opens. See the module.
#[derive(Clone)]
pub struct Sealer(Aes256Gcm);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// The console has another key by now, or somebody changed what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is sealed can't be opened with this console's key")]
pub struct NotOpened;

impl Sealer {
    #[must_use]
    pub fn of(console_key: Option<&Secret>) -> Self {
        let text = console_key.map(Secret::reveal).unwrap_or_default();
        let key = Sha256::digest(format!("pilothouse sealed secrets {text}"));
        Self(Aes256Gcm::new(&<[u8; 32]>::from(key).into()))
    }

    /// Seals `secret` for what `of` names: it opens nowhere else.
    pub fn seal(&self, secret: &Secret, of: &str) -> Result<Vec<u8>, NotOpened> {
        let random = Entropy.uuid();
        let nonce = &random.as_bytes()[..NONCE];
        let payload = Payload { msg: secret.reveal().as_bytes(), aad: of.as_bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(nonce), payload).map_err(|_| NotOpened)?;
        Ok([nonce, &sealed].concat())
    }

    pub fn open(&self, sealed: &[u8], of: &str) -> Result<Secret, NotOpened> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(NotOpened)?;
        let payload = Payload { msg: sealed, aad: of.as_bytes() };
        let open = self.0.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| NotOpened)?;
        String::from_utf8(open).map(Secret::new).map_err(|_| NotOpened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_for_its_purpose_and_as_it_was() {
        let key = Secret::new("a key that is long enough for tests");
        let seal_with = Sealer::of(Some(&key));
        let secret = Secret::new("whsec_1");
        let sealed = seal_with.seal(&secret, "webhook").unwrap();
        assert_ne!(sealed, seal_with.seal(&secret, "webhook").unwrap());
        assert!(!sealed.windows(5).any(|part| part == b"whsec"));
        assert_eq!(seal_with.open(&sealed, "webhook").unwrap().reveal(), "whsec_1");
        assert!(seal_with.open(&sealed, "other").is_err());
        assert!(Sealer::of(None).open(&sealed, "webhook").is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(seal_with.open(&changed, "webhook").is_err() && seal_with.open(b"short", "webhook").is_err());
    }
}
