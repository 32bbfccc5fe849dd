//! GitHub's signature of a delivery: HMAC-SHA-256 over the body as it was sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// Whether `header`, `sha256=` and 64 lower-case hex digits, signs `body` with `secret`. Takes as long for any wrong
/// one.
#[must_use]
pub fn holds(secret: &Secret, body: &[u8], header: &str) -> bool {
    let Some(signature) = parse(header) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else { return false };
    mac.update(body);
    !secret.reveal().is_empty() && mac.verify_slice(&signature).is_ok()
}

/// The signature that a header holds, if it has the form of one.
#[must_use]
pub fn parse(header: &str) -> Option<[u8; 32]> {
    let digits = header.strip_prefix("sha256=")?.as_bytes();
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut signature = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in signature.iter_mut().zip(digits.chunks(2)) {
        *byte = value(pair[0])? * 16 + value(pair[1])?;
    }
    Some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_own_example_holds_and_nothing_beside_it() {
        // docs.github.com, "Validating webhook deliveries".
        let secret = Secret::new("It's a Secret to Everybody");
        let signed = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(holds(&secret, b"Hello, World!", signed));
        for wrong in [
            "",
            "sha256=",
            &signed[7..],
            &signed[..70],
            &signed.to_uppercase(),
            &signed.replace("sha256", "sha1"),
            &signed.replace('7', "8"),
            &format!("{signed}0"),
        ] {
            assert!(!holds(&secret, b"Hello, World!", wrong), "{wrong}");
        }
        assert!(!holds(&secret, b"Hello, World", signed));
        assert!(!holds(&Secret::new(""), b"Hello, World!", signed));
    }
}
