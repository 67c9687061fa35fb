//! The latency recorder: what happens to the tags that sources send and sinks receive.
//!
//! Response, service and schedule lag are measured from the intended time (METHODS, open-loop load
//! and latency): every record counts, nothing is corrected afterwards. Subtasks share a bounded
//! number of shards, each behind a mutex that is taken once per batch, so that ten thousand sinks
//! fit in memory. The sampler empties the shards once per interval.
//!
//! How a tag is coded is the business of `workloads::tag`; what the histograms mean, of `reports`.

mod histograms;
mod shard;

use std::sync::{Arc, Mutex, MutexGuard};

use engine::SentHook;
use workloads::{Probes, SinkProbe, TagRun, tag};

pub use histograms::Histograms;
use shard::{Shard, Stamps};

/// Most shards for the sources, and for the sinks. Two per core are enough to be met free, and each
/// is merged and emptied for every sample.
const MAX_SHARDS: usize = 8;

/// Records latencies; clones share the same histograms.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

struct Shared {
    /// Whether records have an intended time.
    open_loop: bool,
    sources: Vec<Mutex<Shard>>,
    sinks: Vec<Mutex<Shard>>,
}

/// What the shards held since they were last emptied, and counters since the start.
#[derive(Debug)]
pub struct Interval {
    /// The interval's histograms.
    pub histograms: Histograms,
    /// Records that arrived at sinks since the start.
    pub arrived: u64,
    /// Values above the histograms' range since the start; they count as its upper end.
    pub clipped: u64,
    /// Values below zero since the start: a broken clock or a broken tag. They count as the lower
    /// end of the range and make the run's correctness false.
    pub negative: u64,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            histograms: Histograms::new(),
            arrived: 0,
            clipped: 0,
            negative: 0,
        }
    }
}

impl Recorder {
    /// `open_loop` is false where records have no intended time: then only service times exist.
    pub fn new(open_loop: bool) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = (2 * cores).min(MAX_SHARDS);
        let shards = || (0..count).map(|_| Mutex::new(Shard::new())).collect();
        Self {
            shared: Arc::new(Shared {
                open_loop,
                sources: shards(),
                sinks: shards(),
            }),
        }
    }

    /// The hooks that the workloads build into sources and sinks.
    pub fn probes(&self) -> Arc<dyn Probes> {
        Arc::new(self.clone())
    }

    /// Moves what the shards hold into `interval`, replacing what that held. `spare` must be empty
    /// and is empty again afterwards: a shard is locked only while the two are exchanged.
    pub fn collect(&self, interval: &mut Interval, spare: &mut Histograms) {
        interval.histograms.clear();
        (interval.arrived, interval.clipped, interval.negative) = (0, 0, 0);
        for shard in self.shared.sources.iter().chain(&self.shared.sinks) {
            {
                let mut shard = lock(shard);
                interval.arrived += shard.arrived;
                interval.clipped += shard.clipped;
                interval.negative += shard.negative;
                if shard.histograms.is_empty() {
                    continue;
                }
                std::mem::swap(&mut shard.histograms, spare);
            }
            interval.histograms.add(spare);
            spare.clear();
        }
    }

    /// Values above and below the range since the start: (clipped, negative), as in [`Interval`].
    pub fn out_of_range(&self) -> (u64, u64) {
        let shards = self.shared.sources.iter().chain(&self.shared.sinks);
        shards.map(lock).fold((0, 0), |(clipped, negative), shard| {
            (clipped + shard.clipped, negative + shard.negative)
        })
    }
}

impl Probes for Recorder {
    fn source(&self, subtask: usize) -> Box<dyn SentHook> {
        Box::new(SourceProbe {
            recorder: self.clone(),
            shard: subtask % self.shared.sources.len(),
        })
    }

    fn sink(&self, subtask: usize) -> Box<dyn SinkProbe> {
        Box::new(ArrivalProbe {
            recorder: self.clone(),
            shard: subtask % self.shared.sinks.len(),
        })
    }
}

/// A shard stays consistent whatever a panicking holder did: it only counts.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

struct SourceProbe {
    recorder: Recorder,
    shard: usize,
}

impl SentHook for SourceProbe {
    /// Without an intended time a record's tag says when it was sent.
    fn common_tag(&mut self, now_ns: u64) -> Option<u64> {
        let closed_loop = !self.recorder.shared.open_loop;
        closed_loop.then(|| tag::encode(now_ns, 0))
    }

    fn sent(&mut self, now_ns: u64, tags: &mut [u64], first: bool) {
        let shared = &self.recorder.shared;
        if first {
            lock(&shared.sources[self.shard]).sent(now_ns, tags);
        } else {
            for tag in tags {
                *tag = Stamps::of(*tag, now_ns).map_or(0, |stamps| stamps.tag());
            }
        }
    }
}

struct ArrivalProbe {
    recorder: Recorder,
    shard: usize,
}

impl SinkProbe for ArrivalProbe {
    fn arrived(&mut self, now_ns: u64, tags: &[TagRun]) {
        let shared = &self.recorder.shared;
        lock(&shared.sinks[self.shard]).arrived(now_ns, tags, shared.open_loop);
    }

    fn merged(&mut self, records: u64) {
        lock(&self.recorder.shared.sinks[self.shard]).merged(records);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reports::record::Series;

    const SECOND: u64 = 1_000_000_000;

    fn runs(tags: &[u64]) -> Vec<TagRun> {
        let mut runs = Vec::new();
        TagRun::collect(tags.iter().copied(), &mut runs);
        runs
    }

    fn collected(recorder: &Recorder) -> Interval {
        let mut interval = Interval::default();
        recorder.collect(&mut interval, &mut Histograms::new());
        interval
    }

    proptest! {
        #[test]
        fn every_record_counts_once_in_every_series(
            records in prop::collection::vec((1..SECOND, 0..SECOND, 0..SECOND, 0..SECOND), 1..200),
            subtasks in 1usize..20,
        ) {
            let recorder = Recorder::new(true);
            let mut expected: u64 = 0;
            for (index, (intended, own, engine, service)) in records.iter().enumerate() {
                let sent_at = intended + own + engine;
                let mut tags = [tag::encode(*intended, *own); 3];
                recorder.source(index % subtasks).sent(sent_at, &mut tags, true);
                recorder.sink(index % subtasks).arrived(sent_at + service, &runs(&tags));
                expected += 3;
            }
            let interval = collected(&recorder);
            for series in Series::ALL {
                prop_assert_eq!(interval.histograms.get(series).len(), expected);
            }
            prop_assert_eq!((interval.arrived, interval.clipped, interval.negative), (expected, 0, 0));
            prop_assert!(collected(&recorder).histograms.is_empty());
        }

        #[test]
        fn response_is_the_sum_of_own_lag_engine_lag_and_service(
            intended in 1..SECOND, own in 0..SECOND, engine in 0..SECOND, service in 0..SECOND,
        ) {
            let recorder = Recorder::new(true);
            let sent_at = intended + own + engine;
            let mut tags = [tag::encode(intended, own)];
            recorder.source(0).sent(sent_at, &mut tags, true);
            recorder.sink(0).arrived(sent_at + service, &runs(&tags));
            let interval = collected(&recorder);
            let near = |series: Series, truth: u64| {
                let found = interval.histograms.get(series).max();
                // Three digits of the histogram, one part in 2,048 of the lag in the tag, 1 us at the bottom.
                found.abs_diff(truth) <= 2_000 + (own + engine + service) / 400
            };
            prop_assert!(near(Series::Response, own + engine + service));
            prop_assert!(near(Series::Service, service));
            prop_assert!(near(Series::ScheduleLag, own + engine));
            prop_assert!(near(Series::EngineLag, engine));
            prop_assert!(near(Series::OwnLag, own));
        }
    }

    #[test]
    fn closed_loop_knows_service_times_only() {
        let recorder = Recorder::new(false);
        let tag = recorder
            .source(0)
            .common_tag(SECOND)
            .expect("a closed loop");
        recorder
            .sink(3)
            .arrived(SECOND + 5_000_000, &runs(&[tag; 5]));
        let interval = collected(&recorder);
        assert_eq!(interval.histograms.get(Series::Service).len(), 5);
        assert!(
            interval
                .histograms
                .get(Series::Service)
                .max()
                .abs_diff(5_000_000)
                < 10_000
        );
        assert_eq!(interval.histograms.get(Series::Response).len(), 0);
        assert_eq!(interval.histograms.get(Series::ScheduleLag).len(), 0);
    }

    #[test]
    fn a_negative_latency_is_counted_and_not_dropped() {
        let recorder = Recorder::new(true);
        recorder
            .sink(0)
            .arrived(SECOND, &runs(&[tag::encode(2 * SECOND, 0)]));
        let interval = collected(&recorder);
        assert!(interval.negative > 0);
        assert_eq!(interval.histograms.get(Series::Response).len(), 1);
    }

    #[test]
    fn values_beyond_an_hour_are_clipped_and_counted() {
        let recorder = Recorder::new(true);
        let tags = [SECOND, 3 * SECOND].map(|intended| tag::encode(intended, 0));
        recorder.sink(0).arrived(3_602 * SECOND, &runs(&tags));
        let interval = collected(&recorder);
        assert_eq!(interval.histograms.get(Series::Response).len(), 2);
        assert_eq!((interval.clipped, interval.negative), (2, 0)); // response and service of the first
        assert_eq!(recorder.out_of_range(), (2, 0));
    }

    #[test]
    fn copies_over_further_edges_carry_the_lag_and_count_only_at_their_sinks() {
        let recorder = Recorder::new(true);
        let mut tags = [tag::encode(SECOND, 0)];
        recorder.source(0).sent(2 * SECOND, &mut tags, false);
        assert!(collected(&recorder).histograms.is_empty());
        recorder
            .sink(0)
            .arrived(2 * SECOND + 1_000_000, &runs(&tags));
        let service = collected(&recorder).histograms.get(Series::Service).max();
        assert!(service.abs_diff(1_000_000) < SECOND / 2_000, "{service}");
    }
}
