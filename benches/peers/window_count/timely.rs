//! The job on timely dataflow: its epochs are the windows, so that progress tells when one is
//! complete. Otherwise as the running count.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ::timely::container::CapacityContainerBuilder;
use ::timely::dataflow::channels::pact::{Exchange, Pipeline};
use ::timely::dataflow::operators::vec::Map;
use ::timely::dataflow::operators::{Capability, Input as _, Operator, Probe};
use ::timely::dataflow::{InputHandleVec, ProbeHandle, Scope};
use ::timely::synchronization::Barrier;
use ::timely::worker::Worker;
use rustc_hash::FxHashMap;

use super::{WINDOW_MS, WindowCount};
use crate::embedded::Digest;
use crate::events::{Event, Record, event, parse, route};
use crate::input::Input;
use crate::lap::{Lap, Run};
use crate::timely_workers;

/// Chunks after which a worker does what others sent to it.
const CHUNKS_PER_STEP: usize = 16;

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    timely_workers::run(input, parallelism, work)
}

/// One worker: builds the dataflow, feeds its chunks, and works until all is counted. It begins a
/// window when all workers have ended the one before the last, which bounds the memory.
fn work(worker: &mut Worker, input: &Input, lap: &Lap) {
    let (mut keys, probe) = (InputHandleVec::new(), ProbeHandle::new());
    let digest = Rc::new(Cell::new(0));
    worker.dataflow(|scope| build(scope, &mut keys, &probe, Rc::clone(&digest)));
    Barrier::new(worker).wait();

    lap.begin();
    let mut batch = Vec::new();
    let chunks = input.chunks(worker.index(), worker.peers());
    for (number, (first, chunk)) in chunks.enumerate() {
        let mut events = chunk.iter().zip(first..).peekable();
        while let Some(&(&key, index)) = events.peek() {
            let window = window_of(&event(index, key));
            if window != *keys.time() {
                keys.advance_to(window);
                let before = window.saturating_sub(1);
                worker.step_while(|| probe.less_than(&before));
            }
            let of_window = |(key, index): (&u64, usize)| event(index, *key);
            while let Some(next) = events.next_if(|&(&key, i)| window_of(&event(i, key)) == window)
            {
                batch.push(of_window(next));
            }
            keys.send_batch(&mut batch);
        }
        if (number + 1) % CHUNKS_PER_STEP == 0 {
            worker.step();
        }
    }
    keys.close();
    worker.step_while(|| !probe.done());
    lap.end(digest.get());
}

fn window_of(event: &Event) -> u64 {
    event.time_ns / (WINDOW_MS * 1_000_000)
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
        .unary_frontier(by_key, "count", |_capability, _info| {
            // Open windows, each with what allows to say its results.
            let mut open: BTreeMap<u64, (Capability<u64>, FxHashMap<u64, u64>)> = BTreeMap::new();
            move |(input, frontier), output| {
                input.for_each_stamp(|capability, batches| {
                    let Some(window) = capability.least().copied() else {
                        return;
                    };
                    let (_, counts) = open.entry(window).or_insert_with(|| {
                        (
                            capability.delayed(&window, output.output_index()),
                            FxHashMap::default(),
                        )
                    });
                    for Record { key, .. } in batches.flat_map(|records| records.drain(..)) {
                        *counts.entry(key).or_insert(0) += 1;
                    }
                });
                while let Some(first) = open.first_entry() {
                    let window = *first.key();
                    if frontier.less_equal(&window) {
                        break;
                    }
                    let (capability, counts) = first.remove();
                    let results = counts.into_iter();
                    let results = results.map(|(key, count)| WindowCount { key, window, count });
                    output.session(&capability).give_iterator(results);
                }
            }
        })
        // Nothing flows on; the output only lets the probe see progress.
        .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
            Pipeline,
            "sink",
            |_capability, _info| {
                move |input, _output| {
                    input.for_each(|_capability, results: &mut Vec<WindowCount>| {
                        let digests = results.drain(..).map(|result| result.digest());
                        digest.set(digests.fold(digest.get(), u64::wrapping_add));
                    });
                }
            },
        )
        .probe_with(probe);
}
