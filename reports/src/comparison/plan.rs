//! How many blocks a comparison runs, in which order, and when it looks at them.

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

/// The design of a comparison, fixed before its first block.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Blocks before the first look.
    pub blocks: u32,
    /// Blocks between looks.
    pub step: u32,
    /// Blocks at most. The same as `blocks` for one look with all of alpha.
    pub most_blocks: u32,
    /// Chance of claiming a difference where there is none, over all looks.
    pub alpha: f64,
    /// Ratios within this share of 1 are equivalent.
    pub margin: f64,
    /// Draws of the bootstrap.
    pub resamples: usize,
    /// Of all random draws.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            blocks: 8,
            step: 4,
            most_blocks: 24,
            alpha: 0.05,
            margin: 0.05,
            resamples: 10_000,
            seed: 0,
        }
    }
}

impl Plan {
    /// The order in which a block, from 0, runs its variants: each order is equally likely, and no
    /// block's depends on another's, so that a comparison can be resumed.
    pub fn order(&self, block: u32, variants: usize) -> Vec<usize> {
        // An odd multiplier gives every block a seed of its own.
        let of_block = u64::from(block).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ of_block);
        let mut order: Vec<usize> = (0..variants).collect();
        order.shuffle(&mut rng);
        order
    }

    /// Blocks at each look, ascending; the last is the most there are.
    pub fn looks(&self) -> Vec<u32> {
        let most = self.most_blocks.max(1);
        let first = self.blocks.clamp(1, most);
        let mut looks: Vec<u32> = (first..most).step_by(self.step.max(1) as usize).collect();
        looks.push(most);
        looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_equally_likely_and_the_same_again() {
        let plan = Plan::default();
        let first: u32 = (0..6_000)
            .map(|block| u32::from(plan.order(block, 2)[0] == 0))
            .sum();
        assert!((2_800..3_200).contains(&first), "{first}");
        assert_eq!(plan.order(7, 5), plan.order(7, 5));
        let mut sorted = plan.order(7, 5);
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        let other = Plan { seed: 1, ..plan };
        assert!((0..20).any(|block| plan.order(block, 2) != other.order(block, 2)));
    }

    #[test]
    fn the_looks_end_with_the_most_blocks_whatever_the_plan() {
        let looks = |blocks, step, most_blocks| {
            let plan = Plan {
                blocks,
                step,
                most_blocks,
                ..Plan::default()
            };
            plan.looks()
        };
        assert_eq!(Plan::default().looks(), [8, 12, 16, 20, 24]);
        assert_eq!(looks(10, 7, 20), [10, 17, 20]);
        assert_eq!(looks(8, 4, 8), [8]);
        assert_eq!(looks(30, 0, 8), [8]);
        assert_eq!(looks(0, 1, 0), [1]);
    }
}
