//! The keyed count over tumbling windows of one second of event time: source -> map -> by key ->
//! window -> sink, one result per key and window.
//!
//! Events are in order within a source, and sources take chunks in turn and do not run far ahead of
//! each other, so that they move through event time together. All contestants tell time by a watermark, or what stands for one, after
//! every chunk.

mod engine;
mod fused;
mod open;
mod plain;
mod skeleton;
mod timely;

use borsh::{BorshDeserialize, BorshSerialize};
use workloads::draw::mix;

use crate::contest::{Contestant, Job, Who};
use crate::embedded::Digest;
use crate::input::Input;
use crate::lap::Run;

/// As it stands in tables.
const NAME: &str = "window count";

/// Milliseconds of event time in a window.
const WINDOW_MS: u64 = 1_000;

/// A result: how many records of this key lie in this window.
#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize)]
pub struct WindowCount {
    /// The key.
    pub key: u64,
    /// Number of the window: its start in seconds.
    pub window: u64,
    /// Its records.
    pub count: u64,
}

impl Digest for WindowCount {
    #[inline]
    fn digest(&self) -> u64 {
        let window = self.window.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let count = self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mix(self.key.wrapping_add(count).wrapping_add(window))
    }
}

/// The job with all who can do it here; renoir's program has no windows.
pub fn job() -> Job {
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
    Job {
        name: NAME,
        answer: |input| Ok(plain::run(input, 1)?.digest),
        contestants: all.into_iter().map(contestant).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Distribution, InputSet};

    #[test]
    fn all_contestants_give_the_digest_of_the_plain_loop() {
        // The last has records in three windows.
        let shapes = [(1, 5_000), (70, 1), (700, 30_000), (1_000, 2_100_000)];
        for (keys, records) in shapes {
            let distribution = Distribution::Zipf;
            let input = InputSet {
                keys,
                distribution,
                records,
            }
            .draw(7);
            let job = job();
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
