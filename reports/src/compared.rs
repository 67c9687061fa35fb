//! The record of a comparison: which variants ran in which blocks, what each run gave, and what that
//! says. `result.json`, two tables for other programs, the terminal's answer and `comparison.html`.
//!
//! ```text
//! results/<time>-compare-<scenario>/
//!   runs/<block>-<variant>/   the run directories
//!   comparison.csv            one row per variant and metric
//!   blocks.csv                one row per run
//!   result.json               written after every block, by rename
//!   charts/*.svg  comparison.html
//! ```
//!
//! Nothing here runs anything, and no statistic is computed here: the values of runs go to
//! [`comparison`](crate::comparison), and what comes back is kept and shown.

mod course;
mod figures;
mod finished;
mod notes;
mod page;
mod quantities;
mod run;
mod settings;
mod store;
mod terminal;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::comparison::{Block, Comparison, Estimate, Metric, Next, Plan, Role, Verdict, floor};
use crate::conclude::scenario_value;
use crate::record::Verdict as RunVerdict;
use crate::stats::median_of;
use settings::{sets, settings};

pub use crate::record::RESULT_FILE;
pub(crate) use course::{Course, Courses, Point};
pub use page::render;
pub use quantities::{metrics, values};
pub use run::{Calibration, ComparedRun};
pub use store::{ComparedError, publish, read};
pub use terminal::summary;
pub(crate) use words::Tone;

/// Version of the keys of `result.json`; grows when one changes its meaning or goes away.
pub const SCHEMA: u32 = 1;
/// The page.
pub const PAGE_FILE: &str = "comparison.html";

/// `result.json` of a comparison: with the run directories all that its page needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The scenario's name.
    pub name: String,
    /// Wall-clock start, RFC 3339.
    pub started_at: String,
    /// Whether the variants ran in randomised blocks; else they are finished runs, put side by side.
    pub interleaved: bool,
    /// Whether it ran to its end.
    pub finished: bool,
    /// Why it could not go on, the last time.
    pub failure: Option<String>,
    /// The machine and the program of its runs, as in their records.
    pub host: BTreeMap<String, Value>,
    /// How many blocks, how often looked at.
    pub plan: Plan,
    /// What was compared; values and estimates are in this order.
    pub metrics: Vec<Metric>,
    /// The baseline first.
    pub variants: Vec<ComparedVariant>,
    /// In the order in which they ran; the last may be incomplete.
    pub blocks: Vec<ComparedBlock>,
    /// For each variant but the baseline, every metric; empty before the first block is complete.
    pub estimates: Vec<Vec<Estimate>>,
    /// What a reader should know: noise, runs that were left out, what the numbers do not say.
    pub notes: Vec<String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedVariant {
    /// What it is called.
    pub name: String,
    /// The engine, and its version where that is known.
    pub target: String,
    /// Keys of the scenario that it sets, and their values.
    pub sets: Vec<(String, String)>,
}

impl ComparedVariant {
    /// A variant, by its scenario and the one that it is compared with: `scenario.toml` of their runs.
    pub fn of(name: String, target: String, base: &str, scenario: &str) -> ComparedVariant {
        let settings = |text: &str| settings(&scenario_value(text).unwrap_or_default());
        let sets = sets(&settings(base), &settings(scenario));
        ComparedVariant { name, target, sets }
    }

    /// Whether the other runs the same, under another name.
    fn is_same(&self, other: &ComparedVariant) -> bool {
        (&self.target, &self.sets) == (&other.target, &other.sets)
    }
}

/// Every variant once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparedBlock {
    /// Indices of the variants, in the order in which they ran.
    pub order: Vec<usize>,
    /// By variant; `None` for one that has not run.
    pub runs: Vec<Option<ComparedRun>>,
}

impl ComparedBlock {
    fn run(&self, variant: usize) -> Option<&ComparedRun> {
        self.runs.get(variant)?.as_ref()
    }
}

impl Compared {
    /// A comparison of which nothing has run yet, to be run in interleaved blocks.
    pub fn new(
        name: &str,
        started_at: &str,
        plan: Plan,
        variants: Vec<ComparedVariant>,
    ) -> Compared {
        Compared {
            schema: SCHEMA,
            name: name.to_owned(),
            started_at: started_at.to_owned(),
            interleaved: true,
            finished: false,
            failure: None,
            host: BTreeMap::new(),
            plan,
            metrics: metrics(),
            variants,
            blocks: Vec::new(),
            estimates: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether its blocks are of its variants and metrics, so that it can be gone on with. One that was changed by
    /// hand may not be.
    pub fn is_consistent(&self) -> bool {
        let (variants, metrics) = (self.variants.len(), self.metrics.len());
        let is_run = |run: &ComparedRun| run.values.is_empty() || run.values.len() == metrics;
        let is_block = |block: &ComparedBlock| {
            let mut order = block.order.clone();
            order.sort_unstable();
            order.into_iter().eq(0..variants)
                && block.runs.len() == variants
                && block.runs.iter().flatten().all(is_run)
        };
        self.blocks.iter().all(is_block)
    }

    /// Estimates and notes from the blocks there are.
    pub fn conclude(&mut self) {
        self.estimates = self.estimated();
        self.find_floors();
        self.notes = notes::notes(self);
    }

    /// Variants that are the baseline once more show what noise makes of a ratio here.
    fn find_floors(&mut self) {
        let Some((base, others)) = self.variants.split_first() else {
            return;
        };
        for at in 0..self.metrics.len() {
            let identical = self.estimates.iter().zip(others);
            let identical = identical.filter(|(_, variant)| base.is_same(variant));
            let ratios = identical.filter_map(|(estimates, _)| estimates.get(at)?.ratio);
            self.metrics[at].floor = floor(&ratios.collect::<Vec<_>>());
            for estimates in &mut self.estimates {
                estimates[at].beyond_floor = estimates[at].is_beyond(self.metrics[at].floor);
            }
        }
    }

    /// A variant whose last runs, so many of them, all have numbers that must not be used, and why.
    pub fn useless(&self, runs: usize) -> Option<String> {
        let mut variants = self.variants.iter().enumerate();
        variants.find_map(|(at, variant)| {
            let all: Vec<RunVerdict> = self.runs(at).map(|(_, run)| run.verdict).collect();
            let last = &all[all.len().checked_sub(runs)?..];
            let is_useless = last.iter().all(|it| !quantities::is_usable(*it));
            is_useless.then(|| {
                format!(
                    "{}: the last {runs} runs were {}, and such numbers cannot be used",
                    variant.name,
                    notes::counted(last.iter().copied())
                )
            })
        })
    }

    /// Whether more blocks are to run. Finished runs have none to come.
    pub fn next(&self) -> Next {
        if !self.interleaved {
            return Next::Stop;
        }
        let known = self.known();
        let blocks: Vec<Block> = self.counted().map(|it| self.values(it, &known)).collect();
        self.comparison(&known).next(&blocks)
    }

    /// Whether a variant is worse by what decides, or the results of a run were wrong.
    pub fn is_bad(&self) -> bool {
        let worse = |(metric, estimate): (&Metric, &Estimate)| {
            metric.role == Role::Gate && estimate.verdict == Verdict::Worse
        };
        let mut of_variants = self.estimates.iter();
        let mut runs = self.blocks.iter().flat_map(|it| it.runs.iter().flatten());
        of_variants.any(|estimates| self.metrics.iter().zip(estimates).any(worse))
            || runs.any(|run| run.verdict == RunVerdict::Wrong)
    }

    /// Whether anything is known of what decides, of every variant.
    pub fn says_something(&self) -> bool {
        let is_known = |(metric, estimate): (&Metric, &Estimate)| {
            metric.role != Role::Gate || estimate.pairs > 0
        };
        let mut of_variants = self.estimates.iter();
        !self.estimates.is_empty()
            && of_variants.all(|estimates| self.metrics.iter().zip(estimates).all(is_known))
    }

    /// Of every metric; those of which nothing is known have none.
    fn estimated(&self) -> Vec<Vec<Estimate>> {
        let known = self.known();
        let blocks: Vec<Block> = self.counted().map(|it| self.values(it, &known)).collect();
        let found = self.comparison(&known).estimates(&blocks).into_iter();
        let of_variant = found.map(|estimates| {
            let mut estimates = estimates.into_iter();
            let metrics = self.metrics.iter().enumerate();
            let all = metrics.map(|(at, metric)| {
                let is_known = known.contains(&at);
                let found = is_known.then(|| estimates.next()).flatten();
                found.unwrap_or_else(|| nothing(metric))
            });
            all.collect()
        });
        of_variant.collect()
    }

    /// Metrics that some run has a value of. What nobody measured is no test that others pay for.
    fn known(&self) -> Vec<usize> {
        let has = |metric: &usize| {
            let mut runs = self.blocks.iter().flat_map(|it| it.runs.iter().flatten());
            runs.any(|run| run.values.get(*metric).copied().flatten().is_some())
        };
        let gate = |metric: &usize| self.metrics[*metric].role == Role::Gate;
        let all = 0..self.metrics.len();
        all.filter(|metric| gate(metric) || has(metric)).collect()
    }

    fn comparison(&self, known: &[usize]) -> Comparison {
        let metrics = known.iter().map(|&at| self.metrics[at].clone());
        Comparison::new(self.plan, metrics.collect())
    }

    /// Blocks that count. One that was interrupted does not: a look at it was not planned.
    fn counted(&self) -> impl Iterator<Item = &ComparedBlock> {
        let is_complete =
            |block: &ComparedBlock| (0..self.variants.len()).all(|at| block.run(at).is_some());
        let blocks = self.blocks.iter();
        blocks.filter(move |block| !self.interleaved || is_complete(block))
    }

    fn values(&self, block: &ComparedBlock, known: &[usize]) -> Block {
        let of = |variant| {
            let value = |&metric: &usize| *block.run(variant)?.values.get(metric)?;
            known.iter().map(value).collect()
        };
        Block {
            values: (0..self.variants.len()).map(of).collect(),
        }
    }

    /// Runs of one variant, with the number of their block from 1.
    fn runs(&self, variant: usize) -> impl Iterator<Item = (usize, &ComparedRun)> {
        let blocks = self.blocks.iter().enumerate();
        blocks.filter_map(move |(at, block)| Some((at + 1, block.run(variant)?)))
    }

    /// Median of a variant's values over the blocks in which the estimate has a pair.
    fn median(&self, of: usize, against: usize, metric: usize) -> Option<f64> {
        let value = |block: &ComparedBlock, variant: usize| {
            let value = *block.run(variant)?.values.get(metric)?;
            value.filter(|value| *value >= 0.0)
        };
        let paired = self.counted();
        let paired = paired.filter_map(|block| value(block, against).and(value(block, of)));
        let mut paired: Vec<f64> = paired.collect();
        (!paired.is_empty()).then(|| median_of(&mut paired))
    }
}

fn nothing(metric: &Metric) -> Estimate {
    Estimate {
        metric: metric.name.clone(),
        pairs: 0,
        ratio: None,
        low: None,
        high: None,
        cv: None,
        p: 1.0,
        p_adjusted: 1.0,
        verdict: Verdict::Inconclusive { more_blocks: None },
        beyond_floor: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_measured_is_no_test_that_others_pay_for() {
        let run = |throughput: f64| {
            let mut values = vec![None; metrics().len()];
            values[0] = Some(throughput);
            Some(ComparedRun {
                directory: String::new(),
                verdict: RunVerdict::Steady,
                values,
                offered_per_s: None,
                calibration_ns: None,
            })
        };
        let variant = |name: &str| ComparedVariant {
            name: name.to_owned(),
            target: String::new(),
            sets: Vec::new(),
        };
        let plan = Plan {
            resamples: 50,
            ..Plan::default()
        };
        let mut compared = Compared::new("a", "", plan, vec![variant("base"), variant("other")]);
        for block in 0..12 {
            let wobble = f64::from(block) / 1e3;
            compared.blocks.push(ComparedBlock {
                order: vec![0, 1],
                runs: vec![run(100.0), run(150.0 + wobble)],
            });
        }
        compared.conclude();
        let pairs: Vec<u32> = compared.estimates[0].iter().map(|it| it.pairs).collect();
        assert_eq!(pairs, [12, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(compared.estimates[0][0].verdict, Verdict::Better);
        let names = compared.estimates[0].iter().map(|it| &it.metric);
        assert!(names.eq(compared.metrics.iter().map(|it| &it.name)));
    }
}
