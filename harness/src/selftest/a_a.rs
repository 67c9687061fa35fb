//! A/A: a comparison of a job with itself claims no difference, though it would have seen a large one.

use std::time::Duration;

use reports::compared::{metrics, values};
use reports::comparison::{Block, Comparison, Estimate, Plan};
use reports::record::{Finding, FindingUnit};

use super::{Claim, Measured, Subject};

/// As few as can show a difference at all: with six the smallest p is 1 in 32.
const BLOCKS: u32 = 6;
/// Both variants are the same; the names are only where they stand in the comparison.
const VARIANTS: [&str; 2] = ["one", "same"];
/// Upper over lower end of the interval of the ratio. Around a ratio of 1.3 one narrower than 1.3 x 1.3 leaves out 1;
/// were it much wider, nothing would ever be claimed.
const WIDEST: f64 = 1.5;

/// The claim, each of its twelve runs measured for so long.
pub fn claim(duration: Duration) -> Claim {
    let scenario = format!(
        "[workload]
kind = 'slow-operator'
cost = {{ kind = 'cpu', mean = '100us' }}
slow_parallelism = 1
[load]
shape = {{ kind = 'max' }}
[job]
parallelism = 1
chaining = false
channels = {{ batch = 16 }}
[measure]
warmup = '200ms'
duration = '{}ms'
interval = '50ms'
",
        duration.as_millis()
    );
    let subject = |(block, variant): (u32, usize)| {
        Subject::embedded(&format!("{block}-{}", VARIANTS[variant]), scenario.clone())
    };
    Claim {
        name: "a-a",
        about: "a job compared with itself in 6 interleaved blocks shows no difference in throughput, and an interval \
                that a difference of 30 % would not have hidden in; by chance one attempt in 32 claims one",
        subjects: order().map(subject).collect(),
        judge,
    }
}

fn plan() -> Plan {
    Plan {
        blocks: BLOCKS,
        most_blocks: BLOCKS,
        ..Plan::default()
    }
}

/// Block and variant of each run.
fn order() -> impl Iterator<Item = (u32, usize)> {
    (0..BLOCKS).flat_map(|block| {
        let order = plan().order(block, VARIANTS.len());
        order.into_iter().map(move |variant| (block, variant))
    })
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let found = estimate(records);
    let found = found.as_ref().filter(|it| it.pairs == BLOCKS);
    let width = found.and_then(|it| Some(it.high? / it.low?));
    // A difference is claimed at p <= alpha; p of six blocks goes in steps of 1 in 32.
    let alpha = plan().alpha;
    vec![
        Finding::new(
            "p of the difference in throughput",
            FindingUnit::Probability,
            found.map(|it| it.p_adjusted),
            (Some(alpha), None),
        ),
        Finding::new(
            "95 % interval of the ratio, upper over lower end",
            FindingUnit::Ratio,
            width,
            (None, Some(WIDEST)),
        ),
    ]
}

/// Of throughput, the first of all metrics and the one that decides.
fn estimate(records: &[Measured]) -> Option<Estimate> {
    let mut blocks = vec![
        Block {
            values: vec![vec![None]; VARIANTS.len()],
        };
        BLOCKS as usize
    ];
    for ((block, variant), record) in order().zip(records) {
        let throughput = record
            .conclusion()
            .and_then(|run| values(run).first().copied());
        blocks[block as usize].values[variant] = vec![throughput.flatten()];
    }
    let throughput = metrics().into_iter().take(1).collect();
    let estimates = Comparison::new(plan(), throughput).estimates(&blocks);
    estimates.into_iter().flatten().next()
}
