//! The state of an operator subtask as others see it, wherever it is kept.

use std::sync::Arc;

use super::heap::gauge::HeapGauge;
use super::rocksdb::calls::UnbookedCalls;
use super::rocksdb::probe::RocksDbProbe;
use super::snapshot::StateSnapshot;

/// The state of an operator subtask as others see it.
#[derive(Clone)]
pub(crate) enum StateProbe {
    /// One gauge per state.
    Heap(Arc<[HeapGauge]>),
    RocksDb(Arc<RocksDbProbe>),
}

impl StateProbe {
    /// Adds what there is to a snapshot.
    pub(crate) fn read(&self, into: &mut StateSnapshot) {
        match self {
            StateProbe::Heap(gauges) => {
                for gauge in gauges.iter() {
                    let (entries, bytes) = gauge.read();
                    into.entries += entries;
                    into.bytes += bytes;
                    let [reads, writes] = gauge.timings();
                    into.read_samples += reads.0;
                    into.read_ns += reads.1;
                    into.write_samples += writes.0;
                    into.write_ns += writes.1;
                }
            }
            StateProbe::RocksDb(probe) => probe.read(into),
        }
    }

    /// Calls of a database that are not in the account of time yet.
    pub(crate) fn unbooked(&self) -> Option<&UnbookedCalls> {
        self.rocksdb().map(|probe| &probe.calls)
    }

    /// The database, if it is in one.
    pub(crate) fn rocksdb(&self) -> Option<&RocksDbProbe> {
        match self {
            StateProbe::Heap(_) => None,
            StateProbe::RocksDb(probe) => Some(probe),
        }
    }
}
