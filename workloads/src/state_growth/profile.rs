//! What a profile holds: a payload that follows from its key and from the record that gave it, so that whoever reads it
//! can tell whether every byte is the right one.

use borsh::{BorshDeserialize, BorshSerialize};

use super::spec::StateGrowthSpec;
use crate::draw::{Draw, Purpose, below};

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Profile {
    /// Who gave the payload: 0 if it was preloaded, otherwise the record's number and one.
    pub version: u64,
    /// Updates since it was made or replaced, the one that made it included.
    pub updates: u32,
    /// What [`Content`] makes of key and version.
    pub payload: Vec<u8>,
}

/// The version that a record gives.
#[inline]
pub fn version_of(record: u64) -> u64 {
    record.wrapping_add(1)
}

/// What payloads hold: of draw d for key and version, the bytes of d's numbers 0, 1, .., least significant first.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    draw: Draw,
    least_bytes: u32,
    /// Sizes there are beyond the smallest.
    more: u32,
}

/// The draw of a payload's size, beyond those of its bytes.
const SIZE: u64 = u64::MAX;
const WORD: usize = 8;

impl Content {
    /// The payloads of a run.
    pub fn new(spec: &StateGrowthSpec, seed: u64) -> Content {
        let least_bytes = spec.value_bytes.unwrap_or(0);
        let most_bytes = spec.value_bytes_max.unwrap_or(least_bytes);
        Content {
            draw: Draw::new(seed, Purpose::Payload),
            least_bytes,
            more: most_bytes.saturating_sub(least_bytes),
        }
    }

    /// The profile of a key that a record gives.
    pub fn profile(&self, key: u32, version: u64, updates: u32) -> Profile {
        let mut payload = Vec::new();
        self.fill(key, version, &mut payload);
        Profile {
            version,
            updates,
            payload,
        }
    }

    /// Replaces a payload.
    #[inline]
    pub fn fill(&self, key: u32, version: u64, payload: &mut Vec<u8>) {
        let draw = self.draw(key, version);
        let bytes = self.bytes(&draw);
        payload.clear();
        payload.reserve_exact(bytes.next_multiple_of(WORD));
        let words = bytes.div_ceil(WORD) as u64;
        for word in 0..words {
            payload.extend_from_slice(&draw.bits(word).to_le_bytes());
        }
        payload.truncate(bytes);
    }

    /// Whether a profile is one that this makes for the key, to the byte.
    #[inline]
    pub fn is_sound(&self, key: u32, profile: &Profile) -> bool {
        let draw = self.draw(key, profile.version);
        let payload = &profile.payload;
        let words = payload.chunks(WORD).zip(0u64..);
        let differs =
            |(chunk, word): (&[u8], u64)| chunk != &draw.bits(word).to_le_bytes()[..chunk.len()];
        payload.len() == self.bytes(&draw) && !words.into_iter().any(differs)
    }

    #[inline]
    fn draw(&self, key: u32, version: u64) -> Draw {
        self.draw.part(u64::from(key)).part(version)
    }

    #[inline]
    fn bytes(&self, draw: &Draw) -> usize {
        // The same draw without branches on whether sizes differ: one of `more` + 1 sizes.
        (self.least_bytes + below(draw.bits(SIZE), self.more + 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spec::tests::spec;
    use super::*;

    proptest! {
        #[test]
        fn a_profile_is_sound_until_any_byte_or_anything_else_differs(
            key: u32, version: u64, least in 0u32..40, more in 0u32..40, at: proptest::sample::Index, flip in 1u8..=255,
        ) {
            let spec = spec(&format!("value_bytes = {least}\nvalue_bytes_max = {}", least + more));
            let content = Content::new(&spec, 7);
            let profile = content.profile(key, version, 3);
            let bytes = profile.payload.len() as u32;
            prop_assert!((least..=least + more).contains(&bytes));
            prop_assert!(content.is_sound(key, &profile));
            if bytes > 0 {
                let mut damaged = profile.clone();
                let at = at.index(damaged.payload.len());
                damaged.payload[at] ^= flip;
                prop_assert!(!content.is_sound(key, &damaged));
            }
            let mut cut = profile.clone();
            cut.payload.push(0);
            prop_assert!(!content.is_sound(key, &cut));
            if bytes >= 8 {
                prop_assert!(!content.is_sound(key ^ 1, &profile));
                let old = Profile { version: version ^ 1, ..profile };
                prop_assert!(!content.is_sound(key, &old));
            }
        }
    }
}
