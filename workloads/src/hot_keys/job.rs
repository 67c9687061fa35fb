//! The job of `hot-keys`, and its oracle.

use engine::{JobGraph, Stream};
use rustc_hash::FxHashMap;

use super::aggregate::CostlyAggregate;
use super::event::HotKeyEvents;
use super::local::LocalAggregation;
use super::spec::HotKeysSpec;
use super::sums::{Contribution, RunningTotal, Sums};
use crate::jobs::{Built, Wiring};
use crate::slow_operator::{CostKind, Parse, Record};
use crate::verify::{Collected, Correctness, Results, Tally, TallySink, Verifier};

/// Names of the operators; `local` is there only with local aggregation, `salted` only with two phases of windows.
pub const OPERATORS: &[&str] = &["source", "parse", "local", "salted", "aggregate", "sink"];

/// The job, with its sources and its verifier.
pub fn build(spec: &HotKeysSpec, wiring: Wiring<HotKeyEvents>) -> Built {
    build_with(spec, wiring, |records| records)
}

/// As [`build`], with further operators behind `parse`. Whatever they do, the verifier expects that they hand every
/// record on once: so a test can show that it notices one which does not.
pub fn build_with(
    spec: &HotKeysSpec,
    wiring: Wiring<HotKeyEvents>,
    between: impl FnOnce(Stream<Record>) -> Stream<Record>,
) -> Built {
    let graph = JobGraph::new("hot-keys");
    let parsed = between(wiring.source(&graph).operator("parse", |_| Parse));
    let collected = Collected::default();
    match spec.local_aggregation {
        None => aggregate(parsed, spec, &wiring, &collected),
        Some(batch) => {
            let partial = parsed.operator("local", move |_| LocalAggregation::new(batch));
            aggregate(partial, spec, &wiring, &collected);
        }
    }
    let (progress, alone) = (wiring.progress(), wiring.alone());
    let verifier = Box::new(TotalVerifier { wiring, collected });
    Built {
        graph,
        progress,
        verifier,
        alone,
    }
}

/// Adds everything behind the exchange.
fn aggregate<T: Contribution>(
    rows: Stream<T>,
    spec: &HotKeysSpec,
    wiring: &Wiring<HotKeyEvents>,
    collected: &Collected<RunningTotal>,
) {
    let (cost, seed) = (spec.cost.clone(), wiring.seed());
    let blocking = cost.kind == CostKind::Blocking;
    let totals = rows
        .key_by(T::key)
        .process("aggregate", move |_| CostlyAggregate::new(&cost, seed));
    let totals = if blocking { totals.blocking() } else { totals };
    let (probes, leave) = (wiring.probes(), collected.clone());
    wiring.sink(totals, "sink", move |context| {
        TallySink::new(probes.sink(context.index), leave.of(context.index))
    });
}

struct TotalVerifier {
    wiring: Wiring<HotKeyEvents>,
    collected: Collected<RunningTotal>,
}

impl TotalVerifier {
    /// The oracle: the whole job as one loop. Local aggregation changes how often a key is updated, never its sums.
    fn expected(&self, admitted_per_split: &[u64]) -> Tally<RunningTotal> {
        let mut totals: FxHashMap<u32, RunningTotal> = FxHashMap::default();
        for (id, intended_ns) in self.wiring.admitted_at(admitted_per_split) {
            let record = self.wiring.events().record(id, intended_ns);
            totals
                .entry(record.key)
                .or_insert_with(|| RunningTotal::none(record.key))
                .update(&Sums::of(&record));
        }
        let mut tally = Tally::default();
        totals.into_values().for_each(|total| tally.add(total));
        tally
    }
}

impl Verifier for TotalVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        self.expected(admitted_per_split)
            .compare(&self.collected.total())
    }

    fn results(&self) -> Results {
        let total = self.collected.total();
        let row = |total: &RunningTotal| {
            vec![
                total.key.to_string(),
                total.sums.count.to_string(),
                total.sums.sum.to_string(),
            ]
        };
        Results {
            header: vec!["key", "count", "sum"],
            rows: total.finals().into_values().map(row).collect(),
        }
    }
}
