//! Random draws as pure functions: draw i of a purpose depends on (seed, purpose, i) and on nothing else.
//!
//! There is no generator with a state that somebody has to hand around, so any record can be made again at any
//! time, in any order, in any language. Only 64-bit integer arithmetic is used. Distributions other than the
//! uniform one go through integer tables ([`exponential`], [`Pareto`], [`AliasTable`]); no floating-point function is called at
//! run time.

mod alias;
mod exponential;
mod pareto;
mod power;

pub use alias::AliasTable;
pub use exponential::{FEMTO, exponential};
pub use pareto::Pareto;
pub use power::{POWER_ONE, inverse_power};

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014;
/// the constants are Stafford's variant 13). A bijection of the 64-bit integers.
#[inline]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a draw is for. Draws of different purposes are independent for the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Contents of events.
    Event = 1,
    /// Gaps between arrivals.
    Arrival = 2,
    /// Cost of processing a record.
    Cost = 3,
    /// By how much a record happened before it was to be sent.
    Lateness = 4,
    /// Bytes of payloads.
    Payload = 5,
}

/// One sequence of draws: draw i is output i of SplitMix64 started in state `mix(mix(seed) + purpose * GAMMA)`.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The sequence that belongs to a seed and a purpose.
    pub const fn new(seed: u64, purpose: Purpose) -> Draw {
        Draw {
            state: mix(mix(seed).wrapping_add((purpose as u64).wrapping_mul(GAMMA))),
        }
    }

    /// An independent sequence for part `part` of this one, for example one split.
    pub const fn part(self, part: u64) -> Draw {
        Draw {
            state: mix(self.state ^ mix(part.wrapping_add(GAMMA))),
        }
    }

    /// 64 uniform bits.
    #[inline]
    pub const fn bits(&self, index: u64) -> u64 {
        mix(self
            .state
            .wrapping_add(index.wrapping_add(1).wrapping_mul(GAMMA)))
    }
}

/// A number below `n`, uniform up to n / 2^32, from the upper 32 of the given bits (Lemire, "Fast random integer
/// generation in an interval", 2019, without the rejection step). 0 if `n` is 0.
#[inline]
pub const fn below(bits: u64, n: u32) -> u32 {
    (((bits >> 32) * n as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 from state 0 are published in many places; a Java twin must give the same.
    #[test]
    fn draws_are_the_outputs_of_splitmix64() {
        let draw = Draw { state: 0 };
        assert_eq!(draw.bits(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(draw.bits(1), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(draw.bits(2), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn purposes_parts_and_seeds_give_different_sequences() {
        let event = Draw::new(7, Purpose::Event);
        let all = [
            event,
            Draw::new(7, Purpose::Cost),
            Draw::new(8, Purpose::Event),
            event.part(0),
            event.part(1),
        ];
        let first: std::collections::BTreeSet<u64> = all.iter().map(|draw| draw.bits(0)).collect();
        assert_eq!(first.len(), all.len());
    }

    #[test]
    fn numbers_below_n_fill_their_range_evenly() {
        let draw = Draw::new(1, Purpose::Event);
        let mut counts = [0u32; 10];
        for index in 0..100_000 {
            counts[below(draw.bits(index), 10) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 400),
            "{counts:?}"
        );
    }
}
