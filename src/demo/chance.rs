//! The dice of the invented life: the same throws every time.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::runtime::hex;

/// A small generator with a fixed seed. (Its algorithm is named, so that an update of a library does not
/// change the life that it tells.)
#[derive(Debug)]
pub(super) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let throw = i64::try_from(self.0.next_u64() >> 1).unwrap_or_default();
        low + throw % (high - low + 1).max(1)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn likely(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of `choices`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = i64::try_from(choices.len()).unwrap_or_default() - 1;
        choices[usize::try_from(self.between(0, last)).unwrap_or_default()]
    }

    /// `digits` hex digits (at most 64).
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        let mut text = hex(&bytes);
        text.truncate(digits);
        text
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
