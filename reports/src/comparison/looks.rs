//! What a p is worth when the same comparison is looked at again and again.

use std::sync::OnceLock;

use super::Plan;
use crate::stats::{normal_p, obrien_fleming};

/// The levels at which the boundary is known.
const LEVELS: usize = 40;
const LOWEST_LEVEL: f64 = 1e-7;
const HIGHEST_LEVEL: f64 = 0.5;

/// The boundary of each planned look, at many levels: computed when it is asked for, once.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    plan: Plan,
    planned: Vec<(u32, OnceLock<Boundary>)>,
}

impl Looks {
    pub(super) fn new(plan: Plan) -> Looks {
        let planned = plan.looks().into_iter();
        let planned = planned.map(|blocks| (blocks, OnceLock::new()));
        Looks {
            planned: planned.collect(),
            plan,
        }
    }

    /// The boundary where there are so many blocks. A look that was not planned, after an interruption
    /// for example, has none that can be passed: no alpha is left for it.
    pub(super) fn at(&self, blocks: u32) -> &Boundary {
        let mut planned = self.planned.iter();
        let Some(at) = planned.position(|(planned, _)| *planned == blocks) else {
            return &Boundary::None;
        };
        let looks = || -> Vec<u32> { self.planned[..=at].iter().map(|it| it.0).collect() };
        self.planned[at]
            .1
            .get_or_init(|| Boundary::new(&self.plan, &looks()))
    }
}

/// The last of some looks.
#[derive(Clone, Debug)]
pub(super) enum Boundary {
    /// Nothing passes it.
    None,
    /// It is the only one.
    Only,
    /// Ascending: p that just pass, and the level of all looks together at which they do.
    Passing(Vec<(f64, f64)>),
}

impl Boundary {
    fn new(plan: &Plan, looks: &[u32]) -> Boundary {
        let last = looks.last().copied().unwrap_or(1);
        if looks.len() == 1 && last >= plan.most_blocks {
            return Boundary::Only;
        }
        let most = f64::from(plan.most_blocks.max(last).max(1));
        let information: Vec<f64> = looks.iter().map(|&look| f64::from(look) / most).collect();
        let step = (HIGHEST_LEVEL / LOWEST_LEVEL).ln() / (LEVELS - 1) as f64;
        let levels = (0..LEVELS).map(|at| LOWEST_LEVEL * (at as f64 * step).exp());
        let passing = levels.map(|level| {
            let bounds = obrien_fleming(level, &information);
            let bound = bounds.last().copied().unwrap_or(f64::INFINITY);
            (normal_p(bound), level)
        });
        Boundary::Passing(passing.collect())
    }

    /// The smallest level of all looks together at which the boundary is passed by this p at this one
    /// (a sequential p-value: Liu and Anderson 2008, JASA 103). It is held against alpha, and corrected
    /// for many tests, as a plain p is.
    pub(super) fn over_all_looks(&self, p: f64) -> f64 {
        let passing = match self {
            Boundary::None => return 1.0,
            Boundary::Only => return p,
            Boundary::Passing(passing) => passing,
        };
        let above = passing.partition_point(|(passes, _)| *passes < p);
        let (Some((high_p, high)), Some(below)) = (passing.get(above), above.checked_sub(1)) else {
            let level = if above == 0 { LOWEST_LEVEL } else { 1.0 };
            return level.max(p);
        };
        let (low_p, low) = passing[below];
        let along = (p / low_p).ln() / (high_p / low_p).ln();
        (low * (high / low).powf(along)).clamp(p, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p_at_the_boundary_of_a_look_is_alpha_over_all_looks() {
        let looks = Looks::new(Plan::default());
        let planned = Plan::default().looks();
        let information: Vec<f64> = planned.iter().map(|it| f64::from(*it) / 24.0).collect();
        for (bound, &blocks) in obrien_fleming(0.05, &information).iter().zip(&planned) {
            let level = looks.at(blocks).over_all_looks(normal_p(*bound));
            println!(
                "{blocks} blocks: p of {:.5} is {level:.4} over all looks",
                normal_p(*bound)
            );
            assert!((level - 0.05).abs() < 5e-4, "{blocks}: {level}");
        }
    }

    #[test]
    fn a_p_is_worth_no_more_with_looks_than_without_and_grows_with_itself() {
        let looks = Looks::new(Plan::default());
        for blocks in [8, 12, 16, 20, 24] {
            let boundary = looks.at(blocks);
            let mut last = 0.0;
            for p in [0.0, 1e-12, 1e-6, 1e-4, 0.01, 0.03, 0.05, 0.2, 0.6, 1.0] {
                let level = boundary.over_all_looks(p);
                assert!(
                    level >= p && level >= last && level <= 1.0,
                    "{blocks} {p}: {level}"
                );
                last = level;
            }
        }
        for unplanned in [0, 3, 9, 30] {
            assert_eq!(looks.at(unplanned).over_all_looks(0.0), 1.0);
        }
        let one = Plan {
            most_blocks: 8,
            ..Plan::default()
        };
        assert_eq!(Looks::new(one).at(8).over_all_looks(0.0078), 0.0078);
    }
}
