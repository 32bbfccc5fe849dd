use rand::{Rng, RngExt};
use uuid::Uuid;

/// Where ids and secrets come from: the operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entropy;

impl Entropy {
    /// A random id (UUID version 4).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn uuid(self) -> Uuid {
        Uuid::new_v4()
    }

    /// An id (UUID version 7) for a record of this time, in epoch milliseconds: indexes of such ids grow at their end.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn ordered_uuid(self, at_ms: i64) -> Uuid {
        let mut random = [0_u8; 10];
        rand::rng().fill_bytes(&mut random);
        uuid::Builder::from_unix_timestamp_millis(at_ms.try_into().unwrap_or_default(), &random).into_uuid()
    }

    /// 256 random bits as 64 lower-case hex digits: session tokens, one-time links.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes secrets")]
    pub fn secret(self) -> String {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        hex(&bytes)
    }

    /// A number from 0 up to 1, for pauses that should differ.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that leaves something to chance")]
    pub fn fraction(self) -> f64 {
        rand::rng().random()
    }

    /// 128 random bits as 32 hex digits: the nonce of one answer's policy.
    #[must_use]
    pub fn nonce(self) -> String {
        let mut secret = self.secret();
        secret.truncate(32);
        secret
    }
}

/// Lower-case hexadecimal of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
