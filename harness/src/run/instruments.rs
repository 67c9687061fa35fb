//! The harness's own threads during a run: the sampler, the writer, and what they share with the
//! thread that conducts.

use std::io;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use reports::WarmUp;
use reports::record::{Graph, RecordError, Writer};
use workloads::Progress;

use crate::calibration;
use crate::latency::Recorder;
use crate::live::{Monitor, Pulse};
use crate::process::{OwnCpu, OwnThread};
use crate::sampler::{Conveyor, Events, Sampler};
use crate::scenario::Scenario;
use crate::target::RunningJob;
use crate::ticks::Ticks;
use crate::writing::write_samples;

/// Samples that may wait for the writer.
const WAITING_SAMPLES: usize = 16;

/// What can be made before the job starts.
pub struct Ready {
    ticks: Ticks,
    monitor: Monitor,
    calibration_ns: u64,
}

/// The running threads.
pub struct Instruments {
    stop: Sender<()>,
    sampler: JoinHandle<()>,
    writer: JoinHandle<Result<(), RecordError>>,
    events: Arc<Events>,
    pulse: Arc<Mutex<Pulse>>,
    own_cpu: Arc<OwnCpu>,
    warm_up: Arc<Mutex<WarmUp>>,
    ticks: Ticks,
}

impl Instruments {
    /// Times the calibration loop while the machine is still quiet.
    pub fn prepare(graph: &Graph, scenario: &Scenario) -> Ready {
        let measure = &scenario.measure;
        Ready {
            ticks: Ticks::new(measure.planned_warmup(), measure.duration, measure.interval),
            monitor: Monitor::new(graph),
            calibration_ns: calibration::calibrate(),
        }
    }

    /// Adds an event to the record.
    pub fn event(&self, now_ns: u64, kind: &str, text: String) {
        self.events.push(now_ns, kind, text);
    }

    /// The newest digest of the samples.
    pub fn pulse(&self) -> Pulse {
        self.pulse
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// When samples are taken, and the measured phase begins.
    pub fn ticks(&self) -> Ticks {
        self.ticks.clone()
    }

    /// What was sampled before that was decided.
    pub fn warm_up(&self) -> WarmUp {
        self.warm_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the writer has given up.
    pub fn is_broken(&self) -> bool {
        self.writer.is_finished()
    }

    /// Counts the calling thread's CPU time as the harness's.
    pub fn count_own_cpu(&self) {
        self.own_cpu.publish(OwnThread::Control);
    }

    /// Takes the last sample, brings the record to the disk and ends the threads.
    pub fn finish(self) -> Result<(), RecordError> {
        // The sampler may have ended already because the writer did.
        let _ = self.stop.send(());
        let sampled = self.sampler.join();
        let written = self.writer.join();
        match (sampled, written) {
            (Ok(()), Ok(written)) => written,
            (Err(panic), _) | (_, Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Ready {
    /// Starts sampling and writing, of a run that begins at `from_ns` of job time.
    pub fn start(
        self,
        writer: Writer,
        job: &Arc<dyn RunningJob>,
        progress: &Arc<Progress>,
        recorder: &Recorder,
        from_ns: u64,
    ) -> io::Result<Instruments> {
        let (full, samples) = sync_channel(WAITING_SAMPLES);
        let (used, spare) = sync_channel(WAITING_SAMPLES);
        let (stop, stopped) = channel();
        let (events, pulse, own_cpu) = (Arc::default(), Arc::default(), Arc::default());
        let (warm_up, ticks) = (Arc::default(), self.ticks.clone());
        let sampler = Sampler {
            job: Arc::clone(job),
            progress: Arc::clone(progress),
            recorder: recorder.clone(),
            events: Arc::clone(&events),
            own_cpu: Arc::clone(&own_cpu),
            ticks: self.ticks,
            monitor: self.monitor,
            pulse: Arc::clone(&pulse),
            warm_up: Arc::clone(&warm_up),
            first_calibration_ns: self.calibration_ns,
            from_ns,
        };
        let conveyor = Conveyor { full, used: spare };
        let cpu = Arc::clone(&own_cpu);
        Ok(Instruments {
            stop,
            sampler: Builder::new()
                .name("sampler".into())
                .spawn(move || sampler.run(&conveyor, &stopped))?,
            writer: Builder::new()
                .name("writer".into())
                .spawn(move || write_samples(writer, &samples, &used, &cpu))?,
            events,
            pulse,
            own_cpu,
            warm_up,
            ticks,
        })
    }
}
