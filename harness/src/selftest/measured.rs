//! What judges read of a record, beyond what `run.json` says.

use std::path::Path;

use hdrhistogram::Histogram;
use reports::record::{
    Activity, EventRow, Phase, RecordError, Run, RunDir, Series, SubtaskRow, Summary, TimelineRow,
    histogram,
};

/// The record of one subject.
pub struct Measured {
    /// `None` of a subject that has no record.
    record: Option<RunDir>,
}

impl Measured {
    /// Opens a run directory.
    ///
    /// # Errors
    /// If it is none.
    pub fn open(directory: &Path) -> Result<Measured, RecordError> {
        RunDir::open(directory).map(|record| Measured {
            record: Some(record),
        })
    }

    #[cfg(test)]
    pub(super) fn nothing() -> Measured {
        Measured { record: None }
    }

    fn run(&self) -> Option<&Run> {
        self.record.as_ref()?.run()
    }

    /// The scenario as it was run.
    pub(super) fn scenario_toml(&self) -> Option<&str> {
        self.record.as_ref()?.scenario_toml()
    }

    pub(super) fn conclusion(&self) -> Option<&Run> {
        self.run()
    }

    pub(super) fn summary(&self) -> Option<&Summary> {
        self.run().map(|run| &run.summary)
    }

    /// The measured phase.
    fn phase(&self) -> Option<Phase> {
        self.run()?.measured
    }

    /// Its length in seconds.
    pub(super) fn seconds(&self) -> Option<f64> {
        let phase = self.phase()?;
        Some(phase.to_ms.checked_sub(phase.from_ms)? as f64 / 1e3)
    }

    /// A task's activity in the measured phase, by the id of its first operator.
    pub(super) fn task(&self, id: &str) -> Option<&Activity> {
        let task = self.run()?.operators.iter().find(|task| task.id == id)?;
        Some(&task.activity)
    }

    /// Seconds by which a subtask counter of nanoseconds grew in the measured phase, summed over the subtasks of one
    /// task or of all.
    pub(super) fn grown_s(
        &self,
        task: Option<&str>,
        counter: impl Fn(&SubtaskRow) -> Option<u64>,
    ) -> Option<f64> {
        let phase = self.phase()?;
        let rows = self.record.as_ref()?.rows::<SubtaskRow>();
        let grown = rows
            .filter(|row| task.is_none_or(|task| row.task == task))
            .map(|row| match row.t_ms {
                at if at == phase.from_ms => counter(&row).map(|ns| -(ns as f64)),
                at if at == phase.to_ms => counter(&row).map(|ns| ns as f64),
                _ => Some(0.0),
            });
        grown.sum::<Option<f64>>().map(|ns| ns / 1e9)
    }

    /// CPU seconds of the process in the measured phase without the harness's own threads, by the process's clock.
    pub(super) fn engine_cpu_s(&self) -> Option<f64> {
        let phase = self.phase()?;
        let at = |t_ms: u64| {
            let mut rows = self.record.as_ref()?.rows::<TimelineRow>();
            let row = rows.find(|row| row.t_ms == t_ms)?;
            Some(row.cpu? - row.harness_cpu?)
        };
        Some(at(phase.to_ms)? - at(phase.from_ms)?)
    }

    /// Job time of the first event of this kind, seconds.
    pub(super) fn event_s(&self, kind: &str) -> Option<f64> {
        let mut events = self.record.as_ref()?.rows::<EventRow>();
        let event = events.find(|event| event.kind == kind)?;
        Some(event.t_ms as f64 / 1e3)
    }

    /// Response times of the arrivals in the measured phase, nanoseconds.
    pub(super) fn response(&self) -> Option<Histogram<u64>> {
        let phase = self.phase()?;
        let mut total = histogram();
        for interval in self.record.as_ref()?.latency() {
            if interval.series == Series::Response
                && interval.from_ms >= phase.from_ms
                && interval.to_ms <= phase.to_ms
            {
                interval.add_to(&mut total)?;
            }
        }
        Some(total)
    }
}
