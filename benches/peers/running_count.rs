//! The keyed running count: source -> map -> by key -> count -> sink, one result per record.

pub mod engine;
mod fused;
mod plain;
mod skeleton;
mod timely;

use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use workloads::draw::mix;

use crate::contest::{Contestant, Job, Who};
use crate::embedded::Digest;
use crate::input::Input;
use crate::lap::Run;
use crate::renoir;

/// As it stands in tables.
const NAME: &str = "running count";

/// A result: how many records of this key there were so far.
#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize)]
pub struct Count {
    /// The key.
    pub key: u64,
    /// Its records up to here.
    pub count: u64,
}

impl Digest for Count {
    /// Results are added up by this, so that their order does not matter but each of them does.
    #[inline]
    fn digest(&self) -> u64 {
        // An odd constant keeps the counts of one key apart from those of its neighbours.
        mix(self
            .key
            .wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// The digest of the right results.
pub fn answer(input: &Input) -> anyhow::Result<u64> {
    Ok(plain::run(input, 1)?.digest)
}

/// The job with all who can do it; renoir by this program, if there is one.
pub fn job(renoir: Option<&Path>) -> Job {
    type RunOnce = fn(&Input, usize) -> anyhow::Result<Run>;
    let all: [(Who, RunOnce); 5] = [
        (Who::Plain, plain::run),
        (Who::Fused, fused::run),
        (Who::Skeleton, skeleton::run),
        (Who::Engine, engine::run),
        (Who::Timely, timely::run),
    ];
    let contestant = |(who, run): (Who, RunOnce)| Contestant {
        who,
        run: Box::new(run),
    };
    let inside = all.into_iter().map(contestant);
    let outside = renoir.map(|program| renoir::contestant(program, NAME));
    Job {
        name: NAME,
        answer,
        contestants: inside.chain(outside).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::{Distribution, InputSet};

    #[test]
    fn all_contestants_give_the_digest_of_the_plain_loop() {
        let shapes = [(1, 5_000), (70, 1), (700, 30_000), (100_000, 30_000)];
        for (keys, records) in shapes {
            for distribution in [Distribution::Uniform, Distribution::Zipf] {
                let input = InputSet {
                    keys,
                    distribution,
                    records,
                }
                .draw(7);
                let job = job(None);
                let answer = (job.answer)(&input).unwrap();
                for parallelism in [1, 2, 3] {
                    for Contestant { who, run } in &job.contestants {
                        let digest = run(&input, parallelism).unwrap().digest;
                        assert_eq!(digest, answer, "{who:?}, {parallelism}, {:?}", input.set);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_digest_does_not_depend_on_the_order_of_results_but_on_each_of_them(
            counts in prop::collection::vec((0u64..100, 1u64..100), 2..50), at: prop::sample::Index,
        ) {
            let digest = |counts: &[(u64, u64)]| {
                let digests = counts.iter().map(|&(key, count)| Count { key, count }.digest());
                digests.fold(0, u64::wrapping_add)
            };
            let mut other = counts.clone();
            other.reverse();
            prop_assert_eq!(digest(&counts), digest(&other));
            let at = at.index(other.len());
            other[at].1 += 1;
            prop_assert_ne!(digest(&counts), digest(&other));
            other[at].1 -= 1;
            other[at].0 += 1;
            prop_assert_ne!(digest(&counts), digest(&other));
            other.remove(at);
            prop_assert_ne!(digest(&counts), digest(&other));
        }
    }
}
