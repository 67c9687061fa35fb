//! The keyed running count with its state in RocksDB, beside a bare loop of get and put on the same
//! crate with the same options, in one thread.
//!
//! The engine looks keys up and writes them in groups, and pays for rows, key groups, channels and
//! metrics; the loop does one after the other and pays for nothing else.

mod engine;
mod plain;

use std::path::Path;

use ::engine::{Profile, RocksDbConfig};

use crate::contest::{Contestant, Job, Who};
use crate::input::Input;
use crate::running_count;

/// Memory of the write-back cache where there is one: all counts of the small inputs fit.
const WRITE_BACK_CACHE: u64 = 256 << 20;

/// What both keep the state with.
fn config(directory: &Path, write_back_cache: u64) -> RocksDbConfig {
    RocksDbConfig {
        write_back_cache,
        ..RocksDbConfig::of_profile(Profile::Default, directory)
    }
}

fn job_with(name: &'static str, write_back_cache: u64) -> Job {
    let engine =
        move |input: &Input, parallelism| engine::run(input, parallelism, write_back_cache);
    Job {
        name,
        answer: running_count::answer,
        contestants: vec![
            Contestant {
                who: Who::Plain,
                run: Box::new(plain::run),
            },
            Contestant {
                who: Who::Engine,
                run: Box::new(engine),
            },
        ],
    }
}

/// The job as it is: every run of rows reads and writes RocksDB.
pub fn job() -> Job {
    job_with("rocksdb count", 0)
}

/// The job with a write-back cache in front of RocksDB.
pub fn cached_job() -> Job {
    job_with("rocksdb count, cached", WRITE_BACK_CACHE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Distribution, InputSet};

    #[test]
    fn all_contestants_give_the_digest_of_the_loop_on_the_heap() {
        let input = InputSet {
            keys: 700,
            distribution: Distribution::Zipf,
            records: 30_000,
        }
        .draw(7);
        for job in [job(), cached_job()] {
            let answer = (job.answer)(&input).unwrap();
            for parallelism in [1, 2] {
                for Contestant { who, run } in &job.contestants {
                    let digest = run(&input, parallelism).unwrap().digest;
                    assert_eq!(digest, answer, "{who:?} {parallelism} {}", job.name);
                }
            }
        }
    }
}
