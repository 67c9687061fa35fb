//! Drives a core through a history and writes down what it does at every step.

use std::collections::HashMap;

use engine::{
    Aggregate, AggregatedThen, Batch, Firing, FiringTime, Row, TimeWindow, WindowAggregate,
    WindowCore, WindowOutput,
};

use crate::history::Step;

/// What a window says: which elements are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    pub key: u8,
    pub window: TimeWindow,
    pub time: FiringTime,
    pub ids: Vec<u64>,
}

impl Fired {
    pub fn new(key: u8, firing: &Firing, mut ids: Vec<u64>) -> Self {
        ids.sort_unstable();
        Fired {
            key,
            window: firing.window,
            time: firing.time,
            ids,
        }
    }
}

/// Keeps all ids; any loss or doubling shows.
pub struct Ids;

impl Aggregate<u8, u64> for Ids {
    type Accumulator = Vec<u64>;
    type Out = Vec<u64>;
    fn create(&self) -> Vec<u64> {
        Vec::new()
    }
    fn add(&self, accumulator: &mut Vec<u64>, value: u64) {
        accumulator.push(value);
    }
    fn result(&self, _key: &u8, accumulator: &Vec<u64>) -> Vec<u64> {
        accumulator.clone()
    }
}

impl WindowAggregate<u8, u64> for Ids {
    fn merge(&self, into: &mut Vec<u64>, other: &Vec<u64>) {
        into.extend_from_slice(other);
    }
}

type SayIds = fn(&u8, &Firing, Vec<u64>) -> Option<Fired>;

/// The contents with which cores are tested.
pub fn ids() -> AggregatedThen<Ids, SayIds> {
    AggregatedThen::new(Ids, |&key, firing, ids| Some(Fired::new(key, firing, ids)))
}

/// The tag of an element: not in the order of the ids, so that the maximum is no accident.
pub fn tag_of(id: u64) -> u64 {
    (id * 7919) % 104_729
}

/// What happened at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<Out = Fired, In = u64> {
    pub results: Vec<Row<Out>>,
    pub late: Vec<In>,
}

impl<Out: Clone, In: Clone> Outcome<Out, In> {
    fn new(results: &Batch<Out>, late: &Batch<In>) -> Self {
        Outcome {
            results: results.to_rows(),
            late: late.values().to_vec(),
        }
    }
}

/// What a core does at every step. Late elements are seen only with a side output; without, they
/// are told by the counter.
pub fn drive(
    core: &mut impl WindowCore<u8, u64, Out = Fired>,
    steps: &[Step],
    side_output: bool,
) -> Vec<Outcome> {
    drive_as(core, steps, side_output, |id| id)
}

/// The same for cores that want the ids as something else.
pub fn drive_as<In: Clone, Out: Clone>(
    core: &mut impl WindowCore<u8, In, Out = Out>,
    steps: &[Step],
    side_output: bool,
    value_of: impl Fn(u64) -> In,
) -> Vec<Outcome<Out, In>> {
    drive_from(core, 0, steps, side_output, value_of)
}

/// The same from a moment of processing time on.
pub fn drive_from<In: Clone, Out: Clone>(
    core: &mut impl WindowCore<u8, In, Out = Out>,
    mut now_ms: i64,
    steps: &[Step],
    side_output: bool,
    value_of: impl Fn(u64) -> In,
) -> Vec<Outcome<Out, In>> {
    let mut outcomes = Vec::new();
    for step in steps {
        let (mut results, mut late) = (Batch::default(), Batch::default());
        let dropped = core.counters().late_dropped;
        let mut out = WindowOutput {
            results: &mut results,
            late: side_output.then_some(&mut late),
        };
        match *step {
            Step::Element {
                key,
                timestamp_ms,
                id,
            } => {
                let row = Row {
                    tag: tag_of(id),
                    value: value_of(id),
                };
                core.element(&key, timestamp_ms, row, now_ms, &mut out);
                if core.counters().late_dropped > dropped {
                    late.push(Row {
                        tag: 0,
                        value: value_of(id),
                    });
                }
            }
            Step::Watermark(watermark_ms) => core.watermark(watermark_ms, now_ms, &mut out),
            Step::Clock(at_ms) => {
                now_ms = at_ms;
                let due = core
                    .next_processing_time_ms()
                    .is_some_and(|next| next <= now_ms);
                core.processing_time(now_ms, &mut out);
                assert!(due || results.is_empty(), "fired although nothing was due");
            }
        }
        outcomes.push(Outcome::new(&results, &late));
    }
    outcomes
}

/// The same with all elements between two watermarks in one call; everything it does, in order.
pub fn drive_in_batches(
    core: &mut impl WindowCore<u8, u64, Out = Fired>,
    steps: &[Step],
) -> Outcome {
    let known: HashMap<u64, (u8, i64)> = steps
        .iter()
        .filter_map(|step| match *step {
            Step::Element {
                key,
                timestamp_ms,
                id,
            } => Some((id, (key, timestamp_ms))),
            _ => None,
        })
        .collect();
    let (mut results, mut late) = (Batch::default(), Batch::default());
    let mut out = WindowOutput {
        results: &mut results,
        late: Some(&mut late),
    };
    for batch in steps.chunk_by(|_, next| matches!(next, Step::Element { .. })) {
        if let Step::Watermark(watermark_ms) = batch[0] {
            core.watermark(watermark_ms, 0, &mut out);
        }
        let mut rows = Batch::default();
        rows.extend(batch.iter().filter_map(|step| match *step {
            Step::Element { id, .. } => Some(Row {
                tag: tag_of(id),
                value: id,
            }),
            _ => None,
        }));
        let (key, time_ms) = (|id: &u64| known[id].0, |id: &u64| known[id].1);
        core.elements(rows.take_rows(), key, time_ms, 0, &mut out);
    }
    Outcome::new(&results, &late)
}

/// How many elements a history has.
pub fn elements(steps: &[Step]) -> u64 {
    steps
        .iter()
        .filter(|step| matches!(step, Step::Element { .. }))
        .count() as u64
}
