//! The part of the recorder that some subtasks share: from one batch of tags to histogram counts.

use reports::record::Series;
use workloads::{TagRun, tag};

use super::Histograms;

/// Values below are not told apart: 1 us.
const LOWEST_NS: u64 = 1_000;
/// Values above are counted as this: 1 h.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Histograms since the last collection; counters since the start.
pub struct Shard {
    pub histograms: Histograms,
    pub arrived: u64,
    pub clipped: u64,
    pub negative: u64,
}

/// What a source's tag says at the moment of sending, in nanoseconds.
#[derive(Clone, Copy)]
pub struct Stamps {
    intended: u64,
    schedule_lag: u64,
    own_lag: u64,
    negative: bool,
}

impl Stamps {
    /// `None` for a record without a tag.
    pub fn of(tag: u64, now_ns: u64) -> Option<Self> {
        let (intended, own_lag) = tag::decode(tag)?;
        let schedule_lag = now_ns.saturating_sub(intended);
        // The tag rounds the own lag, at most by one part in 2,048: never above the whole lag.
        Some(Self {
            intended,
            schedule_lag,
            own_lag: own_lag.min(schedule_lag),
            negative: now_ns < intended,
        })
    }

    /// The tag that travels on: intended time and schedule lag.
    pub fn tag(&self) -> u64 {
        tag::encode(self.intended, self.schedule_lag)
    }
}

impl Shard {
    pub fn new() -> Self {
        Self {
            histograms: Histograms::new(),
            arrived: 0,
            clipped: 0,
            negative: 0,
        }
    }

    /// A source's batch was sent: records its lags and rewrites its tags.
    pub fn sent(&mut self, now_ns: u64, tags: &mut [u64]) {
        let mut schedule_lag = Run::new(Series::ScheduleLag);
        let mut engine_lag = Run::new(Series::EngineLag);
        let mut own_lag = Run::new(Series::OwnLag);
        for tag in tags {
            let Some(stamps) = Stamps::of(*tag, now_ns) else {
                continue;
            };
            *tag = stamps.tag();
            self.negative += u64::from(stamps.negative);
            schedule_lag.push(stamps.schedule_lag, 1, self);
            engine_lag.push(stamps.schedule_lag - stamps.own_lag, 1, self);
            own_lag.push(stamps.own_lag, 1, self);
        }
        schedule_lag.end(self);
        engine_lag.end(self);
        own_lag.end(self);
    }

    /// A batch arrived at a sink.
    pub fn arrived(&mut self, now_ns: u64, tags: &[TagRun], open_loop: bool) {
        let mut response = Run::new(Series::Response);
        let mut service = Run::new(Series::Service);
        for &TagRun { tag, rows } in tags {
            self.arrived += rows;
            let Some((intended, schedule_lag)) = tag::decode(tag) else {
                continue;
            };
            let since_intended = now_ns.saturating_sub(intended);
            self.negative += rows * u64::from(now_ns < intended);
            if open_loop {
                response.push(since_intended, rows, self);
            }
            // The tag rounds the lag, so that the shortest service times may come out a little below zero.
            let too_short = schedule_lag > since_intended + schedule_lag / 2_048 + 8;
            self.negative += rows * u64::from(too_short);
            service.push(since_intended.saturating_sub(schedule_lag), rows, self);
        }
        response.end(self);
        service.end(self);
    }

    /// The rows of the last batch stand for so many more records.
    pub fn merged(&mut self, records: u64) {
        self.arrived += records;
    }

    /// Counts `count` records of the same value.
    fn record(&mut self, series: Series, value_ns: u64, count: u64) {
        if value_ns > HIGHEST_NS {
            self.clipped += count;
        }
        self.histograms
            .get_mut(series)
            .saturating_record_n(value_ns.clamp(LOWEST_NS, HIGHEST_NS), count);
    }
}

/// Neighbours with the same value are counted in one go: many records of a batch share one.
struct Run {
    series: Series,
    value_ns: u64,
    count: u64,
}

impl Run {
    fn new(series: Series) -> Self {
        Self {
            series,
            value_ns: 0,
            count: 0,
        }
    }

    #[inline]
    fn push(&mut self, value_ns: u64, records: u64, shard: &mut Shard) {
        if value_ns != self.value_ns {
            self.end(shard);
            self.value_ns = value_ns;
        }
        self.count += records;
    }

    fn end(&mut self, shard: &mut Shard) {
        if self.count > 0 {
            shard.record(self.series, self.value_ns, self.count);
            self.count = 0;
        }
    }
}
