//! The windowed form of `hot-keys`: sums per key and window, in one phase or in two.
//!
//! In one phase all records of a key meet in one subtask, as without windows. In two, each key is divided into parts
//! at random; the parts are added up first, wherever they fall, and once per window the few sums of a key meet. This
//! needs windows: sums that run on for ever would have to be sent for every record.
//!
//! Records come in the order in which they happened, split by split, so none is late and every result is known.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{
    Firing, JobGraph, OwnsKey, Row, SplitWatermarkOptions, Stream, Tumbling, TumblingWindows,
    WindowContents, WindowCore, WindowCounters, WindowOutput, WindowStateError,
};
use rustc_hash::FxHashMap;

use super::event::HotKeyEvents;
use super::spec::HotKeysSpec;
use super::sums::{Contribution, Sums};
use crate::draw::{below, mix};
use crate::jobs::{Built, Wiring};
use crate::load::{Events, SourceWatermarks, WatermarkEmission};
use crate::slow_operator::{CostModel, CostSpec, CpuCost};
use crate::stamped::{EventClock, NS_PER_MS, ParseStamped, StampedLine, StampedRecord};
use crate::verify::{Collected, Correctness, KeyedResult, Results, Tally, TallySink, Verifier};

/// The records of `hot-keys`, stamped with their intended times, or by their numbers if there are none.
#[derive(Debug, Clone)]
pub struct StampedHotKeys {
    events: HotKeyEvents,
    clock: EventClock,
}

impl StampedHotKeys {
    /// Of a load with intended times, or with so many records per second of event time.
    pub fn new(events: HotKeyEvents, is_timed: bool, event_rate_per_s: f64) -> StampedHotKeys {
        StampedHotKeys {
            events,
            clock: EventClock::new(is_timed, event_rate_per_s),
        }
    }

    /// Record k, due at `intended_ns`, as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64, intended_ns: u64) -> StampedRecord {
        StampedRecord {
            event_time_ms: self.clock.ns(id, intended_ns) / NS_PER_MS,
            record: self.events.record(id, intended_ns),
        }
    }
}

impl Events for StampedHotKeys {
    type Out = StampedLine;

    #[inline]
    fn event(&self, record: u64) -> StampedLine {
        self.event_at(record, 0)
    }

    #[inline]
    fn event_at(&self, record: u64, intended_ns: u64) -> StampedLine {
        self.record(record, intended_ns).to_line()
    }

    #[inline]
    fn event_time_ms(&self, event: &StampedLine) -> Option<i64> {
        Some(event.event_time_ms)
    }
}

/// The sums of a key, or of a part of it, over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WindowTotal {
    /// The key.
    pub key: u32,
    /// The window's first millisecond.
    pub start_ms: i64,
    /// Sums of its records.
    pub sums: Sums,
}

impl KeyedResult for WindowTotal {
    type Key = (u32, i64);

    fn key(&self) -> (u32, i64) {
        (self.key, self.start_ms)
    }

    fn count(&self) -> u64 {
        self.sums.count
    }

    /// Each window says one thing of a key.
    fn updates(&self) -> u64 {
        1
    }

    fn added(&self) -> u64 {
        self.sums.count
    }
}

impl Contribution for StampedRecord {
    #[inline]
    fn key(&self) -> u32 {
        self.record.key
    }

    #[inline]
    fn number(&self) -> u64 {
        self.record.id
    }

    #[inline]
    fn sums(&self) -> Sums {
        Sums::of(&self.record)
    }
}

impl Contribution for WindowTotal {
    #[inline]
    fn key(&self) -> u32 {
        self.key
    }

    #[inline]
    fn number(&self) -> u64 {
        self.sums.fingerprint
    }

    #[inline]
    fn sums(&self) -> Sums {
        self.sums
    }
}

/// Sums of what a window of key `K` takes; `key` finds the record's key in it.
struct Summed<K> {
    key: fn(&K) -> u32,
}

impl<K, T: Contribution> WindowContents<K, T> for Summed<K> {
    type State = Sums;
    type Out = WindowTotal;
    type Fired = std::iter::Once<WindowTotal>;

    fn create(&self) -> Sums {
        Sums::default()
    }

    #[inline]
    fn add(&self, sums: &mut Sums, value: T) {
        sums.add(&value.sums());
    }

    fn merge(&self, into: &mut Sums, other: &Sums) {
        into.add(other);
    }

    fn fire(&mut self, key: &K, firing: &Firing, sums: &Sums) -> std::iter::Once<WindowTotal> {
        std::iter::once(WindowTotal {
            key: (self.key)(key),
            start_ms: firing.window.start_ms,
            sums: *sums,
        })
    }
}

/// Windows that compute for every row that they take, so that the subtask of a hot key shows as busy.
struct Costly<W> {
    core: W,
    cost: CpuCost,
}

impl<K, T: Contribution, W: WindowCore<K, T>> WindowCore<K, T> for Costly<W> {
    type Out = W::Out;

    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<T>,
        now_ms: i64,
        out: &mut WindowOutput<'_, W::Out, T>,
    ) {
        self.cost.compute(row.value.number());
        self.core.element(key, timestamp_ms, row, now_ms, out);
    }

    fn watermark(&mut self, watermark_ms: i64, now_ms: i64, out: &mut WindowOutput<'_, W::Out, T>) {
        self.core.watermark(watermark_ms, now_ms, out);
    }

    fn counters(&self) -> WindowCounters {
        self.core.counters()
    }

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        self.core.snapshot(bytes);
    }

    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        self.core.restore(parts, owns)
    }
}

/// The job, with its sources and its verifier.
pub fn build_windowed(spec: &HotKeysSpec, wiring: Wiring<StampedHotKeys>) -> Built {
    build_windowed_with(spec, wiring, |records| records)
}

/// As [`build_windowed`], with further operators behind `parse`, which hand every record on once.
pub fn build_windowed_with(
    spec: &HotKeysSpec,
    wiring: Wiring<StampedHotKeys>,
    between: impl FnOnce(Stream<StampedRecord>) -> Stream<StampedRecord>,
) -> Built {
    let graph = JobGraph::new("hot-keys");
    let wiring = wiring.with_watermarks(SourceWatermarks {
        splits: SplitWatermarkOptions::default(),
        emission: WatermarkEmission::PerPoll,
    });
    let parsed = between(wiring.source(&graph).operator("parse", |_| ParseStamped));
    let phases = Phases::new(spec, wiring.seed());
    let collected = Collected::default();
    let totals = match spec.salt {
        None => phases.by_key(parsed, |stamped| stamped.event_time_ms),
        Some(salt) => {
            let parts = phases.by_part(parsed, salt);
            // A part's sum belongs to the window that it is of: any moment of that will do.
            phases.by_key(parts, |part: &WindowTotal| part.start_ms)
        }
    };
    let (probes, leave) = (wiring.probes(), collected.clone());
    wiring.sink(totals, "sink", move |context| {
        TallySink::new(probes.sink(context.index), leave.of(context.index))
    });
    let (progress, alone) = (wiring.progress(), wiring.alone());
    let verifier = Box::new(WindowTotalVerifier {
        size_ms: phases.size_ms,
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

/// What both phases have in common.
struct Phases {
    size_ms: i64,
    windows: Tumbling,
    cost: CostSpec,
    seed: u64,
}

impl Phases {
    fn new(spec: &HotKeysSpec, seed: u64) -> Phases {
        let size_ms = spec.window.map_or(1, |size| size.as_millis().max(1) as i64);
        Phases {
            size_ms,
            windows: Tumbling::new(size_ms).expect("at least 1"),
            cost: spec.cost.clone(),
            seed,
        }
    }

    fn by_part(&self, records: Stream<StampedRecord>, salt: u32) -> Stream<WindowTotal> {
        let part = move |stamped: &StampedRecord| {
            let record = &stamped.record;
            (below(mix(record.id), salt), record.key)
        };
        let make = self.core(|&(_, key): &(u32, u32)| key);
        let keyed = records.key_by(part);
        keyed.window("salted", |stamped| stamped.event_time_ms, move |_| make())
    }

    fn by_key<T: Contribution>(
        &self,
        rows: Stream<T>,
        timestamp_ms: fn(&T) -> i64,
    ) -> Stream<WindowTotal> {
        let make = self.core(|&key: &u32| key);
        let keyed = rows.key_by(T::key);
        keyed.window("aggregate", timestamp_ms, move |_| make())
    }

    fn core<K: engine::Key, T: Contribution>(
        &self,
        key: fn(&K) -> u32,
    ) -> impl Fn() -> Costly<TumblingWindows<K, T, Summed<K>>> + use<K, T> {
        let (windows, cost, seed) = (self.windows, self.cost.clone(), self.seed);
        move || Costly {
            core: TumblingWindows::new(windows, Summed { key }, 0),
            cost: CpuCost::new(CostModel::new(&cost, 1.0, seed)),
        }
    }
}

struct WindowTotalVerifier {
    size_ms: i64,
    wiring: Wiring<StampedHotKeys>,
    collected: Collected<WindowTotal>,
}

impl WindowTotalVerifier {
    /// The oracle: the whole job as one loop. How many phases there are changes nothing.
    fn expected(&self, admitted_per_split: &[u64]) -> Tally<WindowTotal> {
        let mut totals: FxHashMap<(u32, i64), Sums> = FxHashMap::default();
        for (id, intended_ns) in self.wiring.admitted_at(admitted_per_split) {
            let stamped = self.wiring.events().record(id, intended_ns);
            let start_ms = stamped.event_time_ms - stamped.event_time_ms.rem_euclid(self.size_ms);
            let sums = totals.entry((stamped.record.key, start_ms)).or_default();
            sums.add(&Sums::of(&stamped.record));
        }
        let mut tally = Tally::default();
        for ((key, start_ms), sums) in totals {
            tally.add(WindowTotal {
                key,
                start_ms,
                sums,
            });
        }
        tally
    }
}

impl Verifier for WindowTotalVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let expected = self.expected(admitted_per_split);
        expected.compare(&self.collected.total())
    }

    fn results(&self) -> Results {
        let total = self.collected.total();
        let row = |total: &WindowTotal| {
            vec![
                total.key.to_string(),
                total.start_ms.to_string(),
                total.sums.count.to_string(),
                total.sums.sum.to_string(),
            ]
        };
        Results {
            header: vec!["key", "window_start_ms", "count", "sum"],
            rows: total.finals().into_values().map(row).collect(),
        }
    }
}
