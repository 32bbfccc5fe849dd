//! Files that are compressed and sealed.
//!
//! A random salt, then chunks of a gzip stream, each sealed with AES-256-GCM under a key made of salt and the vault's
//! key, its number as nonce and a mark on the last: a file that was cut, changed or put together anew does not open.

use std::io::{self, Read, Write};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::runtime::{Entropy, hex};
use crate::secret::Secret;

const CHUNK: usize = 1 << 20;
/// What sealing adds to each chunk.
const TAG: usize = 16;
const SALT: usize = 32;

/// The key of one file.
fn cipher(key: &Secret, salt: &[u8]) -> io::Result<Aes256Gcm> {
    let mut mac =
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.reveal().as_bytes()).map_err(io::Error::other)?;
    mac.update(b"pilothouse backup file ");
    mac.update(salt);
    let derived: [u8; 32] = mac.finalize().into_bytes().into();
    Ok(Aes256Gcm::new(&derived.into()))
}

fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Says of a chunk whether it is the last.
fn mark(is_last: bool) -> &'static [u8] {
    if is_last { b"last" } else { b"more" }
}

/// Seals what is written to it.
struct Sealer<W: Write> {
    to: W,
    cipher: Aes256Gcm,
    number: u64,
    waiting: Vec<u8>,
    digest: Sha256,
    length: u64,
}

impl<W: Write> Sealer<W> {
    fn new(to: W, key: &Secret) -> io::Result<Self> {
        let salt = Sha256::digest(Entropy.secret().as_bytes());
        let cipher = cipher(key, &salt)?;
        let mut sealer = Self {
            to,
            cipher,
            number: 0,
            waiting: Vec::with_capacity(CHUNK),
            digest: Sha256::new(),
            length: 0,
        };
        sealer.put(&salt)?;
        Ok(sealer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let payload = Payload { msg: &self.waiting, aad: mark(is_last) };
        let sealed = self
            .cipher
            .encrypt(Nonce::from_slice(&nonce(self.number)), payload)
            .map_err(|_| io::Error::other("could not be sealed"))?;
        self.number += 1;
        self.waiting.clear();
        self.put(&sealed)
    }

    /// Seals the rest. Answers where it went, how long it is, and the SHA-256 of what was written.
    fn finish(mut self) -> io::Result<(W, Stored)> {
        self.seal(true)?;
        self.to.flush()?;
        Ok((self.to, Stored { bytes: self.length, sha256: hex(&self.digest.finalize()) }))
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until there is more, so that the last one is never empty behind it.
        if self.waiting.len() == CHUNK {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what was sealed.
struct Opener<R: Read> {
    from: R,
    cipher: Aes256Gcm,
    number: u64,
    open: Vec<u8>,
    read: usize,
    is_over: bool,
}

impl<R: Read> Opener<R> {
    fn new(mut from: R, key: &Secret) -> io::Result<Self> {
        let mut salt = [0; SALT];
        from.read_exact(&mut salt)?;
        Ok(Self { from, cipher: cipher(key, &salt)?, number: 0, open: Vec::new(), read: 0, is_over: false })
    }

    fn next(&mut self) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(CHUNK + TAG);
        self.from.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut sealed)?;
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "it is not as it was sealed");
        let nonce = nonce(self.number);
        let open = |is_last| {
            let payload = Payload { msg: &sealed, aad: mark(is_last) };
            self.cipher.decrypt(Nonce::from_slice(&nonce), payload)
        };
        // Only a full chunk can be one that others follow.
        let (chunk, is_last) = match (sealed.len() == CHUNK + TAG).then(|| open(false)) {
            Some(Ok(chunk)) => (chunk, false),
            _ => (open(true).map_err(|_| broken())?, true),
        };
        if is_last && self.from.read(&mut [0])? > 0 {
            return Err(broken());
        }
        (self.open, self.read, self.is_over) = (chunk, 0, is_last);
        self.number += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.open.len() && !self.is_over {
            self.next()?;
        }
        let taken = into.len().min(self.open.len() - self.read);
        into[..taken].copy_from_slice(&self.open[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

/// What lies in a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    pub bytes: u64,
    pub sha256: String,
}

/// Compresses and seals all of `from` into `to`. Answers where that ended.
pub(super) fn seal<W: Write>(from: &mut dyn Read, to: W, key: &Secret) -> io::Result<(W, Stored)> {
    let mut packed = GzEncoder::new(Sealer::new(to, key)?, Compression::fast());
    io::copy(from, &mut packed)?;
    packed.finish()?.finish()
}

/// Opens and unpacks all of `from` into `to`.
pub(super) fn open(from: impl Read, to: &mut dyn Write, key: &Secret) -> io::Result<u64> {
    let mut unpacked = GzDecoder::new(Opener::new(from, key)?);
    let bytes = io::copy(&mut unpacked, to)?;
    // What follows the packed stream is sealed too, and has to be there up to its end.
    io::copy(unpacked.get_mut(), &mut io::sink())?;
    Ok(bytes)
}

/// The mark that only who has the key can put on `text`.
pub(super) fn signature(text: &[u8], key: &Secret) -> io::Result<String> {
    let mut mac =
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.reveal().as_bytes()).map_err(io::Error::other)?;
    mac.update(b"pilothouse backup manifest ");
    mac.update(text);
    Ok(hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Secret {
        Secret::new("a key that is long enough for tests")
    }

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        seal(&mut &bytes[..], Vec::new(), &key()).unwrap().0
    }

    fn opened(sealed: &[u8], key: &Secret) -> io::Result<Vec<u8>> {
        let mut open_bytes = Vec::new();
        open(sealed, &mut open_bytes, key)?;
        Ok(open_bytes)
    }

    /// Bytes that don't compress.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect()
    }

    #[test]
    fn what_was_sealed_comes_out_as_it_was_whatever_its_length() {
        for length in [0, 1, 1000, CHUNK - 40, 2 * CHUNK + 7] {
            let bytes = noise(length);
            assert_eq!(opened(&sealed(&bytes), &key()).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn a_file_with_one_bit_turned_cut_or_lengthened_does_not_open_and_neither_does_another_key() {
        let whole = sealed(&noise(CHUNK + 100_000));
        for place in [0, SALT, whole.len() / 2, whole.len() - 1] {
            let mut turned = whole.clone();
            turned[place] ^= 1;
            assert!(opened(&turned, &key()).is_err(), "bit at {place}");
        }
        assert!(opened(&whole[..whole.len() - 1], &key()).is_err());
        assert!(opened(&whole[..SALT + CHUNK + TAG], &key()).is_err(), "its last chunk is gone");
        assert!(opened(&[&whole[..], b"x"].concat(), &key()).is_err());
        assert!(opened(&whole, &Secret::new("another key that is long enough too")).is_err());
    }
}
