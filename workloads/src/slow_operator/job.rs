//! The job of `slow-operator`, and its oracle.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Aggregate, AsyncOptions, JobGraph, Stream, SubtaskContext};

use super::cost::CostModel;
use super::event::{LineEvents, Record};
use super::operator::{AsyncCost, BlockingCost, CpuCost, Parse};
use super::spec::{CostKind, SlowOperatorSpec};
use crate::draw::mix;
use crate::jobs::{Built, Wiring};
use crate::verify::{Collected, Correctness, KeyedResult, Results, Tally, TallySink, Verifier};

/// Names of the operators; `fan-out` is there only if the fan-out is above 1.
pub const OPERATORS: &[&str] = &["source", "parse", "slow", "fan-out", "sum", "sink"];

/// The sum of a key so far.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunningSum {
    /// The key.
    pub key: u32,
    /// Records summed.
    pub count: u64,
    /// Sum of their values, modulo 2^64.
    pub sum: u64,
    /// Sum of a hash of their numbers, modulo 2^64: tells exactly which records were summed.
    pub fingerprint: u64,
}

impl RunningSum {
    fn new(key: u32) -> RunningSum {
        RunningSum {
            key,
            count: 0,
            sum: 0,
            fingerprint: 0,
        }
    }

    #[inline]
    fn add(&mut self, record: &Record) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(u64::from(record.value));
        self.fingerprint = self.fingerprint.wrapping_add(mix(record.id));
    }
}

impl KeyedResult for RunningSum {
    type Key = u32;

    fn key(&self) -> u32 {
        self.key
    }

    fn count(&self) -> u64 {
        self.count
    }
}

/// The aggregate `sum`.
#[derive(Debug, Clone, Copy)]
pub struct SumAggregate;

impl Aggregate<u32, Record> for SumAggregate {
    type Accumulator = (u64, u64, u64);
    type Out = RunningSum;

    fn create(&self) -> (u64, u64, u64) {
        (0, 0, 0)
    }

    #[inline]
    fn add(&self, (count, sum, fingerprint): &mut (u64, u64, u64), record: Record) {
        *count += 1;
        *sum = sum.wrapping_add(u64::from(record.value));
        *fingerprint = fingerprint.wrapping_add(mix(record.id));
    }

    #[inline]
    fn result(&self, &key: &u32, &(count, sum, fingerprint): &(u64, u64, u64)) -> RunningSum {
        RunningSum {
            key,
            count,
            sum,
            fingerprint,
        }
    }
}

/// Copy `copy` of the `fan_out` that come of a record: numbered through, spread over the keys.
#[inline]
fn copy_of(record: &Record, copy: u32, fan_out: u32, keys: u32) -> Record {
    Record {
        id: record
            .id
            .wrapping_mul(u64::from(fan_out))
            .wrapping_add(u64::from(copy)),
        key: ((u64::from(record.key) + u64::from(copy)) % u64::from(keys.max(1))) as u32,
        value: record.value,
    }
}

/// The job, with its sources and its verifier.
pub fn build(spec: &SlowOperatorSpec, wiring: Wiring<LineEvents>) -> Built {
    build_with(spec, wiring, |records| records)
}

/// As [`build`], with further operators between `parse` and `slow`. Whatever they do, the verifier expects that they
/// hand every record on once: so a test can show that it notices one which does not.
pub fn build_with(
    spec: &SlowOperatorSpec,
    wiring: Wiring<LineEvents>,
    between: impl FnOnce(Stream<Record>) -> Stream<Record>,
) -> Built {
    let graph = JobGraph::new("slow-operator");
    let parsed = wiring.source(&graph).operator("parse", |_| Parse);
    let slow = slow(between(parsed), spec, wiring.seed());
    let (fan_out, keys) = (spec.fan_out, spec.keys);
    let spread = if fan_out > 1 {
        slow.flat_map("fan-out", move |record: Record, out| {
            (0..fan_out).for_each(|copy| out.emit(copy_of(&record, copy, fan_out, keys)));
        })
    } else {
        slow
    };
    let collected = Collected::default();
    let (probes, leave) = (wiring.probes(), collected.clone());
    let sums = spread
        .key_by(|record: &Record| record.key)
        .aggregate("sum", SumAggregate);
    wiring.sink(sums, "sink", move |context| {
        TallySink::new(probes.sink(context.index), leave.of(context.index))
    });
    let (progress, alone) = (wiring.progress(), wiring.alone());
    let verifier = Box::new(SumVerifier {
        fan_out,
        keys,
        wiring,
        collected,
    });
    Built {
        graph,
        progress,
        verifier,
        alone,
    }
}

/// Adds the slow operator.
fn slow(records: Stream<Record>, spec: &SlowOperatorSpec, seed: u64) -> Stream<Record> {
    let (cost, slow_subtask) = (spec.cost.clone(), spec.slow_subtask);
    let model = move |context: &SubtaskContext| {
        let factor = slow_subtask
            .filter(|slow| slow.index == context.index)
            .map_or(1.0, |slow| slow.factor);
        CostModel::new(&cost, factor, seed)
    };
    let slow = match spec.cost.kind {
        CostKind::Cpu => records.operator("slow", move |context| CpuCost::new(model(context))),
        CostKind::Blocking => records
            .operator("slow", move |context| BlockingCost::new(model(context)))
            .blocking(),
        CostKind::Async => {
            let options = AsyncOptions {
                capacity: spec.async_calls.capacity,
                ordered: spec.async_calls.ordered,
            };
            records.async_io("slow", options, move |context| {
                let calls = AsyncCost::new(model(context));
                move |record| calls.call(record)
            })
        }
    };
    match spec.slow_parallelism {
        Some(parallelism) => slow.parallelism(parallelism),
        None => slow,
    }
}

struct SumVerifier {
    fan_out: u32,
    keys: u32,
    wiring: Wiring<LineEvents>,
    collected: Collected<RunningSum>,
}

impl SumVerifier {
    /// The oracle: the whole job as one loop.
    fn expected(&self, admitted_per_split: &[u64]) -> Tally<RunningSum> {
        let mut sums: rustc_hash::FxHashMap<u32, RunningSum> = rustc_hash::FxHashMap::default();
        let mut tally = Tally::default();
        for id in self.wiring.admitted(admitted_per_split) {
            let record = self.wiring.events().record(id);
            for copy in 0..self.fan_out {
                let record = copy_of(&record, copy, self.fan_out, self.keys);
                let sum = sums
                    .entry(record.key)
                    .or_insert_with(|| RunningSum::new(record.key));
                sum.add(&record);
                tally.add(sum.clone());
            }
        }
        tally
    }
}

impl Verifier for SumVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        self.expected(admitted_per_split)
            .compare(&self.collected.total())
    }

    fn results(&self) -> Results {
        let total = self.collected.total();
        let row = |sum: &RunningSum| {
            vec![
                sum.key.to_string(),
                sum.count.to_string(),
                sum.sum.to_string(),
            ]
        };
        Results {
            header: vec!["key", "count", "sum"],
            rows: total.finals().into_values().map(row).collect(),
        }
    }
}
