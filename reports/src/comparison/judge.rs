//! What the blocks show so far, and whether more are needed.

#[cfg(test)]
mod simulated;

use serde::{Deserialize, Serialize};

use super::looks::{Boundary, Looks};
use super::sizes::{blocks_for_equivalence, blocks_needed};
use super::{Block, Direction, Metric, Plan, Role};
use crate::stats::{Bootstrap, SignedRank, benjamini_hochberg, hodges_lehmann, holm};

/// Of the interval that is shown, and of a stated number of blocks.
const CONFIDENCE: f64 = 0.95;
const POWER: f64 = 0.8;

/// What was found of one metric of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric's name.
    pub metric: String,
    /// Blocks in which both the variant and the baseline have a value.
    pub pairs: u32,
    /// The variant over the baseline (Hodges-Lehmann of the logarithms).
    pub ratio: Option<f64>,
    /// 95 % interval of the ratio (BCa over blocks), as if the blocks had been looked at once.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Coefficient of variation of one run, from the spread of the ratios.
    pub cv: Option<f64>,
    /// Two-sided p of there being no difference (exact Wilcoxon signed-rank), of this look and metric
    /// alone.
    pub p: f64,
    /// The same corrected for all looks and all metrics: what is held against alpha.
    pub p_adjusted: f64,
    /// What that says.
    pub verdict: Verdict,
    /// A claimed difference whose whole interval is further off 1 than the metric's floor.
    pub beyond_floor: bool,
}

impl Estimate {
    /// Whether it claims a difference of which the whole interval is further off 1 than `floor`.
    pub(crate) fn is_beyond(&self, floor: f64) -> bool {
        let is_claimed = matches!(self.verdict, Verdict::Better | Verdict::Worse);
        let ends = self.low.zip(self.high);
        let is_off = |(low, high)| low > 1.0 + floor || high < 1.0 / (1.0 + floor);
        is_claimed && ends.is_some_and(is_off)
    }
}

/// What a comparison of one metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Verdict {
    /// The variant differs from the baseline, for the better.
    Better,
    /// It differs, for the worse.
    Worse,
    /// No difference is claimed, and it is within the margin (two one-sided tests, Schuirmann 1987).
    Equivalent,
    /// Neither can be claimed.
    Inconclusive {
        /// About as many more blocks would do, with probability 0.8, if what was seen so far is the
        /// truth. `None`: too many, or too little is known.
        more_blocks: Option<u32>,
    },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Everything that the comparison is to decide is decided, or the plan has no more blocks.
    Stop,
    /// Run so many more, then look again.
    MoreBlocks(u32),
}

/// A comparison of variants with the first of them.
#[derive(Clone, Debug)]
pub struct Comparison {
    plan: Plan,
    metrics: Vec<Metric>,
    looks: Looks,
}

/// What the blocks say of one metric of one variant, before corrections.
struct Paired {
    metric: usize,
    differences: Vec<f64>,
    centre: Option<f64>,
    p: f64,
    /// Over all looks.
    level: f64,
}

impl Comparison {
    /// Of runs by this plan.
    pub fn new(plan: Plan, metrics: Vec<Metric>) -> Comparison {
        Comparison {
            plan,
            metrics,
            looks: Looks::new(plan),
        }
    }

    /// Whether to run more blocks. All gates have to be decided; without gates all metrics.
    pub fn next(&self, blocks: &[Block]) -> Next {
        let done = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        let looks = self.plan.looks();
        let Some(later) = looks.iter().find(|&&look| look > done) else {
            return Next::Stop;
        };
        let boundary = self.looks.at(done);
        let pairs = self.pairs(blocks, boundary);
        let adjusted = self.adjusted(&pairs);
        let has_gates = self.metrics.iter().any(|metric| metric.role == Role::Gate);
        let mut decisive = pairs
            .iter()
            .zip(&adjusted)
            .filter(|(pair, _)| !has_gates || self.metrics[pair.metric].role == Role::Gate);
        let is_decided = |(pair, p): (&Paired, &f64)| {
            *p <= self.plan.alpha || self.is_equivalent(&pair.differences, boundary)
        };
        if !pairs.is_empty() && decisive.all(is_decided) {
            return Next::Stop;
        }
        Next::MoreBlocks(later - done)
    }

    /// For each variant but the baseline, every metric. A variant that a block does not have is
    /// without a value there. Between two looks of the plan nothing is claimed.
    pub fn estimates(&self, blocks: &[Block]) -> Vec<Vec<Estimate>> {
        let done = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        let boundary = self.looks.at(done);
        let pairs = self.pairs(blocks, boundary);
        let adjusted = self.adjusted(&pairs);
        let estimates: Vec<Estimate> = pairs
            .iter()
            .zip(adjusted)
            .map(|(pair, p)| self.estimate(pair, p, boundary))
            .collect();
        let of_variant = estimates.chunks(self.metrics.len().max(1));
        of_variant.map(<[Estimate]>::to_vec).collect()
    }

    /// By variant, then by metric.
    fn pairs(&self, blocks: &[Block], boundary: &Boundary) -> Vec<Paired> {
        let variants = blocks.iter().map(|block| block.values.len()).max();
        let variants = 1..variants.unwrap_or(0);
        let mut scratch = Vec::new();
        let mut pair = |variant: usize, metric: usize| {
            let ratios = blocks.iter();
            let least = self.metrics[metric].least;
            let ratios = ratios.filter_map(|block| block.log_ratio(variant, metric, least));
            let differences: Vec<f64> = ratios.collect();
            let p = SignedRank::of(&differences).p();
            Paired {
                metric,
                centre: (!differences.is_empty())
                    .then(|| hodges_lehmann(&differences, &mut scratch)),
                p,
                level: boundary.over_all_looks(p),
                differences,
            }
        };
        variants
            .flat_map(|variant| (0..self.metrics.len()).map(move |metric| (variant, metric)))
            .map(|(variant, metric)| pair(variant, metric))
            .collect()
    }

    /// Holm among the gates, Benjamini-Hochberg among the others.
    fn adjusted(&self, pairs: &[Paired]) -> Vec<f64> {
        let mut adjusted = vec![1.0; pairs.len()];
        for (role, correct) in [
            (Role::Gate, holm as fn(&[f64]) -> Vec<f64>),
            (Role::Report, benjamini_hochberg),
        ] {
            let family: Vec<usize> = (0..pairs.len())
                .filter(|&at| self.metrics[pairs[at].metric].role == role)
                .collect();
            let levels: Vec<f64> = family.iter().map(|&at| pairs[at].level).collect();
            for (at, level) in family.into_iter().zip(correct(&levels)) {
                adjusted[at] = level;
            }
        }
        adjusted
    }

    /// Two one-sided tests, each at alpha over all looks. Not corrected for the number of metrics: that
    /// all of some are equivalent is claimed only if each is (Berger 1982, Technometrics 24).
    fn is_equivalent(&self, differences: &[f64], boundary: &Boundary) -> bool {
        let margin = (1.0 + self.plan.margin).ln();
        let shifted = |by: f64| -> Vec<f64> { differences.iter().map(|it| it + by).collect() };
        let not_below = SignedRank::of(&shifted(margin)).above;
        let not_above = SignedRank::of(&shifted(-margin)).below;
        let one_sided = not_below.max(not_above);
        // The boundary is two-sided, with half of its level on either side.
        boundary.over_all_looks((2.0 * one_sided).min(1.0)) <= 2.0 * self.plan.alpha
    }

    fn estimate(&self, pair: &Paired, p_adjusted: f64, boundary: &Boundary) -> Estimate {
        let metric = &self.metrics[pair.metric];
        let verdict = self.verdict(pair, p_adjusted, boundary);
        let bootstrap = Bootstrap {
            seed: self.plan.seed,
            resamples: self.plan.resamples,
        };
        let mut scratch = Vec::new();
        let centre = |differences: &[f64]| hodges_lehmann(differences, &mut scratch);
        let interval = bootstrap.bca(&pair.differences, CONFIDENCE, centre);
        let estimate = Estimate {
            metric: metric.name.clone(),
            pairs: u32::try_from(pair.differences.len()).unwrap_or(u32::MAX),
            ratio: pair.centre.map(f64::exp),
            low: interval.map(|(low, _)| low.exp()),
            high: interval.map(|(_, high)| high.exp()),
            cv: cv(&pair.differences),
            p: pair.p,
            p_adjusted,
            verdict,
            beyond_floor: false,
        };
        Estimate {
            beyond_floor: estimate.is_beyond(metric.floor),
            ..estimate
        }
    }

    fn verdict(&self, pair: &Paired, p_adjusted: f64, boundary: &Boundary) -> Verdict {
        let centre = pair.centre.unwrap_or(0.0);
        if p_adjusted <= self.plan.alpha && centre != 0.0 {
            let is_higher = centre > 0.0;
            return match self.metrics[pair.metric].better {
                Direction::Higher if is_higher => Verdict::Better,
                Direction::Lower if !is_higher => Verdict::Better,
                Direction::Higher | Direction::Lower => Verdict::Worse,
            };
        }
        if self.is_equivalent(&pair.differences, boundary) {
            return Verdict::Equivalent;
        }
        Verdict::Inconclusive {
            more_blocks: self.more_blocks(pair),
        }
    }

    /// Until the difference, or the equivalence, would be found: whichever comes first.
    fn more_blocks(&self, pair: &Paired) -> Option<u32> {
        let cv = cv(&pair.differences)?;
        let effect = pair.centre?.abs().exp() - 1.0;
        let difference = blocks_needed(cv, effect, POWER);
        let equivalence = blocks_for_equivalence(cv, self.plan.margin, effect, POWER);
        let needed = difference.into_iter().chain(equivalence).min()?;
        let done = u32::try_from(pair.differences.len()).unwrap_or(u32::MAX);
        Some(needed.saturating_sub(done).max(1))
    }
}

/// Of one of the two values whose ratios have these logarithms, if both vary alike.
fn cv(differences: &[f64]) -> Option<f64> {
    let count = differences.len() as f64;
    if differences.len() < 3 {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|it| (it - mean).powi(2)).sum();
    let of_logarithm = squares / (count - 1.0) / 2.0;
    Some(of_logarithm.exp_m1().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metric(name: &str, better: Direction, role: Role) -> Metric {
        Metric {
            name: name.to_owned(),
            better,
            role,
            floor: 0.02,
            least: 0.001,
        }
    }

    fn metrics() -> Vec<Metric> {
        vec![
            metric("throughput", Direction::Higher, Role::Gate),
            metric("response p99", Direction::Lower, Role::Report),
        ]
    }

    /// The variant's ratio varies by up to 1 % around the given ones.
    fn blocks(count: u32, throughput: f64, latency: f64) -> Vec<Block> {
        let block = |index: u32| {
            let wobble = 1.0 + (f64::from(index * 7 % 10) - 4.5) / 450.0;
            let of = |ratio: f64| Some(ratio * wobble * 100.0);
            Block {
                values: vec![vec![Some(100.0); 2], vec![of(throughput), of(latency)]],
            }
        };
        (0..count).map(block).collect()
    }

    #[test]
    fn better_is_more_throughput_and_less_latency() {
        let comparison = Comparison::new(Plan::default(), metrics());
        let found = comparison.estimates(&blocks(12, 1.5, 1.3));
        let verdicts: Vec<_> = found[0].iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, [Verdict::Better, Verdict::Worse]);
        assert!(found[0].iter().all(|it| it.beyond_floor && it.pairs == 12));
        let throughput = &found[0][0];
        assert!((throughput.ratio.unwrap() - 1.5).abs() < 0.01);
        assert!(throughput.low.unwrap() < throughput.ratio.unwrap());
        let found = comparison.estimates(&blocks(12, 0.5, 0.7));
        let verdicts: Vec<_> = found[0].iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, [Verdict::Worse, Verdict::Better]);
    }

    #[test]
    fn a_sure_but_small_difference_is_not_beyond_the_floor() {
        let comparison = Comparison::new(Plan::default(), metrics());
        let found = &comparison.estimates(&blocks(24, 1.015, 1.0))[0];
        assert_eq!(
            (found[0].verdict, found[0].beyond_floor),
            (Verdict::Better, false)
        );
        assert_eq!(found[1].verdict, Verdict::Equivalent);
    }

    #[test]
    fn eight_blocks_claim_nothing_unless_they_are_all_there_will_be() {
        let eight = blocks(8, 2.0, 1.0);
        let looks = Comparison::new(Plan::default(), metrics());
        assert!(matches!(
            looks.estimates(&eight)[0][0].verdict,
            Verdict::Inconclusive { .. }
        ));
        assert_eq!(looks.next(&eight), Next::MoreBlocks(4));
        assert_eq!(looks.next(&blocks(12, 2.0, 1.0)), Next::Stop);
        let plan = Plan {
            most_blocks: 8,
            ..Plan::default()
        };
        let once = Comparison::new(plan, metrics());
        assert_eq!(once.estimates(&eight)[0][0].verdict, Verdict::Better);
        assert_eq!(once.next(&eight[..5]), Next::MoreBlocks(3));
        assert_eq!(once.next(&eight), Next::Stop);
    }

    #[test]
    fn missing_values_leave_a_pair_out_and_nothing_is_claimed_of_nothing() {
        let comparison = Comparison::new(Plan::default(), metrics());
        let mut some = blocks(24, 1.5, 1.0);
        some.iter_mut().for_each(|block| block.values[1][1] = None);
        some[3].values[0][0] = Some(-1.0);
        let found = &comparison.estimates(&some)[0];
        assert_eq!((found[0].pairs, found[1].pairs), (23, 0));
        assert_eq!(
            (found[1].ratio, found[1].low, found[1].p),
            (None, None, 1.0)
        );
        let nothing = Verdict::Inconclusive { more_blocks: None };
        assert_eq!(found[1].verdict, nothing);
        assert!(comparison.estimates(&[]).is_empty());
    }

    #[test]
    fn what_went_down_to_nothing_is_a_difference_and_no_gap() {
        let comparison = Comparison::new(Plan::default(), metrics());
        let mut gone = blocks(12, 1.0, 1.0);
        for block in &mut gone {
            block.values[1] = vec![Some(0.0), Some(0.0)];
        }
        let found = &comparison.estimates(&gone)[0];
        let verdicts: Vec<_> = found.iter().map(|it| (it.verdict, it.pairs)).collect();
        assert_eq!(verdicts, [(Verdict::Worse, 12), (Verdict::Better, 12)]);
        // Nothing on either side is the same.
        for block in &mut gone {
            block.values[0] = vec![Some(0.0), Some(0.0)];
        }
        let found = &comparison.estimates(&gone)[0];
        assert!(
            found
                .iter()
                .all(|it| it.verdict == Verdict::Equivalent && it.ratio == Some(1.0))
        );
    }

    #[test]
    fn nothing_is_claimed_between_two_looks() {
        let comparison = Comparison::new(Plan::default(), metrics());
        for count in [3, 13, 15] {
            let found = &comparison.estimates(&blocks(count, 1.5, 0.5))[0];
            let is_open = |it: &Estimate| matches!(it.verdict, Verdict::Inconclusive { .. });
            assert!(found.iter().all(is_open) && found[0].low.unwrap() > 1.4);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn any_values_give_an_end(
            values in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(prop::option::of(any::<f64>()), 0..3), 0..4), 0..30
            )
        ) {
            let plan = Plan { resamples: 50, ..Plan::default() };
            let comparison = Comparison::new(plan, metrics());
            let blocks: Vec<Block> = values.into_iter().map(|values| Block { values }).collect();
            let done = blocks.len();
            match comparison.next(&blocks) {
                Next::MoreBlocks(more) => prop_assert!(more > 0 && done + more as usize <= 24),
                Next::Stop => prop_assert!(done >= 8),
            }
            for found in comparison.estimates(&blocks).concat() {
                prop_assert!((0.0..=1.0).contains(&found.p) && found.p <= found.p_adjusted && found.p_adjusted <= 1.0);
            }
        }
    }
}
