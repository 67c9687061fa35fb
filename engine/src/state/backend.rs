//! An operator subtask's hold on its states: where they are opened, and what frames each run of rows
//! that touches them.

mod checkpoint;

use std::sync::Arc;

use super::StateError;
use super::clock::RunClock;
use super::heap::gauge::HeapGauge;
use super::probe::StateProbe;
use super::rocksdb::meter::BlockCounts;
use super::rocksdb::probe::{RocksDbProbe, Throttle};
use super::rocksdb::store::SharedStore;
use super::saved::OpenedStates;
use crate::subtask::Slice;

/// An operator subtask's hold on its states.
#[derive(Default)]
pub(crate) struct KeyedBackend {
    clock: RunClock,
    gauges: Arc<[HeapGauge]>,
    store: Option<RocksDbStore>,
    opened: OpenedStates,
}

struct RocksDbStore {
    store: SharedStore,
    probe: Arc<RocksDbProbe>,
    throttle: Option<Throttle>,
    throttles: u64,
}

/// A run of rows under way. Belongs to its thread.
pub(crate) struct Run {
    blocks: Option<BlockCounts>,
    wall_before_ns: u64,
    cpu_before_ns: u64,
    accesses_before: u64,
}

impl KeyedBackend {
    pub(crate) fn new(
        clock: RunClock,
        store: Option<SharedStore>,
        gauges: Vec<HeapGauge>,
        opened: OpenedStates,
    ) -> Self {
        let store = store.map(|store| {
            let probe = store.lock().probe();
            RocksDbStore {
                store,
                probe,
                throttle: None,
                throttles: 0,
            }
        });
        KeyedBackend {
            clock,
            gauges: gauges.into(),
            store,
            opened,
        }
    }

    pub(crate) fn set_time(&self, now_ms: u64) {
        self.clock.set(now_ms);
    }

    /// States have been touched outside of a job's time.
    pub(crate) fn settle(&mut self) -> Result<(), StateError> {
        if let Some(RocksDbStore { store, probe, .. }) = &mut self.store {
            let mut store = store.lock();
            store.end_run()?;
            store.tell();
            probe.calls.forget();
        }
        Ok(())
    }

    /// What others may see of it, if there is any state.
    pub(crate) fn probe(&self) -> Option<StateProbe> {
        if let Some(store) = &self.store {
            return Some(StateProbe::RocksDb(Arc::clone(&store.probe)));
        }
        let gauges = Arc::clone(&self.gauges);
        (!gauges.is_empty()).then_some(StateProbe::Heap(gauges))
    }

    /// Job time at which a run has to begin even without rows, if at all: a fault is over then.
    pub(crate) fn due_ns(&self) -> Option<u64> {
        let throttle = self.store.as_ref()?.throttle?;
        Some(throttle.until_ns)
    }

    /// States are about to be touched, at the job time of the slice.
    #[inline]
    pub(crate) fn begin(&mut self, slice: &Slice<'_>) -> Result<Run, StateError> {
        self.set_time(slice.now_ns / 1_000_000);
        let mut run = Run {
            blocks: None,
            wall_before_ns: 0,
            cpu_before_ns: 0,
            accesses_before: 0,
        };
        if let Some(store) = &mut self.store {
            store.begin(&mut run, slice)?;
        }
        Ok(run)
    }

    /// The run is over; `rows` is what it took in.
    #[inline]
    pub(crate) fn end(
        &mut self,
        run: Run,
        rows: usize,
        slice: &mut Slice<'_>,
    ) -> Result<(), StateError> {
        match &mut self.store {
            None => slice.state.accesses += rows as u64,
            Some(store) => store.end(run, slice)?,
        }
        Ok(())
    }
}

impl RocksDbStore {
    fn begin(&mut self, run: &mut Run, slice: &Slice<'_>) -> Result<(), StateError> {
        let meter = *self.store.lock().meter();
        run.wall_before_ns = meter.wall_ns();
        run.cpu_before_ns = meter.cpu_ns;
        run.accesses_before = meter.reads + meter.writes;
        self.obey_throttle(slice)?;
        run.blocks = Some(BlockCounts::begin());
        Ok(())
    }

    fn end(&mut self, run: Run, slice: &mut Slice<'_>) -> Result<(), StateError> {
        let mut store = self.store.lock();
        store.end_run()?;
        let meter = store.meter();
        if let Some(blocks) = run.blocks {
            blocks.add_to(meter);
        }
        slice.state.wall_ns += meter.wall_ns() - run.wall_before_ns;
        slice.state.cpu_ns += meter.cpu_ns - run.cpu_before_ns;
        slice.state.accesses += meter.reads + meter.writes - run.accesses_before;
        store.tell();
        Ok(())
    }

    /// A disk that is ordered to be slower becomes so, and fast again, between two runs.
    fn obey_throttle(&mut self, slice: &Slice<'_>) -> Result<(), StateError> {
        let ordered = self.probe.ordered_throttle(&mut self.throttles);
        if let Some(throttle) = ordered.filter(|it| it.until_ns > slice.now_ns) {
            self.store.lock().limit_rate(Some(throttle.rate_per_s))?;
            self.throttle = Some(throttle);
            slice.event("throttle-disk");
        }
        if self.throttle.is_some_and(|it| it.until_ns <= slice.now_ns) {
            self.throttle = None;
            let mut store = self.store.lock();
            let configured = store.configured_rate_per_s();
            store.limit_rate(configured)?;
            slice.event("throttle-disk-end");
        }
        Ok(())
    }
}
