//! How often comparisons of simulated variants are right. Noise is lognormal; "alike" noise is AR(1) from
//! one run to the next, as of a machine that changes its speed.

use super::*;
use crate::stats::simulated::rng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, StandardNormal};

/// Two variants on one machine.
struct Machine {
    rng: Xoshiro256PlusPlus,
    cv: f64,
    autocorrelation: f64,
    /// Per run, of the logarithm: a machine that gets slower.
    drift: f64,
    /// The variant over the baseline.
    ratio: f64,
    noise: f64,
    runs: u32,
}

impl Machine {
    fn new(seed: u64, cv: f64, autocorrelation: f64, ratio: f64) -> Machine {
        let mut rng = rng(seed);
        Machine {
            noise: StandardNormal.sample(&mut rng),
            rng,
            cv,
            autocorrelation,
            drift: 0.0,
            ratio,
            runs: 0,
        }
    }

    fn run(&mut self) -> f64 {
        let fresh: f64 = StandardNormal.sample(&mut self.rng);
        let kept = self.autocorrelation;
        self.noise = kept * self.noise + (1.0 - kept * kept).sqrt() * fresh;
        self.runs += 1;
        let drifted = self.drift * f64::from(self.runs);
        (self.cv.powi(2).ln_1p().sqrt() * self.noise + drifted).exp()
    }

    fn block(&mut self, plan: &Plan, index: u32) -> Block {
        let mut values = vec![Vec::new(); 2];
        for variant in plan.order(index, 2) {
            let ratio = if variant == 1 { self.ratio } else { 1.0 };
            values[variant] = vec![Some(1_000.0 * ratio * self.run())];
        }
        Block { values }
    }
}

fn throughput() -> Vec<Metric> {
    vec![Metric {
        name: "throughput".to_owned(),
        better: Direction::Higher,
        role: Role::Gate,
        floor: 0.02,
        least: 0.001,
    }]
}

/// As the command does it: blocks until the comparison says stop.
fn compared(comparison: &Comparison, machine: &mut Machine) -> Vec<Block> {
    let mut blocks = Vec::new();
    while let Next::MoreBlocks(more) = comparison.next(&blocks) {
        for _ in 0..more {
            let index = u32::try_from(blocks.len()).unwrap();
            blocks.push(machine.block(&comparison.plan, index));
        }
    }
    blocks
}

/// What the only metric of the only variant is found to be, without the costly number of more blocks.
fn claims(comparison: &Comparison, blocks: &[Block]) -> (bool, bool) {
    let boundary = comparison.looks.at(u32::try_from(blocks.len()).unwrap());
    let pairs = comparison.pairs(blocks, boundary);
    let differs = comparison.adjusted(&pairs)[0] <= comparison.plan.alpha;
    (
        differs,
        !differs && comparison.is_equivalent(&pairs[0].differences, boundary),
    )
}

/// Shares of 2,000 comparisons that claim a difference, and that claim equivalence, and the mean number of
/// blocks.
fn shares(comparison: &mut Comparison, machine: impl Fn(u64) -> Machine) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for seed in 0..2_000 {
        comparison.plan.seed = seed;
        let blocks = compared(comparison, &mut machine(seed + 1_000));
        let (differs, equivalent) = claims(comparison, &blocks);
        sums[0] += f64::from(u8::from(differs));
        sums[1] += f64::from(u8::from(equivalent));
        sums[2] += blocks.len() as f64;
    }
    sums.map(|sum| sum / 2_000.0)
}

#[test]
fn at_most_66_of_1000_comparisons_of_identical_variants_claim_a_difference() {
    let mut comparison = Comparison::new(Plan::default(), throughput());
    for (cv, autocorrelation, drift) in [
        (0.01, 0.0, 0.0),
        (0.01, 0.6, 0.0),
        (0.037, 0.0, 0.0),
        (0.037, 0.6, 0.0),
        (0.1, 0.0, 0.0),
        (0.1, 0.6, 0.0),
        (0.1, 0.3, -0.01),
    ] {
        let machine = |seed| Machine {
            drift,
            ..Machine::new(seed, cv, autocorrelation, 1.0)
        };
        let [differ, equivalent, blocks] = shares(&mut comparison, machine);
        println!(
            "A/A at CV {cv}, AR(1) {autocorrelation}, drift {drift}: {differ:.3} differ, \
                 {equivalent:.3} equivalent, {blocks:.1} blocks"
        );
        assert!(differ <= 0.066, "{differ}");
    }
}

#[test]
fn a_difference_of_the_margin_is_called_equivalent_in_at_most_66_of_1000_comparisons() {
    let mut comparison = Comparison::new(Plan::default(), throughput());
    for ratio in [1.05, 1.0 / 1.05] {
        for cv in [0.037, 0.1] {
            let machine = |seed| Machine::new(seed, cv, 0.0, ratio);
            let [differ, equivalent, blocks] = shares(&mut comparison, machine);
            println!(
                "ratio {ratio:.3}, CV {cv}: {differ:.3} differ, {equivalent:.3} equivalent, {blocks:.1} blocks"
            );
            assert!(equivalent <= 0.066, "{equivalent}");
        }
    }
}

#[test]
fn fourteen_pairs_find_5_percent_at_the_noise_of_a_cloud_in_80_of_100() {
    let plan = Plan {
        blocks: 14,
        most_blocks: 14,
        resamples: 1_000,
        ..Plan::default()
    };
    let mut comparison = Comparison::new(plan, throughput());
    for ratio in [1.05, 0.95] {
        let (mut by_p, mut by_interval) = (0, 0);
        for seed in 0..500 {
            comparison.plan.seed = seed;
            let blocks = compared(
                &comparison,
                &mut Machine::new(seed + 1_000, 0.037, 0.0, ratio),
            );
            by_p += u32::from(claims(&comparison, &blocks).0);
            by_interval += u32::from(!interval_of(&comparison, &blocks).contains(&1.0));
        }
        let [by_p, by_interval] = [by_p, by_interval].map(|found| f64::from(found) / 500.0);
        println!("ratio {ratio}: p finds {by_p:.3}, an interval without 1 {by_interval:.3}");
        assert!(by_p >= 0.8 && by_interval >= 0.8);
    }
    let mut default = Comparison::new(Plan::default(), throughput());
    let [differ, _, blocks] = shares(&mut default, |seed| Machine::new(seed, 0.037, 0.0, 1.05));
    println!("with looks at 8 to 24 blocks: {differ:.3} after {blocks:.1} blocks on average");
    assert!(differ >= 0.8);
}

fn interval_of(comparison: &Comparison, blocks: &[Block]) -> std::ops::RangeInclusive<f64> {
    let boundary = comparison.looks.at(u32::try_from(blocks.len()).unwrap());
    let pair = &comparison.pairs(blocks, boundary)[0];
    let mut scratch = Vec::new();
    let bootstrap = Bootstrap {
        seed: comparison.plan.seed,
        resamples: comparison.plan.resamples,
    };
    let centre = |differences: &[f64]| hodges_lehmann(differences, &mut scratch);
    let (low, high) = bootstrap
        .bca(&pair.differences, CONFIDENCE, centre)
        .unwrap();
    low.exp()..=high.exp()
}

#[test]
fn the_interval_holds_the_ratio_the_oftener_the_more_blocks_there_are() {
    for (blocks, least) in [(8, 0.85), (14, 0.88), (24, 0.90)] {
        let plan = Plan {
            blocks,
            most_blocks: blocks,
            resamples: 1_000,
            ..Plan::default()
        };
        let comparison = Comparison::new(plan, throughput());
        let held = (0..1_000).filter(|&seed| {
            let blocks = compared(&comparison, &mut Machine::new(seed, 0.037, 0.0, 1.05));
            interval_of(&comparison, &blocks).contains(&1.05)
        });
        let held = held.count() as f64 / 1_000.0;
        println!("95 % BCa of {blocks} blocks: coverage {held:.3}");
        assert!(held >= least, "{held}");
    }
}

#[test]
fn many_metrics_claim_no_more_than_one() {
    let gates = (0..6).flat_map(|_| throughput()).collect();
    let plan = Plan {
        blocks: 12,
        most_blocks: 12,
        ..Plan::default()
    };
    let comparison = Comparison::new(plan, gates);
    let mut rng = rng(5);
    let wrong = (0..1_000).filter(|_| {
        let mut value = || -> Option<f64> { Some(f64::exp(StandardNormal.sample(&mut rng))) };
        let mut values = || (0..6).map(|_| value()).collect::<Vec<_>>();
        let blocks: Vec<Block> = (0..12)
            .map(|_| Block {
                values: vec![values(), values()],
            })
            .collect();
        let pairs = comparison.pairs(&blocks, comparison.looks.at(12));
        comparison.adjusted(&pairs).into_iter().any(|p| p <= 0.05)
    });
    let share = wrong.count() as f64 / 1_000.0;
    println!("six identical gates, any claimed to differ: {share:.3}");
    assert!(share <= 0.066);
}
