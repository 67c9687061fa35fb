//! What all contestants read: keys that were drawn once, before anything is timed.

use std::ops::Range;
use std::sync::Arc;

use reports::format;
use workloads::draw::{AliasTable, Draw, Purpose, below, inverse_power};

/// How keys are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// All equally often.
    Uniform,
    /// Key r, from 0, as often as 1 / (r + 1).
    Zipf,
}

impl Distribution {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Uniform => "uniform",
            Distribution::Zipf => "zipf 1.0",
        }
    }
}

/// Which keys, and how many records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSet {
    /// Number of different keys that may be drawn.
    pub keys: u32,
    /// How often each.
    pub distribution: Distribution,
    /// Number of records.
    pub records: usize,
}

/// The drawn keys, in the order in which they are read.
#[derive(Debug, Clone)]
pub struct Input {
    /// What they were drawn from.
    pub set: InputSet,
    /// One per record.
    pub keys: Arc<Vec<u64>>,
}

impl InputSet {
    /// As it stands in tables: `100,000 keys, zipf 1.0`.
    pub fn name(&self) -> String {
        let keys = format::count(u64::from(self.keys));
        format!("{keys} keys, {}", self.distribution.name())
    }

    /// Draws the keys.
    pub fn draw(self, seed: u64) -> Input {
        const EXPONENT_MICRO: u32 = 1_000_000;
        let draw = Draw::new(seed, Purpose::Event);
        let bits = (0..self.records as u64).map(|record| draw.bits(record));
        let zipf = || (1..=self.keys).map(|rank| inverse_power(rank, EXPONENT_MICRO));
        // No table: no weight, or too many keys for one.
        let table = match self.distribution {
            Distribution::Uniform => None,
            Distribution::Zipf => AliasTable::new(&zipf().collect::<Vec<u64>>()),
        };
        let keys = match table {
            Some(table) => bits.map(|bits| u64::from(table.pick(bits))).collect(),
            None => bits.map(|bits| u64::from(below(bits, self.keys))).collect(),
        };
        Input {
            set: self,
            keys: Arc::new(keys),
        }
    }
}

/// Records of a chunk: what a source takes, and a contestant sends, at once.
pub const CHUNK: usize = 1_024;

impl Input {
    /// The chunks of source `index` of `parallelism`, which take turns: the position of the first
    /// key, and the keys.
    pub fn chunks(
        &self,
        index: usize,
        parallelism: usize,
    ) -> impl Iterator<Item = (usize, &[u64])> {
        let chunks = self.keys.chunks(CHUNK).enumerate();
        let own = chunks.skip(index).step_by(parallelism);
        own.map(|(number, keys)| (number * CHUNK, keys))
    }

    /// The records that source `index` of `parallelism` reads.
    pub fn share(&self, index: usize, parallelism: usize) -> Range<usize> {
        let at = |index: usize| self.keys.len() * index / parallelism;
        at(index)..at(index + 1)
    }
}
