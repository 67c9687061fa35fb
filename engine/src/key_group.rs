//! Key groups: the unit in which keyed records and state are assigned to subtasks.
//!
//! A key's group is murmur3 of its encoding modulo the maximum parallelism; a group's subtask is
//! `group * parallelism / max_parallelism`, as in Apache Flink, so that each subtask owns one
//! contiguous range and rescaling moves ranges. Never a standard or fast hasher: those differ
//! between versions and processes.

use std::ops::Range;

/// The 32-bit murmur3 hash (x86 variant, seed 0) of `bytes`.
#[inline]
pub fn murmur3(bytes: &[u8]) -> u32 {
    // Integers are the commonest keys. With a length that the compiler knows the loop unrolls: a third
    // of the instructions of an exchange of 8-byte keys (bench `exchange`, instruction counts).
    match bytes.len() {
        4 => murmur3_of(&bytes[..4]),
        8 => murmur3_of(&bytes[..8]),
        _ => murmur3_of(bytes),
    }
}

#[inline(always)]
fn murmur3_of(bytes: &[u8]) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let scramble = |k: u32| k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);

    let mut hash = 0u32;
    let mut blocks = bytes.chunks_exact(4);
    for block in &mut blocks {
        let k = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        hash = (hash ^ scramble(k))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let tail = blocks.remainder();
    if !tail.is_empty() {
        let k = tail
            .iter()
            .rev()
            .fold(0u32, |k, &byte| (k << 8) | u32::from(byte));
        hash ^= scramble(k);
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// The group of an encoded key, in `0..max_parallelism`.
pub fn group_of(encoded_key: &[u8], max_parallelism: usize) -> usize {
    murmur3(encoded_key) as usize % max_parallelism
}

/// [`group_of`] for a number of groups that stays: a power of two, which the default is, needs no
/// division.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Groups {
    count: u32,
    mask: Option<u32>,
}

impl Groups {
    pub(crate) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Groups {
            count,
            mask: count.is_power_of_two().then(|| count - 1),
        }
    }

    #[inline]
    pub(crate) fn of(&self, encoded_key: &[u8]) -> usize {
        let hash = murmur3(encoded_key);
        let group = match self.mask {
            Some(mask) => hash & mask,
            None => hash % self.count,
        };
        group as usize
    }
}

/// The subtask that owns `group`, in `0..parallelism`.
pub fn subtask_of(group: usize, parallelism: usize, max_parallelism: usize) -> usize {
    group * parallelism / max_parallelism
}

/// The groups of a subtask: the inverse of [`subtask_of`].
pub(crate) fn groups_of(
    subtask: usize,
    parallelism: usize,
    max_parallelism: usize,
) -> Range<usize> {
    let first = |subtask: usize| (subtask * max_parallelism).div_ceil(parallelism);
    first(subtask)..first(subtask + 1)
}

/// Whether a group is in both.
pub(crate) fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Published test vectors of MurmurHash3_x86_32 with seed 0.
    #[test]
    fn murmur3_gives_the_published_vectors() {
        assert_eq!(murmur3(b""), 0);
        assert_eq!(murmur3(b"test"), 0xba6b_d213);
        assert_eq!(murmur3(b"Hello, world!"), 0xc036_3e43);
        assert_eq!(
            murmur3(b"The quick brown fox jumps over the lazy dog"),
            0x2e4f_f723
        );
    }

    proptest! {
        #[test]
        fn a_fixed_number_of_groups_changes_no_group(key: Vec<u8>, groups in 1usize..5_000) {
            prop_assert_eq!(Groups::new(groups).of(&key), group_of(&key, groups));
        }

        #[test]
        fn each_subtask_owns_one_contiguous_range_and_none_is_empty(
            max_parallelism in 1usize..300, share in 0.0f64..=1.0,
        ) {
            let parallelism = 1 + (share * (max_parallelism - 1) as f64) as usize;
            let owners: Vec<usize> = (0..max_parallelism)
                .map(|group| subtask_of(group, parallelism, max_parallelism))
                .collect();
            prop_assert!(owners.windows(2).all(|w| w[1] == w[0] || w[1] == w[0] + 1));
            prop_assert_eq!(owners[0], 0);
            prop_assert_eq!(owners[max_parallelism - 1], parallelism - 1);
            for subtask in 0..parallelism {
                let own = (0..max_parallelism).filter(|group| owners[*group] == subtask);
                prop_assert!(own.eq(groups_of(subtask, parallelism, max_parallelism)));
            }
        }
    }
}
