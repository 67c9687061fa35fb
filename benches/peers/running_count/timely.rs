//! The job on timely dataflow, one worker per degree of parallelism.
//!
//! The dataflow has the operators of the engine's job: a map, a count behind an exchange by key, a
//! sink. With the map done by hand while batches are filled, outside of the dataflow, timely takes
//! about half as much again: the skeleton and the fused loop stand for jobs written so. A worker begins
//! an epoch when all workers have ended the one before the last two: that bounds the memory, as
//! credits do in the engine.

use std::cell::Cell;
use std::rc::Rc;

use ::timely::container::CapacityContainerBuilder;
use ::timely::dataflow::channels::pact::{Exchange, Pipeline};
use ::timely::dataflow::operators::vec::Map;
use ::timely::dataflow::operators::{Input as _, Operator, Probe};
use ::timely::dataflow::{InputHandleVec, ProbeHandle, Scope};
use ::timely::synchronization::Barrier;
use ::timely::worker::Worker;
use rustc_hash::FxHashMap;

use super::Count;
use crate::embedded::Digest;
use crate::events::{Event, Record, event, parse, route};
use crate::input::Input;
use crate::lap::{Lap, Run};
use crate::timely_workers;

/// Records that are handed over at once.
const BATCH: usize = 1_024;
/// Batches after which a worker does what others sent to it.
const BATCHES_PER_STEP: usize = 16;
/// Batches of one epoch of a worker. Epochs of 16, none ahead, took a fraction of the throughput on
/// a machine with other work to do, because workers wait for each other; longer ones gained nothing.
const BATCHES_PER_EPOCH: usize = 256;

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    timely_workers::run(input, parallelism, work)
}

/// One worker: builds the dataflow, feeds its share of the input, and works until all is counted.
fn work(worker: &mut Worker, input: &Input, lap: &Lap) {
    let (mut keys, probe) = (InputHandleVec::new(), ProbeHandle::new());
    let digest = Rc::new(Cell::new(0));
    worker.dataflow(|scope| build(scope, &mut keys, &probe, Rc::clone(&digest)));
    Barrier::new(worker).wait();

    lap.begin();
    let share = input.share(worker.index(), worker.peers());
    let mut batch = Vec::with_capacity(BATCH);
    let mut first = share.start;
    for (number, chunk) in input.keys[share].chunks(BATCH).enumerate() {
        let of_chunk = chunk.iter().enumerate();
        batch.extend(of_chunk.map(|(position, &key)| event(first + position, key)));
        first += chunk.len();
        keys.send_batch(&mut batch);
        if (number + 1) % BATCHES_PER_STEP == 0 {
            worker.step();
        }
        if (number + 1) % BATCHES_PER_EPOCH == 0 {
            let epoch = *keys.time();
            keys.advance_to(epoch + 1);
            let before = epoch.saturating_sub(1);
            worker.step_while(|| probe.less_than(&before));
        }
    }
    keys.close();
    worker.step_while(|| !probe.done());
    lap.end(digest.get());
}

fn build(
    scope: Scope<'_, u64>,
    keys: &mut InputHandleVec<u64, Event>,
    probe: &ProbeHandle<u64>,
    digest: Rc<Cell<u64>>,
) {
    let by_key = Exchange::new(|record: &Record| route(record.key));
    scope
        .input_from(keys)
        .map(parse)
        .unary(by_key, "count", |_capability, _info| {
            let mut counts: FxHashMap<u64, u64> = FxHashMap::default();
            move |input, output| {
                input.for_each(|capability, records| {
                    let mut session = output.session(&capability);
                    session.give_iterator(records.drain(..).map(|Record { key, .. }| {
                        let count = counts.entry(key).or_insert(0);
                        *count += 1;
                        Count { key, count: *count }
                    }));
                });
            }
        })
        // Nothing flows on; the output only lets the probe see progress.
        .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
            Pipeline,
            "sink",
            |_capability, _info| {
                move |input, _output| {
                    input.for_each(|_capability, results: &mut Vec<Count>| {
                        let digests = results.drain(..).map(|count| count.digest());
                        digest.set(digests.fold(digest.get(), u64::wrapping_add));
                    });
                }
            },
        )
        .probe_with(probe);
}
