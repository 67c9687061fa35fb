//! Draws from any discrete distribution in constant time: Walker's alias method, with the table built as in Vose,
//! "A linear algorithm for generating random numbers with a given distribution" (IEEE TSE 1991).
//!
//! Weights and table are integers and every step of the construction is exact, so another language that builds the
//! table, or is handed it, draws the same numbers.

use std::sync::Arc;

use super::below;

/// A discrete distribution over 0..n.
#[derive(Debug, Clone)]
pub struct AliasTable {
    cells: Arc<[Cell]>,
}

/// The number of the cell itself if 32 uniform bits lie below the threshold, otherwise the alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    threshold: u32,
    alias: u32,
}

/// Largest weight: so that no product overflows, whatever the number of weights.
const LARGEST_WEIGHT: u64 = 1 << 62;

impl AliasTable {
    /// The distribution in which number i has a share of `weights[i]` in their sum, exact to 2^-32 / n.
    /// `None` if there is no weight above 0, or more than 2^24 weights, or one above 2^62.
    pub fn new(weights: &[u64]) -> Option<AliasTable> {
        let n = u128::try_from(weights.len()).ok()?;
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        let too_large = weights.iter().any(|&weight| weight > LARGEST_WEIGHT);
        if total == 0 || n > 1 << 24 || too_large {
            return None;
        }
        // In units in which every cell holds `total`.
        let mut rest: Vec<u128> = weights
            .iter()
            .map(|&weight| u128::from(weight) * n)
            .collect();
        let mut cells: Vec<Cell> = (0..weights.len() as u32)
            .map(|number| Cell {
                threshold: u32::MAX,
                alias: number,
            })
            .collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&number| rest[number] < total);
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            cells[poor] = Cell {
                threshold: ((rest[poor] << 32) / total) as u32,
                alias: rich as u32,
            };
            rest[rich] -= total - rest[poor];
            if rest[rich] < total {
                large.pop();
                small.push(rich);
            }
        }
        Some(AliasTable {
            cells: cells.into(),
        })
    }

    /// The number that 64 uniform bits draw: the upper 32 choose a cell, the lower 32 one of its two numbers.
    #[inline]
    pub fn pick(&self, bits: u64) -> u32 {
        let number = below(bits, self.cells.len() as u32);
        let cell = self.cells[number as usize];
        if (bits as u32) < cell.threshold {
            number
        } else {
            cell.alias
        }
    }

    /// The share of each number, as [`AliasTable::pick`] draws it.
    pub fn shares(&self) -> Vec<f64> {
        let mut units = vec![0u64; self.cells.len()];
        for (number, cell) in self.cells.iter().enumerate() {
            units[number] += u64::from(cell.threshold);
            units[cell.alias as usize] += (1 << 32) - u64::from(cell.threshold);
        }
        let whole = self.cells.len() as f64 * 2f64.powi(32);
        units.into_iter().map(|unit| unit as f64 / whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::{Draw, Purpose};

    proptest! {
        #[test]
        fn shares_are_the_weights_over_their_sum(weights in prop::collection::vec(0..=LARGEST_WEIGHT, 1..50)) {
            let total: f64 = weights.iter().map(|&weight| weight as f64).sum();
            let Some(table) = AliasTable::new(&weights) else {
                prop_assert_eq!(total, 0.0);
                return Ok(());
            };
            for (share, &weight) in table.shares().into_iter().zip(&weights) {
                prop_assert!((share - weight as f64 / total).abs() < 3e-10);
            }
        }
    }

    #[test]
    fn numbers_are_drawn_as_often_as_their_share_says() {
        let table = AliasTable::new(&[1, 0, 5, 2]).expect("weights");
        let draw = Draw::new(4, Purpose::Event);
        let mut counts = [0u32; 4];
        (0..80_000).for_each(|i| counts[table.pick(draw.bits(i)) as usize] += 1);
        let expected = [10_000, 0, 50_000, 20_000u32];
        let close = |(count, expected): (&u32, u32)| count.abs_diff(expected) < 500;
        assert!(counts.iter().zip(expected).all(close), "{counts:?}");
        assert!(AliasTable::new(&[0, 0]).is_none() && AliasTable::new(&[]).is_none());
    }
}
