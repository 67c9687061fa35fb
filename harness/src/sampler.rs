//! The sampler: one [`Sample`] of everything at every tick, on a thread of its own.
//!
//! It only reads and forwards. Ticks are absolute, so that a late sample does not move the next
//! one; counters are cumulative, so that a missed one loses no more than resolution. Where samples
//! go and what they mean is decided behind the channel.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reports::WarmUp;
use reports::record::{
    CheckpointOutcome, EventRow, KeyRow, OutcomeRow, Series, TimelineRow, event_kind,
};
use workloads::Progress;

use crate::calibration;
use crate::clock;
use crate::environment::Surroundings;
use crate::latency::{Histograms, Interval, Recorder};
use crate::live::{Monitor, Pulse};
use crate::process::{OwnCpu, OwnThread, resident_bytes};
use crate::target::{CheckpointRows, RunningJob, Snapshot};
use crate::ticks::Ticks;

/// A sample that comes later than this is reported: something stood still.
const PAUSE_NS: u64 = 250_000_000;
/// Time between two brief calibrations.
const CALIBRATION_NS: u64 = 5_000_000_000;
/// Time between two looks at the most frequent keys, and at what else the machine does.
const LOOK_AROUND_NS: u64 = 1_000_000_000;

/// Everything known about the run at one moment.
#[derive(Debug, Default)]
pub struct Sample {
    /// Job time of the sample before, in milliseconds: where this one's latencies begin.
    pub from_ms: u64,
    /// The job as a whole.
    pub timeline: TimelineRow,
    /// Its subtasks and channels.
    pub snapshot: Snapshot,
    /// The most frequent keys, about once per second.
    pub keys: Vec<KeyRow>,
    /// Checkpoints that have ended since the sample before.
    pub checkpoints: CheckpointRows,
    /// What happened since the sample before.
    pub events: Vec<EventRow>,
    /// Latencies since the sample before.
    pub latency: Interval,
}

/// Events that the harness itself has to report; the sampler takes them along.
#[derive(Debug, Default)]
pub struct Events {
    waiting: Mutex<Vec<EventRow>>,
}

impl Events {
    /// Adds an event of the whole job.
    pub fn push(&self, now_ns: u64, kind: &str, text: String) {
        let event = EventRow {
            t_ms: milliseconds(now_ns),
            kind: kind.to_owned(),
            text,
            ..EventRow::default()
        };
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    fn take(&self, into: &mut Vec<EventRow>) {
        into.append(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What the sampler looks at.
pub struct Sampler {
    /// The job.
    pub job: Arc<dyn RunningJob>,
    /// What its sources have admitted.
    pub progress: Arc<Progress>,
    /// The latencies.
    pub recorder: Recorder,
    /// The harness's own events.
    pub events: Arc<Events>,
    /// CPU time of the harness's threads.
    pub own_cpu: Arc<OwnCpu>,
    /// When to sample.
    pub ticks: Ticks,
    /// Digests samples for the live line.
    pub monitor: Monitor,
    /// Where the newest digest is put.
    pub pulse: Arc<Mutex<Pulse>>,
    /// Takes the samples until the begin of the measured phase is decided.
    pub warm_up: Arc<Mutex<WarmUp>>,
    /// The calibration loop's time before the job started.
    pub first_calibration_ns: u64,
    /// Job time at which the run begins.
    pub from_ns: u64,
}

/// The channels between sampler and writer: full samples one way, used ones back.
pub struct Conveyor {
    /// Samples to be written; blocks while the writer is behind.
    pub full: SyncSender<Box<Sample>>,
    /// Samples whose buffers may be used again.
    pub used: Receiver<Box<Sample>>,
}

impl Sampler {
    /// Samples until told to stop (or until `stop`'s sender is gone), then once more. Ends early if
    /// nobody takes the samples any more.
    pub fn run(mut self, conveyor: &Conveyor, stop: &Receiver<()>) {
        let mut spare = Histograms::new();
        let mut calibration = Some(self.first_calibration_ns);
        let mut last_ms = milliseconds(self.from_ns);
        let [mut calibrated_ns, mut looked_ns, mut due_ns] = [self.from_ns; 3];
        loop {
            let stopped = self.wait_until(due_ns, stop);
            if stopped {
                calibration = Some(calibration::calibrate());
            }
            let mut sample = conveyor.used.try_recv().unwrap_or_default();
            sample.from_ms = last_ms;
            let now_ns = self.fill(&mut sample, due_ns, &mut spare);
            sample.timeline.calibration = calibration.take();
            sample.keys.clear();
            if stopped || self.ticks.is_boundary(due_ns) || now_ns >= looked_ns + LOOK_AROUND_NS {
                self.look_around(&mut sample);
                looked_ns = now_ns;
            }
            last_ms = sample.timeline.t_ms;
            self.publish(&sample);
            if conveyor.full.send(sample).is_err() || stopped {
                return;
            }
            if now_ns.saturating_sub(calibrated_ns) >= CALIBRATION_NS {
                calibration = Some(calibration::calibrate_briefly());
                calibrated_ns = now_ns;
            }
            self.own_cpu.publish(OwnThread::Sampler);
            due_ns = self.ticks.after(self.job.now_ns());
        }
    }

    /// Adds what is not looked at in every sample.
    fn look_around(&self, sample: &mut Sample) {
        self.job.top_keys(&mut sample.keys);
        let around = Surroundings::look();
        sample.timeline.others_cpu = around.others_cpu;
        sample.timeline.stolen_cpu = around.stolen_cpu;
        sample.timeline.memory_stall = around.memory_stall;
        sample.timeline.io_stall = around.io_stall;
    }

    /// Waits for the next tick; true if told to stop meanwhile.
    fn wait_until(&self, due_ns: u64, stop: &Receiver<()>) -> bool {
        loop {
            let left_ns = due_ns.saturating_sub(self.job.now_ns());
            if left_ns == 0 {
                return false;
            }
            match stop.recv_timeout(Duration::from_nanos(left_ns)) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Takes the sample and returns its time. What comes later in a record's life is read first, so
    /// that never more has arrived than was admitted, nor more been admitted than was due.
    fn fill(&self, sample: &mut Sample, due_ns: u64, spare: &mut Histograms) -> u64 {
        self.recorder.collect(&mut sample.latency, spare);
        let admitted = self.progress.admitted();
        let now_ns = self.job.now_ns();
        let offered = self.progress.scheduled(now_ns);
        self.job.snapshot(&mut sample.snapshot);
        sample.events.clear();
        self.events.take(&mut sample.events);
        self.job.take_events(&mut sample.events);
        sample.checkpoints.clear();
        self.job.take_checkpoints(&mut sample.checkpoints);
        let ended = sample.checkpoints.outcomes.iter();
        sample.events.extend(ended.map(checkpoint_event));
        if now_ns > due_ns + PAUSE_NS {
            sample.events.push(EventRow {
                t_ms: milliseconds(now_ns),
                kind: event_kind::PAUSE.to_owned(),
                text: format!("a sample came {} ms late", milliseconds(now_ns - due_ns)),
                ..EventRow::default()
            });
        }
        let response = |quantile| percentile(&sample.latency, Series::Response, quantile);
        sample.timeline = TimelineRow {
            t_ms: milliseconds(now_ns),
            offered,
            admitted,
            completed: sample.latency.arrived,
            backlog: offered.map(|offered| offered.saturating_sub(admitted)),
            response_p50_ns: response(0.5),
            response_p90_ns: response(0.9),
            response_p99_ns: response(0.99),
            response_p999_ns: response(0.999),
            response_max_ns: response(1.0),
            watermark_lag_ms: sample.snapshot.watermark_lag_ms,
            cpu: Some(seconds(clock::process_cpu_ns())),
            harness_cpu: Some(seconds(self.own_cpu.total_ns())),
            rss: resident_bytes(),
            calibration: None,
            service_p99_ns: percentile(&sample.latency, Series::Service, 0.99),
            ..TimelineRow::default()
        };
        now_ns
    }

    fn publish(&mut self, sample: &Sample) {
        if self.ticks.begin_ns().is_none() {
            let mut warm_up = self.warm_up.lock().unwrap_or_else(PoisonError::into_inner);
            warm_up.feed(&sample.timeline);
        }
        if let Some(pulse) = self.monitor.feed(sample) {
            *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = pulse;
        }
    }
}

/// For people who read what happened in one place.
fn checkpoint_event(ended: &OutcomeRow) -> EventRow {
    let number = ended.checkpoint;
    let (kind, text) = match ended.outcome {
        CheckpointOutcome::Complete => (event_kind::CHECKPOINT, format!("{number} is complete")),
        CheckpointOutcome::Final => {
            let text = format!("{number} is complete: the end of the job");
            (event_kind::CHECKPOINT, text)
        }
        CheckpointOutcome::Failed => {
            let text = format!("{number} was given up: {}", ended.reason);
            (event_kind::CHECKPOINT_FAILED, text)
        }
    };
    EventRow {
        t_ms: ended.t_ms,
        kind: kind.to_owned(),
        attempt: Some(ended.attempt),
        text,
        ..EventRow::default()
    }
}

fn percentile(latency: &Interval, series: Series, quantile: f64) -> Option<u64> {
    let histogram = latency.histograms.get(series);
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile))
}

/// Whole milliseconds of job time.
pub fn milliseconds(ns: u64) -> u64 {
    ns / 1_000_000
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
